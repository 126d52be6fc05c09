"""A contract over a journey while the metric source is away, and while one of the journey's members is."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pytest

from tocsin.evaluate.measured import RAN, Measured
from tocsin.evaluate.sla import judge
from tocsin.evaluate.slices import Slices
from tocsin.workspace import Source, read_workspace

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
MONTH = range(30 * 1440)
AWAY = range(1_000, 1_180)
"""Minutes in which the source did not run."""
DEFINITIONS = """
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {ok: {probe: {up: up}}}
slos: {a: {sli: ok, target: 99.9%}, b: {sli: ok, target: 99.9%}}
---
apiVersion: tocsin/v1
kind: Journey
name: path
slos: {all: {target: 99.7%, combine: {series: [shop/a, shop/b]}, missing: {after: 5m, count_as: COUNT}}}
---
apiVersion: tocsin/v1
kind: SLA
name: gold
customer: ACME
covers: path/all
target: 99.5%
measure: {method: minutes, empty: EMPTY}
"""


def uptime(minutes: Mapping[str, Iterable[int]], *, count_as: str = "bad", empty: str = "good") -> tuple[float, float]:
    """Lost minutes of uptime and of coverage, where each of a, b and the source has a slice in these *minutes*."""
    text = DEFINITIONS.replace("COUNT", count_as).replace("EMPTY", empty)
    workspace, findings = read_workspace([Source("a.yaml", text)])
    assert findings == ()
    measured, [sla] = Measured.of(workspace), workspace.slas
    books: dict[str, Slices] = {}
    for key in measured.keys(sla, START):
        book = books[key[0]] = measured.book(key)
        first = book.number(START)
        book.ratios = dict.fromkeys((first + k for k in minutes[key[0]]), 1.0)
        book.low, book.high = first, first + len(MONTH)
    one = next(iter(books.values()))
    intervals = measured.intervals(sla, books, one.number(START), one.number(END))
    status = judge(sla, START, END, intervals, floor=0.9).status
    assert status.uptime is not None
    assert status.coverage is not None
    return round((1 - status.uptime) * len(MONTH), 6), round((1 - status.coverage) * len(MONTH), 6)


def but(*gone: range) -> list[int]:
    """The minutes of the month without some."""
    lost = {k for one in gone for k in one}
    return [k for k in MONTH if k not in lost]


@pytest.mark.parametrize("ran", [but(AWAY), []])
def test_a_source_that_was_away_is_no_downtime(ran: list[int]) -> None:
    """Three hours that nobody saw count as `empty`, as they do for an objective; also where no `up` tells who ran."""
    there = {"shop/a": but(AWAY), "shop/b": but(AWAY), RAN: ran}

    assert uptime(there) == (0, 180)
    assert uptime(there, empty="bad")[0] == pytest.approx(180, abs=5)


def test_members_that_come_back_one_after_the_other_are_not_missing_yet() -> None:
    """The first minutes after the source is back are its own, as in the journey; it is five of them, not one slice."""
    late = range(AWAY.stop, AWAY.stop + 4)

    assert uptime({"shop/a": but(AWAY), "shop/b": but(AWAY, late), RAN: but(AWAY)}) == (0, 180)


@pytest.mark.parametrize(("count_as", "down"), [("bad", 55), ("good", 0), ("ignore", 0)])
def test_a_member_that_is_gone_is_what_the_journey_says(count_as: str, down: int) -> None:
    """An hour of it while the source ran, less the five minutes for which it is waited for."""
    gone = range(5_000, 5_060)
    there = {"shop/a": MONTH, "shop/b": but(gone), RAN: MONTH}

    assert uptime(there, count_as=count_as) == (down, 0)
    assert uptime({**there, "shop/a": but(gone)}, count_as=count_as)[0] == (down if count_as == "bad" else 0)
