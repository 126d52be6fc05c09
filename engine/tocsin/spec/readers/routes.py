"""`routes`: a tree of them, where each knows what the one around it said."""

from dataclasses import dataclass, field, replace

from tocsin.diagnostics import Severity, Span
from tocsin.matchers import Matchers, choices, contradiction, implies
from tocsin.spec.notifications import Escalation, Flapping, Route
from tocsin.spec.readers.hours import read_digest
from tocsin.spec.readers.matchers import parsed, read_matchers
from tocsin.spec.readers.node import Node, Reference
from tocsin.units import Duration

GROUP_BY = ("service",)
GROUP_WAIT = Duration.of(seconds=30)
GROUP_INTERVAL = Duration.of(minutes=5)
REPEAT_INTERVAL = Duration.of(hours=4)
LONG = Duration.of(hours=1)
"""Alertmanager's own timers, so that a route without any behaves as people know it."""


def read_routes(node: Node) -> tuple[Route, ...]:
    """All routes of a document."""
    return _inside(Route((), (), GROUP_BY, GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL, node.span), node, ())


def _inside(around: Route, node: Node, asked: Matchers) -> tuple[Route, ...]:
    """The routes of one level; *asked* is what all those around them ask of an alert."""
    routes = tuple(_route(entry, around, asked) for entry in node.elements())
    takers = Takers()
    for entry, route in zip(node.elements(), routes, strict=True):
        _reachable(entry, route, takers, around, asked)
        if _understood(entry):
            takers.add(route)
    return routes


def _understood(node: Node) -> bool:
    """Whether all that it asks for could be read; else it would seem to take every alert."""
    match, matchers = node["match"], node["matchers"]
    keys = node.value.keys() if isinstance(node.value, dict) else ()
    return (
        all(isinstance(entry.value, str) for entry in match.entries())
        and (match.value is None or isinstance(match.value, dict))
        and (matchers.value is None or isinstance(matchers.value, list))
        and all(parsed(entry) for entry in matchers.elements())
        and not any(key.startswith("match") and key not in {"match", "matchers"} for key in keys)
    )


def _route(node: Node, around: Route, asked: Matchers) -> Route:
    to, active, mute = node["to"].channels(), _hours(node["active_time_intervals"]), _hours(node["mute_time_intervals"])
    route = Route(
        match=node["match"].labels(),
        to=to if "to" in node else around.to,
        group_by=node["group_by"].texts(() if "digest" in node else around.group_by),
        group_wait=node["group_wait"].duration(around.group_wait, positive=False),
        group_interval=node["group_interval"].duration(around.group_interval),
        repeat_interval=node["repeat_interval"].duration(around.repeat_interval),
        span=node.span,
        matchers=read_matchers(node["matchers"]),
        goes_on=node["continue"].flag(default=False),
        active=active if "active_time_intervals" in node else around.active,
        mute=mute if "mute_time_intervals" in node else around.mute,
        digest=read_digest(node["digest"]),
        escalate=_escalations(node["escalate"]) if "escalate" in node else around.escalate,
        flapping=around.flapping,
    )
    if "flapping" in node:
        route = replace(route, flapping=_flapping(node["flapping"], route.group_interval))
    given = replace(route, group_by=node["group_by"].texts(around.group_by))  # that of a digest is not for those inside
    return replace(route, routes=_inside(given, node["routes"], (*asked, *route.conditions)))


def _escalations(node: Node) -> tuple[Escalation, ...]:
    entries = tuple(node.elements())
    steps = tuple(Escalation(step["after"].duration(LONG), step["to"].channels()) for step in entries)
    for entry, step, before in zip(entries[1:], steps[1:], steps, strict=False):
        if step.after <= before.after:
            entry["after"].report(
                "route/escalation",
                f"this step comes after {step.after}, which is no later than the one before it ({before.after})",
                "count each from when people were first told, in order",
            )
    known: set[str] = set()
    for entry, step in zip(entries, steps, strict=True):
        if step.to and known.issuperset(step.to):
            entry["to"].report(
                "route/escalation",
                f"this step tells nobody new: steps before it tell {', '.join(step.to)}",
                "name somebody else, or remove it; who was told is reminded after repeat_interval",
                severity=Severity.WARNING,
            )
        known.update(step.to)
    return steps


def _flapping(node: Node, interval: Duration) -> Flapping:
    """What a route does not say is not that of the route around it: its two lengths belong together."""
    wait, longest = node["wait"].duration_or_none(), node["longest"].duration_or_none()
    if longest is not None and longest < (wait or interval):
        first = f"wait ({wait})" if wait else f"group_interval ({interval})"
        node["longest"].report("route/flapping", f"longest is {longest}, less than {first}", "write a longer one")
        longest = None
    return Flapping(wait, longest)


def _hours(node: Node) -> tuple[str, ...]:
    """Names of time intervals, noted as references."""
    for entry in node.elements():
        if isinstance(entry.value, str):
            node.notes.references.append(Reference("interval", entry.value, entry.span))
    return node.texts()


@dataclass(slots=True)
class Takers:
    """The routes of one level that let none of their alerts go on, by a label that they ask for, if they ask for one.

    There may be thousands, one for each service, and each is compared with those before it.
    """

    by_label: dict[tuple[str, str], list[Route]] = field(default_factory=dict)
    others: list[Route] = field(default_factory=list)

    def add(self, route: Route) -> None:
        """One more, behind the others."""
        if route.goes_on:
            return
        plain = ((m.name, m.value) for m in route.conditions if not (m.regular or m.negated))
        label = next(plain, None)
        (self.others if label is None else self.by_label.setdefault(label, [])).append(route)

    def first(self, asked: Matchers) -> Route | None:
        """The first that takes every alert of which *asked* is asked."""
        known = {name: choices(asked, name) for name in {matcher.name for matcher in asked}}
        labels = [(name, *values) for name, values in known.items() if values is not None and len(values) == 1]
        some = [route for name, value in labels for route in self.by_label.get((name, value), ())]
        takes_all = implies(asked)
        found = (route for route in (*some, *self.others) if takes_all(route.conditions))
        return min(found, key=lambda route: (route.span.line, route.span.column), default=None)


def _reachable(node: Node, route: Route, takers: Takers, around: Route, asked: Matchers) -> None:
    """The first route that matches decides, so one behind a wider one is never asked, and nor is one nothing fits."""
    whole = (*asked, *route.conditions)
    if label := contradiction(whole):
        related = ((around.span, "the route around it"),) if asked else ()
        _unreachable(node, f"no alert fits this route: no value of {label} is all that is asked of it", None, related)
        return
    wider = takers.first(whole)
    if wider is not None:
        _unreachable(
            node,
            "this route is never asked: an earlier one matches all of its alerts",
            "put the narrower route first",
            ((wider.span, "the earlier route"),),
        )


def _unreachable(node: Node, message: str, hint: str | None, related: tuple[tuple[Span, str], ...]) -> None:
    node.report("route/unreachable", message, hint, severity=Severity.WARNING, related=related)
