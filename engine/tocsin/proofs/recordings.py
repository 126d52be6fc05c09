"""What an objective records from its own recordings: tiles, its birth, the events of its period and its budget.

Expected values are counted from the events that were made up, not from the rules' formulas.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from tocsin.guards import BASE, PAUSE, RAW_LIMIT, TRAFFIC_MEMORY
from tocsin.plan.budget import INTERVAL, hourly
from tocsin.plan.series import BORN, HOUR, HOURLY_BORN, KINDS, Rate, rates, tile_slack
from tocsin.plan.usual import DAY, LEEWAY, USUAL, WEEK, offsets, part_of
from tocsin.proofs.given import LONG_AGO, Given, alone, level, series, value_claims
from tocsin.proofs.model import RECORDED, Claim, Proof, Run
from tocsin.proofs.subjects import recorded
from tocsin.proofs.ticks import MINUTE, grid_for, ticks
from tocsin.proofs.values import Sample
from tocsin.sli import SlicedSli
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

_TWENTY = Duration.of(minutes=20)
_LONG_ENOUGH = Duration.of(hours=6)
_ONE_IN = 10
"""So many events for each bad one."""


def recording_proofs(slo: Slo, tiers: tuple[Tier, ...], slack: int = 0) -> Iterator[Proof]:
    """All recordings that read recordings; windows hold *slack* samples less than they say."""
    for rate in rates(slo, tiers):
        if rate.tile is not None:
            yield _tiles(slo, rate, rate.tile, slack)
        elif slo.sli.now() is not None:
            yield _samples(slo, rate, slack)
    yield alone(slo, BASE, _birth(slo))
    if slo.formerly:
        yield alone(slo, MINUTE, _renamed(slo))
    yield _objective(slo)
    yield alone(slo, MINUTE, _full_hours(slo))
    if slo.no_traffic.alert:
        part = part_of(slo, tiers)
        yield _usual(slo, part)
        yield alone(slo, BASE, _ever_since(slo, part))
    if slo.calendar is None:
        grid = next((one for one in (_TWENTY, MINUTE) if slo.window.milliseconds % one.milliseconds == 0), None)
        if slo.window > _LONG_ENOUGH and grid:
            yield _period(slo, grid)
            yield _young(slo, grid)
        yield alone(slo, MINUTE, _budget(slo))
        yield _reborn(slo)


# --- windows -------------------------------------------------------------------------------------------------


def _tiles(slo: Slo, rate: Rate, tile: Duration, less: int) -> Proof:
    """Every tile has another value; some were recorded too long before they were due, others just in time."""
    old = tile_slack(tile)
    grid, count = grid_for([tile, old], BASE), rate.window.milliseconds // tile.milliseconds
    length, slack = ticks(tile, grid), ticks(old, grid) - less
    apart = length // 2 if length // 2 > slack + 2 else count * length  # what is missing at one end is not at the other
    ends = (count * length, count * length + apart)
    values: list[Sample] = [10.0 ** ((ends[1] - tick) // length) for tick in range(ends[1] + 1)]
    for number in range(1, count):
        for end, early in zip(ends, (number % 2, 1 - number % 2), strict=True):
            due = end - number * length
            values[due - slack - 1 : due + 1] = [None] * (slack + 2)
            values[due - slack - (2 if early else 0)] = 3.0**number
    once = {rate.tile_name: [500.0] * (ends[1] + 1)} if slo.formerly else {}
    expected: dict[int, float | None] = {}
    for end in ends:
        tiles = [values[end]]
        for number in range(1, count):
            due = end - number * length
            seen = [value for value in values[due - slack : due + 1] if value is not None]
            tiles += seen[-1:] or ([500.0] if once else [])
        expected[end] = sum(filter(None, tiles)) / count
    claims = value_claims(slo, rate.name, expected, f"the mean of its tiles of {tile}, at most {old} early")
    run = Run(f"{rate.name} from its tiles", series(slo, {rate.tile_name: values}, once), tuple(claims))
    return alone(slo, grid, run, every=length // 2 or 1)


def _samples(slo: Slo, rate: Rate, slack: int) -> Proof:
    """A gauge that is looked at: the mean of the looks of the window, or for slices their number."""
    sliced = slo.sli.slice if isinstance(slo.sli, SlicedSli) else None
    grid = sliced or grid_for([rate.window])
    length = max(1, rate.window.milliseconds // grid.milliseconds)
    values = level((length - length // 3, 4.0), (length // 3, 1.0), (length // 2, 2.0), (length - length // 2, 3.0))
    values = [0.0, *[value or 0.0 for value in values]]
    last = 2 * length
    both_ends = 0 if sliced else 1 - slack  # a slice counts once
    seen = [value or 0.0 for value in values[last - length + 1 - both_ends : last + 1]]
    expected = sum(seen) / len(seen)
    if sliced:
        expected = sum(seen) * sliced.milliseconds / rate.window.milliseconds
    claims = value_claims(slo, rate.name, {last: expected}, f"from {len(seen)} samples of {rate.window}")
    run = Run(f"{rate.name} from its samples", series(slo, {f"slo:{rate.kind}:now": values}), tuple(claims))
    return alone(slo, grid, run, every=last)


def _usual(slo: Slo, part: Duration) -> Proof:
    """The least of the times before and after this time of the day: yesterday, or a week ago where that is known."""
    born, count = ticks(DAY, LEEWAY), ticks(WEEK, LEEWAY)
    rates_then: list[Sample] = [None] * born + [7.0] * (2 * count)
    asked: dict[int, float | None] = {born + 10: None}
    cases: tuple[tuple[int, Duration, float | None, float | None, float | None], ...] = (
        (2 * born + 10, DAY, 5.0, 9.0, 5.0),
        (2 * born + 20, DAY, 9.0, 4.0, 4.0),
        (2 * born + 30, DAY, None, 4.0, None),
        (2 * born + 40, DAY, 4.0, None, None),
        (2 * born + 50, DAY, 5.0, 9.0, None),
        (born + count + 60, WEEK, 3.0, 6.0, 3.0),
        (born + count + 70, WEEK, 6.0, 2.0, 2.0),
        (born + count + 80, WEEK, None, None, 0.0),
        (born + count + 90, WEEK, None, 4.0, 0.0),
        (born + count + 100, WEEK, 8.0, 6.0, 6.0),
    )
    for at, ago, before, after, least in cases:
        for offset, rate in zip(offsets(part, ago), (before, after), strict=True):
            rates_then[at - ticks(offset, LEEWAY)] = rate
        asked[at] = least
    flow = [1.0] * len(rates_then)
    flow[2 * born + 50] = flow[born + count + 100] = 0.0
    given: Given = {f"slo:total:rate{part}": rates_then, f"slo:total:rate{BASE}": flow}
    given[f"slo:total:rate{TRAFFIC_MEMORY}"] = [None] * born + [7.0] * (len(rates_then) - born)
    claims = value_claims(slo, USUAL, asked, f"the least of {part} before and after, on a former day")
    return alone(slo, LEEWAY, Run("what traffic is usual", series(slo, given), tuple(claims)), every=10)


def _ever_since(slo: Slo, part: Duration) -> Run:
    """Until a week is known only what was there yesterday ever since the time of the pause's beginning is usual."""
    before, after = (ticks(offset, BASE) for offset in offsets(part, DAY))
    stops, paused = before + 6, before + 12
    back = before + paused - after + 4
    then = level((paused - after, 7.0), (1, 0.0), (back - paused + after + 4, 7.0))
    given: Given = {
        f"slo:total:rate{part}": then,
        f"slo:total:rate{BASE}": level((stops, 1.0), (back - stops, 0.0), (2, 1.0)),
    }
    expected = {stops - 1: 7.0, paused - 1: 7.0, paused: 0.0, paused + 1: None, back - 1: None, back: 7.0}
    claims = value_claims(slo, USUAL, expected, "what was there yesterday, without a pause since the beginning of this")
    return Run("what was usual ever since traffic stopped", series(slo, given), tuple(claims))


