"""Time in ticks: the grids on which series are made up."""

from collections.abc import Iterable, Iterator

from tocsin.guards import BASE
from tocsin.plan.series import Rate, rates
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

MINUTE = Duration.of(minutes=1)
_FINE = Duration.of(seconds=15)
_LONG = Duration.of(hours=2)
"""Longer windows are looked at every five minutes."""


def ticks(duration: Duration, grid: Duration) -> int:
    """Rounded up: what is shorter than a tick lasts one."""
    return -(-duration.milliseconds // grid.milliseconds)


def grid_for(durations: Iterable[Duration], wanted: Duration = MINUTE) -> Duration:
    """The *wanted* grid, or a fine one where not every one of *durations* is whole on it."""
    return wanted if all(each.milliseconds % wanted.milliseconds == 0 for each in durations) else _FINE


def raw_rates(slo: Slo, tiers: tuple[Tier, ...]) -> Iterator[tuple[list[Rate], Duration]]:
    """The rates that are recorded from raw series, short windows apart from long ones, each with a grid for them."""
    raw = [rate for rate in rates(slo, tiers) if rate.tile is None]
    short = [rate for rate in raw if rate.window <= _LONG]
    long = [rate for rate in raw if rate.window > _LONG]
    for some, wanted in ((short, MINUTE), (long, BASE)):
        if some:
            yield some, grid_for((rate.window for rate in some), wanted)
