"""The proofs of all alerts that are not those of an objective: by the kind of their condition."""

from collections.abc import Iterator

from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.proofs.composites import composite_proof
from tocsin.proofs.forecasts import forecast_proof
from tocsin.proofs.journeys import journey_proofs
from tocsin.proofs.model import Proof, Unproved
from tocsin.proofs.thresholds import alert_proof
from tocsin.spec import Composite, Forecast
from tocsin.workspace import Workspace


def other_proofs(workspace: Workspace, planned: Plan, rules: Plan) -> Iterator[Proof | Unproved]:
    """What is proved, and what is not and why; *rules* are those that will be judged."""
    recorded = {rule.record for group in rules.groups for rule in group.rules if isinstance(rule, RecordingRule)}
    done = {slo.ref for service in workspace.services for slo in service.slos}
    named = {group.name: group for group in planned.groups}
    for journey in workspace.journeys:
        for objective in journey.slos:
            done.add(objective.ref)
            yield from journey_proofs(objective, named.get(f"journey:{objective.ref}"))
    conditions = {alert.ref: alert.condition for service in workspace.services for alert in service.alerts}
    for group in planned.groups:
        for rule in group.rules:
            if isinstance(rule, AlertingRule) and rule.ref not in done:
                condition = conditions.get(rule.ref)
                if isinstance(condition, Forecast):
                    yield forecast_proof(rule, condition, group.file, recorded)
                elif isinstance(condition, Composite):
                    yield composite_proof(rule, condition, group.file, planned)
                else:
                    yield alert_proof(rule, group.file, recorded)
