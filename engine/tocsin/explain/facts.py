"""The facts of an objective for programs; lengths of time are in seconds, ratios are fractions."""

from fractions import Fraction

from tocsin.explain.standing import budgeting, evidence, guards, intervals, period
from tocsin.guards import keep_firing_for
from tocsin.plan.model import Plan
from tocsin.spec import Slo
from tocsin.windows import ALERT_SEVERITY, detection_time, reset_time


def facts(slo: Slo, plan: Plan, outages: tuple[str, ...]) -> dict[str, object]:
    """What the text says, with the detection times for *outages*; None: never."""
    tiers = []
    for tier in slo.tiers:
        threshold = tier.threshold(slo.window, slo.target)
        times = [
            {
                "errors": float(errors),
                "fires_after": _number(detection_time(tier.long.seconds, threshold, errors)),
                "over_after": _number(reset_time(tier.short.seconds, threshold, errors)),
            }
            for errors in map(Fraction, outages)
        ]
        tiers.append(
            {
                "name": tier.name,
                "severity": ALERT_SEVERITY[tier.severity],
                "feasible": tier.feasible(slo.window, slo.target),
                "long": float(tier.long.seconds),
                "short": float(tier.short.seconds),
                "factor": float(tier.factor(slo.window)),
                "threshold": float(threshold),
                "budget_share": float(tier.budget_share),
                "keep_firing_for": float(keep_firing_for(tier, slo.guards).seconds),
                "outages": times,
            }
        )
    return {
        "ref": slo.ref,
        "source": f"{slo.span.path}:{slo.span.line}",
        "target": float(slo.target),
        "window": float(slo.window.seconds),
        "period": period(slo),
        "budgeting": budgeting(slo),
        "group_by": list(slo.by),
        "evidence": evidence(slo),
        "intervals": intervals(slo, plan),
        "guards": [
            {"name": each.name, "on": each.on, "meaning": each.meaning, "why": each.why} for each in guards(slo)
        ],
        "tiers": tiers,
    }


def _number(seconds: Fraction | None) -> float | None:
    return None if seconds is None else float(seconds)