# --- birth ---------------------------------------------------------------------------------------------------


def _birth(slo: Slo) -> Run:
    """Since when there are events: a short pause of the counter does not count as a new birth, a long one does."""
    pause, length = ticks(PAUSE, BASE), float(BASE.seconds)
    first, second = 3, 3 + 6 + pause - 8
    third = second + 3 + pause + 6
    flow = level((first, None), (6, 0.0), (pause - 8, None), (3, 1.0), (pause + 6, None), (3, 1.0))
    born = {
        first - 1: None,
        first + 5: first * length,
        second: first * length,
        second + 2: first * length,
        third - 2: None,
        third: third * length,
        third + 2: third * length,
    }
    claims = value_claims(slo, BORN, born, f"a pause of up to {PAUSE} is bridged")
    return Run("a service is born twice", series(slo, {f"slo:total:rate{BASE}": flow}), tuple(claims))


def _renamed(slo: Slo) -> Run:
    """A service is as old as it was under its former name."""
    given = {f"slo:total:rate{BASE}": level((2, None), (3, 1.0))}
    claims = value_claims(slo, BORN, {2: LONG_AGO, 4: LONG_AGO}, "born under its former name")
    return Run("a service gets a new name", series(slo, given, {BORN: level((2, LONG_AGO))}), tuple(claims))


