"""What must happen, by when; and what a page must say."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from tocsin.demo.receivers import Mail, Received
from tocsin.demo.rewrite import REF, SERVICE
from tocsin.errors import TocsinError

T = TypeVar("T")

RULE = f"{REF}:fast"
PAUSE = 0.25

PAGE_SAYS: Mapping[str, re.Pattern[str]] = {
    "the service": re.compile(rf"^Service +{SERVICE}$", re.MULTILINE),
    "the SLO": re.compile(rf"^SLO +{REF}\b", re.MULTILINE),
    "the burn rate": re.compile(r"^Burn rate +\d[\d.]*x over 1h", re.MULTILINE),
    "the budget left": re.compile(r"^Budget left +-?\d[\d.]* ?%", re.MULTILINE),
    "since when": re.compile(r"^Since +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", re.MULTILINE),
}
"""What the text of a page must name."""

_FAST = re.compile(r"\(fast\b|tier=fast\b")
_RESOLVED = re.compile(r"^Resolved +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", re.MULTILINE)


class MissedError(TocsinError):
    """Something that must happen did not; the command exits with 1."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Waits for something, and lets *meanwhile* look around and tell."""

    meanwhile: Callable[[], None]

    def until(self, what: str, seconds: float, check: Callable[[], T | None]) -> T:
        """Return what *check* returns as soon as it is true; MissedError says *what* did not happen in time."""
        deadline = time.monotonic() + seconds
        while True:
            found = check()
            if found:
                return found
            if time.monotonic() > deadline:
                raise MissedError(f"did not happen within {seconds:g} s: {what}")
            self.meanwhile()
            time.sleep(PAUSE)

    def hold(self, seconds: float) -> None:
        """Let time pass."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.meanwhile()
            time.sleep(PAUSE)


def page_mail(mail: Mail) -> bool:
    """Whether it is the page that the demonstration is about."""
    return _about_it(mail) and mail.subject.startswith("[FIRING")


def resolved_mail(mail: Mail) -> bool:
    """Whether it tells that the page is over, alone or among others."""
    return _about_it(mail) and (mail.subject.startswith("[RESOLVED]") or _RESOLVED.search(mail.text) is not None)


def _about_it(mail: Mail) -> bool:
    return REF in mail.text and _FAST.search(mail.text) is not None


def left_out(mail: Mail) -> tuple[str, ...]:
    """What the text of a page fails to name."""
    return tuple(what for what, pattern in PAGE_SAYS.items() if not pattern.search(mail.text))


def slack_message(request: Received, state: str) -> bool:
    """Whether it is Slack's message about the page, `FIRING` or `RESOLVED`."""
    text = request.body.decode("utf-8", "replace")
    return request.service == "slack" and f"[{state}]" in text and REF in text


def pagerduty_trigger(request: Received) -> str | None:
    """The dedup key of PagerDuty's incident, if it is the one about the page."""
    if request.service != "pagerduty" or request.json.get("event_action") != "trigger":
        return None
    body = str(request.json)
    return str(request.json["dedup_key"]) if REF in body and _FAST.search(body) else None


def pagerduty_resolve(request: Received, key: str) -> bool:
    """Whether it closes PagerDuty's incident *key*; nothing but the key says which one it is."""
    return (
        request.service == "pagerduty"
        and request.json.get("event_action") == "resolve"
        and request.json.get("dedup_key") == key
    )
