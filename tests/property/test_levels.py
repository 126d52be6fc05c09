"""Levels and what is usual: read in whatever order of looks, they are those of all samples at once."""

import math
from datetime import timedelta
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes import FakeSource
from tests.reading import read
from tests.worlds import START

from tocsin.evaluate.asking import Asker
from tocsin.evaluate.level_shifts import LevelShiftQuestion
from tocsin.evaluate.levels import POINTS, Levels, Usual
from tocsin.evaluate.model import Truth
from tocsin.ports import Row
from tocsin.units import Duration

LENGTH, COUNT = Duration.of(minutes=5), 24
STEP = LENGTH.milliseconds // POINTS // 1000
FIRST = int(START.timestamp())
VALUES = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
MANY = st.lists(VALUES, min_size=3, max_size=60)


@given(
    st.lists(st.sampled_from([None, math.nan, 1.0, 2.0, 5.0, 7.5, -3.0]), min_size=7, max_size=400),
    st.lists(st.integers(1, 90), min_size=1, max_size=8),
)
def test_reading_bit_by_bit_is_reading_at_once(pattern: list[float | None], pauses: list[int]) -> None:
    """Each stretch is the median of those of its values that are numbers, if these are half of them."""

    def value(second: int) -> float | None:
        return pattern[second // STEP * 7919 % len(pattern)]

    source, levels, at = FakeSource(), Levels("x", LENGTH, COUNT), START
    source.scripts["x"] = lambda when: (
        () if (found := value(int(when.timestamp()))) is None else (Row((("__name__", "x"), ("q", "a")), found),)
    )
    for pause in pauses:
        at += timedelta(minutes=pause)
        assert levels.read(Asker(source, at)) == ""
    length = LENGTH.milliseconds // 1000
    last = int(at.timestamp()) // STEP * STEP // length - 1
    expected = {}
    for number in range(last - COUNT, last):
        values = [value(second) for second in range(number * length + STEP, (number + 1) * length + 1, STEP)]
        known = [each for each in values if each is not None and math.isfinite(each)]
        if 2 * len(known) >= POINTS:
            expected[number] = median(known)

    assert levels.levels == ({(("q", "a"),): expected} if expected else {})
    usual = levels.usual.get((("q", "a"),))
    assert (usual is not None) == (2 * len(expected) >= COUNT)
    if usual is not None:
        assert usual.level == pytest.approx(float(np.median([*expected.values()])))


@given(
    st.lists(st.one_of(st.floats(), st.sampled_from([1e149, -1e149, 1.7e308, 5e-324, 0.0])), min_size=1, max_size=50)
)
def test_any_numbers(pattern: list[float]) -> None:
    """Huge, tiny and impossible values are no fault, and none of them is a shift from an unknown level."""
    workspace, findings = read(
        "Service", "alerts: {A: {level_shift: {series: x, history: 2h, after: 5m}, severity: info}}", "a"
    )
    assert findings == ()
    source, question = FakeSource(), LevelShiftQuestion(workspace.services[0].alerts[0])
    source.scripts["x"] = lambda when: (Row((), pattern[int(when.timestamp()) // STEP * 7919 % len(pattern)]),)
    for minute in range(3):
        seen = question.ask(Asker(source, START + timedelta(minutes=minute)))
        assert seen.complete
        for sample in seen.rows.values():
            assert (sample.value is None) == (sample.truth is Truth.UNKNOWN)
            assert sample.value is None or abs(sample.value) < 1e150


@given(MANY, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_units_do_not_matter(levels: list[float], shift: float, factor: float) -> None:
    """Whether bytes or megabytes, Celsius or Kelvin: a level is as many deviations away."""
    here, there = Usual.of(levels), Usual.of([shift + factor * level for level in levels])

    assert there.level == pytest.approx(shift + factor * here.level, rel=1e-9, abs=1e-6)
    assert there.spread == pytest.approx(factor * here.spread, rel=1e-6, abs=1e-6)


@given(st.lists(st.floats(90, 110), min_size=25, max_size=50), st.lists(st.floats(-1e9, 1e9), max_size=12))
def test_less_than_half_of_the_levels_moves_nothing_far(clean: list[float], wild: list[float]) -> None:
    """What is usual stays among what most levels are, and so does what they usually differ by."""
    usual = Usual.of([*clean, *wild])

    assert 90 <= usual.level <= 110
    if sorted(clean) != [clean[0]] * len(clean):
        deviations = sorted(abs(level - usual.level) for level in (*clean, *wild))
        if deviations[len(deviations) // 2] > 0:
            assert usual.spread <= 1.4826022185056018 * 20


@given(st.integers(0, 2**32 - 1))
def test_the_spread_is_a_standard_deviation(seed: int) -> None:
    """Of normal noise, within what a sample of that size allows."""
    levels = np.random.default_rng(seed).normal(100, 3, 2000)

    assert Usual.of([*levels]).spread == pytest.approx(3, rel=0.2)
