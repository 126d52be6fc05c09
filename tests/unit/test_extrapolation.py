"""`rate` and `increase` by version: when plain rules fire (rows D10 and D11), and the same floats as promtool."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.oracle import _nearest, ask

from tocsin.adapters.promtool import find_promtool
from tocsin.extrapolation import PROM2, PROM2_51, PROM3, Sample, Semantics, in_window, increase, rate
from tocsin.promql_syntax.versions import Version
from tocsin.units import Duration
from tocsin.windows import WORKBOOK, Tier

MINUTE = 60_000
TRAFFIC = 600
FAST, STEADY, SLOW, TRICKLE = WORKBOOK
FUNCTIONS = {"increase": increase, "rate": rate}
CERTAIN: list[tuple[list[int | None], int]] = [([5] * 40, 7)]
Course = Callable[[int], int | None]


def counter(per_minute: Course, before: int, last: int, count: int = 0) -> list[Sample]:
    """A sample every minute from *before* minutes before the incident on, from *count*; None: no series is there."""
    samples = list[Sample]()
    for minute in range(-before, last + 1):
        events = per_minute(minute)
        if events is not None:
            count += events if minute > -before else 0
            samples.append((minute * MINUTE, float(count)))
    return samples


def outage(share: float, length: int) -> Course:
    """Errors of a step: *share* of the traffic in the minutes 1 to *length*."""
    return lambda minute: round(TRAFFIC * share) if 0 < minute <= length else 0


@dataclass(frozen=True)
class Plain:
    """A rule without a guard, `long > threshold and short > threshold`, evaluated with every scrape."""

    tier: Tier
    errors: Course
    before: int
    count: int = 0
    """What the counter of errors shows at first."""

    def minutes(self, among: range, semantics: Semantics = PROM2) -> list[int]:
        """When it fires, of those minutes after the incident's start."""
        bad = counter(self.errors, self.before, among[-1], self.count)
        total = counter(lambda _: TRAFFIC, self.before, among[-1])
        threshold = float(self.tier.threshold(Duration.of(days=30), Decimal("0.999")))

        def above(window: Duration, at: int) -> bool:
            part = rate(bad, at, window.milliseconds, semantics)
            whole = rate(total, at, window.milliseconds, semantics)
            return part is not None and whole is not None and part / whole > threshold

        return [m for m in among if above(self.tier.short, m * MINUTE) and above(self.tier.long, m * MINUTE)]


RULES = {
    "A": Plain(FAST, outage(1, 5), 120),
    "B": Plain(FAST, outage(0.15, 10), 120),
    "C": Plain(FAST, outage(0.02, 1_000), 120),
    "D": Plain(STEADY, outage(0.01, 1_000), 420),
    "K": Plain(SLOW, outage(0.01, 1_000), 1_500),
    "J": Plain(TRICKLE, outage(0.005, 1_000), 4_400),
}


# --- the reference table -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("A", 1, 9), ("B", 6, 14), ("C", 44, None), ("D", 217, None), ("K", 433, None), ("J", 865, None)],
)
def test_first_and_last_minute(name: str, first: int, last: int | None) -> None:
    """D10: Prometheus 2, a scrape and an evaluation a minute: the tick after the closed form, ties one tick later."""
    among = range(max(first - 30, 0), first + 20)

    assert RULES[name].minutes(among) == list(range(first, among[-1] + 1 if last is None else last + 1))


@pytest.mark.parametrize(("name", "first", "last"), [("A", 1, 8), ("B", 6, 13), ("C", 44, 63)])
def test_windows_that_are_open(name: str, first: int, last: int) -> None:
    """In Prometheus 3 a window has one interval less, so the end is seen one scrape earlier."""
    assert RULES[name].minutes(range(first + 20), PROM3) == list(range(first, last + 1))


@pytest.mark.parametrize(
    ("name", "count", "semantics", "first"),
    [
        ("D", 0, PROM3, 217),
        ("D", 500, PROM3, 216),
        ("D", 500, PROM2, 217),
        ("K", 0, PROM3, 433),
        ("K", 500, PROM3, 432),
        ("K", 500, PROM2, 433),
    ],
)
def test_ties(name: str, count: int, semantics: Semantics, first: int) -> None:
    """Where both are equal at the closed form's minute, 3.0 fires one tick earlier if the counter is not young."""
    rule = replace(RULES[name], count=count)

    assert rule.minutes(range(first - 5, first + 3), semantics) == [first, first + 1, first + 2]


def test_cold_start() -> None:
    """D11: with 2 % of errors from the first sample on, two samples are an hour: a plain rule pages at once."""
    assert Plain(FAST, lambda _: 12, 0).minutes(range(5))[0] == 1


def test_errors_that_a_series_is_born_with() -> None:
    """D11: a minute of a total outage whose series begins with its first error has no increase, and never pages."""
    born = Plain(FAST, lambda minute: None if minute < 1 else TRAFFIC if minute == 1 else 0, 120)

    assert born.minutes(range(60)) == []
    assert Plain(FAST, outage(1, 1), 120).minutes(range(60)) == [1, 2, 3, 4, 5]


# --- the formula -------------------------------------------------------------------------------------------------


