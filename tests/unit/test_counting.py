"""What is asked of a metric source to fill the ledger, and what becomes of the answers."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.errors import SourceError
from tocsin.evaluate.bookkeeping import Entry, Running, closed
from tocsin.evaluate.counting import LATE, LONG, calibrated, counted, further, sampled, statement
from tocsin.evaluate.gone import GRID, MEMORY, RAN
from tocsin.ledger.grain import GRAIN
from tocsin.ledger.methods import Timeslices
from tocsin.ledger.model import Day
from tocsin.ledger.samples import Memory
from tocsin.ports import Row
from tocsin.sli import Counters, RatioSli, Sli, SlicedSli
from tocsin.units import Duration

MIDNIGHT = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
DAY = 86_400
HITS = RatioSli('hits{job="shop"}', bad_events='hits{code="500"}')
COUNTERS = Counters('hits{job="shop"}', 'hits{code="500"}')


def source(start: int = -8 * 3600, end: int = 30 * 3600, every: int = 30) -> FakeSource:
    """Two events a second, and one in a hundred seconds that fails, around one day."""
    fake = FakeSource()
    for code, rate in (("200", 2.0), ("500", 0.01)):
        times = range(start, end + 1, every)
        fake.add(
            {"__name__": "hits", "job": "shop", "instance": "a", "code": code},
            [(datetime.fromtimestamp(MIDNIGHT + t, UTC), 1_000 + rate * (t - start)) for t in times],
        )
    return fake


def traffic() -> FakeSource:
    """Ten events a second in the first half of a day, of which 1 % fail, and then one a second."""
    stretches = (Stretch(-DAY, DAY / 2, 10, 0.01), Stretch(DAY / 2, 3 * DAY, 1))
    return FakeSource(traffic={"shop": Traffic(datetime.fromtimestamp(MIDNIGHT, UTC), stretches)})


def test_a_day_of_samples() -> None:
    """All of a day's events, to the last one, when the samples behind it are there."""
    (counts,) = counted(source(), HITS, MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + DAY + 3600).values()
    (day,) = counts.days("shop/uptime")

    assert day.total == pytest.approx(np.full(1440, 120.6), abs=2 * GRAIN)
    assert day.bad == pytest.approx(np.full(1440, 0.6), abs=2 * GRAIN)
    assert day.covered.all()


def test_the_newest_minutes_wait() -> None:
    """Samples may come late: what is too new is not counted, and is counted in full when it is old enough."""
    early, late = (
        counted(source(), HITS, MIDNIGHT, MIDNIGHT + 7200, now)[()] for now in (MIDNIGHT + 3600, MIDNIGHT + 9000)
    )
    ready = (3600 - LATE) // 60

    assert early.total[:ready] == pytest.approx(late.total[:ready])
    assert early.total[ready + 1 :].sum() == 0
    assert not early.stated()[2][ready + 1 :].any()
    assert late.total == pytest.approx(np.full(120, 120.6))


def test_the_same_question_has_the_same_answer() -> None:
    """A day that is counted again, after downtime or for late data, is the same day."""
    one, two = (sampled(source(), COUNTERS, (), MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)[()] for _ in range(2))

    assert (one.total == two.total).all()
    assert (one.looked == two.looked).all()


def test_counting_goes_on_from_memory() -> None:
    """Stretch by stretch as time goes, a day is what it is when it is counted at once."""
    memory, counts = Memory(), None
    for start in range(MIDNIGHT - 3600, MIDNIGHT + DAY + 3600, 4001):
        found, memory = further(source(), COUNTERS, (), memory, start, start + 4001, 60)
        counts = found[()] if counts is None else counts + found[()]
    whole = sampled(source(), COUNTERS, (), MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)[()]

    assert counts is not None
    assert counts.within(whole.first, whole.last).total == pytest.approx(whole.total)


