"""An evaluation as JSON: the shape that other programs rely on (`schemas/evaluation.v1.schema.json`)."""

import json
from datetime import UTC, datetime
from math import isfinite

from tocsin.evaluate.measures import Excluded, Taken
from tocsin.evaluate.model import AlertView, BurnStatus, JourneyStatus, SlaStatus, Truth
from tocsin.service.offline import Evaluation, Objective
from tocsin.spec import Exclusion

_FIRING = {Truth.TRUE: True, Truth.FALSE: False, Truth.UNKNOWN: None}


def as_json(evaluation: Evaluation) -> str:
    """The whole of it, keys in a fixed order."""
    found = evaluation.snapshot
    document = {
        "at": _time(found.at),
        "slos": [_slo(one) for one in evaluation.objectives],
        "journeys": [_journey(one, found.at) for one in found.journeys],
        "slas": [_sla(one) for one in found.slas],
        "alerts": [_alert(one) for one in found.alerts],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _slo(one: Objective) -> dict[str, object]:
    status = one.status
    return {
        "ref": status.ref,
        "target": float(status.target),
        "window": {"from": _time(one.start), "to": _time(one.end)},
        "good": _number(status.good),
        "total": _number(status.total),
        "sli": _number(status.sli),
        "budget": {
            "allowed": _number(status.allowed),
            "used": _number(status.used),
            "remaining": _number(status.remaining),
        },
        "burn": [_burn(burn) for burn in status.burns],
        "coverage": _number(one.coverage),
        "state": status.state,
        "exhaustion": None if status.exhaustion is None else status.exhaustion.total_seconds(),
        "exclusions": [_excluded(each) for each in status.excluded],
        "reason": status.reason,
    }


def _burn(burn: BurnStatus) -> dict[str, object]:
    return {
        "tier": burn.tier,
        "severity": burn.severity,
        "long": str(burn.long),
        "short": str(burn.short),
        "rate_long": _number(burn.rate_long),
        "rate_short": _number(burn.rate_short),
        "threshold": burn.factor,
        "firing": _FIRING[burn.truth],
    }


def _journey(one: JourneyStatus, at: datetime) -> dict[str, object]:
    return {
        "ref": one.ref,
        "target": float(one.target),
        "window": {"from": _time(at - one.window.timedelta), "to": _time(at)},
        "sli": _number(one.sli),
        "budget": {"remaining": _number(one.remaining)},
        "slices": one.slices,
        "missing": one.missing,
        "coverage": _number(one.coverage),
        "members": [{"ref": ref, "sli": _number(sli)} for ref, sli in one.members],
        "state": one.state,
        "reason": one.reason,
    }


def _sla(one: SlaStatus) -> dict[str, object]:
    return {
        "ref": one.name,
        "customer": one.customer,
        "covers": one.covers,
        "period": {"from": _time(one.start), "to": _time(one.end)},
        "uptime": _number(one.uptime),
        "target": float(one.target),
        "breached": one.breached,
        "credit": None if one.credit is None else float(one.credit),
        "exclusions": [_exclusion(taken) for taken in one.exclusions],
        "intervals": one.intervals,
        "empty": one.empty,
        "coverage": _number(one.coverage),
        "reason": one.reason,
    }


def _exclusion(taken: Taken) -> dict[str, object]:
    """Of a contract: seconds."""
    removed, forgiven, spared = taken.removed / 1000, taken.forgiven / 1000, float(taken.spared / 1000)
    return {**_agreed(taken.exclusion), "removed": removed, "forgiven": forgiven, "spared": spared}


def _excluded(one: Excluded) -> dict[str, object]:
    """Of an objective: events, or slices where those are counted."""
    return {**_agreed(one.exclusion), "removed": one.removed, "forgiven": one.forgiven, "spared": one.spared}


def _agreed(one: Exclusion) -> dict[str, object]:
    return {"from": _time(one.start), "to": _time(one.end), "reason": one.reason, "treat": one.treat}


def _alert(view: AlertView) -> dict[str, object]:
    return {
        "ref": view.identity.rule,
        "service": view.service,
        "severity": view.severity,
        "state": view.phase.value,
        "since": _time(view.started_at),
        "fired_at": None if view.fired_at is None else _time(view.fired_at),
        "blind_since": None if view.blind_since is None else _time(view.blind_since),
        "labels": dict(view.labels),
        "title": view.title,
        "summary": view.summary,
        "reason": view.reason,
    }


def _number(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and isfinite(value) else None


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
