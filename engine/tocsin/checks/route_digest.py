"""route/digest."""

from collections.abc import Iterable, Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.matchers import Matchers, choices
from tocsin.spec import Route


@check("route/digest")
def route_digest(subject: Subject) -> Iterator[Diagnostic]:
    """A digest is for what can wait, and for people who read.

    A route with `digest` tells of its alerts hours later. An alert of severity critical should not wait for that, so
    the route asks for other severities. PagerDuty makes an incident of every alert, and knows no digests.

    Bad: `{match: {}, to: [pager], digest: {at: "09:00"}}`

    Good: `{match: {severity: info}, to: [email], digest: {at: "09:00"}}`
    """
    documents = subject.workspace.notifications
    channels = {name: spec for each in documents for name, spec in each.channels.items()}
    for route, asked in _routes((route for each in documents for route in each.routes), ()):
        if route.digest is None:
            continue
        for name in route.to:
            if name in channels and channels[name].per_alert:
                message = f"a digest is never a page, and {name} makes an incident of every alert"
                hint = f"leave {name} to a route without digest"
                related = ((channels[name].span, "the channel"),)
                yield Diagnostic("route/digest", route.span, message, Severity.ERROR, hint=hint, related=related)
        severities = choices(asked, "severity")
        if severities is None or "critical" in severities:
            message = "critical alerts may wait here for the digest"
            hint = "ask for others: match: {severity: info}"
            yield Diagnostic("route/digest", route.span, message, Severity.WARNING, hint=hint)


def _routes(routes: Iterable[Route], around: Matchers) -> Iterator[tuple[Route, Matchers]]:
    """Every route with all that is asked of its alerts."""
    for route in routes:
        asked = (*around, *route.conditions)
        yield route, asked
        yield from _routes(route.routes, asked)
