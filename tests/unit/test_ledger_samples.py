"""Increments of counters are counted once each, in the slice in which a scrape saw them."""

import math
from collections.abc import Iterable
from decimal import Decimal

import numpy as np
import pytest

from tocsin.ledger.births import Seen
from tocsin.ledger.counts import Counts
from tocsin.ledger.samples import REMEMBERED, Memory, count
from tocsin.ports import RangeRow, labels_of
from tocsin.sli import Counters, LatencySli, RatioSli, RawSli

COUNTERS = Counters("hits", 'hits{code="500"}')
Points = Iterable[tuple[float, float]]


def row(points: Points, code: str = "200", instance: str = "a", **labels: str) -> RangeRow:
    """One series of a target."""
    return RangeRow(labels_of({"job": "shop", "instance": instance, "code": code, **labels}), tuple(points))


def counted(
    total: Iterable[RangeRow],
    part: Iterable[RangeRow] = (),
    counters: Counters = COUNTERS,
    memory: Memory | None = None,
) -> Counts:
    """Everything together."""
    found, _ = count(counters, (), total, part, memory or Memory())
    return found[()]


def steady(start: float, end: float, every: float = 15, rate: float = 1.0, at: float = 0.0) -> Points:
    """Samples of a counter that rises evenly."""
    times = np.arange(start, end + every / 2, every)
    return [(float(t), at + rate * float(t - start)) for t in times]


@pytest.mark.parametrize("phase", [0.0, 3.75, 7.5, 14.999])
def test_minutes_are_exact_at_any_phase_of_scrapes(phase: float) -> None:
    """One event a second is sixty in each minute, wherever the scrapes lie; only the edges have less."""
    counts = counted([row(steady(600 + phase, 1200 + phase))])

    assert counts.total[1:10] == pytest.approx(np.full(9, 60.0))
    assert counts.total.sum() == pytest.approx(600.0)


def test_an_increment_belongs_to_the_slice_of_its_later_sample() -> None:
    """Thirty events between 0:50 and 1:20 are thirty in the second minute, and came over its start."""
    counts = counted([row([(50, 100), (80, 130), (95, 140), (120, 150)])])

    assert counts.total.tolist() == [0, 50, 0]
    assert counts.total_across.tolist() == [0, 30, 0]


def test_an_increment_over_whole_slices_is_divided_in_proportion_to_time() -> None:
    """Ninety events between 0:45 and 2:15 are fifteen, sixty and fifteen; none is known to be within a minute."""
    counts = counted([row([(45, 100), (135, 190)])])

    assert counts.total.tolist() == pytest.approx([15.0, 60.0, 15.0])
    assert counts.total_across.tolist() == pytest.approx([15.0, 60.0, 15.0])


def test_a_reset_counts_the_new_value() -> None:
    """From 100 to 7 are seven events; what came before the reset and after the last scrape nobody saw."""
    assert counted([row([(0, 90), (15, 100), (30, 7), (45, 9)])]).total.sum() == 10 + 7 + 2


def test_a_counter_that_fell_speaks_for_those_of_its_target_that_outran_themselves() -> None:
    """From 92 to 354 are 354 events where requests fell in the same scrape, and 262 where none did."""
    errors = row([(0, 92), (15, 92), (30, 354)], "500")
    fell, went_on = row([(0, 9000), (15, 9010), (30, 40)]), row([(0, 9000), (15, 9010), (30, 9500)])

    assert counted([fell, errors], [errors]).bad.sum() == 354
    assert counted([went_on, errors], [errors]).bad.sum() == 262


def test_a_counter_that_did_not_double_went_on() -> None:
    """An exporter may tell of many processes: 20 more on top of 5,000 are 20, although another of them fell."""
    other = row([(0, 5000), (15, 5010), (30, 5020)], "201")

    assert counted([row([(0, 90), (15, 100), (30, 7)]), other]).total.sum() == 10 + 7 + 20


def test_a_restart_of_another_target_is_none() -> None:
    """Processes start anew one by one."""
    rows = [row([(0, 90), (15, 100), (30, 7)], instance="b"), row([(0, 5), (15, 5), (30, 50)])]

    assert counted(rows).total.sum() == 10 + 7 + 45


def test_a_restart_is_remembered_for_errors_that_come_later() -> None:
    """A series that is silent after the restart, until its first error, started anew with the others."""
    requests = row([(0, 9000), (15, 40), *((t, float(t)) for t in range(60, 600, 15))])
    errors = row([(0, 3), (555, 8)], "500")
    _, memory = count(COUNTERS, (), [requests, row([(0, 3)], "500")], [row([(0, 3)], "500")], Memory(), until=300)

    assert counted([requests, errors], [errors]).bad.sum() == 8
    assert counted([requests, errors], [errors], memory=memory).bad.sum() == 8


def test_nan_is_no_sample() -> None:
    """A stale marker neither ends a counter nor resets it."""
    assert counted([row([(0, 1), (15, math.nan), (30, 5)])]).total.sum() == 4


