"""Test messages through channels on which all is quiet, so that one that is broken is found before it is needed; pure.

None is sent while anything critical is open on the channel, or as much as in a storm: there the real messages are the
test. A receiver with incidents of its own is told of the end as soon as it has the message, not before, since messages
that wait for one key are folded into one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.evaluate.memory import GroupKey, GroupState
from tocsin.notify.storm import STORM
from tocsin.ports import CANARY, Action, AlertText, Notification, labels_of
from tocsin.spec import ChannelSpec, Notifications

TITLE = "This is a test: Tocsin reaches you through this channel"
PATIENCE = timedelta(hours=1)
"""An incident is closed after this long, even if the receiver never said that it has it."""


@dataclass(frozen=True, slots=True)
class Canary:
    """The last one of *channel*; *delivered_at* is the last success, also that of an earlier one."""

    channel: str
    sent_at: datetime
    delivered_at: datetime | None = None
    open: bool = False


class CanaryStore(Protocol):
    """The last test message of each channel; every method is one transaction."""

    def all(self) -> Mapping[str, Canary]:
        """By channel."""
        ...

    def put(self, canaries: Iterable[Canary]) -> None:
        """Add or replace; when one was delivered is not ours to say."""
        ...


def released(
    notifications: Iterable[Notifications],
    known: Mapping[str, Canary],
    groups: Mapping[GroupKey, GroupState],
    now: datetime,
) -> tuple[tuple[Canary, ...], tuple[Notification, ...]]:
    """What has to be remembered, and sent."""
    after: list[Canary] = []
    messages: list[Notification] = []
    for spec in (spec for document in notifications for spec in document.channels.values()):
        last = known.get(spec.name)
        if last is not None and last.open:
            if _arrived(last) or not timedelta() <= now - last.sent_at < PATIENCE:
                after.append(replace(last, open=False))
                messages.append(_message(spec, last.sent_at, now, over=True))
        elif spec.canary is not None and _due(last, spec.canary.timedelta, now) and not _busy(spec.name, groups):
            after.append(Canary(spec.name, now, None, spec.per_alert or spec.forwards))
            messages.append(_message(spec, now, now, over=False))
    return tuple(after), tuple(messages)


def _due(last: Canary | None, every: timedelta, now: datetime) -> bool:
    """A clock that was set back does not keep it away."""
    return last is None or not timedelta() <= now - last.sent_at < every


def _arrived(last: Canary) -> bool:
    return last.delivered_at is not None and last.delivered_at >= last.sent_at


def _busy(channel: str, groups: Mapping[GroupKey, GroupState]) -> bool:
    """Whether people are busy there, or about to be."""
    severities = [e.text.severity for k, s in groups.items() if k.channel == channel for e in s.episodes if e.open]
    return "critical" in severities or len(severities) > STORM


def _message(spec: ChannelSpec, sent_at: datetime, now: datetime, *, over: bool) -> Notification:
    key = f"{CANARY}{spec.name}-{sent_at:%Y%m%dT%H%M%S%f}"
    text = AlertText(
        title=TITLE,
        summary="nothing is wrong, and nothing is to be done",
        service="Tocsin",
        severity="info",
        started_at=sent_at,
        dedup_key=key,
        labels=labels_of({"alertname": "TocsinCanary", "service": "tocsin", "severity": "info"}),
        facts=(("again", f"about every {spec.canary}"),) if spec.canary else (),
        resolved_at=now if over else None,
        reason="the test is over" if over else "",
    )
    return Notification(spec.name, key, Action.RESOLVE if over else Action.FIRE, (text,), now, (), int(over))
