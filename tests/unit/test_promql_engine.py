"""The PromQL of the parity tests: what changed with Prometheus 3 is the left end of everything that looks back."""

import pytest
from tests.promql_engine import Engine, Series

from tocsin.extrapolation import PROM2, PROM2_51, PROM3, Semantics

MINUTE = 60_000
GAUGE: Series = {(("__name__", "x"),): [(minute * MINUTE, float(minute)) for minute in range(11)]}
COUNTER: Series = {
    (("__name__", "c"),): [(1 * MINUTE, 80.0), (2 * MINUTE, 180.0), (3 * MINUTE, 280.0), (4 * MINUTE, 380.0)]
}


@pytest.mark.parametrize(
    ("query", "closed", "opened"),
    [
        ("count_over_time(x[5m])", 6, 5),
        ("min_over_time(x[5m])", 5, 6),
        ("count_over_time(x[5m:])", 6, 5),
        ("avg_over_time((x)[4m:2m])", 8, 9),
        ("count_over_time(x[5m] offset 1m)", 6, 5),
        ("increase(x[5m])", 5, 5),
        ("increase(x[1m])", 1, None),
        ("x offset -5m", 10, None),
    ],
)
def test_left_ends(query: str, closed: float, opened: float | None) -> None:
    """Of samples on a grid one fewer is in a window, and two samples take a window that is longer than their distance.

    The last value counts for five minutes, and from 3.0 on not at their end any more.
    """
    found = [next(iter(as_rows(query, semantics)), None) for semantics in (PROM2, PROM2_51, PROM3)]

    assert found == [closed, closed, opened]


def as_rows(query: str, semantics: Semantics) -> list[float]:
    """The values at minute ten, rounded; `offset -5m` asks for minute fifteen."""
    value = Engine(GAUGE, semantics).ask(query, 10 * MINUTE)
    assert not isinstance(value, float)
    return [round(number, 9) for number in value.values()]


@pytest.mark.parametrize(("semantics", "rise"), [(PROM2, 380), (PROM2_51, 350), (PROM3, 350)])
def test_a_young_counter(semantics: Semantics, rise: float) -> None:
    """380 up to 2.50, 350 since: the 1.1 spacings come before the zero."""
    found = Engine(COUNTER, semantics).ask("increase(c[5m])", 4 * MINUTE)

    assert not isinstance(found, float)
    assert found[()] == pytest.approx(rise)
