"""A month's report as JSON, and its days and outages as CSV."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from tocsin.evaluate.capacity import CONFIDENCE, Watched
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.monthly.capacity import Capacity, unknown
from tocsin.monthly.model import Day, Month, Outage
from tocsin.monthly.objectives import Objective, ServiceMonth
from tocsin.monthly.words import cut, share
from tocsin.spec import Exclusion
from tocsin.units import Duration

DIGITS = 12
"""Of a share; of seconds three."""


def as_json(month: Month) -> str:
    """Everything; numbers are cut off, times are RFC 3339 in UTC, lengths are seconds."""
    sla = month.sla
    told = {
        "sla": sla.name,
        "title": sla.title or sla.name,
        "customer": sla.customer,
        "covers": sla.covers,
        "month": month.name,
        "timezone": sla.timezone,
        "period": {"from": _time(month.start), "to": _time(month.end)},
        "measured_to": _time(month.measured_to),
        "complete": month.complete,
        "from_ledger": month.seen.share,
        "coverage": month.seen.coverage,
        "unseen": [{"from": _time(start), "to": _time(end)} for start, end in month.unseen],
        "measure": {"method": sla.measure.method, "words": sla.measure.words},
        "target": float(sla.target),
        "uptime": _ratio(month.uptime),
        "uptime_text": month.told,
        "uptime_without_exclusions": _ratio(month.bare),
        "breached": month.breached,
        "credit": None if month.credit is None else float(month.credit),
        "verdict": month.verdict,
        "credits": [{"below": float(tier.below), "credit": float(tier.credit)} for tier in sla.credits],
        "budget": {
            "allowed": _seconds(month.allowed),
            "used": _seconds(month.used),
            "remaining": _seconds(month.allowed - month.used),
            "used_outside_outages": _seconds(month.elsewhere),
        },
        "events": month.events,
        "intervals": month.tally.counted,
        "empty": month.tally.empty,
        "days": [_day(day) for day in month.days],
        "outages": [_outage(one) for one in month.outages],
        "exclusions": [_taken(one) for one in month.taken],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _day(day: Day) -> dict[str, object]:
    return {
        "date": day.date.isoformat(),
        "uptime": _ratio(day.tally.uptime()),
        "counted": _seconds(day.tally.weight),
        "down": _seconds(day.tally.down()),
        "removed": _seconds(day.removed),
        "forgiven": _seconds(day.forgiven),
        "empty": day.tally.empty,
        "unseen": _seconds(day.unseen),
    }


def _outage(one: Outage) -> dict[str, object]:
    return {
        "from": _time(one.start),
        "to": _time(one.end),
        "duration": _seconds(one.milliseconds),
        "counted": _seconds(one.counted),
        "excluded": _seconds(one.excluded),
        "worst": _ratio(one.worst),
        "note": one.note,
    }


def _taken(one: Taken) -> dict[str, object]:
    return {
        **_agreed(one.exclusion),
        "removed": _seconds(one.removed),
        "forgiven": _seconds(one.forgiven),
        "spared": _seconds(one.spared),
    }


def _agreed(exclusion: Exclusion) -> dict[str, object]:
    return {
        "from": _time(exclusion.start),
        "to": _time(exclusion.end),
        "reason": exclusion.reason,
        "treat": exclusion.treat,
    }


def days_as_csv(month: Month) -> str:
    """A row for each day; times are seconds, uptime is per cent."""
    seconds = ("counted_seconds", "down_seconds", "removed_seconds", "forgiven_seconds")
    head = ("date", "uptime_percent", *seconds, "empty", "unseen_seconds")
    return _table(
        head,
        [
            (
                day.date.isoformat(),
                share(day.tally.uptime()).removesuffix("%") if day.tally.weight else "",
                _seconds(day.tally.weight),
                _seconds(day.tally.down()),
                _seconds(day.removed),
                _seconds(day.forgiven),
                day.tally.empty,
                _seconds(day.unseen),
            )
            for day in month.days
        ],
    )


def outages_as_csv(month: Month) -> str:
    """A row for each outage; local times with their offset, lengths in seconds."""
    zone = ZoneInfo(month.sla.timezone)
    head = ("from", "to", "duration_seconds", "counted_seconds", "excluded_seconds", "worst_percent", "note")
    return _table(
        head,
        [
            (
                one.start.astimezone(zone).isoformat(),
                one.end.astimezone(zone).isoformat(),
                _seconds(one.milliseconds),
                _seconds(one.counted),
                _seconds(one.excluded),
                "" if one.worst is None else share(one.worst).removesuffix("%"),
                one.note,
            )
            for one in month.outages
        ],
    )


# --- services --------------------------------------------------------------------------------------------------


def service_as_json(month: ServiceMonth) -> str:
    """Everything; events are numbers, shares are cut off, times are RFC 3339 in UTC."""
    told = {
        "service": month.service.name,
        "title": month.service.title or month.service.name,
        "month": month.name,
        "timezone": str(month.bounds.zone),
        "period": {"from": _time(month.bounds.start), "to": _time(month.bounds.end)},
        "measured_to": _time(month.measured_to),
        "complete": month.complete,
        "verdict": month.verdict,
        "objectives": [_objective(one) for one in month.objectives],
        "capacity": None if month.capacity is None else _capacity(month.capacity),
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _objective(one: Objective) -> dict[str, object]:
    return {
        "ref": one.ref,
        "target": float(one.slo.target),
        "good": float(one.total - one.bad),
        "total": float(one.total),
        "sli": _ratio(one.sli),
        "kept": one.kept,
        "budget": {
            "allowed": float(one.allowed),
            "used": float(one.bad),
            "remaining": None if one.spent is None else float(1 - one.spent),
        },
        "coverage": one.coverage,
        "since": None if one.since is None else _time(one.since),
        "sli_without_exclusions": _ratio(one.bare),
        "exclusions": [_excluded(each) for each in one.excluded],
        "days": [
            {
                "date": day.date.isoformat(),
                "good": float(day.total - day.bad),
                "total": float(day.total),
                "sli": _ratio(day.sli),
                "coverage": day.coverage,
            }
            for day in one.days
        ],
    }


def _excluded(one: Excluded) -> dict[str, object]:
    """Of an objective: events, or slices where those are counted."""
    return {**_agreed(one.exclusion), "removed": one.removed, "forgiven": one.forgiven, "spared": one.spared}


def _capacity(found: Capacity) -> dict[str, object]:
    return {
        "at": _time(found.at),
        "history": str(found.history),
        "confidence": CONFIDENCE,
        "resources": [_resource(one, found.history) for one in found.resources],
        "unknown": [{"alert": alert, "reason": reason} for alert, reason in found.faults],
    }


def _resource(one: Watched, history: Duration) -> dict[str, object]:
    """As `GET /api/v1/capacity` tells it; null is no date within ten years, or none for a reason."""
    found = one.found
    return {
        "alert": one.alert,
        "labels": dict(one.labels),
        "bound": one.bound,
        "level": None if found is None else found.level,
        "per_day": None if found is None else asdict(found.per_day),
        **dict(zip(("earliest", "exhausted_at", "latest"), map(_date_of, one.dates), strict=True)),
        "changes": [{"at": _time(each.at), "before": each.before, "after": each.after} for each in one.changes],
        "since": _date_of(one.last.at if one.last else None),
        "reason": "" if found else unknown(one, history, UTC),
    }


def _date_of(at: datetime | None) -> str | None:
    return None if at is None else _time(at)


def capacity_as_csv(found: Capacity) -> str:
    """A row for each resource."""
    slope = ("low_per_day", "per_day", "high_per_day")
    dates = ("earliest", "likely", "latest")
    head = ("alert", "labels", "bound", "level", *slope, *dates, "changed", "before", "after")
    rows: list[Sequence[object]] = []
    for one in found.resources:
        start = (one.alert, ",".join(f"{name}={value}" for name, value in one.labels), one.bound)
        last = one.last
        change: Sequence[object] = (_time(last.at), last.before, last.after) if last else ("", "", "")
        ends = [_date_of(end) or "" for end in one.dates]
        if (each := one.found) is None:
            rows.append((*start, *[""] * 4, *ends, *change))
            continue
        slopes = (each.per_day.low, each.per_day.likely, each.per_day.high)
        rows.append((*start, each.level, *slopes, *ends, *change))
    return _table(head, rows)


def service_as_csv(month: ServiceMonth) -> str:
    """A row for each objective and day."""
    head = ("objective", "date", "good", "total", "sli_percent", "budget_percent", "coverage_percent")
    return _table(
        head,
        [
            (
                one.ref,
                day.date.isoformat(),
                float(day.total - day.bad),
                float(day.total),
                "" if day.sli is None else share(day.sli).removesuffix("%"),
                share(day.bad / one.allowed, 2).removesuffix("%") if one.allowed else "",
                f"{cut(Fraction(day.coverage) * 100, 2):g}",
            )
            for one in month.objectives
            for day in one.days
        ],
    )


# --- numbers ---------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((head, *rows))
    return text.getvalue()


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _ratio(value: Fraction | None) -> float | None:
    return None if value is None else cut(value, DIGITS)


def _seconds(milliseconds: Fraction | int) -> float:
    return cut(Fraction(milliseconds) / 1000, 3)
