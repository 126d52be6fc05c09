"""Where an alert goes: its channels, its conversations, their timers, and the words that it takes along.

An alert's channels are those that its definition names, else those of the first route whose labels match. An alert of
Tocsin itself (the metric source is down) that no route matches goes to all channels: nobody defines it, so nobody
would think of a route for it, and while it fires nothing else can.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from tocsin.evaluate.memory import GroupKey
from tocsin.evaluate.model import AlertView
from tocsin.ports import AlertText, labels_of
from tocsin.spec import ChannelSpec, Notifications, Route


@dataclass(frozen=True, slots=True)
class Timers:
    """The three waits of a conversation; without a route, Alertmanager's defaults.

    https://prometheus.io/docs/alerting/latest/configuration/#route
    """

    wait: timedelta = timedelta(seconds=30)
    interval: timedelta = timedelta(minutes=5)
    repeat: timedelta = timedelta(hours=4)


NO_ROUTE = "-"
OWN = "source"
"""What the rules of Tocsin's own alerts begin with: `source`, `source:questions`."""


@dataclass(frozen=True, slots=True)
class Directory:
    """All channels and routes of a workspace; the first route that matches decides."""

    channels: Mapping[str, ChannelSpec]
    routes: tuple[Route, ...]

    @classmethod
    def of(cls, notifications: Iterable[Notifications]) -> "Directory":
        """Join the documents in the order of their names, so that file order never matters."""
        documents = sorted(notifications, key=lambda n: n.name)
        channels = {name: spec for document in documents for name, spec in document.channels.items()}
        return cls(channels, tuple(route for document in documents for route in document.routes))

    def destinations(self, view: AlertView) -> tuple[GroupKey, ...]:
        """The conversations that *view* belongs to; none when nobody is named and no route matches."""
        labels = routing_labels(view)
        route = next((r for r in self.routes if all(labels.get(name) == value for name, value in r.match)), None)
        names = view.notify or (route.to if route else tuple(self.channels) if own(view) else ())
        by = route.group_by if route else ("service",)
        group = labels_of({name: labels.get(name, "") for name in by})
        title = route_name(route) if route else NO_ROUTE
        return tuple(GroupKey(name, title, group) for name in dict.fromkeys(names) if name in self.channels)

    def timers(self, route: str) -> Timers:
        """The timers of a route that may have been removed since."""
        found = next((r for r in self.routes if route_name(r) == route), None)
        if found is None:
            return Timers()
        return Timers(found.group_wait.timedelta, found.group_interval.timedelta, found.repeat_interval.timedelta)


def route_name(route: Route) -> str:
    """Name a route by what it matches, so that editing timers or order does not break up conversations.

    Of two routes with the same match the second never matches anything.
    """
    return ",".join(f"{name}={value}" for name, value in route.match) or "*"


def own(view: AlertView) -> bool:
    """Whether it is an alert about Tocsin itself, which no definition mentions."""
    return view.identity.rule.partition(":")[0] == OWN


def routing_labels(view: AlertView) -> dict[str, str]:
    """What routes match and group by: the alert's own labels, and always `service`, `severity` and `ref`."""
    own = dict(view.labels)
    front, _, back = view.identity.rule.partition(":")
    ref = front if "/" in front else back or front
    return {"ref": ref, "severity": view.severity, **own, "service": view.service}


def alert_text(view: AlertView) -> AlertText:
    """Turn a view into the words of a message."""
    facts = view.facts
    if view.blind_since is not None:
        facts = (*facts, ("not observed since", f"{view.blind_since:%Y-%m-%d %H:%M:%S} UTC"))
    return AlertText(
        title=view.title,
        summary=view.summary,
        service=view.service,
        severity=view.severity,
        started_at=view.started_at,
        dedup_key=view.dedup_key,
        labels=labels_of(routing_labels(view)),
        facts=facts,
        resolved_at=view.resolved_at,
        reason=view.reason,
        runbook=view.runbook,
        description=view.description,
    )
