"""The proofs of all alerts that are not those of an objective: by the kind of their condition."""

from collections.abc import Collection, Iterator

from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.promql_syntax import Fault, parse
from tocsin.proofs.absence import absence_proof, is_absence
from tocsin.proofs.anomalies import anomaly_proofs
from tocsin.proofs.composites import composite_proof
from tocsin.proofs.forecasts import forecast_proofs
from tocsin.proofs.hysteresis import hysteresis_proof
from tocsin.proofs.journeys import journey_proofs
from tocsin.proofs.model import Proof, Unproved
from tocsin.proofs.thresholds import alert_proof
from tocsin.spec import AlertRule, Anomaly, Composite, Forecast, Threshold
from tocsin.workspace import Workspace


def other_proofs(
    workspace: Workspace, planned: Plan, rules: Plan, only: str = "", slack: int = 0
) -> Iterator[Proof | Unproved]:
    """What is proved, and what is not and why; *rules* are those that will be judged, *only* is a part of refs.

    Windows hold *slack* samples less than they say.
    """
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
                alert = asked.get(rule.ref)
                if alert is not None and isinstance(alert.condition, Anomaly):
                    yield from anomaly_proofs(rule, alert, alert.condition, group.file, recorded, slack=slack)
                else:
                    yield from _of_alert(rule, alert, group.file, planned, recorded)
    for rule in planned.evaluated:
        if only in rule.ref:
            yield Unproved(rule.ref, rule.source, "its alert", "no rule says it: tocsin serve alone evaluates it")


def _of_alert(
    rule: AlertingRule, asked: AlertRule | None, file: str, planned: Plan, recorded: Collection[str]
) -> Iterator[Proof | Unproved]:
    """By the kind of its condition; what is any PromQL, by its shape."""
    condition = asked.condition if asked is not None else None
    if isinstance(condition, Forecast):
        yield from forecast_proofs(rule, condition, file, recorded)
    elif isinstance(condition, Composite):
        yield composite_proof(rule, condition, file, planned)
    elif asked is not None and isinstance(condition, Threshold) and condition.clear is not None:
        yield hysteresis_proof(rule, condition, file, recorded, kept=asked.on_missing != "resolve")
    else:
        tree = parse(rule.expr)
        proof = absence_proof if not isinstance(tree, Fault) and is_absence(tree) else alert_proof
        yield proof(rule, file, recorded)
