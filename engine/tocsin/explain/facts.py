"""The facts of an objective, an alert, a journey or a contract for programs.

Lengths of time are in seconds, ratios are fractions; null is never.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from tocsin.explain.conditions import sentence
from tocsin.explain.find import Subject
from tocsin.explain.objective import OUTAGES
from tocsin.explain.standing import budgeting, evidence, guards, intervals, period
from tocsin.guards import keep_firing_for
from tocsin.plan import AlertingRule
from tocsin.plan.journey import beyond_promql, paging_tiers
from tocsin.plan.model import Plan
from tocsin.spec import AlertRule, Exclusion, JourneySlo, Sla, Slo
from tocsin.spec.journey import Combine, Member
from tocsin.units import Duration
from tocsin.windows import ALERT_SEVERITY, Tier, budget_spent, detection_time, reset_time


def facts(subject: Subject, plan: Plan) -> dict[str, object]:
    """What the text says."""
    common = {"ref": subject.ref, "source": f"{subject.span.path}:{subject.span.line}"}
    if isinstance(subject, Slo):
        return {"kind": "objective", **common, **_objective(subject, plan)}
    if isinstance(subject, AlertRule):
        return {"kind": "alert", **common, **_alert(subject, plan)}
    if isinstance(subject, JourneySlo):
        return {"kind": "journey", **common, **_journey(subject)}
    return {"kind": "contract", **common, **_contract(subject)}


def _objective(slo: Slo, plan: Plan) -> dict[str, object]:
    tiers = _tiers(slo.tiers, slo.window, slo.target)
    keeps = [{"keep_firing_for": float(keep_firing_for(tier, slo.guards).seconds)} for tier in slo.tiers]
    return {
        "target": float(slo.target),
        "window": float(slo.window.seconds),
        "period": period(slo),
        "budgeting": budgeting(slo),
        "group_by": list(slo.by),
        "evidence": evidence(slo),
        "intervals": intervals(slo, plan),
        "exclusions": _exclusions(slo.exclusions),
        "guards": [
            {"name": each.name, "on": each.on, "meaning": each.meaning, "why": each.why} for each in guards(slo)
        ],
        "tiers": [tier | keep for tier, keep in zip(tiers, keeps, strict=True)],
    }


def _tiers(tiers: Sequence[Tier], window: Duration, target: Decimal) -> list[dict[str, object]]:
    return [
        {
            "name": tier.name,
            "severity": ALERT_SEVERITY[tier.severity],
            "feasible": tier.feasible(window, target),
            "long": float(tier.long.seconds),
            "short": float(tier.short.seconds),
            "factor": float(tier.factor(window)),
            "threshold": float(tier.threshold(window, target)),
            "budget_share": float(tier.budget_share),
            "outages": [_outage(tier, window, target, Fraction(errors)) for errors in OUTAGES],
        }
        for tier in tiers
    ]


def _outage(tier: Tier, window: Duration, target: Decimal, errors: Fraction) -> dict[str, float | None]:
    threshold = tier.threshold(window, target)
    fires = detection_time(tier.long.seconds, threshold, errors)
    spent = None if fires is None else budget_spent(fires, errors, target, window.seconds)
    return {
        "errors": float(errors),
        "fires_after": _number(fires),
        "over_after": _number(reset_time(tier.short.seconds, threshold, errors)),
        "budget_spent": _number(spent),
    }


def _alert(alert: AlertRule, plan: Plan) -> dict[str, object]:
    rules = [rule for group in plan.groups for rule in group.rules if isinstance(rule, AlertingRule)]
    return {
        "severity": alert.severity,
        "condition": sentence(alert),
        "for": float(alert.for_.seconds),
        "keep_firing_for": float(alert.keep_firing_for.seconds),
        "on_missing": alert.on_missing,
        "evaluated_alone": any(rule.ref == alert.ref for rule in plan.evaluated),
        "expressions": [rule.expr for rule in rules if rule.ref == alert.ref],
    }


def _journey(slo: JourneySlo) -> dict[str, object]:
    return {
        "target": float(slo.target),
        "window": float(slo.window.seconds),
        "slice": float(slo.slice.seconds),
        "combine": _tree(slo.combine),
        "missing": {"after": float(slo.missing.after.seconds), "count_as": slo.missing.count_as},
        "beyond_promql": beyond_promql(slo) or None,
        "tiers": _tiers(paging_tiers(slo), slo.window, slo.target),
    }


def _tree(node: Member | Combine) -> object:
    if isinstance(node, Member):
        return node.ref
    told: dict[str, object] = {"how": node.how, "parts": [_tree(part) for part in node.parts]}
    if node.weights:
        told["weights"] = [float(weight) for weight in node.weights]
    return told | ({"need": node.need} if node.how == "k_of_n" else {})


def _contract(sla: Sla) -> dict[str, object]:
    return {
        "customer": sla.customer,
        "covers": sla.covers,
        "target": float(sla.target),
        "calendar": sla.calendar,
        "timezone": sla.timezone,
        "measure": {
            "method": sla.measure.method,
            "interval": float(sla.measure.interval.seconds),
            "empty": sla.measure.empty,
            "errors_above": None if sla.measure.errors_above is None else float(sla.measure.errors_above),
            "at_least": None if sla.measure.at_least is None else float(sla.measure.at_least.seconds),
            "partial_minute": sla.measure.partial_minute,
            "deployed": sla.measure.deployed.text if sla.measure.deployed else None,
            "minimum_events": sla.measure.minimum_events,
        },
        "credits": [{"below": float(tier.below), "credit": float(tier.credit)} for tier in sla.credits],
        "exclusions": _exclusions(sla.exclusions),
    }


def _exclusions(exclusions: Sequence[Exclusion]) -> list[dict[str, object]]:
    """Of an objective: unknown to Prometheus' rules."""
    return [
        {"start": one.start.isoformat(), "end": one.end.isoformat(), "treat": one.treat, "reason": one.reason}
        for one in exclusions
    ]


def _number(seconds: Fraction | None) -> float | None:
    return None if seconds is None else float(seconds)
