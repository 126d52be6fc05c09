"""Events of a time range of any length, added up over chunks of at most six hours.

Two questions whatever the length: an instant query for the newest chunk, and a range query whose step is a chunk for
all that are older; a range of up to six hours is one chunk, and one question. So a server reads every sample of the
range a few times and holds those of one chunk. Counters are counted as the ledger counts them (`sli.increments`), in
whole events; any other SLI is asked for its events in each chunk, as the ledger's exact windows are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from math import isfinite

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.burn import union
from tocsin.evaluate.slices import range_of
from tocsin.guards import RAW_LIMIT
from tocsin.ports import Labels
from tocsin.promql import summed
from tocsin.sli import BEHIND, Counters, Sli, counted_within
from tocsin.units import Duration

Tally = Mapping[Labels, float]
"""Events by labels."""


def chunks(window: Duration) -> tuple[Duration, int]:
    """How long each chunk is, and how many there are.

    >>> [(str(length), count) for length, count in map(chunks, map(Duration.parse, ("1h", "6h", "7h", "30d")))]
    [('1h', 1), ('6h', 1), ('3h30m', 2), ('6h', 120)]
    """
    count = max(1, -(-window.milliseconds // RAW_LIMIT.milliseconds))
    return Duration(window.milliseconds // count), count


def counted(
    asker: Asker, counters: Counters, selector: str, window: Duration, by: tuple[str, ...] | None = None
) -> Tally | Unanswered:
    """Events of *selector*, one of *counters*, by the labels *by*; without them by series that counted any."""
    chunk, count = chunks(window)

    def query(*, behind: bool) -> str:
        text = counted_within(counters, selector, chunk, behind=behind)
        return f"{text} > 0" if by is None else summed(text, by)

    newest = _now(asker, query(behind=False))
    if count == 1 or isinstance(newest, Unanswered):
        return newest
    last = asker.at - chunk.timedelta + BEHIND.timedelta
    older = _each(asker, query(behind=True), last, chunk, count - 1)
    return older if isinstance(older, Unanswered) else _added((*newest.items(), *older.items()))


def measured(asker: Asker, sli: Sli, window: Duration, by: tuple[str, ...]) -> Tally | Unanswered:
    """Bad and all events of any *sli*, as rows of `union` are marked."""
    chunk, count = chunks(window)
    query = union(replace(sli, by=by), (range_of(sli, chunk),), "increase")  # type: ignore[type-var]
    return _now(asker, query) if count == 1 else _each(asker, query, asker.at, chunk, count)


def _now(asker: Asker, query: str) -> Tally | Unanswered:
    answer = asker.complete(query)
    return answer if isinstance(answer, Unanswered) else _added((row.labels, row.value) for row in answer.rows)


def _each(asker: Asker, query: str, last: datetime, chunk: Duration, count: int) -> Tally | Unanswered:
    """The same for *count* chunks, of which the last is asked for at *last*."""
    answer = asker.range(query, last - (count - 1) * chunk.timedelta, last, chunk.timedelta)
    if isinstance(answer, Unanswered):
        return answer
    return _added((row.labels, value) for row in answer.rows for _, value in row.points)


def _added(rows: Iterable[tuple[Labels, float]]) -> Tally:
    found: dict[Labels, float] = {}
    for labels, value in rows:
        if isfinite(value):
            found[labels] = found.get(labels, 0.0) + value
    return found
