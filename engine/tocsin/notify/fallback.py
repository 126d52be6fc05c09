"""Where a message goes that its channel does not take: to the fallback, with a line that says so; pure.

What follows it in its conversation goes there, too, so that an alert is closed wherever it was opened.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tocsin.evaluate.memory import Fallback
from tocsin.notify.pacing import SEVERITIES
from tocsin.ports import Action, AlertText, Notification
from tocsin.spec import Notifications

DEADLINES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
"""How long a channel with a fallback has for a message, by urgency: critical, warning, anything else."""


def deadline(urgency: int) -> timedelta:
    """How long a message of that urgency may wait before it goes elsewhere."""
    return DEADLINES[min(urgency, len(DEADLINES) - 1)]


def late(now: datetime) -> Mapping[int, datetime]:
    """For each urgency: what was put into the outbox before is late."""
    return {urgency: now - deadline(urgency) for urgency in range(len(SEVERITIES) + 1)}


def fallbacks(notifications: Iterable[Notifications]) -> dict[str, Fallback]:
    """The fallback of each channel that has one."""
    channels = {name: spec for document in notifications for name, spec in document.channels.items()}
    return {
        name: Fallback(spec.fallback, alone=channels[spec.fallback].per_alert)
        for name, spec in channels.items()
        if spec.fallback in channels
    }


def diverted(message: Notification, fallback: Fallback, why: str) -> tuple[Notification, ...]:
    """*message* as it is sent to the fallback, saying *why*; one for each alert where each is an incident there.

    What is muted is context of a message, and no incident.
    """
    notes = (why, *message.notes)
    if not fallback.alone:
        return (replace(message, channel=fallback.to, notes=notes, receipt=""),)
    told = [
        text
        for text in message.alerts
        if text.resolved_at is not None or not (text.muted or message.action is Action.REPEAT)
    ]
    return tuple(_alone(message, fallback, text, notes) for text in told)


def _alone(message: Notification, fallback: Fallback, text: AlertText, notes: tuple[str, ...]) -> Notification:
    """The same numbers as the conversation of a channel with an incident for each alert uses."""
    over = text.resolved_at is not None
    action, seq = (Action.RESOLVE, 1) if over else (Action.FIRE, 0)
    return Notification(fallback.to, text.dedup_key, action, (text,), message.evaluated_at, message.group, seq, notes)
