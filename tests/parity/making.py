"""Cells of every family, made up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st
from tests import builders
from tests.parity.cells import COUNTERS, READINGS, Cell, Objective, Sliced, Watched
from tests.parity.pods import GRAIN, MINUTE, Pod, Stretch

from tocsin.guards import Guards
from tocsin.spec.service import NoTraffic
from tocsin.units import Duration
from tocsin.windows import Tier

PERIOD = Duration.of(days=30)
_WINDOWS = [("10m", "2m"), ("15m", "5m"), ("20m", "3m"), ("30m", "5m"), ("1h", "5m"), ("2h", "10m")]
_ERRORS = [Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(1)]


@st.composite
def tiers(draw: st.DrawFn, target: Decimal, windows: Sequence[tuple[str, str]] = _WINDOWS) -> tuple[Tier, ...]:
    """One or two tiers, whose thresholds are odd numbers: that a ratio is exactly one of them means nothing."""
    found = []
    for name in ("fast", "slow")[: draw(st.integers(1, 2))]:
        long, short = (Duration.parse(text) for text in draw(st.sampled_from(windows)))
        threshold = draw(st.sampled_from(["0.0123", "0.0517", "0.1313", "0.4111"]))
        share = Decimal(threshold) * long.milliseconds / (PERIOD.milliseconds * (1 - target))
        severity = draw(st.sampled_from(["page", "ticket"]))
        found.append(Tier(name, severity, round(share, 9), long, short))
    return tuple(found)


@st.composite
def guards(draw: st.DrawFn) -> Guards:
    """Any of them off, or set."""
    return Guards(
        cold_start=draw(st.booleans()),
        missing_errors=draw(st.booleans()),
        new_series=True,
        min_bad_events=draw(st.sampled_from([3, 0, 10])),
        significance=draw(st.sampled_from([None, Decimal("0.01")])),
        flapping=draw(st.booleans()),
        keep_firing_for=draw(st.sampled_from([None, Duration.of(minutes=3), Duration.of(seconds=90)])),
    )


@st.composite
def pods(draw: st.DrawFn, minutes: int, every: Sequence[int] = (30, 60, 15), longest: int = 30) -> Pod:
    """A target that does any of these things in any order, scraped *every* so many seconds."""
    apart = draw(st.sampled_from(every)) * 1000
    stretches, left = list[Stretch](), minutes
    while left > 0 and len(stretches) < 8:
        kind = draw(st.sampled_from(["normal", "normal", "normal", "idle", "gap", "reset", "nan", "stale"]))
        length = draw(st.integers(1, longest))
        errors = draw(st.sampled_from(_ERRORS)) if kind in {"normal", "reset", "nan"} else Fraction(0)
        stretches.append(Stretch(min(length, left), kind, draw(st.sampled_from([120, 12, 1200])), errors))
        left -= length
    return Pod(
        every=apart,
        phase=draw(st.integers(0, apart // GRAIN - 1)) * GRAIN,
        stretches=(*stretches, Stretch(max(left, 0) + 1)),
        seed=draw(st.one_of(st.none(), st.integers(0, 1000))),
        late_errors=draw(st.booleans()),
    )


@st.composite
def objectives(draw: st.DrawFn, kinds: Sequence[str]) -> Objective:
    """Any objective over one or two pods."""
    target = draw(st.sampled_from(["0.99", "0.9", "0.999"]))
    watched = draw(tiers(Decimal(target)))
    longest = max(tier.long for tier in watched).milliseconds // MINUTE
    minutes = draw(st.integers(10, min(longest + 50, 140)))
    return Objective(
        kind=draw(st.sampled_from(kinds)),
        target=target,
        tiers=watched,
        guards=draw(guards()),
        no_traffic=draw(absences()),
        pods=tuple(draw(pods(minutes)) for _ in range(draw(st.integers(1, 2)))),
        minutes=minutes,
        divided=draw(st.booleans()),
        known=draw(st.booleans()),
    )


@st.composite
def absences(draw: st.DrawFn) -> NoTraffic:
    """The alert on traffic that stopped, or none."""
    alert = draw(st.booleans())
    return NoTraffic(alert=alert, for_=Duration.of(minutes=draw(st.sampled_from([10, 0, 3]))), reason=None)


@st.composite
def slices(draw: st.DrawFn) -> Objective:
    """Objectives of all kinds whose budget is one of slices; they are evaluated once in each.

    A slice holds two scrapes at least: in shorter ones a rate is of none, and what is born is all that counts.
    """
    every = draw(objectives((*COUNTERS, *READINGS)))
    length = draw(st.sampled_from([1, 1, 2, 5]))
    length = max(length, -(-2 * max(pod.every for pod in every.pods) // 60_000))
    sliced = Sliced(
        length, draw(st.sampled_from([None, "0.95", "0.5", "0.9"])), draw(st.sampled_from(["ignore", "good", "bad"]))
    )
    return replace(every, sliced=sliced, step=length)


_LONG = [("6h", "30m"), ("12h", "1h"), ("1d", "2h"), ("3d", "6h"), ("4h", "20m")]


@st.composite
def long(draw: st.DrawFn) -> Objective:
    """Objectives whose windows are as long as a policy's, evaluated every five minutes."""
    target = draw(st.sampled_from(["0.99", "0.9"]))
    minutes = draw(st.integers(60, 168)) * 5
    return Objective(
        kind=draw(st.sampled_from((*COUNTERS, *READINGS))),
        target=target,
        tiers=draw(tiers(Decimal(target), _LONG)),
        guards=draw(guards()),
        no_traffic=draw(absences()),
        pods=tuple(draw(pods(minutes, (120, 60, 150), 120)) for _ in range(draw(st.integers(1, 2)))),
        minutes=minutes,
        divided=draw(st.booleans()),
        known=draw(st.booleans()),
        step=5,
    )


_VALUES = ['depth{job="shop"}', 'max by (pod) (depth{job="shop"})', 'sum(depth{job="shop"})', "depth + 0"]


@st.composite
def alerts(draw: st.DrawFn) -> Watched:
    """Alerts on a gauge: above or below a bound, with hysteresis, or as an expression."""
    value, above = draw(st.sampled_from(_VALUES)), draw(st.booleans())
    bound, clear = draw(st.sampled_from([("7", "4"), ("7", "7"), ("9", "5"), ("5", None)]))
    if not above and clear is not None:
        bound, clear = clear, bound
    plain = draw(st.integers(0, 4)) == 0
    rule = builders.alert(
        value=None if plain else value,
        above=bound if above else None,
        below=None if above else bound,
        clear=clear,
        expr=f"{value} {'>' if above else '<'} {bound}",
        for_=draw(st.sampled_from(["0s", "1m", "5m", "90s"])),
        on_missing=draw(st.sampled_from(["keep", "resolve"] if plain else ["keep", "resolve", "fire"])),
    )
    keep = Duration.of(minutes=draw(st.sampled_from([0, 0, 3])))
    minutes = draw(st.integers(10, 140))
    made = tuple(draw(pods(minutes)) for _ in range(draw(st.integers(1, 2))))
    return Watched(replace(rule, keep_firing_for=keep), made, minutes)


FAMILIES: Mapping[str, st.SearchStrategy[Cell]] = {
    "counters": objectives(COUNTERS),
    "gauges": objectives(tuple(READINGS)),
    "slices": slices(),
    "long": long(),
    "alerts": alerts(),
}