# --- budget --------------------------------------------------------------------------------------------------


def _objective(slo: Slo) -> Proof:
    known = recorded(slo, "slo:objective:ratio")
    claim = Claim(RECORDED, known, 0, holds=True, why="the target", value=float(slo.target))
    return alone(slo, MINUTE, Run("the target as a series", (), (claim,)))


def _full_hours(slo: Slo) -> Run:
    """What is read over days is recorded up to each full hour, and not before its last minutes.

    A life that ended in one hour is no life of the next one.
    """
    hour, at = ticks(HOUR, MINUTE), 60.0
    given: Given = {BORN: [None, *[at] * 9, *[None] * (2 * hour - 9)]}  # a short life
    asked = {HOURLY_BORN: (5, at)}
    if slo.calendar is None and slo.window > HOUR:
        given |= {f"slo:{kind}:rate{HOUR}": [at] * (2 * hour + 1) for kind in KINDS}
        asked |= {hourly(kind): (20, at * 3600) for kind in KINDS}
    claims: list[Claim] = []
    for name, (last, value) in asked.items():
        told = {hour - last: None, hour - last + 1: value, hour: value, hour + 1: None}
        claims += value_claims(slo, name, told, "an hour is full")
    claims += value_claims(slo, HOURLY_BORN, {2 * hour: None}, "its life ended more than an hour ago")
    return Run("an hour ends", series(slo, given), tuple(claims))


