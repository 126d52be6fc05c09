"""The heartbeat: a request to a watcher elsewhere (healthchecks.io, Dead Man's Snitch, Uptime Kuma, Cronitor).

It is delivered as every message is, from the outbox by a worker, so it proves that alerts would be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.ports import Delivery, Notification, Outcome, Rate
from tocsin_notifiers import answers
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.web import REQUESTS

DEADLINE_SECONDS = 10.0
STALE = timedelta(minutes=1)
"""Older heartbeats are not sent: they would tell of a life that may be over."""


@dataclass(slots=True)
class HeartbeatChannel:
    """Requests *url*, unless *fault* says what is wrong with Tocsin; then the watcher has to miss it."""

    name: str
    url: str = field(repr=False)
    fault: Callable[[], str]
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = True
    joins: bool = False
    rate: Rate | None = None
    _gate: Gate = field(default_factory=Gate)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Beat once; what waited for longer than it may is old news and no sign of life."""
        if fault := self.fault():
            return Delivery(Outcome.REJECTED, f"no heartbeat: {fault}")
        if now - notification.evaluated_at > STALE:
            return Delivery(Outcome.REJECTED, "no heartbeat: it waited for too long")
        headers = {"User-Agent": "Tocsin"}
        attempt = self._gate.run(
            lambda: REQUESTS.get(self.url, headers=headers, allow_redirects=False).ok, self.deadline
        )
        if attempt.answers:
            return answers.http_delivery(attempt.answers[-1], now, (self.url,))
        return answers.unfinished(attempt) or Delivery(Outcome.RETRY, "the request could not be made")
