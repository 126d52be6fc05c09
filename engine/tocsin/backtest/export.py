"""A back-test for programs: all of it as JSON, every episode with its times."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tocsin.backtest.verdict import Verdict


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Everything; *before* is null where there is nothing to compare with."""
    ticks, last = verdicts[0].replay.ticks, verdicts[-1]
    document = {
        "from": _time(ticks.start),
        "to": _time(ticks.end),
        "step": ticks.step.total_seconds(),
        "warm_up": {
            "from": _time(last.period.whole.start),
            "wanted_from": _time(last.period.wanted),
            "history_from": None if last.period.first is None else _time(last.period.first),
            "complete": last.period.complete,
        },
        "before": _verdict(verdicts[0]) if len(verdicts) > 1 else None,
        "after": _verdict(last),
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _verdict(one: Verdict) -> Mapping[str, object]:
    found = one.found
    return {
        "name": one.name,
        "pages": one.pages,
        "tickets": one.tickets,
        "already": {"pages": one.pages_already, "tickets": one.tickets_already},
        "pages_per_week": one.pages_per_week,
        "page_budgets": [
            {
                "name": each.budget.name,
                "pages": each.pages,
                "bearable": each.budget.pages.count,
                "seconds": each.budget.pages.per.total_seconds(),
                "at": _time(each.at),
                "overspent": each.over,
            }
            for each in one.budgets
        ],
        "messages": dict(one.messages),
        "pending_only": one.replay.pending,
        "detection": None
        if found is None
        else {
            "precision": found.precision,
            "recall": found.recall,
            "median_seconds": None if one.detection_time is None else one.detection_time.total_seconds(),
            "outside_seconds": found.outside.total_seconds(),
            "incidents": [
                {
                    "name": each.incident.name,
                    "from": _time(each.incident.start),
                    "to": _time(each.incident.end),
                    "pages": each.alerts,
                    "after": None if each.after is None else each.after.total_seconds(),
                    "at_most": each.at_most,
                    "budget_spent": each.spent,
                    "budget_of": (each.cost.of or None) if each.cost else None,
                    "reset": None if each.reset is None else each.reset.total_seconds(),
                }
                for each in found.incidents
            ],
            "outside_history": [
                {"name": each.name, "from": _time(each.start), "to": _time(each.end)} for each in one.elsewhere
            ],
        },
        "alerts": [
            {
                "ref": fired.rule,
                "severity": fired.severity,
                "times": fired.episodes,
                "already": fired.already,
                "firing": fired.firing.total_seconds(),
            }
            for fired in one.fired
        ],
        "episodes": [
            {
                "ref": each.rule,
                "severity": each.view.severity,
                "service": each.view.service,
                "labels": dict(each.view.identity.labels),
                "pending_at": _time(each.pending_at),
                "fired_at": _time(each.fired_at),
                "resolved_at": None if each.resolved_at is None else _time(each.resolved_at),
                "already": one.replay.already(each),
                "censored": each.censored,
            }
            for each in one.replay.episodes
        ],
        "hovering": [{"ref": each.rule, "labels": dict(each.labels)} for each in one.replay.hovering],
        "unseen": [{"ref": ref, "why": why} for ref, why in one.unseen],
        "not_replayed": [{"ref": ref, "why": why} for ref, why in one.left_out],
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
