"""`routes`: a tree of them, where each knows what the one around it said."""

from dataclasses import replace

from tocsin.diagnostics import Severity, Span
from tocsin.matchers import Matchers, contradiction, implied
from tocsin.spec.notifications import Route
from tocsin.spec.readers.matchers import read_matchers
from tocsin.spec.readers.node import Node, Reference
from tocsin.units import Duration

GROUP_BY = ("service",)
GROUP_WAIT = Duration.of(seconds=30)
GROUP_INTERVAL = Duration.of(minutes=5)
REPEAT_INTERVAL = Duration.of(hours=4)
"""Alertmanager's own timers, so that a route without any behaves as people know it."""


def read_routes(node: Node) -> tuple[Route, ...]:
    """All routes of a document."""
    return _inside(Route((), (), GROUP_BY, GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL, node.span), node, ())


def _inside(around: Route, node: Node, asked: Matchers) -> tuple[Route, ...]:
    """The routes of one level; *asked* is what all those around them ask of an alert."""
    routes = tuple(_route(entry, around, asked) for entry in node.elements())
    for number, (entry, route) in enumerate(zip(node.elements(), routes, strict=True)):
        _reachable(entry, route, routes[:number], around, asked)
    return routes


def _route(node: Node, around: Route, asked: Matchers) -> Route:
    to, active, mute = node["to"].channels(), _hours(node["active_time_intervals"]), _hours(node["mute_time_intervals"])
    route = Route(
        match=node["match"].labels(),
        to=to if "to" in node else around.to,
        group_by=node["group_by"].texts(around.group_by),
        group_wait=node["group_wait"].duration(around.group_wait, positive=False),
        group_interval=node["group_interval"].duration(around.group_interval),
        repeat_interval=node["repeat_interval"].duration(around.repeat_interval),
        span=node.span,
        matchers=read_matchers(node["matchers"]),
        goes_on=node["continue"].flag(default=False),
        active=active if "active_time_intervals" in node else around.active,
        mute=mute if "mute_time_intervals" in node else around.mute,
    )
    return replace(route, routes=_inside(route, node["routes"], (*asked, *route.conditions)))


def _hours(node: Node) -> tuple[str, ...]:
    """Names of time intervals, noted as references."""
    for entry in node.elements():
        if isinstance(entry.value, str):
            node.notes.references.append(Reference("interval", entry.value, entry.span))
    return node.texts()


def _reachable(node: Node, route: Route, earlier: tuple[Route, ...], around: Route, asked: Matchers) -> None:
    """The first route that matches decides, so one behind a wider one is never asked, and nor is one nothing fits."""
    whole = (*asked, *route.conditions)
    if label := contradiction(whole):
        related = ((around.span, "the route around it"),) if asked else ()
        _unreachable(node, f"no alert fits this route: no value of {label} is all that is asked of it", None, related)
        return
    wider = next((each for each in earlier if not each.goes_on and implied(each.conditions, whole)), None)
    if wider is not None:
        _unreachable(
            node,
            "this route is never asked: an earlier one matches all of its alerts",
            "put the narrower route first",
            ((wider.span, "the earlier route"),),
        )


def _unreachable(node: Node, message: str, hint: str | None, related: tuple[tuple[Span, str], ...]) -> None:
    node.report("route/unreachable", message, hint, severity=Severity.WARNING, related=related)
