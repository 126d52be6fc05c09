"""Samples that come late: slices that were asked for too early are asked for again, and nothing is unlearned."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.asking import Asker
from tocsin.evaluate.slices import LATE, VERY_LATE, Slices
from tocsin.ports import RangeAnswer
from tocsin.units import Duration

START = datetime(2026, 11, 1, tzinfo=UTC)
SLICE = 300.0
"""Of each slice the last minute fails."""
EVERY = tuple(
    stretch
    for k in range(-400, 400)
    for stretch in (
        Stretch(k * SLICE, k * SLICE + 240, 10.0),
        Stretch(k * SLICE + 240, (k + 1) * SLICE, 10.0, 1.0),
    )
)


@dataclass
class LateSource(FakeSource):
    """Knows of any moment only after *lag*, and of nothing before *lost*."""

    lag: timedelta = timedelta()
    at: datetime = START
    lost: datetime = START - 10 * VERY_LATE

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """What is known at *at* of windows of one slice each."""
        known, whole = self.traffic["shop"], Traffic(START, EVERY)
        until, since = ((each - START).total_seconds() for each in (self.at - self.lag, self.lost))
        known.stretches = [
            Stretch(max(one.start, since), min(one.end, until), one.rate, one.errors)
            for one in whole.stretches
            if max(one.start, since) < min(one.end, until)
        ]
        known.gone = until
        return FakeSource.range(self, query, start, end, step)


def looked(book: Slices, source: LateSource, *seconds: float) -> dict[int, float]:
    """The slices after looks at these times, from START on."""
    for second in seconds:
        source.at = START + timedelta(seconds=second)
        book.refresh(Asker(source, source.at, ranges=4), START - VERY_LATE, timedelta())
    return {number - book.number(START): ratio for number, ratio in book.ratios.items() if number >= book.number(START)}


def fresh(lag: timedelta) -> tuple[Slices, LateSource]:
    """A book of nothing yet, and who knows late."""
    slo = builders.slo("uptime", service="shop", sli=TrafficSli("shop"))
    source = LateSource(traffic={"shop": Traffic(START)}, lag=lag)
    return Slices(slo, Duration.of(seconds=int(SLICE))), source


def test_a_slice_is_whole_as_soon_as_its_samples_have_come() -> None:
    """With samples 90 s late a new slice lacks its last minute, in which all fails, until the next one is asked for."""
    book, source = fresh(timedelta(seconds=90))
    found = looked(book, source, *(60 * minute for minute in range(21)))

    assert [round(found[k], 3) for k in range(4)] == [0.8, 0.8, 0.8, 1.0]


def test_what_comes_an_hour_late_was_missing_until_then() -> None:
    """An agent that was cut off tells later; half a day late is seen once an hour."""
    for cut_off in (LATE - timedelta(minutes=10), VERY_LATE / 2):
        book, source = fresh(cut_off)
        first = round(cut_off.total_seconds())
        assert 0 not in looked(book, source, 0, 300)

        source.lag = timedelta()
        assert round(looked(book, source, first, first + 3900)[0], 3) == 0.8


def test_a_source_that_forgot_is_no_late_sample() -> None:
    """What was seen stays; only what is answered counts."""
    book, source = fresh(timedelta())
    before = dict(looked(book, source, 0, 600))
    source.lost = START + timedelta(seconds=610)
    after = looked(book, source, 900, 1200)

    assert {k: ratio for k, ratio in after.items() if k < 2} == before
    assert 3 in after


def test_what_the_ledger_said_is_not_asked_for_again() -> None:
    """The ledger has its own way with late samples; and there is one request for each new slice, as ever."""
    book, source = fresh(timedelta())
    looked(book, source, 0, 300)
    book.until, asked = START + timedelta(seconds=SLICE), len(source.asked)
    book.ratios = dict.fromkeys(book.ratios, 0.5)
    found = looked(book, source, 600, 900)

    assert {k: round(ratio, 3) for k, ratio in found.items()} == {0: 0.5, 1: 0.8, 2: 0.8}
    assert len(source.asked) == asked + 2
