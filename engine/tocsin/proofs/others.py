"""The proofs of all alerts that are not those of an objective: by the kind of their condition."""

from collections.abc import Collection, Iterator

from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.promql_syntax import Fault, parse
from tocsin.proofs.absence import absence_proof, is_absence
from tocsin.proofs.composites import composite_proof
from tocsin.proofs.forecasts import forecast_proof
from tocsin.proofs.hysteresis import hysteresis_proof
from tocsin.proofs.journeys import journey_proofs
from tocsin.proofs.model import Proof, Unproved
from tocsin.proofs.thresholds import alert_proof
from tocsin.spec import AlertRule, Anomaly, Composite, Forecast, Threshold
from tocsin.workspace import Workspace


def other_proofs(workspace: Workspace, planned: Plan, rules: Plan, only: str = "") -> Iterator[Proof | Unproved]:
    """What is proved, and what is not and why; *rules* are those that will be judged, *only* is a part of refs."""
    recorded = {rule.record for group in rules.groups for rule in group.rules if isinstance(rule, RecordingRule)}
    done = {slo.ref for service in workspace.services for slo in service.slos}
    named = {group.name: group for group in planned.groups}
    for journey in workspace.journeys:
        for objective in journey.slos:
            done.add(objective.ref)
            if only in objective.ref:
                yield from journey_proofs(objective, named.get(f"journey:{objective.ref}"))
    asked = {alert.ref: alert for service in workspace.services for alert in service.alerts}
    for group in planned.groups:
        for rule in group.rules:
            if isinstance(rule, AlertingRule) and only in rule.ref and rule.ref not in done:
                yield _of_alert(rule, asked.get(rule.ref), group.file, planned, recorded)


def _of_alert(
    rule: AlertingRule, asked: AlertRule | None, file: str, planned: Plan, recorded: Collection[str]
) -> Proof | Unproved:
    """By the kind of its condition; what is any PromQL, by its shape."""
    condition = asked.condition if asked is not None else None
    if isinstance(condition, Forecast):
        return forecast_proof(rule, condition, file, recorded)
    if isinstance(condition, Composite):
        return composite_proof(rule, condition, file, planned)
    if isinstance(condition, Anomaly):
        return Unproved(rule.ref, rule.source, "its alert", "it compares with earlier seasons, and proofs have none")
    if asked is not None and isinstance(condition, Threshold) and condition.clear is not None:
        return hysteresis_proof(rule, condition, file, recorded, kept=asked.on_missing != "resolve")
    tree = parse(rule.expr)
    if not isinstance(tree, Fault) and is_absence(tree):
        return absence_proof(rule, file, recorded)
    return alert_proof(rule, file, recorded)
