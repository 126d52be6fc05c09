"""Bounds of classic buckets in every spelling, and while a server is upgraded from one to the other."""

from decimal import Decimal

import pytest
from tests import builders
from tests.oracle import ask, firing
from tests.ruletests import counter, groups_of

from tocsin.sli import LatencySli

pytestmark = pytest.mark.real

COUNT = 'took_seconds_count{job="shop"}'


def bucket(bound: str) -> str:
    """The bucket of a bound as a client or a server spelt it."""
    return f'took_seconds_bucket{{job="shop",le="{bound}"}}'


@pytest.mark.parametrize(
    ("within", "bound"),
    [
        ("1", "1"),
        ("1", "1.0"),
        ("0.5", "0.5"),
        ("10", "10"),
        ("10", "10.0"),
        ("100000", "100000"),
        ("100000", "100000.0"),
        ("2592000", "2.592e+06"),
        ("2592000", "2592000"),
        ("2592000", "2592000.0"),
        ("0.00005", "5e-05"),
        ("0.00005", "0.00005"),
    ],
)
def test_every_spelling_of_a_bound(within: str, bound: str) -> None:
    """Prometheus 2 keeps what the client wrote (Go `1`, Python `1.0`); Prometheus 3 stores `1.0` and `2.592e+06`."""
    slo = builders.slo(sli=LatencySli('took_seconds{job="shop"}', Decimal(within)))
    series = {COUNT: counter([60] * 20), bucket(bound): counter([54] * 20), bucket("20"): counter([60] * 20)}

    found = ask(groups_of(slo), series, [("slo:bad:rate5m * 60", 1140), ("slo:total:rate5m * 60", 1140)])

    assert [list(rows.values()) for rows in found] == [[pytest.approx(6)], [pytest.approx(60)]]


@pytest.mark.parametrize("bound", ["11", "1.01", "10", "+Inf"])
def test_another_bucket_is_none(bound: str) -> None:
    """Where the bucket of the limit does not exist, nothing is counted as bad, no page comes, and SliBroken tells."""
    slo = builders.slo(sli=LatencySli('took_seconds{job="shop"}', Decimal(1)))
    series = {COUNT: counter([60] * 40), bucket(bound): counter([0] * 40)}

    questions = ("slo:bad:rate5m", firing("SliBroken"), firing("ErrorBudgetBurn"))
    bad, broken, pages = ask(groups_of(slo), series, [(expr, 39 * 60) for expr in questions])

    assert (bad, len(broken), pages) == ({}, 1, {})


@pytest.mark.parametrize(("gap", "paged"), [(0, range(0)), (2, range(102, 115))], ids=["at-once", "after-2m"])
def test_an_upgrade_respells_the_bounds(gap: int, paged: range) -> None:
    """From one scrape to the next `1` becomes `1.0`, and no page comes.

    Where the server was away in between, good events of the gap are known to no series, and all events are: a false
    page, which decision 0008 tells of.
    """
    slo = builders.slo(sli=LatencySli('took_seconds{job="shop"}', Decimal(1)))
    count = counter([60] * 200)
    away = range(100, 100 + gap)
    seen = [None if at in away else value for at, value in enumerate(count)]
    series = {
        COUNT: seen,
        bucket("1"): [value if at < 100 else None for at, value in enumerate(seen)],
        bucket("1.0"): [value if at >= 100 else None for at, value in enumerate(seen)],
    }

    pages = ask(groups_of(slo), series, [(firing("ErrorBudgetBurn"), 60 * at) for at in range(95, 199)])

    assert [at for at, rows in enumerate(pages, 95) if rows] == list(paged)
