"""route/digest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.matchers import Matchers, equal, fulfilled, implies
from tocsin.spec import Route

CRITICAL = {"severity": "critical"}


@check("route/digest")
def route_digest(subject: Subject) -> Iterator[Diagnostic]:
    """A digest is for what can wait, and for people who read.

    A route with `digest` tells of its alerts hours later. An alert of severity critical should not wait for that, so
    the route asks for other severities, or one before it takes them. PagerDuty makes an incident of every alert, and
    knows no digests. Nothing escalates from a digest: nobody acknowledges it.

    Bad: `{match: {}, to: [pager], digest: {at: "09:00"}}`

    Good: `{match: {severity: info}, to: [email], digest: {at: "09:00"}}`
    """
    documents = sorted(subject.workspace.notifications, key=lambda each: each.name)
    channels = {name: spec for each in documents for name, spec in each.channels.items()}
    for place in _places((route for each in documents for route in each.routes), None, (), ()):
        route = place.route
        if route.digest is None:
            continue
        for name in route.to:
            if name in channels and channels[name].per_alert:
                message = f"a digest is never a page, and {name} makes an incident of every alert"
                hint = f"leave {name} to a route without digest"
                related = ((channels[name].span, "the channel"),)
                yield Diagnostic("route/digest", route.span, message, Severity.ERROR, hint=hint, related=related)
        if place.has_critical():
            message = "critical alerts may wait here for the digest"
            hint = "ask for others: match: {severity: info}"
            yield Diagnostic("route/digest", route.span, message, Severity.WARNING, hint=hint)
        if route.escalate and (place.around is None or route.escalate != place.around.escalate):
            message = "nothing escalates from a digest"
            hint = "leave escalate to a route without digest"
            yield Diagnostic("route/digest", route.span, message, Severity.WARNING, hint=hint)


@dataclass(frozen=True, slots=True)
class _Place:
    """A route, the one *around* it, all that is *asked* of its alerts, and what was asked by routes *before* it."""

    route: Route
    around: Route | None
    asked: Matchers
    before: tuple[Matchers, ...]

    def has_critical(self) -> bool:
        """Whether critical alerts are left to it: by what it asks, by routes before it, and by those inside it."""
        if not fulfilled((matcher for matcher in self.asked if matcher.name in CRITICAL), CRITICAL):
            return False
        taken = implies((*self.asked, *equal(CRITICAL)))
        return not any(map(taken, (*self.before, *(inner.conditions for inner in self.route.routes))))


def _places(
    routes: Iterable[Route], around: Route | None, asked: Matchers, before: tuple[Matchers, ...]
) -> Iterator[_Place]:
    taken = list(before)
    for route in routes:
        earlier = tuple(taken) if route.digest or route.routes else ()  # there may be thousands
        place = _Place(route, around, (*asked, *route.conditions), earlier)
        yield place
        yield from _places(route.routes, route, place.asked, place.before)
        if not route.goes_on:
            taken.append(route.conditions)
