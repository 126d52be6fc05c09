"""Whatever counters do, each increment is counted once: beside a slow oracle, and wherever requests are cut."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ledger.counts import Counts
from tocsin.ledger.model import Across
from tocsin.ledger.samples import Memory, count
from tocsin.ledger.verdicts import Within
from tocsin.ports import RangeRow, labels_of
from tocsin.sli import Counters

COUNTERS = Counters("hits", 'hits{code="500"}')
STEP = 60
EVERY = 30


@st.composite
def series(draw: st.DrawFn) -> list[tuple[float, float]]:
    """A counter of half an hour, scraped at some phase with some jitter, reset at times, with gaps."""
    phase = draw(st.sampled_from([0.0, EVERY / 4, EVERY / 2])) + draw(st.floats(0, 0.5))
    first, last = sorted(draw(st.tuples(st.integers(0, 40), st.integers(40, 60))))
    gone = draw(st.sets(st.integers(first, last), max_size=15))
    resets = draw(st.sets(st.integers(first, last), max_size=3))
    value = float(draw(st.integers(0, 50)))
    points = []
    for number in range(first, last + 1):
        value = (0.0 if number in resets else value) + draw(st.sampled_from([0, 0, 1, 2, 40]))
        if number not in gone:
            points.append((number * EVERY + phase, value))
    return points


def rows(counters: list[list[tuple[float, float]]]) -> list[RangeRow]:
    """Two series for each target, so that some are born on targets that are known and some with theirs."""
    return [
        RangeRow(labels_of({"instance": str(number // 2), "code": "500" if number % 2 else "200"}), tuple(points))
        for number, points in enumerate(counters)
        if points
    ]


def bad(all_rows: list[RangeRow]) -> list[RangeRow]:
    """Those that count errors."""
    return [row for row in all_rows if ("code", "500") in row.labels]


def oracle(points: list[tuple[float, float]], slices: int) -> list[float]:
    """One series, stretch by stretch and slice by slice, without births."""
    found = [0.0] * slices
    for (start, before), (end, after) in pairwise(points):
        amount = after - before if after >= before else after
        last = math.ceil(end / STEP) - 1
        if start // STEP >= last - 1:  # over no whole slice
            found[last] += amount
            continue
        for number in range(slices):
            overlap = min(end, (number + 1) * STEP) - max(start, number * STEP)
            found[number] += amount * max(overlap, 0.0) / (end - start)
    return found


@given(series())
def test_slices_are_those_of_a_slow_count(points: list[tuple[float, float]]) -> None:
    """Nothing is lost, nothing is counted twice, and all is where it happened."""
    found, _ = count(COUNTERS, (), rows([points]), [], Memory())

    counts = found.get((), Counts.none(0, 0)).within(0, 50)
    assert counts.total == pytest.approx(np.array(oracle(points, 50)))


@given(series(), st.sampled_from([1, 5]))
def test_slices_are_judged_by_what_lies_between_two_samples_in_them(
    points: list[tuple[float, float]], width: int
) -> None:
    """As a server's window: increments over the start of a slice are left out, unless there is nothing else."""
    found, _ = count(COUNTERS, (), rows([points]), [], Memory())
    counts = found.get((), Counts.none(0, 0)).within(0, 50)
    every = np.ones(50, dtype=np.bool_)
    judged = Within.of(counts.total, counts.bad, Across(counts.total_across, counts.bad_across), every, width)

    length = STEP * width
    for number in range(50 // width):
        start, end = number * length, (number + 1) * length
        touching = [each for each in pairwise(points) if each[0][0] < end and each[1][0] > start]
        if any(after[0] - before[0] > STEP for before, after in touching):
            continue  # a gap, which is divided
        amounts = {(b[0] >= start, a[0] <= end): 0.0 for b, a in touching}
        for before, after in touching:
            amount = after[1] - before[1] if after[1] >= before[1] else after[1]
            amounts[before[0] >= start, after[0] <= end] += amount
        inside, came = amounts.get((True, True), 0.0), amounts.get((False, True), 0.0)
        assert judged.inner[number] == pytest.approx(inside or came)
        assert judged.total[number] == pytest.approx(inside + came)


@given(st.lists(series(), min_size=1, max_size=4), st.lists(st.integers(0, 1900), max_size=4))
def test_requests_may_be_cut_anywhere(counters: list[list[tuple[float, float]]], cuts: list[int]) -> None:
    """One stretch after the other counts what all samples at once count: increments, births, youth and coverage."""
    every = rows(counters)
    whole = count(COUNTERS, (), every, bad(every), Memory())[0].get((), Counts.none(0, 0)).within(-10, 50)
    memory, parts = Memory(), Counts.none(-10, 60)
    for end in [*sorted(cuts), 3000]:
        found, memory = count(COUNTERS, (), every, bad(every), memory, until=end)
        parts += found.get((), Counts.none(0, 0))
    parts = parts.within(-10, 50)

    assert parts.total == pytest.approx(whole.total)
    assert parts.bad == pytest.approx(whole.bad)
    assert parts.looked == pytest.approx(whole.looked)
