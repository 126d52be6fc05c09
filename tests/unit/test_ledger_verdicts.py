"""Slices of the ledger as verdicts: outages as long as they were, errors in one slice, nothing where nobody looked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests.reading import document, together

from tocsin.evaluate import journey, sla
from tocsin.evaluate.bookkeeping import fill
from tocsin.evaluate.measured import Measured
from tocsin.evaluate.slices import Slices, instant
from tocsin.ledger.chunk import BARE, FORMAT, pack, unpack
from tocsin.ledger.methods import Timeslices
from tocsin.ledger.model import DAY, Day, midnight
from tocsin.ledger.restating import Change, change, coarser, still_seen
from tocsin.ledger.samples import Memory, count
from tocsin.ports import RangeRow, labels_of
from tocsin.sli import Counters
from tocsin.units import Duration
from tocsin.workspace import Workspace

FIRST = date(2026, 11, 1)
START = midnight(FIRST)
HOUR = 3600
Spans = Sequence[tuple[int, int]]
DEFINITIONS = (
    document(
        "Service",
        """
        slis: {ok: {ratio: {bad: 'r_total{code="500"}', total: r_total}}}
        slos: {up: {sli: ok, target: 99.9%, window: 30d}}
        """,
    ),
    *(
        document("SLA", f"customer: c\ncovers: a/up\ntarget: 99.5%\nmeasure: {measure}\ncredits: []", name)
        for name, measure in (
            ("minutes", "{method: minutes, empty: bad}"),
            ("tenth", "{method: minutes, errors_above: 10%}"),
            ("deployed", "{method: deployed-minutes}"),
        )
    ),
    document("Journey", "slos: {all: {target: 99%, window: 28d, slice: 5m, combine: {series: [a/up]}}}", "buy"),
)


def scraped(
    outages: Spans = (), *, every: int = 30, phase: int = 15, gaps: Spans = (), ratio: float = 1.0, rate: int = 2
) -> Day:
    """A day of even traffic, of which *ratio* fails in *outages*; scrapes stop in *gaps*, and counters go on."""
    seconds = np.arange(DAY + HOUR)
    failing = np.zeros(len(seconds))
    for start, end in outages:
        failing[start:end] = rate * ratio
    bad, total = (np.concatenate(([0.0], np.cumsum(each))) for each in (failing, np.full(len(seconds), float(rate))))
    times = [t for t in range(phase, DAY + HOUR, every) if not any(start <= t < end for start, end in gaps)]
    return day_of({t: (total[t] - bad[t], bad[t]) for t in times})


def day_of(samples: dict[int, tuple[float, float]]) -> Day:
    """The first day of good and bad events at seconds since midnight."""
    good, bad = (
        RangeRow(
            labels_of({"job": "j", "instance": "a", "code": code}), tuple((START + t, v[n]) for t, v in samples.items())
        )
        for n, code in enumerate(("200", "500"))
    )
    found, _ = count(Counters("r_total", 'r_total{code="500"}'), (), [good, bad], [bad], Memory())
    return found[()].days("a/up")[0]


def workspace() -> Workspace:
    """An objective, its contracts and a journey through it."""
    found, findings = together(*DEFINITIONS)
    assert not [one for one in findings if one.severity.value == "error"]
    return found


def book(day: Day, seconds: int = 60) -> Slices:
    """What a journey or a contract gets of the ledger."""
    measured = Measured.of(workspace())
    found = measured.book(("a/up", seconds * 1000, 0), events=True)
    fill(found, measured.slos["a/up"], [day], instant(START * 1000), instant((START + DAY) * 1000))
    return found


def uptime(name: str, day: Day, seconds: int = 60) -> float:
    """That of a contract of which the day is all that there is."""
    measured = Measured.of(workspace())
    one = next(each for each in measured.slas if each.name == name)
    held = book(day, seconds)
    found = sla.account(one, measured.intervals(one, {"a/up": held}, held.low, held.high)).so_far.uptime()
    assert found is not None
    return float(found)


def down(day: Day, seconds: int = 60) -> list[int]:
    """Slices in which all attempts failed, counted from midnight."""
    held = book(day, seconds)
    return sorted(k - held.low for k, ratio in held.ratios.items() if ratio == 0)


@pytest.mark.parametrize("phase", [0, 7, 15, 22, 29])
@pytest.mark.parametrize("every", [15, 30])
def test_an_outage_of_half_an_hour_is_thirty_minutes_down(phase: int, every: int) -> None:
    """The increments over its two ends have good events and bad ones, and make no minute better or worse."""
    day = scraped([(12 * HOUR, 12 * HOUR + 1800)], every=every, phase=phase % every)

    assert down(day) == list(range(720, 750))
    assert uptime("minutes", day) == pytest.approx(1 - 30 / 1440, abs=1e-12)
    assert uptime("tenth", day) == pytest.approx(1 - 30 / 1440, abs=1e-12)


def test_outages_of_two_minutes_are_seen() -> None:
    """Ten of exactly two minutes, with scrapes at 15 and 45 seconds, are twenty minutes down."""
    day = scraped([(2 * HOUR + k * HOUR, 2 * HOUR + k * HOUR + 120) for k in range(10)])

    assert down(day) == sorted(120 + 60 * k + n for k in range(10) for n in (0, 1))


def test_scrapes_as_far_apart_as_minutes_lose_one_minute_of_an_outage() -> None:
    """No increment lies within a minute then; each is judged by the scrape in it, and the first one had good events."""
    assert down(scraped([(12 * HOUR, 12 * HOUR + 1800)], every=60, phase=30)) == list(range(721, 750))


def test_longer_slices_leave_out_what_came_over_their_own_start_only() -> None:
    """Five minutes of an outage are one slice down; with two good seconds in the middle of it none."""
    start = 12 * HOUR
    assert down(scraped([(start, start + 600)]), 300) == [144, 145]
    assert down(scraped([(start, start + 140), (start + 142, start + 600)]), 300) == [145]


def test_a_minute_that_has_nothing_but_what_came_over_its_start_is_judged_by_that() -> None:
    """One request in half an hour, and it failed: a server's minute holds no increase, ours is down."""
    day = day_of({t: (100.0, float(t > 12 * HOUR)) for t in range(15, DAY, 30)})

    assert down(day) == [720]