def test_a_young_counter() -> None:
    """380 up to Prometheus 2.50, 350 from 2.51 on: the way to zero is 48 s, the start 60 s off, half a spacing 30 s."""
    samples: list[Sample] = [(60_000, 80.0), (120_000, 180.0), (180_000, 280.0), (240_000, 380.0)]

    assert increase(samples, 240_000, 300_000, PROM2) == pytest.approx(380)
    assert increase(samples, 240_000, 300_000, PROM2_51) == pytest.approx(350)


@pytest.mark.parametrize(
    ("version", "expected"), [("2.42", PROM2), ("2.50", PROM2), ("2.51", PROM2_51), ("2.55", PROM2_51), ("3.0", PROM3)]
)
def test_semantics_of_a_version(version: str, expected: Semantics) -> None:
    """Two things changed, in 2.51 and in 3.0."""
    assert Semantics.of(Version.of(version)) == expected


@pytest.mark.parametrize("samples", [[], [(0, 1.0)], [(0, 1.0), (60_000, None)], [(0, 1.0), (60_001, 2.0)]])
def test_two_samples_are_needed(samples: list[Sample]) -> None:
    """One says nothing about a rise, and a mark of staleness is none."""
    assert increase(samples, 60_000, 300_000) is None
    assert rate(samples, 60_000, 300_000) is None


def test_ends_of_a_window() -> None:
    """The end is inside; the start is inside up to Prometheus 2."""
    samples: list[Sample] = [(0, 1.0), (30_000, 2.0), (60_000, 3.0), (90_000, 4.0)]

    assert [time for time, _ in in_window(samples, 60_000, 60_000, PROM2)] == [0, 30_000, 60_000]
    assert [time for time, _ in in_window(samples, 60_000, 60_000, PROM3)] == [30_000, 60_000]


def test_a_reset() -> None:
    """What was counted before is kept; what came between the last sample and the reset is lost."""
    samples: list[Sample] = [(0, 100.0), (60_000, 160.0), (120_000, 20.0), (180_000, 80.0)]

    assert increase(samples, 180_000, 180_000, PROM2) == 140.0


# --- properties ---------------------------------------------------------------------------------------------------

steps = st.lists(st.one_of(st.none(), st.integers(0, 100), st.just(-1)), min_size=1, max_size=40)


def values(deltas: Sequence[int | None], start: int) -> list[float | None]:
    """A counter by its increments; None a scrape that failed, -1 a restart."""
    count, found = start, list[float | None]()
    for delta in deltas:
        count = 0 if delta == -1 else count + (delta or 0)
        found.append(None if delta is None else float(count))
    return found


@given(steps, st.integers(0, 50), st.integers(0, 60), st.integers(1, 40), st.sampled_from([PROM2, PROM2_51, PROM3]))
def test_an_increase_is_of_its_samples(
    deltas: list[int | None], start: int, at: int, window: int, semantics: Semantics
) -> None:
    """No counter falls; it rises at least as its samples do, at most as if they went on over the whole window."""
    samples: list[Sample] = [(k * MINUTE, value) for k, value in enumerate(values(deltas, start))]
    got = increase(samples, at * MINUTE, window * MINUTE, semantics)
    inside = in_window(samples, at * MINUTE, window * MINUTE, semantics)

    if len(inside) < 2:
        assert got is None
        return
    rise = sum(max(b - a, 0) if b >= a else b for (_, a), (_, b) in pairwise(inside))
    most = rise * window * MINUTE / (inside[-1][0] - inside[0][0])
    assert got is not None
    assert rise - 1e-9 <= got <= most + 1e-9
    assert rate(samples, at * MINUTE, window * MINUTE, semantics) == pytest.approx(got / (window * 60))


def written(found: Sequence[float | None]) -> str:
    """In promtool's notation; of the minutes without a sample every second one has a mark of staleness."""
    return " ".join(("stale" if k % 2 else "_") if value is None else repr(value) for k, value in enumerate(found))


@settings(max_examples=4, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(steps, st.integers(0, 3)), min_size=30, max_size=30), st.integers(0, 14))
def test_promtool_gives_the_same_floats(series: list[tuple[list[int | None], int]], phase: int) -> None:
    """Counters with resets, gaps and late births, at any phase between scrape and evaluation, number for number."""
    semantics = Semantics.of(Version(*find_promtool(_nearest()).version))
    counters = [values(deltas, start) for deltas, start in [*CERTAIN, *series]]
    asked = [(f, w, at) for f in FUNCTIONS for w in (90, 300, 1_200) for at in range(60 + phase, 2_400, 180)]

    named = {f'c{{n="{n}"}}': written(found) for n, found in enumerate(counters)}
    answers = ask((), named, [(f"{f}(c[{window}s])", at) for f, window, at in asked])
    for (f, window, at), rows in zip(asked, answers, strict=True):
        samples = [[(k * MINUTE, value) for k, value in enumerate(found)] for found in counters]
        got = [FUNCTIONS[f](one, at * 1000, window * 1000, semantics) for one in samples]
        assert dict(rows) == {(("n", str(n)),): value for n, value in enumerate(got) if value is not None}
