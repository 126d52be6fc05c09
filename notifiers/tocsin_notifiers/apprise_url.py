"""Any service that Apprise knows, by its URL. https://appriseit.com/services/."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from tocsin.errors import MisuseError
from tocsin.ports import Action, Delivery, Notification, Outcome, Rate
from tocsin_notifiers import answers, border
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.message import render
from tocsin_notifiers.settings import Settings, required

DEADLINE_SECONDS = 30.0
RATE = Rate(1, timedelta(seconds=1))
"""What most chat services take."""


@dataclass(slots=True)
class AppriseChannel:
    """One service; the whole URL is a secret."""

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = False
    joins: bool = True
    rate: Rate | None = RATE
    _gate: Gate = field(default_factory=Gate)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send once; what the service's own plugin calls a success is one."""
        message = render(notification, now, "slack.j2")
        attempt = border.send(
            self._gate,
            self.url,
            title=harmless(message.subject),
            body=harmless(message.body),
            mood="success" if notification.action is Action.RESOLVE else "failure",
            seconds=self.deadline,
        )
        if attempt.worked:
            return Delivery(Outcome.SENT)
        cut = answers.unfinished(attempt)
        if cut is not None:
            return cut
        told = [answers.http_delivery(a, now, self.secrets) for a in attempt.answers]
        told += [answers.smtp_delivery(m, self.secrets) for m in attempt.mailings]
        bad = [d for d in told if d.outcome is not Outcome.SENT]
        if bad:
            return bad[-1]
        return Delivery(Outcome.RETRY, f"the service's plugin failed {attempt.crashed}".strip())


_CALLS = re.compile(r"(?<![\w./:])@(?=\w)|<(?=[@!#]|https?:)|\](?=\()")


def harmless(text: str) -> str:
    """Make it look the same, where `@everyone` in a label would wake a whole company, or a link hide where it leads.

    >>> harmless("@here a@example.org <@&1> [ok](http://evil)").replace("\u200b", "|")
    '@|here a@example.org <|@&1> [ok]|(http://evil)'
    """
    return _CALLS.sub("\\g<0>\u200b", text)


def build(name: str, settings: Settings) -> AppriseChannel:
    """Build from `url`."""
    url = required(settings, "url")
    if "://" not in url:
        raise MisuseError("the Apprise URL has no scheme, such as discord://")
    border.load(url)
    pieces = re.split(r"[/@?&=:#]+", url)[1:]
    return AppriseChannel(name, url, (url, *pieces, *map(unquote, pieces)))
