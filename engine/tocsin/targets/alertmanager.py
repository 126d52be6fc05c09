"""Alertmanager's configuration from channels and routes, so that it decides as `notify.routing` does.

One receiver per channel. Each of our routes is a node with its timers; below it stands one leaf per channel, so that
PagerDuty can have a group per alert. Alerts that name their channels (`notify`, and `page` and `ticket` of
objectives) and name others than the route does have nodes of their own before those, known by `ref`.

What is not the same: such alerts form groups of their own, and do not share a message with those that follow the
route. Labels that Prometheus adds to all alerts (`external_labels`) can be matched here and not by Tocsin.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic
from tocsin.plan import AlertingRule, Plan
from tocsin.plan.model import Inhibition
from tocsin.ports import Labels
from tocsin.promql import label_value
from tocsin.spec import ChannelSpec, Route
from tocsin.targets.alertmanager_receivers import defaults, losses, receiver, secret_files
from tocsin.targets.artifact import Artifact, comment, header
from tocsin.targets.yaml_text import Yaml, tree
from tocsin.workspace import Workspace

CONFIG = "alertmanager/alertmanager.yml"

NOBODY = "(nobody)"
"""The receiver of what no route takes; no channel can have this name."""

_DEFAULTS: dict[str, Yaml] = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_EACH_ALERT = "..."
"""Alertmanager's word for all labels."""


def has_channels(workspace: Workspace) -> bool:
    """Whether there is anybody to tell."""
    return any(document.channels for document in workspace.notifications)


def alertmanager(plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """One configuration; nothing without channels."""
    if not has_channels(workspace):
        return ()
    channels, routes = _joined(workspace)
    rules = [rule for group in plan.groups for rule in group.rules if isinstance(rule, AlertingRule)]
    document: dict[str, Yaml] = {
        "route": _root(channels, routes, rules),
        "receivers": [{"name": NOBODY}, *(receiver(channel) for channel in channels.values())],
    }
    if plan.inhibitions:
        document["inhibit_rules"] = [_inhibition(each) for each in plan.inhibitions]
    head = header(document.span.path for document in workspace.notifications)
    return (Artifact(CONFIG, "".join((head, *_notes(channels.values()), tree(document)))),)


def cannot_say(_plan: Plan, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """What Alertmanager cannot do that the channels ask for."""
    return losses(_joined(workspace)[0].values())


def _notes(channels: Collection[ChannelSpec]) -> Iterator[str]:
    """What has to be there for the file to work, and what in it may differ elsewhere."""
    if files := secret_files(channels):
        yield "# It reads its secrets from these files:\n"
        yield from (f"#   {comment(path)}: {comment(what)}\n" for path, what in files)
    if names := defaults(channels):
        yield f"# Alertmanager reads no environment; the defaults stand for {', '.join(names)}.\n"


def _joined(workspace: Workspace) -> tuple[dict[str, ChannelSpec], tuple[Route, ...]]:
    """All documents in the order of their names."""
    documents = sorted(workspace.notifications, key=lambda document: document.name)
    channels = {name: spec for document in documents for name, spec in sorted(document.channels.items())}
    return channels, tuple(route for document in documents for route in document.routes)


# --- routes ------------------------------------------------------------------------------------------------


def _root(channels: dict[str, ChannelSpec], routes: tuple[Route, ...], rules: list[AlertingRule]) -> dict[str, Yaml]:
    below: list[Yaml] = []
    waiting = rules
    for route in routes:
        matchers: list[Yaml] = [_equal(name, value) for name, value in route.match]
        node: dict[str, Yaml] = {**({"matchers": matchers} if matchers else {}), "receiver": NOBODY}
        if route.group_by:
            node["group_by"] = list(route.group_by)
        node |= {
            "group_wait": str(route.group_wait),
            "group_interval": str(route.group_interval),
            "repeat_interval": str(route.repeat_interval),
        }
        reached = [rule for rule in waiting if _may_match(rule, route)]
        node["routes"] = [*_named(reached, route.to, channels), *_leaves(route.to, channels)]
        below.append(node)
        waiting = [rule for rule in waiting if not set(route.match) <= _known(rule)]
    if named := list(_named(waiting, (), channels)):
        below.append({"receiver": NOBODY, "group_by": ["service"], **_DEFAULTS, "routes": named})
    return {"receiver": NOBODY, **_DEFAULTS, "routes": below}


def _leaves(names: Iterable[str], channels: dict[str, ChannelSpec]) -> Iterator[dict[str, Yaml]]:
    """One per channel; all but the last let the alert go on to the next."""
    known = [channels[name] for name in dict.fromkeys(names) if name in channels]
    for number, channel in enumerate(known, start=1):
        leaf: dict[str, Yaml] = {"receiver": channel.name}
        if channel.per_alert:
            leaf["group_by"] = [_EACH_ALERT]
        if number < len(known):
            leaf["continue"] = True
        yield leaf


def _known(rule: AlertingRule) -> set[tuple[str, str]]:
    """The labels that the rule's alerts have for certain."""
    return {("alertname", rule.alert), *(pair for pair in rule.labels if pair[0] not in rule.raw)}


def _may_match(rule: AlertingRule, route: Route) -> bool:
    """Whether some alert of the rule may have the route's labels; others may come with the rows of its expression."""
    known = dict(_known(rule))
    return all(known.get(name, value) == value for name, value in route.match)


@dataclass(frozen=True, slots=True)
class _Known:
    """The alerts that go to *channels*: those of some references, and of these only those with the labels *more*."""

    channels: tuple[str, ...]
    more: Labels


def _named(rules: Iterable[AlertingRule], to: tuple[str, ...], channels: dict[str, ChannelSpec]) -> Iterator[Yaml]:
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
        yield {"matchers": matchers, "receiver": NOBODY, "routes": list(_leaves(known.channels, channels))}


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


def _inhibition(inhibition: Inhibition) -> Yaml:
    return {
        "source_matchers": [_equal(name, value) for name, value in inhibition.source],
        "target_matchers": [_equal(name, value) for name, value in inhibition.target],
        "equal": list(inhibition.equal),
    }
