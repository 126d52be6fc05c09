"""The series that an objective records: bad and total events over every window that its alerts need.

Windows up to six hours are computed from raw counters. A longer one is put together from *tiles*: a day is the six
hours until now, the six hours until six hours ago, and so on, each as it was recorded then. Tiles weigh events (bad and
total are added up apart), lag nothing, and a day reads four of them instead of a day of samples. A tile that nobody
recorded counts no events, bad or total, so that the ratio is that of the others.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tocsin.guards import BASE, RAW_LIMIT, TRAFFIC_MEMORY
from tocsin.plan.model import RecordingRule
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers, summed
from tocsin.sli import SlicedSli
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier, windows_of

TILE_SLACK = Duration.of(minutes=30)
"""A tile may be so much older than it should: a server that was restarted when it was due does not lose it."""
MOST_TILES = 12
PAUSE = Duration.of(minutes=20)
"""After a longer pause of its counter a service is born again."""
HOUR = Duration.of(hours=1)
BORN = "slo:born:timestamp_seconds"
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


@lru_cache(maxsize=1024)
def ladder(windows: tuple[Duration, ...]) -> tuple[tuple[Duration, Duration | None], ...]:
    """Every window to record, shortest first, with the window that it is tiled by; None: from raw counters.

    >>> [(str(w), str(by)) for w, by in ladder((RAW_LIMIT, Duration.of(days=3), Duration.of(days=1)))]
    [('6h', 'None'), ('1d', '6h'), ('3d', '1d')]
    >>> [(str(w), str(by)) for w, by in ladder((Duration.of(hours=10),))]
    [('5h', 'None'), ('10h', '5h')]
    """
    made: dict[Duration, Duration | None] = {window: None for window in windows if window <= RAW_LIMIT}
    for window in sorted(set(windows) - set(made)):
        dividing = [one for one in made if not window.milliseconds % one.milliseconds]
        tile = max((one for one in dividing if window.milliseconds <= MOST_TILES * one.milliseconds), default=None)
        if tile is None:
            count = -(-window.milliseconds // RAW_LIMIT.milliseconds)
            while window.milliseconds % (count * 1000):
                count += 1
            tile = Duration(window.milliseconds // count)
            made.setdefault(tile, None)
        made[window] = tile
    return tuple(sorted(made.items()))


def recordings(slo: Slo, tiers: tuple[Tier, ...]) -> Iterator[RecordingRule]:
    """Everything that the alerts of *slo* and its budget read, in the order in which one reads the other."""
    own = labels(slo)
    if (now := slo.sli.now()) is not None:
        for kind, expression in zip(KINDS, now, strict=True):
            yield RecordingRule(f"slo:{kind}:now", f"{expression} >= 0", own, slo.span)
    for kind, window, tile, name in rates(slo, tiers):
        expression = _raw(slo, kind, window) if tile is None else tiled(slo, kind, window, tile)
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
    return _rates(tiers, slo.calendar is None, slo.no_traffic.alert)


@lru_cache(maxsize=1024)
def _rates(tiers: tuple[Tier, ...], rolling: bool, absence: bool) -> tuple[Rate, ...]:
    needed = {BASE, *windows_of(tiers)} | ({HOUR} if rolling else set())
    rungs = dict(ladder(tuple(sorted(needed))))
    totals = dict(ladder(tuple(sorted({*rungs, TRAFFIC_MEMORY})))) if absence else rungs
    return tuple(
        Rate(kind, window, tile, f"slo:{kind}:rate{window}")
        for window, tile in sorted(totals.items())
        for kind in (("total", "bad") if window in rungs else ("total",))
    )


def _raw(slo: Slo, kind: str, window: Duration) -> str:
    """Events per second; for a kind that looks at gauges, how many series were bad on average, of how many."""
    if slo.sli.now() is not None:
        now = f"slo:{kind}:now{selector(slo)}"
        if isinstance(slo.sli, SlicedSli):
            share = slo.sli.slice.milliseconds / window.milliseconds
            return f"sum_over_time({now}[{slo.sli.room(window)}]) * {share!r}"
        return f"avg_over_time({now}[{window}])"
    if kind == "total":
        return f"{slo.sli.total(str(window))} >= 0"
    recorded = summed(f"slo:total:rate{window}{selector(slo)}", slo.by)
    return f"{slo.sli.bad(str(window), total=recorded)} >= 0"


def tiled(slo: Slo, kind: str, window: Duration, tile: Duration) -> str:
    """The mean of the tiles of *window*; one that is missing counts no events."""
    return placed(_tiled(kind, window, tile, slo.by, tuple(former_selectors(slo))), slo)


@lru_cache(maxsize=1024)
def _tiled(kind: str, window: Duration, tile: Duration, by: tuple[str, ...], former: tuple[str, ...]) -> str:
    count = window.milliseconds // tile.milliseconds
    series = f"slo:{kind}:rate{tile}"
    tiles = (_tile(series, Duration(number * tile.milliseconds), by, former) for number in range(count))
    return f"{union(tiles, by)} / {count}"


def _tile(series: str, offset: Duration, by: tuple[str, ...], former: tuple[str, ...]) -> str:
    if not offset.milliseconds:
        return series + HERE
    texts = [f"last_over_time({series}{chosen}[{TILE_SLACK}] offset {offset})" for chosen in (HERE, *former)]
    return texts[0] if len(texts) == 1 else "(" + f" or on ({', '.join(by)}) ".join(texts) + ")"


def union(parts: Iterable[str], by: tuple[str, ...]) -> str:
    """Add up vectors of which each may be empty."""
    told = (f'label_replace({part}, "part", "{number}", "", "")' for number, part in enumerate(parts))
    return summed("\n  " + "\n  or ".join(told) + "\n", by)


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

    The value is exact, so that a coarse grid is enough to find it.
    """
    born = BORN + HERE
    step = max(min(window.milliseconds // 6, HOUR.milliseconds), window.milliseconds // 72) // 60_000 * 60_000
    return f"(min_over_time({born}[{window}:{Duration(max(step, 60_000))}]) or {born})"
