"""Alertmanager's tree of routes, so that it decides as `notify.routing` does.

Each of our routes is a node with its timers; below it stands one leaf per channel, so that PagerDuty can have a group
per alert. Alerts that name their channels (`notify`, and `page` and `ticket` of objectives) and name others than the
route does have nodes of their own before those, known by `ref`. A route with others inside it is a node whose last
child is the route itself.

Those last children match everything, so `continue` before them would lead there too. A route that says `continue`
therefore becomes a node with all that may follow it inside: the route, and then the ones after it.

What is not the same: alerts that name channels form groups of their own, and do not share a message with those that
follow the route. An alert for which several routes lead to one channel is told by each of them. Labels that Prometheus
adds to all alerts (`external_labels`) can be matched here and not by Tocsin.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tocsin.matchers import Matchers, fulfilled
from tocsin.plan import AlertingRule
from tocsin.ports import Labels
from tocsin.promql import label_value
from tocsin.spec import ChannelSpec, Route
from tocsin.targets.yaml_text import Yaml

NOBODY = "(nobody)"
"""The receiver of what no route takes; no channel can have this name."""

_DEFAULTS: dict[str, Yaml] = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_EACH_ALERT = "..."
"""Alertmanager's word for all labels."""

_Channels = Mapping[str, ChannelSpec]
_Node = dict[str, Yaml]


def root(channels: _Channels, routes: tuple[Route, ...], rules: list[AlertingRule]) -> _Node:
    """The whole tree; *rules* are those whose alerts may come."""
    named = list(_named(_left(rules, routes), (), channels, {}))
    rest: list[Yaml] = [{"receiver": NOBODY, "group_by": ["service"], **_DEFAULTS, "routes": named}] if named else []
    return {"receiver": NOBODY, **_DEFAULTS, "routes": _level(routes, rest, channels, rules, ())}


def _level(
    routes: tuple[Route, ...], rest: list[Yaml], channels: _Channels, rules: list[AlertingRule], around: Matchers
) -> list[Yaml]:
    """The nodes of *routes*, and then *rest*, which decides where none of them matches."""
    made: list[Yaml] = []
    for number, route in enumerate(routes):
        after = routes[number + 1 :]
        node = _node(route, channels, rules, around)
        matchers: _Node = {"matchers": [str(m) for m in route.conditions]} if route.conditions else {}
        if route.goes_on and after and rest:
            whole = (*around, *route.conditions)
            inner: list[Yaml] = [{**node, "continue": True}, *_level(after, [], channels, rules, whole)]
            made.append({**matchers, "receiver": NOBODY, "routes": inner})
        else:
            goes_on: _Node = {"continue": True} if route.goes_on and not rest else {}
            made.append({**matchers, **node, **goes_on})
        rules = rules if route.goes_on else _left(rules, (route,))
    return [*made, *rest]


def _node(route: Route, channels: _Channels, rules: list[AlertingRule], around: Matchers) -> _Node:
    """A route without its matchers."""
    own: _Node = {"receiver": NOBODY}
    if route.group_by:
        own["group_by"] = list(route.group_by)
    own |= {
        "group_wait": str(route.group_wait),
        "group_interval": str(route.group_interval),
        "repeat_interval": str(route.repeat_interval),
    }
    whole = (*around, *route.conditions)
    reached = [rule for rule in rules if _may_match(rule, whole)]
    quiet = _quiet(route)
    named = _named(_left(reached, route.routes), route.to, channels, quiet)
    own["routes"] = [*named, *_leaves(route.to, channels, quiet)]
    if not route.routes:
        return own
    return {"receiver": NOBODY, "routes": _level(route.routes, [own], channels, reached, whole)}


def _quiet(route: Route) -> _Node:
    """When it tells nothing; Alertmanager asks the node that decides, which is a leaf, and those inherit none of it."""
    made: _Node = {}
    if route.mute:
        made["mute_time_intervals"] = list(route.mute)
    if route.active:
        made["active_time_intervals"] = list(route.active)
    return made


def _leaves(names: Iterable[str], channels: _Channels, quiet: _Node) -> Iterator[_Node]:
    """One per channel; all but the last let the alert go on to the next."""
    known = [channels[name] for name in dict.fromkeys(names) if name in channels]
    for number, channel in enumerate(known, start=1):
        leaf: _Node = {"receiver": channel.name}
        if channel.per_alert:
            leaf["group_by"] = [_EACH_ALERT]
        if number < len(known):
            leaf["continue"] = True
        yield {**leaf, **quiet}


def _known(rule: AlertingRule) -> dict[str, str]:
    """The labels that the rule's alerts have for certain."""
    return {**dict(pair for pair in rule.labels if pair[0] not in rule.raw), "alertname": rule.alert}


def _may_match(rule: AlertingRule, conditions: Matchers) -> bool:
    """Whether some alert of the rule may fulfil them; other labels may come with the rows of its expression."""
    known = _known(rule)
    return fulfilled((matcher for matcher in conditions if matcher.name in known), known)


def _left(rules: list[AlertingRule], routes: Iterable[Route]) -> list[AlertingRule]:
    """The *rules* some of whose alerts may match none of *routes*."""
    for conditions in [route.conditions for route in routes]:
        rules = [rule for rule in rules if not _certain(rule, conditions)]
    return rules


def _certain(rule: AlertingRule, conditions: Matchers) -> bool:
    known = _known(rule)
    return all(matcher.name in known and matcher.holds(known) for matcher in conditions)


@dataclass(frozen=True, slots=True)
class _Known:
    """The alerts that go to *channels*: those of some references, and of these only those with the labels *more*."""

    channels: tuple[str, ...]
    more: Labels


def _named(rules: Iterable[AlertingRule], to: tuple[str, ...], channels: _Channels, quiet: _Node) -> Iterator[_Node]:
    """Nodes for the alerts that name others than *to*."""
    found: dict[_Known, list[str]] = {}
    by_ref: dict[str, list[AlertingRule]] = {}
    for rule in rules:
        by_ref.setdefault(rule.ref, []).append(rule)
    for ref, some in by_ref.items():
        for rule in some:
            if rule.notify and set(rule.notify) != set(to):
                refs = found.setdefault(_Known(rule.notify, _apart(rule, some)), [])
                if ref not in refs[-1:]:
                    refs.append(ref)
    for known, refs in found.items():
        one_of = _equal("ref", refs[0]) if len(refs) == 1 else f"ref=~{label_value('|'.join(refs))}"
        matchers = [one_of, *(_equal(name, value) for name, value in known.more)]
        yield {"matchers": matchers, "receiver": NOBODY, "routes": list(_leaves(known.channels, channels, quiet))}


def _apart(rule: AlertingRule, others: list[AlertingRule]) -> Labels:
    """The labels that tell *rule* from those of its reference that go elsewhere: as few as can be."""
    labels = dict(rule.labels) | {"alertname": rule.alert}
    for names in ((), ("severity",), ("alertname", "tier"), ("alertname", "severity", "tier")):
        more = tuple((name, labels.get(name, "")) for name in names)
        alike = (o for o in others if all((dict(o.labels) | {"alertname": o.alert}).get(n, "") == v for n, v in more))
        if all(other.notify == rule.notify for other in alike):
            return more
    return more


def _equal(name: str, value: str) -> str:
    return f"{name}={label_value(value)}"