def test_nobody_judges_a_gap() -> None:
    """Twelve hours without scrapes: all events count in the day, no slice of it has a ratio, none is idle."""
    day = scraped(gaps=[(6 * HOUR, 18 * HOUR)])
    held = book(day, 300)

    assert day.total.sum() == 2 * (DAY - 30)
    assert sum(held.events.values() if held.events else ()) == pytest.approx(day.total.sum())
    assert len(held.ratios) == 288 - 144
    assert not held.idle


def test_what_nobody_saw_is_missing_to_a_journey() -> None:
    """A member that is gone for half a day: bad from the second slice on, and nothing where it is to be ignored."""
    held, slo = book(scraped(gaps=[(6 * HOUR, 18 * HOUR)]), 300), workspace().journeys[0].slos[0]
    slo = replace(slo, missing=replace(slo.missing, count_as="bad"))
    values = {}
    for count_as in ("bad", "ignore"):
        slo = replace(slo, missing=replace(slo.missing, count_as=count_as))
        whole = journey.composite(slo, {"a/up": held.ratios}, slo.slice, held.low, held.high, idle={"a/up": held.idle})
        values[count_as] = journey.judge(slo, whole, {"a/up": held.ratios}, "").status
    lost = 144 - slo.missing.after.milliseconds // slo.slice.milliseconds

    assert values["bad"].missing == lost
    assert values["bad"].sli == pytest.approx(1 - lost / 288)
    assert values["bad"].state == "exhausted"
    assert values["ignore"].sli == 1


