"""Running sums on a grid say what adding up slices says: for any window, order, restatement and exclusion."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.days import FIRST, day_of, days

from tocsin.ledger.auditing import takes, together
from tocsin.ledger.exclusions import GOOD, REMOVE, Exclusion
from tocsin.ledger.methods import Method, Occurrences, RatioTimeslices, Timeslices, Units
from tocsin.ledger.model import DAY, Day
from tocsin.ledger.series import HOUR, Series, grid, load

START = day_of().start
END = START + 3 * DAY
METHODS: Sequence[Method] = (
    Occurrences(),
    Timeslices(60, Decimal("0.95"), "bad"),
    Timeslices(300, Decimal("0.9")),
    RatioTimeslices(60, "good"),
)
THREE = st.tuples(*(days(day=FIRST + timedelta(days=k)) for k in range(3)))
TIMES = st.integers(START, END)
MINUTES = TIMES.map(lambda at: at // 300 * 300)


def filled(stated: Sequence[Day], method: Method, edges: object = None, exclusions: Sequence[Exclusion] = ()) -> Series:
    """A series of one objective over three days; without *edges* on a grid of its slices."""
    even = np.arange(START, END + 1, method.slice) if edges is None else np.asarray(edges)
    return load(Series.empty(even, 1), ((0, method.units(day, exclusions)) for day in stated))


def naive(units: Sequence[Units], start: int, end: int) -> tuple[float, float, float]:
    """Slice by slice; what is cut counts by its part in the window."""
    total = bad = seen = 0.0
    for day in units:
        for k in range(len(day.total)):
            low = day.start + k * day.step
            share = max(0, min(end, low + day.step) - max(start, low)) / day.step
            total, bad, seen = total + share * day.total[k], bad + share * day.bad[k], seen + share * day.seen[k]
    return total, bad, seen


def sums(series: Series, start: int, end: int) -> tuple[float, float, float]:
    """Of the only objective."""
    total, bad, seen = series.between(start, end)
    return float(total[0]), float(bad[0]), float(seen[0])


@given(THREE, st.sampled_from(METHODS), TIMES, TIMES)
def test_running_sums_are_sums(three: tuple[Day, ...], method: Method, one: int, other: int) -> None:
    """Of whole slices and of parts."""
    start, end = sorted((one, other))
    units = [method.units(day) for day in three]

    assert sums(filled(three, method), start, end) == pytest.approx(naive(units, start, end), rel=1e-9, abs=1e-6)


@given(THREE, st.sampled_from(METHODS), st.lists(TIMES, min_size=2, max_size=6))
def test_windows_that_tile_add_up(three: tuple[Day, ...], method: Method, cuts: list[int]) -> None:
    """To the bit where they end with slices, else up to the rounding of parts."""
    series, whole = filled(three, method), sorted(cut // 300 * 300 for cut in cuts)
    tiles = [sums(series, a, b) for a, b in pairwise(whole)]
    parts = [sums(series, a, b) for a, b in pairwise(sorted(cuts))]

    assert tuple(map(sum, zip(*tiles, strict=True))) == sums(series, whole[0], whole[-1])
    assert tuple(map(sum, zip(*parts, strict=True))) == pytest.approx(sums(series, min(cuts), max(cuts)), abs=1e-5)


@given(THREE, days(), st.sampled_from(METHODS), st.permutations([0, 1, 2, 3, 4]))
def test_the_order_of_days_does_not_matter(
    three: tuple[Day, ...], early: Day, method: Method, order: list[int]
) -> None:
    """Nor how often they come, nor what was stated before they were restated."""
    stated = [three[0], three[1], three[2], three[1], three[2]]
    shuffled = filled([early, *(stated[k] for k in order)], method)
    plain = filled(three, method)

    for held, expected in ((shuffled.total, plain.total), (shuffled.bad, plain.bad), (shuffled.seen, plain.seen)):
        assert held.tobytes() == expected.tobytes()


@given(THREE, st.sampled_from(METHODS), TIMES, st.integers(1, DAY), st.sampled_from([REMOVE, GOOD]))
def test_an_exclusion_that_is_withdrawn_leaves_no_trace(
    three: tuple[Day, ...], method: Method, start: int, length: int, treat: str
) -> None:
    """Whether it was known before the days, or after."""
    agreed = [Exclusion(start, start + length, treat)]
    plain, before = filled(three, method), filled(three, method, exclusions=agreed)
    after = load(filled(three, method), ((0, method.units(day, agreed)) for day in three))
    withdrawn = load(filled(three, method, exclusions=agreed), ((0, method.units(day)) for day in three))

    assert after.bad.tobytes() == before.bad.tobytes()
    assert after.total.tobytes() == before.total.tobytes()
    assert withdrawn.bad.tobytes() == plain.bad.tobytes()
    assert withdrawn.total.tobytes() == plain.total.tobytes()
    assert withdrawn.seen.tobytes() == plain.seen.tobytes()


@given(
    THREE,
    st.sampled_from(METHODS),
    st.lists(st.tuples(TIMES, st.integers(1, DAY), st.sampled_from([REMOVE, GOOD])), min_size=1, max_size=4),
)
def test_the_trail_of_exclusions_adds_up(
    three: tuple[Day, ...], method: Method, agreed: list[tuple[int, int, str]]
) -> None:
    """As counted, less all that each of them took, is what is told, however they overlap; of events each takes one."""
    exclusions = [Exclusion(start, start + length, treat) for start, length, treat in agreed]
    took = together((take for day in three for take in takes(method, day, exclusions)), len(exclusions), START, END)
    before, after = (sums(filled(three, method, exclusions=each), START, END) for each in ([], exclusions))

    assert before[0] - sum(removed for removed, _, _ in took) == pytest.approx(after[0], rel=1e-9, abs=1e-3)
    assert before[1] - sum(spared for _, _, spared in took) == pytest.approx(after[1], rel=1e-9, abs=1e-3)
    for one, (removed, forgiven, _) in zip(exclusions, took, strict=True):
        assert one.treat == GOOD or forgiven == 0
        assert not isinstance(method, Occurrences) or (min(removed, forgiven) >= 0 and 0 in {removed, forgiven})


@given(THREE, st.sampled_from(METHODS), TIMES, TIMES, TIMES, TIMES)
def test_exclusions_that_overlap_take_nothing_twice(
    three: tuple[Day, ...], method: Method, a: int, b: int, c: int, d: int
) -> None:
    """Two of a kind are their union; bad never exceeds what is left, and of events neither grows."""
    (a, b), (c, d) = sorted((a, b)), sorted((c, d))
    assume(max(a, c) <= min(b, d))
    both = filled(three, method, exclusions=[Exclusion(a, b), Exclusion(c, d)])
    union = filled(three, method, exclusions=[Exclusion(min(a, c), max(b, d))])
    mixed = filled(three, method, exclusions=[Exclusion(a, b), Exclusion(c, d, GOOD)])
    (total, bad, _), plain = sums(mixed, START, END), sums(filled(three, method), START, END)

    assert sums(both, START, END) == pytest.approx(sums(union, START, END), rel=1e-9, abs=0.01)
    assert bad <= total
    assert not isinstance(method, Occurrences) or (total <= plain[0] and bad <= plain[1])


@given(THREE, st.integers(0, 3600 * 12), st.lists(st.integers(60, 2 * DAY), max_size=3))
def test_an_uneven_grid_says_the_same_where_it_is_fine(three: tuple[Day, ...], ago: int, windows: list[int]) -> None:
    """Windows that begin in a fine hour are exact; others are within what `cut` says."""
    now = (END - ago) // 60 * 60
    method = Occurrences()
    series = filled(three, method, grid(now, 2 * DAY, 60, windows=windows))
    exact = filled(three, method)

    for window in (*windows, 5 * HOUR, 30 * HOUR + 59):
        start = now - window
        wrong = abs(sums(series, start, now)[1] - sums(exact, start, now)[1])
        bound = float(series.cut(start, 60)[0])
        assert wrong <= bound + 1e-6
        if window in windows:
            assert bound == 0


@given(THREE, st.integers(1, 200))
def test_a_grid_that_moves_on(three: tuple[Day, ...], minutes: int) -> None:
    """Slices that come one by one, and a new grid whose days are stated again, are as good as a new series."""
    method, now = Occurrences(), END - 5 * HOUR
    edges = grid(now, 2 * DAY, 60, windows=[DAY])
    series = Series.empty(edges, 1, room=minutes)
    load(series, ((0, method.units(day)) for day in three))
    last = method.units(three[2])
    for minute in range(minutes):
        k = (now - last.start) // 60 + minute
        series.extend(now + 60 * (minute + 1), *(part[k : k + 1] for part in (last.total, last.bad, last.seen)))
    later = now + 60 * minutes
    news = grid(later, 2 * DAY, 60, windows=[DAY])
    series.regrid(news, room=5)
    load(series, ((0, method.units(day)) for day in three))
    fresh = filled(three, method, news)

    assert series.used == fresh.used
    assert series.bad[: series.used].tobytes() == fresh.bad.tobytes()
    assert series.total[: series.used].tobytes() == fresh.total.tobytes()


def test_a_series_that_is_full_says_so() -> None:
    """Nor does it take a slice that ends before its last edge."""
    series = Series.empty(np.array([0, 60]), 1, room=1)
    with pytest.raises(ValueError, match="not behind the last one"):
        series.extend(60, np.ones(1), np.ones(1), np.ones(1))
    series.extend(120, np.ones(1), np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match="no room"):
        series.extend(180, np.ones(1), np.ones(1), np.ones(1))