def test_any_promql_is_calibrated() -> None:
    """Minutes have the shape of short windows, and add up to the increase of six hours."""
    counts = calibrated(traffic(), TrafficSli("shop"), MIDNIGHT, MIDNIGHT + DAY)[()]

    assert counts.total.reshape(4, -1).sum(axis=1) == pytest.approx([10 * LONG, 10 * LONG, LONG, LONG])
    assert counts.bad.sum() == pytest.approx(0.01 * 10 * DAY / 2)
    assert counts.total[:700] == pytest.approx(np.full(700, 600.0), rel=1e-2)


def test_the_running_window_is_as_long_as_it_is_yet() -> None:
    """Seven and a half hours after midnight there is a window of six hours, and one of what is left."""
    now = MIDNIGHT + 7 * 3600 + 1800 + LATE
    counts = counted(traffic(), TrafficSli("shop"), MIDNIGHT, MIDNIGHT + DAY, now)[()]
    total, _, covered = counts.stated()

    assert total.sum() == pytest.approx(10 * (7 * 3600 + 1800))
    assert covered.sum() == 450


def test_nothing_of_a_source_that_is_silent() -> None:
    """Without any series there is no group, rather than a day of zeros."""
    assert counted(FakeSource(), HITS, MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY) == {}
    assert counted(FakeSource(), TrafficSli("shop"), MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY) == {}


def test_a_partial_answer_is_refused() -> None:
    """What is kept must not be a part of what there was."""
    with pytest.raises(SourceError, match="partial answer"):
        counted(replace(source(), partial=True), HITS, MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)


def held_after(path: Path, looks: Iterable[int], fake: FakeSource | None = None) -> list[Day]:
    """The ledger after statements at *looks* (seconds after midnight); each states since the last day that is held."""
    store = LedgerStore(str(path))
    with closing(store):
        since = date(2026, 11, 1)
        for look in looks:
            now = datetime.fromtimestamp(MIDNIGHT + look, UTC)
            store.write(statement(fake or source(), "shop/uptime", HITS, since, now), now)
            since = now.date()
        return list(store.read(["shop/uptime"], date(2026, 10, 1), date(2026, 12, 1)))


def test_downtime_leaves_no_trace(tmp_path: Path) -> None:
    """An evaluator that was down for two hours holds the same ledger as one that never stopped; nothing is restated."""
    always = list(range(600, 7 * 3600, 2400))
    steady = held_after(tmp_path / "always.db", always)
    paused = held_after(tmp_path / "paused.db", [look for look in always if not 3 * 3600 <= look < 5 * 3600])
    late = held_after(tmp_path / "late.db", always[-1:])

    assert [(day.day, day.version) for day in steady] == [(date(2026, 11, 1), 1)]
    for other in (paused, late):
        assert [(day.day, day.version) for day in other] == [(day.day, day.version) for day in steady]
        for one, two in zip(steady, other, strict=True):
            assert (one.total == two.total).all()
            assert (one.bad == two.bad).all()
            assert (one.covered == two.covered).all()


def test_downtime_over_midnight(tmp_path: Path) -> None:
    """The day before is completed when the evaluator is back."""
    before, after = held_after(tmp_path / "ledger.db", [23 * 3600, 25 * 3600, 26 * 3600])

    assert before.total.sum() == pytest.approx(120.6 * 1440, abs=1)
    assert after.covered.sum() == pytest.approx(115, abs=1)


def test_groups_have_names(tmp_path: Path) -> None:
    """The days of a divided objective are told apart by the labels of the group."""
    now = datetime.fromtimestamp(MIDNIGHT + 7200, UTC)
    days = statement(source(), "shop/uptime", replace(HITS, by=("code",)), now.date(), now)

    assert [day.ref for day in days] == ['shop/uptime{code="200"}', 'shop/uptime{code="500"}']


