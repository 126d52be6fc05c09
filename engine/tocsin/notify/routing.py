"""Where an alert goes: its channels, its conversations, their timers, and the words that it takes along.

An alert's channels are those that its definition names, else those of the routes that decide about its labels (`tree`).
An alert of Tocsin itself (the metric source is down) that no route matches goes to all channels: nobody defines it, so
nobody would think of a route for it, and while it fires nothing else can. What merely informs goes where routes lead.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.evaluate.memory import GroupKey, Timers
from tocsin.evaluate.model import AlertView, Mute, MuteKind
from tocsin.notify.hours import Rest
from tocsin.ports import AlertText, labels_of
from tocsin.spec import ChannelSpec, Digest, Hours, Notifications
from tocsin.spec.tree import Branch, deciding, grown

NO_ROUTE = "-"
MOST_KNOWN = 10_000
"""So many kinds of alerts are remembered with their routes."""
OWN = "source"
"""What the rules of Tocsin's own alerts begin with: `source`, `source:questions`."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of an alert to people: the conversation, and the branch that leads there, if one does."""

    key: GroupKey
    branch: Branch | None


@dataclass(slots=True)
class _Known:
    """What was found before: ten thousand alerts ask the same few questions at every tick."""

    deciding: dict[tuple[str, ...], tuple[Branch, ...]] = field(default_factory=dict)
    quiet: dict[tuple[str, datetime], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Directory:
    """All channels and routes of a workspace, with when each is quiet; the deepest that match decide."""

    channels: Mapping[str, ChannelSpec]
    branches: tuple[Branch, ...]
    rests: Mapping[str, Rest]
    by_name: Mapping[str, Branch]
    asked: tuple[str, ...]
    """The labels that any route asks for."""
    known: _Known = field(default_factory=_Known, compare=False, repr=False)

    @classmethod
    def of(cls, notifications: Iterable[Notifications]) -> "Directory":
        """Join the documents in the order of their names, so that file order never matters."""
        documents = sorted(notifications, key=lambda n: n.name)
        channels = {name: spec for document in documents for name, spec in document.channels.items()}
        hours = {name: each for document in documents for name, each in document.hours.items()}
        branches = grown(route for document in documents for route in document.routes)
        by_name = {branch.name: branch for branch in _all(branches)}
        asked = sorted({each.name for branch in by_name.values() for each in branch.conditions})
        rests = {
            name: Rest(_hours(branch.route.active, hours), _hours(branch.route.mute, hours))
            for name, branch in by_name.items()
            if branch.route.active or branch.route.mute
        }
        return cls(channels, branches, rests, by_name, tuple(asked))

    def ways(self, view: AlertView, known_for: timedelta | None = None) -> tuple[Way, ...]:
        """All ways of *view*, in order; a channel to which several routes lead comes several times.

        *known_for* is since when people have been told and nobody has acknowledged: then routes escalate.
        """
        everywhere = own(view) and view.severity != "info"
        return self.led(routing_labels(view), view.notify, known_for, everywhere=everywhere)

    def led(
        self,
        labels: Mapping[str, str],
        notify: tuple[str, ...],
        known_for: timedelta | None = None,
        *,
        everywhere: bool = False,
    ) -> tuple[Way, ...]:
        """The ways of what has *labels* and names *notify*; *everywhere*: to all channels where no route leads."""
        branches = self._deciding(labels)
        if not branches:
            names = notify or (tuple(self.channels) if everywhere else ())
            pairs: list[tuple[str, Branch | None]] = [(name, None) for name in names]
        else:
            pairs = [(name, branch) for branch in branches for name in notify or branch.route.to]
            if known_for is not None:
                pairs += [(name, branch) for branch in branches for name in branch.route.escalated(known_for)]
        found = [Way(_conversation(name, branch, labels), branch) for name, branch in pairs if name in self.channels]
        return tuple(dict.fromkeys(found))

    def destinations(
        self, view: AlertView, now: datetime | None = None, told_at: datetime | None = None
    ) -> tuple[GroupKey, ...]:
        """The conversations that *view* belongs to; none when nobody is named and no route matches.

        Those that it escalates to are among them where people were told of it long enough ago, at *told_at*.

        Each channel has it in one: that of the first route which leads there and is not quiet *now*.
        """
        chosen: dict[str, GroupKey] = {}
        known_for = now - told_at if now is not None and told_at is not None else None
        for way in self.ways(view, known_for):
            if now is None or not self.quiet(way.key.route, now):
                chosen.setdefault(way.key.channel, way.key)
        return tuple(chosen.values())

    def quiet(self, route: str, now: datetime) -> str:
        """Why conversations of *route* tell of nothing but ends now; empty where they tell all."""
        if route not in self.rests:
            return ""
        found = self.known.quiet.get((route, now))
        if found is None:
            if len(self.known.quiet) > len(self.rests):  # of earlier instants
                self.known.quiet.clear()
            found = self.known.quiet[route, now] = self.rests[route].why(now)
        return found

    def _deciding(self, labels: Mapping[str, str]) -> tuple[Branch, ...]:
        values = tuple(labels.get(name, "") for name in self.asked)
        found = self.known.deciding.get(values)
        if found is None:
            if len(self.known.deciding) > MOST_KNOWN:
                self.known.deciding.clear()
            found = self.known.deciding[values] = deciding(self.branches, labels)
        return found

    def mutes(self, view: AlertView, now: datetime) -> tuple[Mute, ...]:
        """The routes of *view* that are quiet now."""
        if not self.rests:
            return ()
        ways = self.ways(view)
        quiet = {way.key.route: why for way in ways if (why := self.quiet(way.key.route, now))}
        told = {way.key.channel for way in ways if way.key.route not in quiet}
        return tuple(
            Mute(MuteKind.INTERVAL, name, f"(route {name} is quiet {why})", self.rests[name].until(now), bool(told))
            for name, why in quiet.items()
            if any(way.key.channel not in told for way in ways if way.key.route == name)
        )

    def digest(self, route: str) -> Digest | None:
        """When conversations of *route* are told together, if they are."""
        found = self.by_name.get(route)
        return found.route.digest if found else None

    def timers(self, route: str) -> Timers | None:
        """The timers of a route; None where it has been removed since, or there is none."""
        found = self.by_name.get(route)
        if found is None:
            return None
        spec = found.route
        interval = spec.group_interval.timedelta
        return Timers(
            spec.group_wait.timedelta, interval, spec.repeat_interval.timedelta, *spec.flapping.lengths(interval)
        )


def _all(branches: Iterable[Branch]) -> Iterator[Branch]:
    for branch in branches:
        yield branch
        yield from _all(branch.inside)


def _hours(names: Iterable[str], hours: Mapping[str, Hours]) -> tuple[Hours, ...]:
    return tuple(hours[name] for name in names if name in hours)


def _conversation(channel: str, branch: Branch | None, labels: Mapping[str, str]) -> GroupKey:
    by = branch.route.group_by if branch else ("service",)
    return GroupKey(
        channel, branch.name if branch else NO_ROUTE, labels_of({name: labels.get(name, "") for name in by})
    )


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