def test_what_nobody_saw_is_empty_to_a_contract() -> None:
    """Half a day without a series: down where empty minutes are, and not deployed where the contract asks for that."""
    day = scraped([(3 * HOUR, 3 * HOUR + 600)], gaps=[(6 * HOUR, 18 * HOUR)])

    assert uptime("minutes", day) == pytest.approx(1 - (720 + 10) / 1440, abs=1e-12)
    assert uptime("deployed", day) == pytest.approx(1 - 10 / 720, abs=1e-12)


def test_a_gap_is_no_slice_of_a_budget() -> None:
    """A third of all requests of two hours failed, nobody knows when: no slice is bad for it, and none counts."""
    start = 12 * HOUR
    day = scraped([(start, start + 2 * HOUR)], gaps=[(start, start + 2 * HOUR)], ratio=1 / 2)
    units = Timeslices(300, Decimal("0.95")).units(day)

    assert day.bad.sum() == 2 * HOUR
    assert (units.total.sum(), units.bad.sum()) == (288 - 24, 0)


@pytest.mark.parametrize("after", [-14, -1, 0, 1, 14])
def test_an_error_beside_the_border_of_a_slice_is_one_bad_slice(after: int) -> None:
    """Between two scrapes at 4:45 and 5:15 one of two requests failed: one slice of five minutes is bad, not two."""
    border = 12 * HOUR
    samples = {t: (float(t > border - 14), float(t > border + after)) for t in range(15, DAY, 30)}
    units = Timeslices(300, Decimal("0.95")).units(day_of(samples))

    assert (units.total.sum(), units.bad.sum()) == (1, 1)


def test_days_say_what_came_over_their_starts_and_older_chunks_do_not() -> None:
    """Packed and unpacked bit for bit; a chunk of the format before is a day that judges by all events."""
    day = scraped([(12 * HOUR, 12 * HOUR + 1800)])
    bare = replace(day, across=None)
    again, before = (unpack("a/up", FIRST, 1, pack(one)) for one in (day, bare))

    assert (pack(day)[0], pack(bare)[0]) == (FORMAT, BARE)
    assert day.across is not None
    assert again.across is not None
    assert np.array_equal(again.across.total, day.across.total)
    assert np.array_equal(again.across.bad, day.across.bad)
    assert before.across is None
    assert len(down(before)) == 29
    assert (change(day, again), change(before, day)) == (Change.SAME, Change.OTHER)


def test_longer_slices_and_what_is_not_seen_any_more_keep_what_came_over_starts() -> None:
    """The hour from noon on loses what came over noon, wherever the day is kept in hours."""
    day = scraped([(12 * HOUR, 13 * HOUR)])
    nothing = replace(day, total=day.total * 0, bad=day.bad * 0, covered=day.covered & False, across=None)

    assert down(coarser(day, HOUR), HOUR) == [12]
    assert down(still_seen(day, nothing)) == list(range(720, 780))


def test_a_day_is_no_larger_for_it() -> None:
    """Whole numbers pack better than shares of them, so a day of bursts stays below what it was."""
    random = np.random.default_rng(3)
    good, bad = random.poisson(20, DAY // 15), random.poisson(0.1, DAY // 15)
    counts = zip(np.cumsum(good).tolist(), np.cumsum(bad).tolist(), strict=True)
    day = day_of({7 + 15 * k: both for k, both in enumerate(counts)})

    assert len(pack(day)) < 4_300


def test_a_slice_begins_behind_its_first_second() -> None:
    """What a scrape sees at noon sharp was before noon, as in a server's window (start, end]."""
    day = scraped([(11 * HOUR, 12 * HOUR)], every=60, phase=0)

    assert down(day) == list(range(660, 720))
    assert datetime.fromtimestamp(START, UTC) + timedelta(hours=12) == instant((START + 12 * HOUR) * 1000)
    assert Duration(60_000).milliseconds == 60_000