def _increase(
    slo: Slo, grid: Duration, events: Sequence[int], born: Sequence[Sample], ends: Sequence[int], *, lost: range
) -> Run:
    """At each of *ends* the events of the period that ends there; *events* come tick by tick, a tenth of them bad.

    Those of the ticks *lost* count nowhere; of a full hour among them there is a sample, but from 40 minutes before.
    """
    hour, period = ticks(HOUR, grid), slo.window.milliseconds // grid.milliseconds
    sums = [0, *accumulate(events)]
    rates_of_hours = [
        (sums[tick + 1] - sums[max(tick + 1 - hour, 0)]) / HOUR.milliseconds * 1000 for tick in range(len(events))
    ]
    counted = [0, *accumulate(0 if tick in lost else count for tick, count in enumerate(events))]
    truth = {tick: counted[tick + 1] - counted[max(tick + 1 - period, 0)] for tick in ends}
    given: Given = {BORN: born}
    claims: list[Claim] = []
    for kind, share in zip(KINDS, (_ONE_IN, 1), strict=True):
        given[f"slo:{kind}:rate{HOUR}"] = [rate / share for rate in rates_of_hours]
        hours = [None if tick % hour else rate * 3600 / share for tick, rate in enumerate(rates_of_hours)]
        for full in (tick for tick in lost if tick % hour == 0):
            hours[full - 2 * hour // 3], hours[full] = hours[full], None
        given[hourly(kind)] = hours
        expected = {tick: count / share for tick, count in truth.items()}
        claims += value_claims(slo, f"slo:{kind}:increase{slo.window}", expected, f"the events of {slo.window}")
    return Run(f"the events of {slo.window}", series(slo, given), tuple(claims))


def _period(slo: Slo, grid: Duration) -> Proof:
    """Even traffic in the period's first and last hour, a burst right after the first, and a bigger one before it.

    Of one of its last hours nobody recorded how it ended.
    """
    hour, period = ticks(HOUR, grid), slo.window.milliseconds // grid.milliseconds
    begins = 4 * hour + 2 * hour // 3
    last = begins + period
    events = [6000] * (begins + 1) + [60] * period
    burst = range(begins + hour + 1, last - 2 * hour)
    for tick in burst[: 2 * hour]:
        events[tick] = 600
    unrecorded = (last // hour - 1) * hour
    lost = range(unrecorded - hour + 1, unrecorded + 1)
    return alone(slo, grid, _increase(slo, grid, events, level((last + 1, LONG_AGO)), (last,), lost=lost), every=last)


def _young(slo: Slo, grid: Duration) -> Proof:
    """Even traffic since twenty minutes past the hour; an hour without a life counts nothing of what runs on in it."""
    born = ticks(HOUR, grid) // 3
    ends = (2 * born, 4 * born, 8 * born)
    events = [0] * (born + 1) + [60] * (ends[-1] - born)
    since = level((born + 1, None), (3 * born, float(born * grid.seconds)), (4 * born, None))
    lost = range(6 * born + 1, 8 * born + 1)
    return alone(slo, grid, _increase(slo, grid, events, since, ends, lost=lost), every=born)


def _budget(slo: Slo) -> Run:
    """What a young service spends of its budget is spent of a part of it: that of the period which it has lived."""
    bad, every, seconds = 5.0, 1000.0, float(slo.window.seconds)
    spent = bad / every / float(1 - slo.target)
    given: Given = {
        f"slo:bad:increase{slo.window}": [bad] * 5,
        f"slo:total:increase{slo.window}": [every, every, every, 0.0, every],
        BORN: [None, 60.0, 120.0 - seconds / 4, LONG_AGO, LONG_AGO],
    }
    parts = {1: INTERVAL.milliseconds / slo.window.milliseconds, 2: 0.25, 4: 1.0}
    expected = {0: None, 3: None} | {tick: 1 - spent * part for tick, part in parts.items()}
    claims = value_claims(slo, "slo:error_budget:remaining_ratio", expected, f"{bad:g} of {every:g} events were bad")
    return Run("budgets of services of several ages", series(slo, given), tuple(claims))


def _reborn(slo: Slo) -> Proof:
    """A service that was born again is as old as its first life in the period; one before the period does not count.

    A tick is half of the period.
    """
    bad, every, seconds = 5.0, 1000.0, slo.window.seconds
    half = Duration(slo.window.milliseconds // 2)
    again = {tick: float(tick * half.seconds - seconds / 4) for tick in (1, 3)}
    long = slo.window > RAW_LIMIT
    given: Given = {
        f"slo:bad:increase{slo.window}": [bad] * 4,
        f"slo:total:increase{slo.window}": [every] * 4,
        BORN: [None, again[1], None, again[3]] if long else [LONG_AGO, None, None, again[3]],
        HOURLY_BORN: [LONG_AGO, None, None, None],
    }
    spent = bad / every / float(1 - slo.target)
    known = {1: (1.0, "its first life fills the period"), 3: (0.25, "its first life ended before the period")}
    claims = [
        claim
        for tick, (part, why) in known.items()
        for claim in value_claims(slo, "slo:error_budget:remaining_ratio", {tick: 1 - spent * part}, why)
    ]
    return alone(slo, half, Run("the budget of a service that was born again", series(slo, given), tuple(claims)))
