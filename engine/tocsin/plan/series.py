"""The series that an objective records: bad and total events over every window that its alerts need.

Windows up to an hour are computed from raw counters; those of kinds that look at gauges, or say a ratio, up to six. A
longer one is put together from *tiles*: two hours are the hour until now and the hour until an hour ago, a day is four
times six hours, each as it was recorded then. Tiles weigh events (bad and total are added up apart), lag nothing, and
a day reads four of them instead of a day of samples. A tile that nobody recorded counts no events, bad or total, so
that the ratio is that of the others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from tocsin.guards import BASE, PAUSE, RAW_LIMIT, TRAFFIC_MEMORY
from tocsin.plan.births import KEPT, births_of
from tocsin.plan.model import RecordingRule
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers, summed
from tocsin.sli import LatencySli, RatioSli, Sli, SlicedSli
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier, windows_of

TILE_SLACK = Duration.of(minutes=30)
"""A tile may be so much older than it should, but not by more than half of itself: a server that was restarted when it
was due does not lose it."""
MOST_TILES = 12
HOUR = Duration.of(hours=1)
RUNGS = (HOUR, Duration.of(hours=6), Duration.of(days=1))
"""Windows that are recorded where a longer one has nothing else to be put together from."""
TO_THE_HOUR = Duration.of(minutes=20)
"""Events of whole hours have samples in so much of each hour, before it is full: a server that was away for a quarter
of an hour loses none."""
ONCE_AN_HOUR = Duration.of(minutes=5)
"""Births have samples in so much of it, for who does not find one hour of a life finds another."""
BORN = "slo:born:timestamp_seconds"
HOURLY_BORN = "slo:born_hourly:timestamp_seconds"
KINDS = ("bad", "total")
HERE = "\0"
"""Stands for the selector of an objective; no text of a definition holds it."""


def labels(slo: Slo) -> Labels:
    """The labels of everything that is recorded for *slo*."""
    return labels_of({"service": slo.service, "slo": slo.name})


def selector(slo: Slo) -> str:
    """Choose its series."""
    return matchers((("service", slo.service), ("slo", slo.name)))


def placed(text: str, slo: Slo) -> str:
    """Put the selector of *slo* where a text that its like share says HERE.

    What differs between two objectives of one policy is the selector; writing the rest once for all of them is a
    quarter of the time that ten thousand take.
    """
    return text.replace(HERE, selector(slo))


def former_selectors(slo: Slo) -> Iterator[str]:
    """Choose the series that were recorded under the names that it had before."""
    for ref in slo.formerly:
        service, _, name = ref.partition("/")
        yield matchers((("service", service), ("slo", name)))


def raw_limit(slo: Slo) -> Duration:
    """The longest window that is computed from what the SLI reads.

    Events that are counted add up, and an hour of them is short enough to read. The ratio of a kind that says one does
    not; and one that looks at gauges reads what was recorded of them, which is little.
    """
    return KEPT if isinstance(slo.sli, RatioSli | LatencySli) else RAW_LIMIT


@lru_cache(maxsize=1024)
def ladder(windows: tuple[Duration, ...], limit: Duration) -> tuple[tuple[Duration, Duration | None], ...]:
    """Every window to record, shortest first, with the window that it is tiled by; None: from raw counters.

    >>> days, hours = lambda n: Duration.of(days=n), lambda n: Duration.of(hours=n)
    >>> [(str(w), str(by)) for w, by in ladder((hours(6), days(3), days(1)), hours(6))]
    [('6h', 'None'), ('1d', '6h'), ('3d', '1d')]
    >>> [(str(w), str(by)) for w, by in ladder((hours(2), hours(6)), hours(1))]
    [('1h', 'None'), ('2h', '1h'), ('6h', '2h')]
    >>> [(str(w), str(by)) for w, by in ladder((days(1),), hours(1))]
    [('1h', 'None'), ('6h', '1h'), ('1d', '6h')]
    """
    made: dict[Duration, Duration | None] = {window: None for window in windows if window <= limit}
    for window in sorted(set(windows) - set(made)):
        _put_together(window, limit, made)
    return tuple(sorted(made.items()))


def _put_together(window: Duration, limit: Duration, made: dict[Duration, Duration | None]) -> None:
    """Tile *window* by the longest that there is, or by one of RUNGS, or by equal parts."""
    if window <= limit:
        made.setdefault(window, None)
    elif window not in made:
        tile = _longest_tile(window, made) or _longest_tile(window, RUNGS) or _equal_part(window, limit)
        _put_together(tile, limit, made)
        made[window] = tile


def _longest_tile(window: Duration, some: Iterable[Duration]) -> Duration | None:
    fits = (
        one
        for one in some
        if one < window <= Duration(MOST_TILES * one.milliseconds) and not window.milliseconds % one.milliseconds
    )
    return max(fits, default=None)


def _equal_part(window: Duration, limit: Duration) -> Duration:
    count = -(-window.milliseconds // limit.milliseconds)
    while window.milliseconds % (count * 1000):
        count += 1
    return Duration(window.milliseconds // count)


def recordings(slo: Slo, tiers: tuple[Tier, ...]) -> Iterator[RecordingRule]:
    """Everything that the alerts of *slo* and its budget read, in the order in which one reads the other."""
    own = labels(slo)
    if (now := slo.sli.now()) is not None:
        for kind, expression in zip(KINDS, now, strict=True):
            text = expression if isinstance(slo.sli, SlicedSli) else f"{expression} >= 0"
            yield RecordingRule(f"slo:{kind}:now", text, own, slo.span)
    sli = slo.sli
    if (births := births_of(slo)) is not None and isinstance(sli, RatioSli):
        yield from births.rules()
        sli = replace(sli, births=births.within)
    for kind, window, tile, name in rates(slo, tiers):
        expression = _raw(slo, sli, kind, window) if tile is None else tiled(slo, kind, window, tile)
        yield RecordingRule(name, expression, own, slo.span)
    yield RecordingRule(BORN, _born(slo), own, slo.span)


class Rate(NamedTuple):
    """Events per second over a *window*, from raw counters or put together from recordings of a *tile*."""

    kind: str
    window: Duration
    tile: Duration | None
    name: str

    @property
    def tile_name(self) -> str:
        """The recording that it reads."""
        return f"slo:{self.kind}:rate{self.tile}"


def rates(slo: Slo, tiers: tuple[Tier, ...]) -> tuple[Rate, ...]:
    """Every rate that *slo* records, in the order in which one reads the other."""
    return _rates(tiers, slo.calendar is None, slo.no_traffic.alert, raw_limit(slo))


@lru_cache(maxsize=1024)
def _rates(tiers: tuple[Tier, ...], rolling: bool, absence: bool, limit: Duration) -> tuple[Rate, ...]:
    needed = {BASE, *windows_of(tiers)} | ({HOUR} if rolling else set())
    rungs = dict(ladder(tuple(sorted(needed)), limit))
    more = dict(ladder(tuple(sorted({*rungs, TRAFFIC_MEMORY, HOUR})), limit)) if absence else rungs
    # What traffic is asked for besides is recorded of the total alone, so no other window may be put together from it.
    totals = more | rungs
    return tuple(
        Rate(kind, window, tile, f"slo:{kind}:rate{window}")
        for window, tile in sorted(totals.items())
        for kind in (("total", "bad") if window in rungs else ("total",))
    )


def _raw(slo: Slo, sli: Sli, kind: str, window: Duration) -> str:
    """Events per second; for a kind that looks at gauges, how many series were bad on average, of how many."""
    if sli.now() is not None:
        now = f"slo:{kind}:now{selector(slo)}"
        if isinstance(sli, SlicedSli):
            share = sli.slice.milliseconds / window.milliseconds
            return f"sum_over_time({now}[{sli.room(window)}]) * {share!r}"
        return f"avg_over_time({now}[{window}])"
    asked = str(window)
    if kind == "total":
        return f"{sli.total(asked)} >= 0"
    return f"{sli.bad(asked, total=summed(f'slo:total:rate{asked}{selector(slo)}', slo.by))} >= 0"


def tiled(slo: Slo, kind: str, window: Duration, tile: Duration) -> str:
    """The mean of the tiles of *window*; one that is missing counts no events."""
    return placed(_tiled(kind, window, tile, slo.by, tuple(former_selectors(slo))), slo)


@lru_cache(maxsize=1024)
def _tiled(kind: str, window: Duration, tile: Duration, by: tuple[str, ...], former: tuple[str, ...]) -> str:
    count = window.milliseconds // tile.milliseconds
    series = f"slo:{kind}:rate{tile}"
    slack = tile_slack(tile)
    tiles = (_tile(series, Duration(number * tile.milliseconds), slack, by, former) for number in range(count))
    return f"{union(tiles, by)} / {count}"


def tile_slack(tile: Duration) -> Duration:
    """By how much a tile may be too old."""
    return min(TILE_SLACK, Duration(tile.milliseconds // 2))


def _tile(series: str, offset: Duration, slack: Duration, by: tuple[str, ...], former: tuple[str, ...]) -> str:
    if not offset.milliseconds:
        return series + HERE
    texts = [f"last_over_time({series}{chosen}[{slack}] offset {offset})" for chosen in (HERE, *former)]
    return texts[0] if len(texts) == 1 else "(" + f" or on ({', '.join(by)}) ".join(texts) + ")"


def union(parts: Iterable[str], by: tuple[str, ...]) -> str:
    """Add up vectors of which each may be empty."""
    mark = "part"
    while mark in by:
        mark += "_"
    first, *others = parts
    told = (f'label_replace({part}, "{mark}", "{number}", "", "")' for number, part in enumerate(others, 1))
    return summed("\n  " + "\n  or ".join([first, *told]) + "\n", by)


def _born(slo: Slo) -> str:
    """Since when there are events without a long pause, in unix seconds."""
    before = [f"last_over_time({BORN}{selector(slo)}[{PAUSE}])"]
    before += (
        f"label_replace(label_replace(last_over_time({BORN}{chosen}[{slo.window}]), "
        f'"service", "{slo.service}", "", ""), "slo", "{slo.name}", "", "")'
        for chosen in former_selectors(slo)
    )
    now = f"slo:total:rate{BASE}{selector(slo)}"
    return "(\n  " + "\n  or ".join([*before, f"timestamp({now})"]) + f"\n)\nand {now}"


def history(window: Duration) -> str:
    """The share of *window* since the first events in it, HERE; exactly 1 once it is full."""
    return f"clamp_max((time() - {first_events(window)}) / {window.milliseconds // 1000}, 1)"


@lru_cache(maxsize=1024)
def first_events(window: Duration) -> str:
    """When, in unix seconds, the earliest life of the service that reaches into *window* began, HERE.

    The value is exact, so that in a long window it is enough to look at every hour.
    """
    born = BORN + HERE
    if window <= RAW_LIMIT:
        return f"min_over_time({born}[{window}])"
    return f"(min_over_time({HOURLY_BORN}{HERE}[{window}]) or {born})"


def at_full_hours(vector: str, length: Duration) -> str:
    """Leave samples in the last minutes of each hour, as many as *length*.

    A server goes through every sample of a range, so a month of hours is read many times faster than one of minutes.
    """
    return f"{vector}\nand on () vector((time() - 1) % 3600) >= {3600 - length.milliseconds // 1000}"