def test_a_series_that_ends_counts_what_was_seen() -> None:
    """Nothing is made up for the time after its last sample."""
    counts = counted([row(steady(0, 100, 10)), row(steady(0, 60, 10), instance="b")])

    assert counts.total.sum() == 100 + 60


def test_a_pause_is_counted_and_not_covered() -> None:
    """After an hour without scrapes the increment of the hour is divided evenly, and says that nobody looked."""
    counts = counted([row([*steady(0, 300), *steady(3900, 4200, at=3900)])])
    total, _, covered = counts.stated()

    assert total[:70] == pytest.approx(np.full(70, 60.0))
    assert covered.tolist() == [*[True] * 5, *[False] * 60, *[True] * 5, False]


def test_an_idle_target_is_covered() -> None:
    """A counter that stands still was looked at."""
    total, bad, covered = counted([row(steady(0, 600, rate=0))]).stated()

    assert (total.sum(), bad.sum()) == (0, 0)
    assert covered[:10].all()


def test_a_series_born_on_a_known_target_counts_from_zero() -> None:
    """Its first value happened since the scrape before it, in which it was not."""
    counts = counted([row(steady(0, 900)), row([(900, 4), (915, 4)], "500")], [row([(900, 4), (915, 4)], "500")])

    assert counts.bad[14] == pytest.approx(4.0)
    assert counts.total[14] == pytest.approx(64.0)


def test_a_series_born_on_a_new_target_counts_its_increments() -> None:
    """A target that is seen for the first time may have been counting for years."""
    fresh = [row([(900, 5_000), (915, 5_002)], instance="b"), row([(900, 70), (915, 71)], "500", "b")]

    assert counted([row(steady(0, 915)), *fresh]).total.sum() == 915 + 2 + 1


def test_a_young_target_counts_from_zero() -> None:
    """It had counted less when it was first seen than in the minutes after; so do series that are born on it soon."""
    young = [row(steady(900, 1200, rate=2, at=20), instance="b"), row([(900, 3), (1200, 3)], "500", "b")]
    late = row([(930, 1), (1200, 1)], "503", "b")
    counts = counted([row(steady(0, 1200)), *young, late], [young[1], late])

    assert counts.total.sum() == 1200 + 620 + 3 + 1
    assert counts.bad.sum() == 3 + 1
    assert counts.bad[14] == pytest.approx(3.0)


def test_youth_is_told_by_samples_that_are_not_counted_yet() -> None:
    """Where a request ends within the first minutes of a target, those behind its end are looked at."""
    rows = [row(steady(0, 1500)), row(steady(900, 1500, rate=2, at=20), instance="b")]
    late = row([(960, 5), (1500, 5)], "500", "b")
    first, memory = count(COUNTERS, (), rows, [], Memory(), until=910)
    second, _ = count(COUNTERS, (), [*rows, late], [], memory)

    assert first[()].total.sum() == pytest.approx(900 + 20)
    assert (first[()] + second[()]).total.sum() == pytest.approx(1500 + 1220 + 5)


def test_a_target_that_was_born_in_a_pause_of_all() -> None:
    """After an hour in which nobody looked it may have counted for an hour, wherever the samples are cut."""
    known = row([*steady(0, 900), *steady(4500, 4800, at=4500)])
    late = row(steady(4530, 4830, rate=2, at=6000), instance="b")
    old = row(steady(4530, 4830, rate=2, at=9000), instance="c")

    assert counted([known, late]).total.sum() == 4800 + 6000 + 600
    assert counted([known, old]).total.sum() == 4800 + 600
    _, memory = count(COUNTERS, (), [known, late], [], Memory(), until=4515)
    assert counted([known, late], memory=memory).total.sum() == pytest.approx(285 + 6000 + 600)


def test_nobody_can_tell_the_youth_of_the_first_samples() -> None:
    """There is nothing older than they."""
    assert counted([row(steady(900, 1200, rate=2, at=20))]).total.sum() == 600


def test_a_target_is_new_for_ten_minutes() -> None:
    """What it shows in its first minutes may have been there before it was seen."""
    assert counted([row(steady(0, 585)), row([(585, 50)], "500")]).total.sum() == 585
    assert counted([row(steady(0, 600)), row([(600, 50)], "500")]).total.sum() == 650


def test_a_series_is_born_in_a_scrape_of_its_target() -> None:
    """A series that appears while those of its target do not was renamed, not born."""
    assert counted([row(steady(0, 900)), row([(907, 50)], "500")]).total.sum() == 900


def test_births_can_be_switched_off() -> None:
    """Where good events are counted by other targets than all events, a birth in one of them looks like errors."""
    rows = [row(steady(0, 900)), row([(900, 4)], "500")]

    assert counted(rows, counters=Counters("hits", "other", births=False)).total.sum() == 900


def test_a_counter_that_comes_back_lower_was_reset_in_the_meantime() -> None:
    """Its new value happened since the scrape before, not during the hours in which it was away."""
    bad = row([(0, 10), (15, 10), (3600, 3)], "500")
    counts = counted([row(steady(0, 3600)), bad], [bad])

    assert counts.bad[59] == pytest.approx(3.0)
    assert counts.bad.sum() == 3


