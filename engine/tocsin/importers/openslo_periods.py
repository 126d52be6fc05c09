"""OpenSLO's targets, time windows and budgeting methods."""

from datetime import datetime, time
from decimal import Decimal

from tocsin.importers.draft import Exactly, Inline, Mapping
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.openslo_alerts import length_of, shorthand
from tocsin.units import Duration

_CALENDAR = {
    (1, "d"): "day", (1, "w"): "week", (7, "d"): "week", (1, "M"): "month", (1, "Q"): "quarter", (3, "M"): "quarter",
    (1, "Y"): "year", (12, "M"): "year",
}  # fmt: skip
_FIRST = {
    "day": "a day begins at midnight",
    "week": "a week begins at midnight of its Monday",
    "month": "a month begins at midnight of its first day",
    "quarter": "a quarter begins at midnight of the first of January, April, July and October",
    "year": "a year begins at midnight of the first of January",
}
"""Where the periods of a calendar begin."""
_BUDGETING = {"Occurrences": "occurrences", "Timeslices": "timeslices", "RatioTimeslices": "ratio-timeslices"}
_ALPHA_UNITS = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}
_DEFAULT = Duration.of(days=30)


def target(objective: Given) -> Exactly | None:
    """The target in percent."""
    share = percent(objective)
    if not 0 < share < 100:
        objective.refuse("an objective has a target above 0 and below 1, or a targetPercent")
        return None
    return Exactly(f"{share.normalize():f}%")


def percent(objective: Given) -> Decimal:
    """The target as a number of percent; 0 where there is none."""
    fraction = objective["target"].number()
    return fraction * 100 if fraction is not None else objective["targetPercent"].number() or Decimal(0)


def budgeting(spec: Given, objective: Given, entry: Mapping) -> None:
    """Whether events count, or slices of time."""
    method = spec["budgetingMethod"].text("Occurrences")
    if method not in _BUDGETING:
        spec["budgetingMethod"].refuse(f"budgetingMethod is {method}", f"known are {', '.join(_BUDGETING)}")
        return
    if method != "Occurrences":
        entry.put("budgeting", _BUDGETING[method], spec["budgetingMethod"])
        length = shorthand(objective["timeSliceWindow"]) if "timeSliceWindow" in objective else None
        entry.put("slice", Exactly(str(length)) if length else None, objective["timeSliceWindow"])
    if method == "Timeslices":
        share = objective["timeSliceTarget"].number()
        entry.put("slice_target", Exactly(f"{(share * 100).normalize():f}%") if share else None)


def window(spec: Given) -> tuple[Exactly | Inline | None, Duration]:
    """A rolling or a calendar window, and its length."""
    for entry in spec["timeWindow"].elements():
        text = entry["duration"].text()
        length = shorthand(entry["duration"])
        return _period(entry, length or _DEFAULT, (int(text[:-1]) if text[:-1].isdecimal() else 0, text[-1:]))
    for entry in spec["timeWindows"].elements():  # v1alpha
        unit = _ALPHA_UNITS.get(entry["unit"].text().lower().removesuffix("s"), "")
        count = entry["count"].whole(1)
        length = length_of(count, unit)
        if length is None:
            entry["unit"].refuse(f"unit is {entry['unit'].value}", f"known are {', '.join(_ALPHA_UNITS)}")
        return _period(entry, length or _DEFAULT, (count, unit))
    spec.ledger.note(Fate.ADDED, spec.key_span, "window: 30d", "it had no time window")
    return None, _DEFAULT


def _period(entry: Given, length: Duration, written: tuple[int, str]) -> tuple[Exactly | Inline, Duration]:
    calendar = entry["calendar"]
    rolling = entry["isRolling"].flag(default=calendar.value is None)
    if rolling or calendar.value is None:
        if written[1] in {"M", "Q", "Y"}:
            entry.change(f"a rolling window of {written[0]}{written[1]} is {length} now")
        return Exactly(str(length)), length
    unit, zone = _CALENDAR.get(written), calendar["timeZone"].text("UTC")
    if unit is None:
        calendar.lose(f"a calendar period is a day, a week, a month, a quarter or a year; it is a rolling {length} now")
        return Exactly(str(length)), length
    if not _begins(unit, calendar["startTime"].text()):
        calendar["startTime"].change(f"{_FIRST[unit]} in {zone} now")
    return Inline({"calendar": unit, "timezone": zone}), length


def _begins(unit: str, start: str) -> bool:
    """Whether a period of *unit* begins at *start*, so that the calendar's periods are the same."""
    try:
        at = datetime.fromisoformat(start)
    except ValueError:
        return False
    first = {
        "day": True,
        "week": at.weekday() == 0,
        "month": at.day == 1,
        "quarter": at.day == 1 and at.month % 3 == 1,
        "year": at.day == 1 and at.month == 1,
    }
    return first[unit] and at.tzinfo is None and at.time() == time()
