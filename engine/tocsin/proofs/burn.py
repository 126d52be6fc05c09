"""The scenarios of an objective: each tier fires and clears in its minute, and what must not page does not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise

from tocsin.guards import BASE, RAW_LIMIT, keep_firing_for
from tocsin.plan.series import HOUR, raw_limit
from tocsin.proofs.expect import Watch, conditions, firing, turns
from tocsin.proofs.feed import Feed, Story
from tocsin.proofs.model import CONDITION, FIRING, RECORDED, Claim, Proof, Run, Unproved
from tocsin.proofs.stories import JUST_BELOW, TRAFFIC, Phase, just_over, percentage, sampled, story, ten_times
from tocsin.proofs.subjects import recorded, tier_alert, traffic_alert
from tocsin.proofs.ticks import grid_for, ticks
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier, detection_time

_LEAD = HOUR


@dataclass(frozen=True, slots=True)
class Bench:
    """An objective with all that its scenarios are made of; *slack* is that of `expect.conditions`."""

    slo: Slo
    tiers: tuple[Tier, ...]
    feed: Feed
    slack: int = 0

    def watch(self, tier: Tier, grid: Duration) -> Watch:
        """A tier in ticks of *grid*."""
        return Watch(
            long=ticks(tier.long, grid),
            short=ticks(tier.short, grid),
            threshold=tier.threshold(self.slo.window, self.slo.target),
            keep=ticks(keep_firing_for(tier, self.slo.guards), grid),
            least=self.slo.guards.min_bad_events if self.slo.sli.now() is None else 0,
            history=self.slo.guards.cold_start,
            pieces=-(-tier.long.milliseconds // raw_limit(self.slo).milliseconds),
            glimpse=ticks(HOUR, grid) if tier.long > RAW_LIMIT else 0,
            lag=ticks(BASE, grid) if tier.long > RAW_LIMIT and (grid != BASE or self.feed.sampled) else 0,
        )

    @property
    def fine(self) -> Duration:
        """A grid on which every window is whole."""
        return grid_for(window for tier in self.tiers for window in (tier.long, tier.short))

    def grid(self, tier: Tier) -> Duration:
        """The coarsest grid on which the tier is exact: five minutes, where both of its windows are many of those."""
        coarse = tier.long > RAW_LIMIT and all(w.milliseconds % BASE.milliseconds == 0 for w in (tier.long, tier.short))
        return BASE if coarse and not self.slack else self.fine


def burn_proofs(bench: Bench, *, full: bool) -> tuple[Proof, ...]:
    """What is proved of one objective: everything, or a firing, a silent and a clearing run where *full* is not asked.

    Scenarios of one grid and one set of alerts stand together, because promtool evaluates every rule of a file for
    each of them.
    """
    found = [_proof(bench, bench.fine, [_outage(bench)], full)]
    if full:
        found.append(_proof(bench, bench.fine, list(_troubles(bench)), full))
        found += [_proof(bench, bench.grid(tier), list(_precise(bench, tier)), full) for tier in bench.tiers]
    return tuple(proof for proof in found if proof.runs)


def unproved(bench: Bench) -> Iterator[Unproved]:
    """What the kind of the SLI does not allow to be shown."""
    if bench.feed.sampled:
        what = "an outage of ten times the threshold, and one just over it"
        yield Unproved(bench.slo.ref, bench.slo.span, what, "samples of a gauge are good or bad, and nothing between")


def _proof(bench: Bench, grid: Duration, runs: Sequence[Run], full: bool) -> Proof:
    return Proof(bench.slo.ref, bench.slo.span, bench.slo.service, grid, tuple(runs), full)


# --- scenarios ---------------------------------------------------------------------------------------------


def _outage(bench: Bench) -> Run:
    """An hour just below the lowest threshold, then a total outage until every tier fires, then nothing more."""
    grid = bench.fine
    watches = [bench.watch(tier, grid) for tier in bench.tiers]
    low = min((w.threshold for w in watches), default=Fraction(0)) * JUST_BELOW
    lasts = max((int(w.long * w.threshold) + w.lag for w in watches), default=0) + 4
    after = max((w.short + w.keep for w in watches if w.long <= ticks(RAW_LIMIT, grid)), default=0) + 3
    lead = ticks(_LEAD, grid)
    if bench.feed.sampled:
        told = sampled((lead, 0), (lasts, 1), (after, 0))
        name = "an hour without errors, then a total outage"
    else:
        told = story(Phase(lead, low), Phase(lasts, Fraction(1)), Phase(after))
        name = f"an hour with {percentage(low)} of errors, just below the lowest threshold, then a total outage"
    return _run(f"{name} of {Duration(lasts * grid.milliseconds)}", bench, bench.tiers, grid, told)


def _precise(bench: Bench, tier: Tier) -> Iterator[Run]:
    """Just below the threshold for a whole long window, just above it, and ten times above it."""
    grid = bench.grid(tier)
    watch = bench.watch(tier, grid)
    if bench.feed.sampled:
        yield from _precise_samples(bench, tier, watch)
        return
    below, above = watch.threshold * JUST_BELOW, just_over(watch.long, watch.threshold)
    if above < 1:
        until = detection_time(watch.long, watch.threshold, above, before=below) or Fraction(0)
        told = story(
            Phase(watch.long + 2, below),
            Phase(int(until) + 1 + max(3, watch.short // 8), above),
            Phase(watch.short + watch.keep + 3),
        )
        name = f"{tier.long} with {percentage(below)} of errors, then {percentage(above)}: just over the threshold"
        yield _run(name, bench, (tier,), grid, told)
    high = ten_times(watch.long, watch.threshold)
    name = f"{tier.long} without errors, then {percentage(high)}, about ten times the threshold"
    if high > 1:
        high, name = Fraction(1), f"{tier.long} without errors, then a total outage (the threshold is above 10%)"
    until = detection_time(watch.long, watch.threshold, high) or Fraction(0)
    told = story(Phase(watch.long), Phase(int(until) + 4, high), Phase(watch.short + watch.keep + 3))
    yield _run(name, bench, (tier,), grid, told)


def _precise_samples(bench: Bench, tier: Tier, watch: Watch) -> Iterator[Run]:
    """As many bad samples in a row as a window may hold, and a total outage after a whole window without errors."""
    allowed = int(watch.threshold * watch.long * JUST_BELOW)
    if allowed:
        name = f"{tier.long} with a total outage of {allowed} samples, the most that the threshold allows"
        told = sampled((watch.long, 0), (allowed, 1), (watch.short + 3, 0))
        yield _run(name, bench, (tier,), bench.grid(tier), told)
    lasts = int(watch.threshold * watch.long) + watch.lag + 5
    told = sampled((watch.long, 0), (lasts, 1), (watch.short + watch.keep + 3, 0))
    yield _run(f"{tier.long} without errors, then a total outage", bench, (tier,), bench.grid(tier), told)


def _troubles(bench: Bench) -> Iterator[Run]:
    """What plain rules answer with silence or with a false page."""
    grid = bench.fine
    watches = [bench.watch(tier, grid) for tier in bench.tiers]
    lasts = max((int(w.long * w.threshold) + w.lag for w in watches), default=0) + 4
    hour, half = ticks(_LEAD, grid), ticks(_LEAD, grid) // 2
    yield _idle(bench, half, hour, lasts)
    if bench.feed.sampled:
        yield _run("a total outage from birth", bench, bench.tiers, grid, sampled((hour, 1)))
        return
    high = max((w.threshold for w in watches), default=Fraction(0))
    outage = story(Phase(half), Phase(lasts, Fraction(1)), Phase(half), resets=(half // 2, half + lasts // 2))
    yield _run("counters reset before and during a total outage", bench, bench.tiers, grid, outage)
    yield _run("a total outage from birth", bench, bench.tiers, grid, story(Phase(hour, Fraction(1))))
    doubled = min(2 * high, Fraction(1))
    within = int(min(w.long * w.threshold for w in watches) / doubled * Fraction(2, 3)) if watches else 0
    if within > 1:
        name = f"{percentage(doubled)} of errors from birth, which over a whole window is no trouble"
        told = story(Phase(within, doubled), Phase(hour))
        yield _run(name, bench, bench.tiers, grid, told)
    if bench.slo.guards.min_bad_events > 1:
        one = Phase(1, Fraction(1), traffic=1)
        few = story(Phase(hour, traffic=1), one, Phase(half, traffic=1))
        yield _run("one event in a minute, and one of them bad", bench, bench.tiers, grid, few)
    if bench.feed.own_errors and bench.slo.guards.missing_errors:
        missing = story(Phase(hour), error_series_from=hour + 1)
        run = _run("no series of errors at all", bench, bench.tiers, grid, missing)
        zero = recorded(bench.slo, f"slo:bad:rate{BASE}")
        claims = tuple(Claim(RECORDED, zero, tick, True, "no errors are zero errors", 0) for tick in (half, hour))
        yield Run(run.name, run.series, (*run.claims, *claims))
        born = story(Phase(half), Phase(lasts + 2, Fraction(1)), error_series_from=half + 1)
        yield _run("the series of errors is born with the first error", bench, bench.tiers, grid, born)


def _idle(bench: Bench, half: int, hour: int, lasts: int) -> Run:
    """Traffic stops for an hour: no page comes, and afterwards nothing is poisoned.

    Nor does TrafficAbsent tell of it, for nothing is missed in the first day; when it does is proved in `alarms`.
    """
    if bench.feed.sampled:
        half += hour  # a life that lasts for a full hour is seen
        told = sampled((half, 0), (hour, None), (lasts, 1))
    else:
        told = story(Phase(half), Phase(hour, traffic=0), Phase(lasts, Fraction(1)))
    run = _run("no traffic for an hour, then a total outage", bench, bench.tiers, bench.fine, told)
    if not bench.slo.no_traffic.alert:
        return run
    young = Claim(FIRING, traffic_alert(bench.slo), half + hour, False, "nothing is missed in the first day")
    return Run(run.name, run.series, (*run.claims, young))


# --- claims ------------------------------------------------------------------------------------------------


def _run(name: str, bench: Bench, tiers: Sequence[Tier], grid: Duration, told: Story) -> Run:
    claims = chain.from_iterable(_claims(bench, tier, bench.watch(tier, grid), told) for tier in tiers)
    return Run(name, bench.feed.series(told), tuple(claims))


def _claims(bench: Bench, tier: Tier, watch: Watch, told: Story) -> Iterator[Claim]:
    holds = conditions(told, watch, sampled=bench.feed.sampled, slack=bench.slack)
    labels = tier_alert(bench.slo, tier)
    why = f"over {tier.long} and {tier.short} above {percentage(watch.threshold)}"
    for tick, state in turns(firing(holds, watch.keep)):
        yield Claim(FIRING, labels, tick, state, why)
    changes = list(turns(holds))
    for (tick, state), (after, other) in pairwise(changes):
        if state and not other:
            yield Claim(CONDITION, labels, tick, True, why)
            yield Claim(CONDITION, labels, after, False, why)


__all__ = ["TRAFFIC", "Bench", "burn_proofs", "unproved"]
