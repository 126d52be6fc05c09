"""Slack: a picture for the thread of a message, uploaded in three steps; what goes wrong costs only the picture.

https://docs.slack.dev/reference/methods/files.getUploadURLExternal
"""

import logging
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tocsin.ports import Picture
from tocsin_notifiers import answers
from tocsin_notifiers.attempt import Gate, current
from tocsin_notifiers.message import one_line, printable
from tocsin_notifiers.web import REQUESTS, post_json

SECONDS = 5.0
"""For all three."""
REST = 600.0
"""Seconds after a failure in which nothing is uploaded: without the scope every message would try."""
LONGEST_ALT = 1_000
API = "https://slack.com/api/files."

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Uploads:
    """What one bot uploads."""

    name: str
    token: str = field(repr=False)
    endpoint: str | None = None
    _gate: Gate = field(default_factory=Gate)
    _rest_until: float = 0.0

    def ready(self) -> bool:
        """Whether to draw at all."""
        return time.monotonic() >= self._rest_until

    def add(self, picture: Picture, channel: str, thread: str) -> None:
        """Show *picture* in *thread*."""
        faults: list[str] = []
        attempt = self._gate.run(lambda: self._upload(picture, channel, thread, faults), SECONDS, self.endpoint)
        if attempt.worked:
            return
        self._rest_until = time.monotonic() + REST
        why = faults[0] if faults else attempt.crashed or "no answer in time"
        log.warning(
            "%s: the graph of a message could not be shown: %s",
            self.name,
            why,
            extra={"channel": self.name, "why": why},
        )

    def _upload(self, picture: Picture, channel: str, thread: str, faults: list[str]) -> bool:
        head = {"Authorization": f"Bearer {self.token}", "User-Agent": "Tocsin"}
        words = one_line(picture.words, LONGEST_ALT)
        asked = {"filename": "graph.png", "length": str(len(picture.png)), "alt_txt": words}
        REQUESTS.post(f"{API}getUploadURLExternal", data=asked, headers=head, allow_redirects=False)
        place = self._said(faults)
        url, file = str(place.get("upload_url")), place.get("file_id")
        if not place.get("ok") or not _is_slack(url):
            return False
        if not REQUESTS.post(url, data=picture.png, headers={"User-Agent": "Tocsin"}, allow_redirects=False).ok:
            faults.append("the picture was not taken")
            return False
        done = {"files": [{"id": file, "title": printable(words, 150)}], "channel_id": channel, "thread_ts": thread}
        post_json(f"{API}completeUploadExternal", done, head)
        return self._said(faults).get("ok") is True

    def _said(self, faults: list[str]) -> dict[str, object]:
        """The last answer as a document, and its error."""
        attempt = current.get()
        said = answers.document_of(attempt.answers[-1]) if attempt is not None and attempt.answers else {}
        if said.get("ok") is not True:
            error = printable(answers.redacted(str(said.get("error", "no answer")), (self.token,)), 100)
            hint = ": the bot needs the scope files:write" if error == "missing_scope" else ""
            faults.append(f"Slack says {error}{hint}")
        return said


def _is_slack(url: str) -> bool:
    """Whether a picture may be sent there: nowhere but to Slack, whatever an answer says."""
    parts = urlsplit(url)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".slack.com")
