"""The alerts of an objective over recorded series that are given: at each threshold, and to the minute.

`expect` says when an alert fires that has a condition; here the conditions are chosen, one after the other, so that
each part of a rule decides alone at some tick.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tocsin.guards import BASE, EXPECTED_EVENTS, KEEP_FIRING_FOR, RAW_LIMIT, TRAFFIC_MEMORY, enough, keep_firing_for
from tocsin.plan.broken import FOR
from tocsin.plan.series import BORN, HOURLY_BORN
from tocsin.plan.usual import USUAL
from tocsin.ports import labels_of
from tocsin.proofs.expect import firing, turns
from tocsin.proofs.given import (
    LONG_AGO,
    Given,
    alone,
    firing_claims,
    level,
    series,
)
from tocsin.proofs.model import Proof, Run
from tocsin.proofs.stories import percentage
from tocsin.proofs.subjects import own, tier_alert, traffic_alert
from tocsin.proofs.ticks import MINUTE, grid_for, ticks
from tocsin.proofs.values import Sample
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

_PLENTY = 1e9
"""Events per second: so many that no evidence is lacking."""
_BELOW, _ABOVE = Fraction(99, 100), Fraction(101, 100)
_MOST_EVENTS = 100_000
_PARTS = 12
_TWO_LIVES = Duration.of(hours=1)


@dataclass(frozen=True, slots=True)
class _Moment:
    """Events per second at one tick, in the long and in the short window, and whether the condition then holds."""

    bad: tuple[float, float]
    total: float
    holds: bool
    why: str


def _ratios(long: Fraction | int, short: Fraction | int, *, holds: bool, why: str) -> _Moment:
    return _Moment((float(long) * _PLENTY, float(short) * _PLENTY), _PLENTY, holds, why)


def alarm_proofs(slo: Slo, tiers: Sequence[Tier]) -> Iterator[Proof]:
    """All alerts of *slo*, one proof each."""
    for tier in tiers:
        yield _levels(slo, tier)
        yield _history(slo, tier)
    if slo.no_traffic.alert:
        yield alone(slo, MINUTE, _absence(slo))
        yield alone(slo, MINUTE, _as_usual(slo))
        if slo.by:
            yield from (alone(slo, MINUTE, _gone(slo, siblings=siblings)) for siblings in (True, False))
        if 2 * slo.no_traffic.for_.milliseconds <= TRAFFIC_MEMORY.milliseconds:
            yield alone(slo, BASE, _forgotten(slo), every=ticks(TRAFFIC_MEMORY, BASE) // 2)
    if slo.sli.lacks():
        yield alone(slo, MINUTE, _broken(slo))


# --- burn rates ----------------------------------------------------------------------------------------------


def _levels(slo: Slo, tier: Tier) -> Proof:
    """One tick for each way in which a part of the condition decides; all of history is known."""
    keep = keep_firing_for(tier, slo.guards)
    grid = grid_for([keep])
    calm = [_ratios(0, 0, holds=False, why=f"no errors, for longer than it outlives its condition ({keep})")]
    pause = calm * (ticks(keep, grid) + 1)
    limit = tier.threshold(slo.window, slo.target)
    newborn = []
    if slo.guards.cold_start:
        why = "20 times the threshold, and a tenth of the window is known"
        newborn = [_ratios(0, 0, holds=False, why="not born"), _ratios(20 * limit, 20 * limit, holds=True, why=why)]
        newborn += pause
    moments = [*newborn, *_moments(slo, tier)]
    if slo.sli.now() is None:
        moments += (*_evidence(slo, tier), *pause)
    why = f"1.01 times {percentage(limit)} in both windows"
    moments += (_ratios(limit * _ABOVE, limit * _ABOVE, holds=True, why=why), *pause)
    states = firing([moment.holds for moment in moments], ticks(keep, grid))
    told = ((n, state, moments[n].why) for n, state in enumerate(states) if state is not None)
    claims = tuple(firing_claims(slo, tier_alert(slo, tier), tier.severity, told))
    born = level((len(moments), LONG_AGO))
    if newborn:
        born[:2] = [None, float(grid.seconds) - float(tier.long.seconds) / 10]
    given = _given(tier, moments, born)
    if newborn:
        given[HOURLY_BORN] = [None, None, *born[2:]]  # no hour of its life is over yet
    return alone(slo, grid, Run(f"recorded ratios around the threshold of {tier.name}", series(slo, given), claims))


def _moments(slo: Slo, tier: Tier) -> Iterator[_Moment]:
    limit = tier.threshold(slo.window, slo.target)
    below, above = limit * _BELOW, limit * _ABOVE
    said = percentage(limit)
    yield _ratios(0, 0, holds=False, why="no errors")
    yield _ratios(below, below, holds=False, why=f"0.99 times {said} in both windows")
    yield _ratios(below, above, holds=False, why=f"above {said} in the short window only")
    yield _ratios(above, below, holds=False, why=f"above {said} in the long window only")
    yield _Moment((0.0, 0.0), 0.0, holds=False, why="no events at all")
    yield _Moment((1.0, 1.0), 0.0, holds=False, why="bad events, and no events")


def _evidence(slo: Slo, tier: Tier) -> Iterator[_Moment]:
    """The most bad events that are too few, and the fewest that are enough, of which half or all events are."""
    limit = tier.threshold(slo.window, slo.target)
    share = 2 if limit < Fraction(49, 100) else 1
    least = next((n for n in range(1, _MOST_EVENTS) if enough(slo.guards, float(limit), n, n * share)), None)
    for count in (least - 1, least) if least else ():
        rate = count / float(tier.long.seconds)
        why = f"{count} of {count * share} events are bad, which is {'enough' if count == least else 'too few'}"
        if count:
            yield _Moment((rate, rate), rate * share, holds=count == least, why=why)


def _given(tier: Tier, moments: Sequence[_Moment], born: Sequence[Sample]) -> Given:
    return {
        f"slo:bad:rate{tier.long}": [moment.bad[0] for moment in moments],
        f"slo:bad:rate{tier.short}": [moment.bad[1] for moment in moments],
        f"slo:total:rate{tier.long}": [moment.total for moment in moments],
        f"slo:total:rate{tier.short}": [moment.total for moment in moments],
        BORN: born,
        HOURLY_BORN: born,
    }


def _history(slo: Slo, tier: Tier) -> Proof:
    """A service that was born, died, and was born again: what is not known of the long window counts as good.

    Time is told in twelfths of the long window. The first life ends with the sixth; until it has left the window, all
    of the window is known. In short windows a life cannot be told from what a server shows five minutes on.
    """
    limit = tier.threshold(slo.window, slo.target)
    half = "and half of the window is known"
    told = {
        16: (Fraction(102, 100), True, "an earlier life of the service still lies in the window"),
        17: (Fraction(0), None, ""),
        20: (Fraction(19, 10), not slo.guards.cold_start, f"1.9 times the threshold, {half}"),
        21: (Fraction(21, 10), True, f"2.1 times the threshold, {half}"),
    }
    twice = tier.long >= _TWO_LIVES and 4 * keep_firing_for(tier, slo.guards).milliseconds <= tier.long.milliseconds
    if not twice:
        del told[16]
    look = MINUTE if tier.long <= RAW_LIMIT else BASE
    every = max(1, -(-tier.long.milliseconds // (_PARTS * look.milliseconds)))
    grid = Duration(tier.long.milliseconds // (_PARTS * every))
    born_again = float(grid.seconds) * every * 20 - float(tier.long.seconds) / 2
    begins = int(born_again // float(grid.seconds)) + 1
    moments = []
    for tick in range(21 * every + 1):
        ratio = next((told[part][0] for part in sorted(told, reverse=True) if part <= tick // every), 0)
        moments.append(_ratios(limit * ratio, limit * ratio, holds=False, why=""))
    first = (6 * every + 1, LONG_AGO if twice else None)
    born = level(first, (begins - first[0], None), (len(moments) - begins, born_again))
    expected = ((part * every, fires, why) for part, (_, fires, why) in told.items() if fires is not None)
    claims = tuple(firing_claims(slo, tier_alert(slo, tier), tier.severity, expected))
    run = Run(f"two lives of the service, seen by {tier.name}", series(slo, _given(tier, moments, born)), claims)
    return alone(slo, grid, run, every=every)


# --- absence -------------------------------------------------------------------------------------------------


def _absence(slo: Slo) -> Run:
    """Traffic stops, is missed, and comes back."""
    last, missed_after = ticks(BASE, MINUTE), 750
    usual = EXPECTED_EVENTS / missed_after
    wait, keep = ticks(slo.no_traffic.for_, MINUTE), ticks(KEEP_FIRING_FOR, MINUTE)
    begins = last + missed_after // 60 + 1
    until = begins + wait + 3
    flow = level((last + 3, 1.0), (until - last - 3, 0.0), (keep + 4, 1.0))
    missed = [begins <= tick < until for tick in range(len(flow))]
    why = f"{EXPECTED_EVENTS} events are missed {missed_after}s after the last look that saw some"
    told = ((tick, state, why) for tick, state in turns(firing(missed, keep, wait)))
    claims = firing_claims(slo, traffic_alert(slo), "page", told)
    return Run("traffic stops and comes back", series(slo, _flowing(flow, usual)), tuple(claims))


def _flowing(flow: Sequence[Sample], usual: float) -> Given:
    """What the alert reads: now, over a day, and on a former day."""
    level_now = [usual] * len(flow)
    return {f"slo:total:rate{BASE}": flow, f"slo:total:rate{TRAFFIC_MEMORY}": level_now, USUAL: level_now}


def _as_usual(slo: Slo) -> Run:
    """A pause that is usual now, or of which nothing is known, is no absence; more than the mean is not expected."""
    wait, keep, base = (ticks(each, MINUTE) for each in (slo.no_traffic.for_, KEEP_FIRING_FOR, BASE))
    mean = EXPECTED_EVENTS / 60  # a minute is enough
    until = base + wait + 3
    known = 2 * until
    flow = level((3, 1.0), (known + until + wait + keep, 0.0))
    given = _flowing(flow, mean) | {USUAL: level((until, 0.0), (until, None), (len(flow) - known, 1000 * mean))}
    told = (
        (until - 1, False, "no traffic is usual now"),
        (known - 1, False, "it is not known what is usual"),
        (known + wait + 1, True, "traffic is usual now"),
    )
    claims = firing_claims(slo, traffic_alert(slo), "page", told)
    return Run("a pause that is usual", series(slo, given), tuple(claims))


def _gone(slo: Slo, *, siblings: bool) -> Run:
    """The series of one value end: it was replaced, if others have traffic, and all traffic is absent, if not."""
    wait = ticks(slo.no_traffic.for_, MINUTE)
    flow = level((3, 1.0), (ticks(BASE, MINUTE) + wait + 3, None))
    which = "and others have traffic" if siblings else "and there are no others"
    told = [(len(flow) - 1, not siblings, f"its series is gone, {which}")]
    claims = firing_claims(slo, traffic_alert(slo), "page", told)
    return Run(f"a value is gone, {which}", series(slo, _flowing(flow, 1.0), siblings=siblings), tuple(claims))


def _forgotten(slo: Slo) -> Run:
    """Traffic that ended more than a day ago is not missed any more."""
    day = ticks(TRAFFIC_MEMORY, BASE)
    flow = level((2, 1.0), (2 * day, 0.0))
    told = ((day, True, "a day without traffic"), (2 * day, False, f"no traffic for more than {TRAFFIC_MEMORY}"))
    claims = firing_claims(slo, traffic_alert(slo), "page", told)
    return Run(f"traffic stops for more than {TRAFFIC_MEMORY}", series(slo, _flowing(flow, 1.0)), tuple(claims))


def _broken(slo: Slo) -> Run:
    """No traffic, then traffic whose bad events nobody counts."""
    wait, keep = ticks(FOR, MINUTE), ticks(KEEP_FIRING_FOR, MINUTE)
    begins = wait + 2
    counted = begins + wait + 3
    bad = level((counted, None), (keep + 4, 0.0))
    broken = [begins <= tick < counted for tick in range(len(bad))]
    flow = level((begins, 0.0), (len(bad) - begins, 1.0))
    given: Given = {f"slo:total:rate{BASE}": flow, f"slo:bad:rate{BASE}": bad}
    told = ((tick, state, "bad events are not counted") for tick, state in turns(firing(broken, keep, wait)))
    claims = firing_claims(slo, labels_of(own(slo) | {"alertname": "SliBroken"}), "ticket", told)
    return Run("nothing counts bad events", series(slo, given), tuple(claims))