def rebooted(*, scraped: bool = True, before: bool = True) -> FakeSource:
    """A counter that is gone from 10:00 to 12:00 and from 20:00 on; its source, which has `up`, from 15:00 to 16:00."""
    fake = FakeSource()
    for code, rate in (("200", 2.0), ("500", 0.0)):
        times = [t for t in range(-8 * 3600, 20 * 3600, 30) if t // 3600 not in {10, 11, 15}]
        fake.add(
            {"__name__": "hits", "job": "shop", "instance": "a", "code": code},
            [(datetime.fromtimestamp(MIDNIGHT + t, UTC), 1_000 + rate * (t + 8 * 3600)) for t in times],
        )
    fake.scripts[RAN] = lambda at: (Row((), 7.0),) if scraped and at.hour != 15 else ()
    present = f"count_over_time(({HITS.total('5m')})[{MEMORY}:{GRID}])"
    fake.scripts[present] = lambda _: (Row((), 1.0),) if before else ()
    return fake


def minutes_of(day: Day, *, empty: str = "bad") -> list[int]:
    """Which minutes counted, and were bad, by their hours."""
    units = Timeslices(60, Decimal("0.9"), empty).units(day)
    return [int(some.sum()) for some in units.total.reshape(24, 60)] + [int(units.bad.sum())]


SLICED = SlicedSli(HITS, Duration.of(minutes=1), Decimal("0.9"), "bad")


@pytest.mark.parametrize("empty", ["good", "bad"])
def test_a_counter_that_is_gone_while_its_source_looks(empty: str) -> None:
    """Such slices are empty, and count as the objective says; where nobody scraped nobody can tell."""
    sli = replace(SLICED, empty=empty)
    now = datetime.fromtimestamp(MIDNIGHT + DAY + 3600, UTC)
    day, _ = statement(rebooted(), "shop/uptime", sli, date(2026, 11, 1), now)
    *hours, bad = minutes_of(day, empty=empty)

    assert hours == pytest.approx([60 if hour != 15 else 0 for hour in range(24)], abs=2)
    assert bad == (0 if empty == "good" else pytest.approx(6 * 60, abs=4))
    assert day.covered.sum() == pytest.approx(23 * 60, abs=2)


@pytest.mark.parametrize(
    "sli", [HITS, replace(SLICED, empty="ignore"), replace(SLICED, inner=replace(HITS, by=("code",)))]
)
def test_nobody_asks_whether_the_source_ran_for_others(sli: Sli) -> None:
    """Events, slices that are ignored, and groups, which may never have been."""
    fake = rebooted()
    days = statement(fake, "shop/uptime", sli, date(2026, 11, 1), datetime.fromtimestamp(MIDNIGHT + DAY, UTC))

    assert days[0].covered.sum() == pytest.approx(17 * 60, abs=6)
    assert RAN not in fake.asked


def test_a_source_without_up_cannot_tell() -> None:
    """As where nobody scraped."""
    now = datetime.fromtimestamp(MIDNIGHT + DAY, UTC)
    (day, *_) = statement(rebooted(scraped=False), "shop/uptime", SLICED, date(2026, 11, 1), now)

    assert minutes_of(day)[-1] == 0


@pytest.mark.parametrize("before", [True, False])
def test_before_a_counter_was_there_nothing_was_gone(before: bool) -> None:
    """On its first day a service is not bad for the hours before it; one that was away for the night is."""
    fake = rebooted(before=before)
    for labels, points in fake.series.items():
        fake.series[labels] = [(at, value) for at, value in points if at >= MIDNIGHT + 6 * 3600]
    now = datetime.fromtimestamp(MIDNIGHT + DAY, UTC)
    (day, *_) = statement(fake, "shop/uptime", SLICED, date(2026, 11, 1), now)

    assert minutes_of(day)[:6] == ([60] * 6 if before else [0] * 6)


def test_days_that_run_and_days_that_are_over_say_the_same() -> None:
    """Counted minute by minute as time goes, or once when it is over; nothing is asked twice."""
    entry, fake = Entry(builders.slo(sli=SLICED)), rebooted()
    running = Running(entry, date(2026, 11, 1))
    for hour in range(1, 26):
        stated = running.further(fake, datetime.fromtimestamp(MIDNIGHT + hour * 3600, UTC))
    once = closed(rebooted(), entry, date(2026, 11, 1))

    assert (stated[0].covered == once[0].covered).all()
    assert minutes_of(stated[0]) == minutes_of(once[0])
    assert fake.asked.count(RAN) < 30
    assert len([query for query in fake.asked if query.startswith("count_over_time")]) <= 1
