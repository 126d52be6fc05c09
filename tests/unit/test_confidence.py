"""What small counts prove: intervals and the exact test against published and recomputed numbers (rows N1 to N4)."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.confidence import (
    Interval,
    chance,
    events_to_prove,
    exact,
    expected_alerts,
    jeffreys,
    least_bad,
    wilson,
)
from tocsin.guards import Guards, enough

KINDS = {"wilson": wilson, "jeffreys": jeffreys, "exact": exact}


def ends(interval: Interval | None) -> tuple[float, float]:
    """Low and high, of an interval that is there."""
    assert interval is not None
    return interval.low, interval.high


@pytest.mark.parametrize(
    ("kind", "bad", "total", "expected"),
    [
        ("wilson", 1, 10, (0.01787621, 0.40415003)),
        ("wilson", 0, 10, (0, 0.27753280)),
        ("wilson", 15, 1000, (0.00911098, 0.02460098)),
        ("jeffreys", 1, 10, (0.01101167, 0.38131477)),
        ("exact", 1, 10, (0.00252858, 0.44501612)),
    ],
    ids=["N1", "N1-none", "N1-many", "N2", "N2-exact"],
)
def test_intervals(kind: str, bad: int, total: int, expected: tuple[float, float]) -> None:
    """95 %, two-sided, to eight places."""
    assert expected == pytest.approx(ends(KINDS[kind](bad, total)), abs=1e-8)


@pytest.mark.parametrize(("kind", "high"), [("jeffreys", 0.21720), ("exact", 0.30850)])
def test_no_bad_event_is_no_proof_of_perfection(kind: str, high: float) -> None:
    """None of ten: every fifth, or in the strict reading nearly every third may still fail."""
    assert ends(KINDS[kind](0, 10)) == pytest.approx((0, high), abs=5e-6)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(10, 3), (20, 4), (50, 5), (70, 6), (100, 7), (200, 10), (500, 18), (1000, 28), (5000, 100), (20_000, 342)],
)
def test_least_count_that_chance_does_not_explain(total: int, expected: int) -> None:
    """N3: above 1.44 % at alpha 0.001."""
    assert least_bad(total, 0.0144) == expected


def test_pages_by_chance() -> None:
    """N4: ten requests an hour that fail at the very rate of the objective page seven times a month."""
    assert chance(1, 10, 0.001) == pytest.approx(0.0099551198, abs=5e-11)
    assert expected_alerts(10, 0.001, 1, 720) == pytest.approx(7.1676862, abs=5e-8)


@pytest.mark.parametrize(
    ("total", "bad", "expected"),
    [(69, 1, 48.0), (70, 2, 1.66), (100, 2, 3.34), (200, 3, 0.82), (69, 3, 0.036), (100, 3, 0.108), (10, 3, 8.6e-5)],
)
def test_pages_by_chance_at_other_traffic(total: int, bad: int, expected: float) -> None:
    """One error too many pages up to 69 requests an hour; with three errors demanded, hardly anything does."""
    assert expected_alerts(total, 0.001, bad, 720) == pytest.approx(expected, rel=0.01)


def test_events_that_prove_an_objective() -> None:
    """99.9 % at 95 % needs 2,995 events without an error, one fewer is not enough; so says the exact interval, too."""
    needed = events_to_prove(0.001)

    assert needed == 2_995
    assert ends(exact(0, needed, 0.9))[1] < 0.001 < ends(exact(0, needed - 1, 0.9))[1]


@pytest.mark.parametrize(("bad", "total"), [(0, 0), (1, 0), (-1, 5), (6, 5), (float("nan"), 5), (1, float("inf"))])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_count_has_no_interval(kind: str, bad: float, total: float) -> None:
    """Without events nothing is known, and a source may answer anything."""
    assert KINDS[kind](bad, total) is None


@pytest.mark.parametrize("given_wrongly", [0, 1, -1, 95])
def test_confidence_is_a_fraction(given_wrongly: float) -> None:
    """95 instead of 0.95 is refused rather than understood."""
    for kind in KINDS.values():
        with pytest.raises(ValueError, match="between 0 and 1"):
            kind(1, 10, given_wrongly)
    with pytest.raises(ValueError, match="between 0 and 1"):
        events_to_prove(0.01, given_wrongly)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_a_ratio_is_a_fraction(ratio: float) -> None:
    """No probability is below 0 or above 1, and nothing is proved about one that is."""
    with pytest.raises(ValueError, match="a ratio is between 0 and 1"):
        chance(1, 10, ratio)
    with pytest.raises(ValueError, match="no number of events"):
        events_to_prove(ratio)


def test_chance_at_its_ends() -> None:
    """None or more is certain, more than all is impossible; two failures of two are possible, but prove little."""
    assert (chance(0, 5, 0.1), chance(6, 5, 0.1), chance(5, 5, 1.0), chance(1, 5, 0.0)) == (1, 0, 1, 0)
    assert (least_bad(2, 0.1), least_bad(0, 0.1), least_bad(5, 0.0)) == (None, None, 1)


# --- properties -----------------------------------------------------------------------------------------------

counts = st.integers(1, 10_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
confidences = st.floats(0.5, 0.9999)


@given(st.sampled_from(sorted(KINDS)), counts, confidences)
@example("wilson", (0, 1), 0.5)
@example("wilson", (1, 1), 0.5)
def test_an_interval_contains_the_observed_ratio(kind: str, count: tuple[int, int], confidence: float) -> None:
    """Whatever is believed, what was seen is possible; and nothing is below 0 or above 1."""
    bad, total = count
    low, high = ends(KINDS[kind](bad, total, confidence))

    assert 0 <= low <= bad / total <= high <= 1


@given(st.sampled_from(sorted(KINDS)), counts, confidences, st.integers(2, 50))
def test_more_events_of_the_same_ratio_say_more(
    kind: str, count: tuple[int, int], confidence: float, more: int
) -> None:
    """The interval of ten times as many events lies inside the one of the fewer."""
    bad, total = count
    low, high = ends(KINDS[kind](bad, total, confidence))
    less_low, less_high = ends(KINDS[kind](bad * more, total * more, confidence))

    assert low <= less_low + 1e-12
    assert less_high <= high + 1e-12
    assert less_high - less_low < high - low


@given(st.sampled_from(sorted(KINDS)), counts, confidences)
def test_good_and_bad_are_mirrors(kind: str, count: tuple[int, int], confidence: float) -> None:
    """The interval of the good ratio is the mirror of that of the error ratio."""
    bad, total = count
    low, high = ends(KINDS[kind](bad, total, confidence))

    assert ends(KINDS[kind](total - bad, total, confidence)) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(st.sampled_from(sorted(KINDS)), counts)
def test_more_confidence_is_wider(kind: str, count: tuple[int, int]) -> None:
    """Who wants to be surer has to say less."""
    low, high = ends(KINDS[kind](*count, 0.9))
    wide_low, wide_high = ends(KINDS[kind](*count, 0.99))

    assert wide_low <= low < high <= wide_high


@given(counts, confidences)
def test_the_exact_interval_never_promises_too_much(count: tuple[int, int], confidence: float) -> None:
    """It contains the Jeffreys interval, and each end is where a tail of the binomial distribution has its share."""
    bad, total = count
    low, high = ends(exact(bad, total, confidence))
    inner_low, inner_high = ends(jeffreys(bad, total, confidence))

    assert low <= inner_low + 1e-12
    assert inner_high <= high + 1e-12
    if bad:
        assert chance(bad, total, low) == pytest.approx((1 - confidence) / 2, rel=1e-6)
    if bad < total:
        assert 1 - chance(bad + 1, total, high) == pytest.approx((1 - confidence) / 2, rel=1e-6)


@given(st.integers(1, 100_000), st.floats(1e-6, 0.5), st.sampled_from([0.05, 0.01, 0.001]))
def test_the_least_count_is_the_least(total: int, ratio: float, alpha: float) -> None:
    """Chance reaches it at most so often, and one fewer more often."""
    least = least_bad(total, ratio, alpha)

    if least is None:
        assert chance(total, total, ratio) > alpha
    else:
        assert chance(least, total, ratio) <= alpha < chance(least - 1, total, ratio)


@given(st.integers(1, 30), st.integers(0, 30), st.fractions(0, 1, max_denominator=50))
def test_chance_is_the_sum_of_the_distribution(total: int, bad: int, ratio: Fraction) -> None:
    """At most so many bad is the same as the rest being good: both tails make one."""
    assert chance(bad, total, float(ratio)) + chance(total - bad + 1, total, float(1 - ratio)) == pytest.approx(1)


@given(st.integers(10, 20_000), st.sampled_from(["0.0144", "0.006"]))
def test_the_compiled_gate_is_the_exact_test(total: int, threshold: str) -> None:
    """What PromQL can compute (decision 0009) asks for at most one event more or fewer than the binomial test."""
    least = least_bad(total, float(threshold))
    gate = Guards(min_bad_events=0, significance=Decimal("0.001"))

    assert least is not None
    assert enough(gate, float(threshold), least + 1, total)
    assert not enough(gate, float(threshold), least - 2, total)


@pytest.mark.parametrize("argv", [["check"], ["compile", "-o", "{out}"]], ids=["check", "compile"])
def test_statistics_are_not_loaded_for_nothing(argv: list[str], tmp_path: object) -> None:
    """Checking and compiling start without numpy and SciPy, which take longer to load than a workspace to check."""
    words = [word.format(out=tmp_path) for word in argv]
    script = f"""
import sys, tocsin.confidence
from tocsin.cli.main import run
code = run([{words[0]!r}, "examples/every-sli-kind.yaml", *{words[1:]!r}])
heavy = {{"numpy", "scipy"}} & set(sys.modules)
tocsin.confidence.exact(1, 10)
print(code, heavy, "scipy" in sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "0 set() True"