@pytest.mark.parametrize("cut", [601, 615, 660, 899, 1000])
def test_nothing_is_lost_or_counted_twice_where_requests_meet(cut: int) -> None:
    """Two stretches that overlap, one after the other, count the same as both at once."""
    points = [(t + 3.0, float(i * i)) for i, t in enumerate(range(0, 1500, 15))]
    bad = [(t, v) for t, v in points if t > 800]
    whole = counted([row(points), row(bad, "500")], [row(bad, "500")])
    memory, parts = Memory(), []
    for low, high in ((0, cut), (cut - 100, 1600)):
        rows = [
            row([p for p in series if low < p[0] <= high], code) for series, code in ((points, "200"), (bad, "500"))
        ]
        rows = [one for one in rows if one.points]
        found, memory = count(COUNTERS, (), rows, [one for one in rows if ("code", "500") in one.labels], memory)
        parts.append(found[()])
    both = (parts[0] + parts[1]).within(whole.first, whole.last)

    assert both.total == pytest.approx(whole.total)
    assert both.bad == pytest.approx(whole.bad)
    assert both.looked == pytest.approx(whole.looked)


def test_a_pause_across_requests_loses_nothing() -> None:
    """The memory of a series bridges a pause that is longer than any request."""
    _, memory = count(COUNTERS, (), [row(steady(0, 600))], [], Memory())
    _, memory = count(COUNTERS, (), [], [], memory)
    counts = counted([row([(36_000, 36_000)])], memory=memory)

    assert counts.total.sum() == 36_000 - 600
    assert counts.first == 10


def test_a_series_is_forgotten_after_a_day() -> None:
    """So the memory does not grow with every pod that ever was."""
    _, memory = count(COUNTERS, (), [row(steady(0, 600), instance="old")], [], Memory())
    _, memory = count(COUNTERS, (), [row([(600 + REMEMBERED + 1, 1)])], [], memory)

    assert [dict(labels)["instance"] for labels in memory.total] == ["a"]


def test_what_is_settled() -> None:
    """The slowest of the living series says until when nothing more can come; the dead say nothing."""
    memory = Memory({labels_of({"a": a}): Seen(0, t, 1) for a, t in (("x", 1000), ("y", 990), ("dead", 100))})

    assert memory.settled() == 990
    assert Memory().settled() == -math.inf


def test_good_events_make_the_rest_bad() -> None:
    """Bad events are those that are not good, in each slice."""
    counters = Counters("hits", 'hits{code="200"}', good=True)
    good = row(steady(0, 600, rate=0.75))
    counts = counted([good, row(steady(0, 600, rate=0.25), "500")], [good], counters)

    assert counts.bad[:10] == pytest.approx(np.full(10, 15.0))


def test_a_part_that_is_needed() -> None:
    """Where the bucket of a latency does not exist, nobody knows how many events were slow."""
    counters = Counters("hits_count", "hits_bucket", good=True, needed=True)
    known = counted([row(steady(0, 600))], [row(steady(0, 600))], counters).stated()
    unknown = counted([row(steady(0, 600))], [], counters).stated()

    assert known[2][:10].all()
    assert not unknown[2].any()


def test_groups_are_counted_apart() -> None:
    """One set of counts for each combination of labels; a series without the label is a group of its own."""
    rows = [row(steady(0, 60), route="/a"), row(steady(0, 60, rate=2), route="/b"), row(steady(0, 60, rate=3))]
    found, _ = count(COUNTERS, ("route",), rows, [], Memory())

    assert {group: float(counts.total.sum()) for group, counts in found.items()} == {
        (("route", "/a"),): 60,
        (("route", "/b"),): 120,
        (): 180,
    }


def test_days_of_the_ledger() -> None:
    """Counts around midnight are two days; a bad event is an event even where it was counted by another target."""
    counts = Counts.apart(1439, 60, np.array([5.0, 1.0]), np.array([1.0, 2.0]), np.array([60.0, 20.0]))
    first, second = counts.days("shop/uptime")

    assert (first.total[-1], first.bad[-1], bool(first.covered[-1])) == (5.0, 1.0, True)
    assert (second.total[0], second.bad[0], bool(second.covered[0])) == (2.0, 2.0, False)
    assert (first.day.isoformat(), second.day.isoformat()) == ("1970-01-01", "1970-01-02")


def test_which_slis_have_counters() -> None:
    """Ratios of plain selectors and classic histograms; anything else only a server can count."""
    ratio = RatioSli("hits", bad_events='hits{code="500"}', missing_errors=False)
    latency = LatencySli('took{job="a"}', Decimal(1))

    assert ratio.counters() == Counters("hits", 'hits{code="500"}', needed=True)
    assert latency.counters() == Counters(
        'took_count{job="a"}', 'took_bucket{job="a",le=~"1|1\\\\.0"}', good=True, needed=True
    )
    for sli in (
        RatioSli("sum(rate(hits[$window]))", bad_events="sum(rate(bad[$window]))"),
        RatioSli("hits offset 5m", bad_events="bad offset 5m"),
        LatencySli("took", Decimal(1), native=True),
        RawSli(error_ratio="errors"),
    ):
        assert sli.counters() is None
