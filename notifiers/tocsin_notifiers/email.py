"""Email: one plain-text message per recipient, all messages of an incident in one thread."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tocsin.errors import MisuseError
from tocsin.ports import Delivery, Notification, Outcome
from tocsin_notifiers import answers, border
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.message import render
from tocsin_notifiers.settings import Settings, optional, required

DEADLINE_SECONDS = 30.0
MODES = {"starttls": ("mailtos", "starttls", 587), "tls": ("mailtos", "ssl", 465), "none": ("mailto", "insecure", 25)}
REMEMBERED = 256


@dataclass(slots=True)
class EmailChannel:
    """A mail server and the people to write to."""

    name: str
    service: dict[str, Any] = field(repr=False)
    to: dict[str, str]
    """Bare address to the address as it was written, perhaps with a name."""
    secrets: tuple[str, ...] = field(repr=False)
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = False
    pace: timedelta = timedelta()
    _gate: Gate = field(default_factory=Gate)
    _accepted: OrderedDict[tuple[str, int], set[str]] = field(default_factory=OrderedDict)
    """Who has a message already, for when it is tried again; kept when all have it, as recording that may fail."""

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send to everybody who has not got it; one refused address does not keep the others waiting."""
        accepted = self._remembered((notification.dedup_key, notification.seq))
        missing = [written for address, written in self.to.items() if address not in accepted]
        if not missing:  # Apprise would write to the sender instead
            return Delivery(Outcome.SENT)
        message = render(notification, now)
        thread = f"<tocsin-{notification.dedup_key}@tocsin.invalid>"
        service = self.service | {"targets": missing, "headers": {"In-Reply-To": thread, "References": thread}}
        attempt = border.send(
            self._gate, service, title=message.subject, body=message.body, mood="info", seconds=self.deadline
        )
        results = [answers.smtp_delivery(mailing, self.secrets) for mailing in attempt.mailings]
        for mailing, result in zip(attempt.mailings, results, strict=True):
            if result.outcome is Outcome.SENT:
                accepted.update(mailing.recipients)
        if accepted >= self.to.keys():  # whatever happened after the last of them, such as no answer to QUIT
            return Delivery(Outcome.SENT)
        cut = answers.unfinished(attempt)
        return _verdict([*results, *([cut] if cut else [])], reached_somebody=bool(accepted))

    def _remembered(self, key: tuple[str, int]) -> set[str]:
        accepted = self._accepted.setdefault(key, set())
        self._accepted.move_to_end(key)
        while len(self._accepted) > REMEMBERED:
            self._accepted.popitem(last=False)
        return accepted


def _verdict(results: list[Delivery], *, reached_somebody: bool) -> Delivery:
    """Say what becomes of a message that not everybody has: the others are tried again unless they were refused."""
    bad = [result for result in results if result.outcome is not Outcome.SENT]
    for outcome in (Outcome.UNKNOWN, Outcome.RETRY):
        for result in bad:
            if result.outcome is outcome:
                return result
    if not bad:
        return Delivery(Outcome.RETRY, "the mail server was not asked for everybody")
    return Delivery(Outcome.SENT, f"not to everybody: {bad[0].detail}") if reached_somebody else bad[0]


def build(name: str, settings: Settings) -> EmailChannel:
    """Build from `host port tls user password from to`."""
    tls = optional(settings, "tls") or "starttls"
    if tls not in MODES:
        raise MisuseError(f"tls is {tls!r}; allowed are {', '.join(MODES)}")
    schema, mode, default_port = MODES[tls]
    port = optional(settings, "port") or str(default_port)
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise MisuseError("port is not a port number")
    to = settings.get("to") or ()
    addresses = tuple(a.strip() for a in ((to,) if isinstance(to, str) else to) if a.strip())
    if not addresses:
        raise MisuseError("to names nobody")
    host, user, password = required(settings, "host"), optional(settings, "user"), optional(settings, "password")
    service: dict[str, Any] = {
        "schema": schema,
        "secure_mode": mode,
        "host": host,
        "smtp_host": host,
        "port": int(port),
        "user": user,
        "password": password,
        "from_addr": required(settings, "from"),
        "format": "text",
    }
    people: dict[str, str] = {}
    for address in addresses:
        targets = border.load(service | {"targets": [address]}).targets
        if len(targets) != 1:
            raise MisuseError(f"to: {address!r} is not an email address")
        people[targets[0][1]] = address
    return EmailChannel(name, service, people, tuple(s for s in (password,) if s))
