"""Events of a time range of any length, added up over stretches of at most six hours.

For each selector two questions whatever the length: an instant query for the newest stretch, and a range query whose
step is a stretch for all that are older; a range of up to six hours is one stretch, and one question. Counters are
counted as the ledger counts them (`tocsin.evaluate.increments`), in whole events; any other SLI is asked for its events
in each stretch, as the ledger's exact windows are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.burn import union
from tocsin.evaluate.increments import BEHIND, REMEMBERED, Events, Looks, counted, query, read, remembered
from tocsin.evaluate.slices import range_of
from tocsin.guards import RAW_LIMIT
from tocsin.ports import Labels
from tocsin.sli import Counters, Sli
from tocsin.units import Duration


def stretches(window: Duration) -> tuple[Duration, int]:
    """How long each stretch is, and how many there are.

    >>> [(str(length), count) for length, count in map(stretches, map(Duration.parse, ("1h", "6h", "7h", "30d")))]
    [('1h', 1), ('6h', 1), ('3h30m', 2), ('6h', 120)]
    """
    count = max(1, -(-window.milliseconds // RAW_LIMIT.milliseconds))
    return Duration(window.milliseconds // count), count


def tally(asker: Asker, counters: Counters, window: Duration) -> tuple[Events, Events] | Unanswered:
    """Events of the series of a part, and of all; nothing where there are no series of the part."""
    part = _looks(asker, counters.part, window, slopes=False)
    if isinstance(part, Unanswered) or not part:
        return part if isinstance(part, Unanswered) else ({}, {})
    total = _looks(asker, counters.total, window, slopes=True)
    if isinstance(total, Unanswered):
        return total
    some, every = (
        _added(
            pair
            for time, each in looks.items()
            for pair in counted(each, total.get(time, {}), births=counters.births).items()
        )
        for looks in (part, total)
    )
    return some, every


def measured(asker: Asker, sli: Sli, window: Duration, by: tuple[str, ...]) -> Events | Unanswered:
    """Bad and all events of any *sli*, as rows of `union` are marked."""
    stretch, count = stretches(window)
    text = union(replace(sli, by=by), (range_of(sli, stretch),), "increase")  # type: ignore[type-var]
    if count == 1:
        now = asker.complete(text)
        return now if isinstance(now, Unanswered) else _added((row.labels, row.value) for row in now.rows)
    step = stretch.timedelta
    answer = asker.range(text, asker.at - (count - 1) * step, asker.at, step)
    if isinstance(answer, Unanswered):
        return answer
    return _added((row.labels, value) for row in answer.rows for _, value in row.points)


def _looks(asker: Asker, selector: str, window: Duration, *, slopes: bool) -> Mapping[float, Looks] | Unanswered:
    """Looks at all series of *selector*, by the time at which each stretch was asked for.

    The range query begins earlier, so that what was before its first stretch is known.
    """
    stretch, count = stretches(window)
    now = asker.complete(query(selector, stretch, past=False, slopes=slopes))
    if isinstance(now, Unanswered):
        return now
    newest = read((row.labels, row.value) for row in now.rows)
    if count == 1:
        return {asker.at.timestamp(): newest}
    step = stretch.timedelta
    last = asker.at - step + BEHIND.timedelta
    first = last - (count - 2) * step
    earlier = first - -(-REMEMBERED.milliseconds // stretch.milliseconds) * step
    older = asker.range(query(selector, stretch, past=True, slopes=slopes), earlier, last, step)
    if isinstance(older, Unanswered):
        return older
    rows: dict[float, list[tuple[Labels, float]]] = {}
    for row in older.rows:
        for time, value in row.points:
            rows.setdefault(time, []).append((row.labels, value))
    looks = remembered({time: read(found) for time, found in rows.items()}, stretch)
    return {time: found for time, found in looks if time >= first.timestamp()} | {asker.at.timestamp(): newest}


def _added(events: Iterable[tuple[Labels, float]]) -> Events:
    found: dict[Labels, float] = {}
    for labels, count in events:
        found[labels] = found.get(labels, 0.0) + count
    return found
