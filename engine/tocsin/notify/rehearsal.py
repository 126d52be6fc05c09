"""What would become of an alert with given labels at some time: its routes and timers, and what would mute it; pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from tocsin.diagnostics import Span
from tocsin.evaluate.memory import Timers
from tocsin.evaluate.model import AlertView, Identity, Mute, MuteKind, Phase
from tocsin.matchers import Matchers, fulfilled
from tocsin.notify.hours import digest_due
from tocsin.notify.muting import Inhibition, Muting, muting_of
from tocsin.notify.page_budgets import PAGE, budgets_of
from tocsin.notify.routing import Directory, Way, routing_labels
from tocsin.plan import Plan
from tocsin.ports import Labels, labels_of
from tocsin.spec import Digest, PageBudget, Route
from tocsin.spec.notifications import Escalation
from tocsin.spec.tree import Branch
from tocsin.workspace import Workspace

STANDARD = frozenset({"alertname", "ref", "service", "severity", "slo", "tier"})
"""Labels of alerts that are known without any definition."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One route that decides; *path* are the names and places of the routes that lead there, without one if none do."""

    path: tuple[tuple[str, Span], ...]
    channels: tuple[str, ...]
    group: Labels
    timers: Timers
    quiet: str
    until: datetime | None
    escalate: tuple[Escalation, ...]
    """Who else is told where nobody acknowledges it; only those who do not hear of it anyway."""
    digest: Digest | None
    digest_at: datetime | None
    """When it is told, where that is not by timers."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would become of an alert; *told* are the channels that hear of it if nothing inhibits it."""

    labels: Labels
    at: datetime
    named_by: tuple[str, ...]
    stops: tuple[Stop, ...]
    maintenance: tuple[Mute, ...]
    inhibitions: tuple[Inhibition, ...]
    told: tuple[str, ...]
    budgets: tuple[PageBudget, ...]
    """Those in which it would count as a page."""
    later: tuple[str, ...] = ()
    """Those of *told* that hear of it by digest."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Those to which some route leads, muted or not."""
        return tuple(dict.fromkeys(name for stop in self.stops for name in stop.channels))


def rehearse(
    labels: Mapping[str, str], notify: tuple[str, ...], workspace: Workspace, plan: Plan, at: datetime
) -> Rehearsal:
    """Lead an alert with *labels* through the definitions; *notify* are channels that it names.

    Without *notify* they are taken from the rules whose alerts have these labels, where those agree.
    """
    named_by: tuple[str, ...] = ()
    if not notify:
        notify, named_by = _named(labels, plan)
    view = _view(labels, notify, at)
    muting = muting_of(workspace)
    directory = muting.directory or Directory.of(workspace.notifications)
    ways = directory.ways(view)
    maintenance = tuple(
        mute for mute in muting.reasons((view,), at).get(view.dedup_key, ()) if mute.kind is MuteKind.MAINTENANCE
    )
    keys = () if maintenance else directory.destinations(view, at)
    told = tuple(key.channel for key in keys)
    later = (
        key.channel for key in keys if directory.digest(key.route) and not directory.channels[key.channel].per_alert
    )
    known = {way.key.channel for way in ways}
    stops = tuple(map(partial(_stop, directory=directory, at=at, known=known), _by_route(ways)))
    own = routing_labels(view)
    reached = {name for stop in stops for name in (*stop.channels, *(n for step in stop.escalate for n in step.to))}
    budgets = tuple(
        budget
        for budget in budgets_of(workspace.notifications)
        if view.severity == PAGE and any(budget.asks(name, own) for name in reached)
    )
    inhibitions = tuple(_targeted(muting, own))
    return Rehearsal(
        labels_of(labels), at, named_by, stops, maintenance, inhibitions, told, budgets, later=tuple(later)
    )


def known_labels(workspace: Workspace, plan: Plan) -> frozenset[str]:
    """The labels that anything in the definitions asks of alerts, or gives them."""
    found = set(STANDARD)
    for document in workspace.notifications:
        asked: list[Matchers] = [route.conditions for route in document.all_routes()]
        asked += [side for rule in document.inhibit for side in (rule.source, rule.target)]
        asked += [window.matchers for window in document.maintenance.values()]
        asked += [budget.matchers for budget in document.page_budgets]
        found |= {matcher.name for matchers in asked for matcher in matchers}
        found |= {name for route in document.all_routes() for name in route.group_by}
        found |= {name for rule in document.inhibit for name in rule.equal}
    for service in workspace.services:
        found |= {name for slo in service.slos for name in slo.by}
    for rule in plan.alerts():
        found |= {name for name, _ in rule.labels}
    return frozenset(found)


def _named(labels: Mapping[str, str], plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The channels that definitions of alerts with these labels name, and these definitions."""
    if "ref" not in labels and "alertname" not in labels:
        return (), ()
    asked = {name: labels[name] for name in STANDARD & labels.keys()}
    found = [rule for rule in plan.alerts() if asked.items() <= {**dict(rule.labels), "alertname": rule.alert}.items()]
    if len({rule.notify for rule in found}) != 1 or not found[0].notify:
        return (), ()
    return found[0].notify, tuple(dict.fromkeys(rule.ref for rule in found))


def _view(labels: Mapping[str, str], notify: tuple[str, ...], at: datetime) -> AlertView:
    return AlertView(
        identity=Identity(labels.get("ref", "")),
        service=labels.get("service", ""),
        title="",
        summary="",
        severity=labels.get("severity", ""),
        phase=Phase.FIRING,
        started_at=at,
        fired_at=at,
        resolved_at=None,
        blind_since=None,
        dedup_key="rehearsal",
        labels=labels_of(labels),
        facts=(),
        notify=notify,
    )


def _by_route(ways: tuple[Way, ...]) -> list[list[Way]]:
    found: dict[str, list[Way]] = {}
    for way in ways:
        found.setdefault(way.key.route, []).append(way)
    return list(found.values())


def _stop(ways: list[Way], directory: Directory, at: datetime, known: AbstractSet[str]) -> Stop:
    key, branch = ways[0].key, ways[0].branch
    quiet, digest = directory.quiet(key.route, at), directory.digest(key.route)
    return Stop(
        path=tuple((each.name, each.route.span) for each in _path(directory.branches, branch)),
        channels=tuple(way.key.channel for way in ways),
        group=key.labels,
        timers=directory.timers(key.route) or Timers(),
        quiet=quiet,
        until=directory.rests[key.route].until(at) if quiet else None,
        escalate=tuple(_escalations(branch.route, known)) if branch and not digest else (),
        digest=digest,
        digest_at=digest_due(digest, at, None) if digest else None,
    )


def _escalations(route: Route, told: AbstractSet[str]) -> Iterator[Escalation]:
    """The steps of *route* with those who are not *told* anyway, nor by a step before."""
    known = set(told)
    for step in route.escalate:
        if fresh := tuple(name for name in dict.fromkeys(step.to) if name not in known):
            yield replace(step, to=fresh)
        known.update(step.to)


def _path(branches: tuple[Branch, ...], wanted: Branch | None) -> tuple[Branch, ...]:
    for branch in branches:
        if branch is wanted:
            return (branch,)
        if rest := _path(branch.inside, wanted):
            return (branch, *rest)
    return ()


def _targeted(muting: Muting, labels: Mapping[str, str]) -> Iterator[Inhibition]:
    """The inhibitions whose target the alert is; those whose source it is too need another kind of source."""
    return (rule for rule in muting.inhibitions if fulfilled(rule.target, labels))
