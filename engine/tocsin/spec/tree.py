"""Routes as a tree that alerts are led through, as Alertmanager does: depth first, and the deepest that match decide.

https://prometheus.io/docs/alerting/latest/configuration/#route
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tocsin.matchers import Matchers, fulfilled
from tocsin.spec.notifications import Route

INSIDE = " > "
"""Between the names of a route and of one inside it."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A route with the name of its conversations."""

    route: Route
    name: str
    conditions: Matchers
    inside: "tuple[Branch, ...]" = ()

    def deciding(self, labels: Mapping[str, str]) -> "tuple[Branch, ...]":
        """The branches below that decide about an alert, or this one where none does; none where it does not match."""
        if not fulfilled(self.conditions, labels):
            return ()
        return deciding(self.inside, labels) or (self,)


def deciding(branches: Iterable[Branch], labels: Mapping[str, str]) -> tuple[Branch, ...]:
    """The branches that decide about an alert with *labels*: the first that matches, and on where it says so."""
    found: tuple[Branch, ...] = ()
    for branch in branches:
        here = branch.deciding(labels)
        found += here
        if here and not branch.route.goes_on:
            break
    return found


def grown(routes: Iterable[Route]) -> tuple[Branch, ...]:
    """The tree of *routes*; each branch has a name of its own."""
    taken: Counter[str] = Counter()

    def branch(route: Route, around: str) -> Branch:
        plain = f"{around}{route_name(route)}"
        taken[plain] += 1
        name = plain if taken[plain] == 1 else f"{plain} #{taken[plain]}"
        return Branch(route, name, route.conditions, tuple(branch(each, f"{name}{INSIDE}") for each in route.routes))

    return tuple(branch(route, "") for route in routes)


def route_name(route: Route) -> str:
    """Name a route by what it matches, so that editing timers or order does not break up conversations."""
    labels = (f"{name}={value}" for name, value in route.match)
    return ",".join((*labels, *(str(matcher) for matcher in route.matchers))) or "*"
