"""`time_intervals`: times, weekdays, days, months and years as Alertmanager writes them, to ranges of numbers."""

import re
from collections.abc import Callable

from tocsin.spec.hours import MONTHS, WEEKDAYS, Digest, Hours, Range, Stretch
from tocsin.spec.readers.clock import read_zone
from tocsin.spec.readers.node import Node

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
MIDNIGHT = 24 * 60
"""The end of a day, in minutes."""
_SHORTEST_MONTH = 28
_LONGEST_MONTH = 31


def read_hours(node: Node) -> Hours:
    """Read one time interval, which is a list of stretches."""
    return Hours(node.name, tuple(_stretch(entry) for entry in node.elements()), node.key_span)


def read_minute(node: Node) -> int | None:
    """The minute of the day of a time such as 09:30; None where it is none, which the schema tells."""
    found = _CLOCK.fullmatch(node.text())
    if found is None:
        return None
    return MIDNIGHT if found[1] is None else int(found[1]) * 60 + int(found[2])


def read_weekday(text: str) -> int | None:
    """Sunday is 0.

    >>> read_weekday("sunday"), read_weekday("someday")
    (0, None)
    """
    return WEEKDAYS.index(text) if text in WEEKDAYS else None


def read_weekdays(node: Node) -> tuple[int, ...]:
    """Days of the week, in order; the schema tells about what is none."""
    days = map(read_weekday, node.texts())
    return tuple(sorted({day for day in days if day is not None}))


def read_digest(node: Node) -> Digest | None:
    """When a route tells together what happened; None where it tells at once."""
    if node.value is None:
        return None
    if ("at" in node) == ("every" in node):
        seen = "both" if "at" in node else "neither"
        node.report("digest/when", f"a digest has a time or a distance, this one has {seen}", "write at, or every")
        return None
    if "every" in node:
        for key in ("weekdays", "timezone"):
            if key in node:
                node[key].report("digest/when", f"{key} means nothing beside every", "write at, or leave it out")
        every = node["every"].duration_or_none()
        return Digest(every=every) if every else None
    zone, at = read_zone(node["timezone"], "time/zone"), read_minute(node["at"])
    if at == MIDNIGHT:
        node["at"].report("time/range", "a day begins at 00:00", "write 00:00")
        return None
    return Digest(at, read_weekdays(node["weekdays"]), zone.key) if zone and at is not None else None


def _stretch(node: Node) -> Stretch:
    times = (_times(entry) for entry in node["times"].elements())
    zone = read_zone(node["location"], "time/zone")
    return Stretch(
        times=tuple(found for found in times if found is not None),
        weekdays=_ranges(node["weekdays"], read_weekday),
        days_of_month=_days(node["days_of_month"]),
        months=_ranges(node["months"], _month),
        years=_ranges(node["years"], int),
        location=zone.key if zone else "UTC",
    )


def _times(node: Node) -> Range | None:
    start, end = read_minute(node["start_time"]), read_minute(node["end_time"])
    if start is None or end is None:
        return None
    if start >= end:
        first, last = node["start_time"].value, node["end_time"].value
        hint = f"for a night write {first} to 24:00, and 00:00 to {last} beside it" if end else "write 24:00"
        node.report("time/range", f"it ends at {last}, which is not after its start at {first}", hint)
        return None
    return start, end


def _ranges(node: Node, number: Callable[[str], int | None]) -> tuple[Range, ...]:
    """Ranges such as `monday:friday`, or single ones; the schema knows how they are written."""
    found = []
    for entry in node.elements():
        first, _, last = str(entry.value).partition(":")
        try:
            start, end = number(first), number(last or first)
        except ValueError:
            continue
        if start is None or end is None:
            if isinstance(entry.value, int):  # the schema knows texts only
                entry.report("time/range", f"{entry.value} is none", "there are 1 to 12")
        elif start > end:
            hint = f"weeks begin with Sunday; write {first}:saturday and sunday:{last}" if first in WEEKDAYS else None
            entry.report("time/range", f"{last} comes before {first}", hint)
        else:
            found.append((start, end))
    return tuple(found)


def _month(text: str) -> int | None:
    if text in MONTHS:
        return MONTHS.index(text) + 1
    return int(text) if text.isdecimal() and 1 <= int(text) <= len(MONTHS) else None


def _days(node: Node) -> tuple[Range, ...]:
    """Days of the month; Alertmanager's rules for those that are counted from its end."""
    found = []
    for entry in node.elements():
        first, _, last = str(entry.value).partition(":")
        try:
            start, end = int(first), int(last or first)
        except ValueError:
            continue
        if any(day == 0 or abs(day) > _LONGEST_MONTH for day in (start, end)):
            entry.report("time/range", f"{entry.value} is no day of a month", "write 1 to 31, or -1 for the last day")
        elif start < 0 < end:
            entry.report("time/range", f"{entry.value} begins in one month and ends in another", "end it with -1")
        elif _earliest(start) > _earliest(end):
            entry.report("time/range", f"day {last} comes before day {first}, at least in a short month")
        else:
            found.append((start, end))
    return tuple(found)


def _earliest(day: int) -> int:
    return day if day > 0 else _SHORTEST_MONTH + day
