"""What is asked of a metric source to fill the ledger, and what becomes of the answers."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.errors import SourceError
from tocsin.evaluate.counting import LATE, LONG, calibrated, counted, further, sampled, statement
from tocsin.ledger.grain import GRAIN
from tocsin.ledger.model import Day
from tocsin.ledger.samples import Memory
from tocsin.sli import Counters, RatioSli

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
