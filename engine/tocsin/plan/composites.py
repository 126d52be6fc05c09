"""Alerts made of other alerts: put behind those, so that they see them at the same evaluation.

A composite goes to the end of the one group that holds all its parts; where they are in several, or in those of other
services, to the end of its service's group of alerts, and sees some of its parts one evaluation late. One that names
a group stays where it is written.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.plan.alert import alerting_rule
from tocsin.plan.conditions import alert_labels
from tocsin.plan.journey import beyond_promql
from tocsin.plan.model import AlertingRule, RuleGroup
from tocsin.ports import Labels
from tocsin.spec import AlertRule, Composite, Part, Service
from tocsin.workspace import Workspace

_Place = tuple[str, str]
"""File and name of a group."""


def with_composites(
    groups: list[RuleGroup], workspace: Workspace, alone: Collection[str] = ()
) -> tuple[list[RuleGroup], list[Diagnostic]]:
    """Add the composite alerts to *groups*; what cannot be made is left out and is a finding.

    Those that are evaluated *alone* are in no group.
    """
    owners = {alert.ref: service for service in workspace.services for alert in service.alerts}
    every = sorted((alert for service in workspace.services for alert in service.alerts), key=lambda alert: alert.ref)
    composites = {alert.ref: alert for alert in every if isinstance(alert.condition, Composite)}
    needs = {ref: [part.ref for part in _parts(alert)] for ref, alert in composites.items()}
    findings = list(_cycles(needs, composites))
    known = {alert.ref for alert in every}
    placed = {(group.file, group.name): group for group in groups}
    order = [ref for ref in TopologicalSorter(needs).static_order() if ref in needs]
    for ref in order:
        alert = composites[ref]
        findings.extend(_unknown_tiers(alert, placed, workspace))
        if ref in alone:
            continue
        if not alert.group:
            service = owners[ref]
            home = _home(alert, service, placed)
            group = placed.get(home) or RuleGroup(home[1], home[0], ())
            placed[home] = replace(group, rules=(*group.rules, alerting_rule(alert, service)))
        else:
            findings.extend(_late(alert, placed, known))
    return _in_order(groups, placed), findings


def _in_order(groups: list[RuleGroup], placed: Mapping[_Place, RuleGroup]) -> list[RuleGroup]:
    """The groups as they were, each new one behind those of its file."""
    order = {(group.file, group.name): number for number, group in enumerate(groups)}
    last = {group.file: number for number, group in enumerate(groups)}
    places = sorted(placed, key=lambda place: (order.get(place, last.get(place[0], len(groups))), place not in order))
    return [placed[place] for place in places]


def _parts(alert: AlertRule) -> Iterator[Part]:
    if isinstance(alert.condition, Composite):
        yield from alert.condition.parts()


def _home(alert: AlertRule, service: Service, placed: Mapping[_Place, RuleGroup]) -> _Place:
    holders = {place for part in _parts(alert) for place, _ in _where(part, placed)}
    [*others] = holders
    if len(others) == 1 and others[0][0] == service.name:
        return others[0]
    return service.name, f"alerts:{service.name}"


def _where(part: Part, placed: Mapping[_Place, RuleGroup]) -> Iterator[tuple[_Place, int]]:
    """The groups that hold rules of *part*, and the last of them."""
    wanted = set(alert_labels(part))
    for place, group in placed.items():
        numbers = [
            number
            for number, rule in enumerate(group.rules)
            if isinstance(rule, AlertingRule) and wanted <= {*rule.labels, ("alertname", rule.alert)}
        ]
        if numbers:
            yield place, numbers[-1]


def _late(alert: AlertRule, placed: Mapping[_Place, RuleGroup], known: set[str]) -> Iterator[Diagnostic]:
    [(mine, number)] = _where(Part(alert.ref, alert.span), placed)
    for part in _parts(alert):
        for place, other in _where(part, placed):
            if place == mine and other > number and part.owner in known:
                yield Diagnostic(
                    "alert/order",
                    part.span,
                    f"{part.ref} stands behind {alert.ref} in their group, which sees it one evaluation late",
                    Severity.WARNING,
                    hint=f"write {part.ref} above {alert.name}",
                )


def _unknown_tiers(alert: AlertRule, placed: Mapping[_Place, RuleGroup], workspace: Workspace) -> Iterator[Diagnostic]:
    """Tiers of objectives and journeys that no rule has: the alert would never hear of them."""
    slos = {slo.ref: slo for service in workspace.services for slo in service.slos}
    journeys = {slo.ref: slo for journey in workspace.journeys for slo in journey.slos}
    for part in _parts(alert):
        if not part.tier or any(_where(part, placed)):
            continue
        message, hint = f"{part.owner} has no alert {part.tier!r}", ""
        if slo := slos.get(part.owner):
            off = "; its no-traffic alert is off" if part.tier == "no-traffic" and not slo.no_traffic.alert else ""
            known = [*_tiers(slo.ref, placed), *(["no-traffic"] if slo.no_traffic.alert else [])]
            message, hint = message + off, f"known are {', '.join(known)}"
        elif journey := journeys.get(part.owner):
            alone = beyond_promql(journey) if part.tier == "burn" else ""
            message += f" in rules: {alone}" if alone else ""
            hint = "leave it out" if alone else f"the alert of a journey is {part.owner}:burn"
        else:
            continue  # whatever is wrong with it has a finding of its own
        yield Diagnostic("reference/unknown-tier", part.span, message, hint=hint)


def _tiers(ref: str, placed: Mapping[_Place, RuleGroup]) -> list[str]:
    """The tiers of an objective that have a rule."""
    rules = (rule for group in placed.values() for rule in group.rules if isinstance(rule, AlertingRule))
    return sorted({_tier(rule.labels) for rule in rules if rule.ref == ref and rule.alert == "ErrorBudgetBurn"})


def _tier(labels: Labels) -> str:
    return dict(labels).get("tier", "")


def _cycles(needs: dict[str, list[str]], composites: Mapping[str, AlertRule]) -> Iterator[Diagnostic]:
    """Take one alert out of every cycle, and say which it was."""
    while True:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1][:0:-1]
            start = cycle.index(min(cycle))
            path = [*cycle[start:], *cycle[:start]]
            after = path[1 % len(path)]
            span = next(part.span for part in _parts(composites[path[0]]) if part.ref == after)
            message = f"an alert cannot need itself: {' needs '.join((*path, path[0]))}"
            yield Diagnostic("reference/cycle", span, message)
            del needs[path[0]]
        else:
            return
