"""Alerts, conversations and channels for tests, with short names for what a test does not care about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tocsin.diagnostics import Span
from tocsin.evaluate.model import AlertView, Identity, Phase
from tocsin.ports import Action, AlertText, Labels, Notification, labels_of
from tocsin.spec import ChannelSpec, Notifications, Route
from tocsin.units import Duration

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SPAN = Span("notifications.yaml", 1, 1, 1, 1)


def seconds(count: float) -> timedelta:
    """Say a length of time."""
    return timedelta(seconds=count)


def view(
    key: str = "k1",
    *,
    service: str = "be-camera",
    severity: str = "critical",
    fired: datetime | None = NOON,
    resolved: datetime | None = None,
    **more: Any,
) -> AlertView:
    """One episode of `service/uptime:fast`."""
    fields: dict[str, Any] = {
        "identity": Identity(f"{service}/uptime:fast", (("instance", key),)),
        "title": f"{service}/uptime burns its error budget",
        "summary": "7.2% of requests fail",
        "phase": Phase.FIRING if resolved is None else Phase.INACTIVE,
        "started_at": fired or NOON,
        "blind_since": None,
        "labels": labels_of({"ref": f"{service}/uptime", "slo": "uptime"}),
        "facts": (("burn rate over 1h", "43.2x"), ("budget left", "91.3%")),
    }
    return AlertView(
        service=service, severity=severity, fired_at=fired, resolved_at=resolved, dedup_key=key, **(fields | more)
    )


def text(key: str = "k1", *, resolved: datetime | None = None, **more: Any) -> AlertText:
    """One alert as a message tells it."""
    fields: dict[str, Any] = {
        "title": "be-camera/uptime burns its error budget",
        "summary": "7.2% of requests fail",
        "service": "be-camera",
        "severity": "critical",
        "started_at": NOON - timedelta(minutes=3, seconds=20),
        "labels": labels_of({"ref": "be-camera/uptime", "service": "be-camera", "slo": "uptime", "tier": "fast"}),
        "facts": (("burn rate over 1h", "43.2x"), ("budget left", "91.3%")),
    }
    return AlertText(dedup_key=key, resolved_at=resolved, **(fields | more))


def message(
    channel: str = "email",
    action: Action = Action.FIRE,
    *alerts: AlertText,
    key: str = "thread",
    seq: int = 0,
    at: datetime = NOON,
    notes: tuple[str, ...] = (),
) -> Notification:
    """One notification; without *alerts* about one that suits the action."""
    told = alerts or (text(resolved=at if action is Action.RESOLVE else None),)
    return Notification(channel, key, action, told, at, (), seq, notes)


def channel(name: str, kind: str = "email", *, send_resolved: bool = True) -> ChannelSpec:
    """One channel without settings."""
    return ChannelSpec(name, kind, {}, send_resolved, SPAN)


def route(
    *to: str,
    match: dict[str, str] | None = None,
    group_by: tuple[str, ...] = ("service",),
    wait: int = 10,
    interval: int = 300,
    repeat: int = 3_600,
    goes_on: bool = False,
    inside: tuple[Route, ...] = (),
) -> Route:
    """One route; times in seconds."""
    labels: Labels = labels_of(match or {})
    first, between, reminder = (Duration.of(seconds=count) for count in (wait, interval, repeat))
    return Route(labels, to, group_by, first, between, reminder, SPAN, goes_on=goes_on, routes=inside)


def notifications(*parts: ChannelSpec | Route, name: str = "platform") -> tuple[Notifications, ...]:
    """One document with channels and routes."""
    channels = {part.name: part for part in parts if isinstance(part, ChannelSpec)}
    return (Notifications(name, channels, tuple(p for p in parts if isinstance(p, Route)), SPAN),)
