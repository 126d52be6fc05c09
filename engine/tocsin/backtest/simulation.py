"""An incident that never was: steady traffic, a step of the error ratio, and the evaluator's own alerts on it.

What comes out is held against the closed forms of burn-rate alerting (`tocsin.windows`), which `tocsin explain` prints.
The simulation looks every STEP seconds, so it may be that much later, and no earlier.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np

from tocsin.backtest.replay import Episode, replay
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.traffic import SloReplay
from tocsin.evaluate import burn
from tocsin.guards import TRAFFIC_MEMORY, keep_firing_for
from tocsin.ledger.counts import Counts
from tocsin.ports import labels_of
from tocsin.spec import Service, Slo
from tocsin.windows import Tier, budget_spent, detection_time, reset_time, windows_of

STEP = 5
"""Seconds of a slice and between two looks: a scrape of a service that is watched closely."""
MOST_STEPS = 2_000_000
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_CALM = timedelta(minutes=10)
"""Before the incident and after the last alert of it."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A step of the error ratio *before* to *errors* for *lasting*; traffic changes by the factor *traffic* with it."""

    errors: Fraction
    lasting: timedelta
    before: Fraction = Fraction(0)
    traffic: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the closed forms say, in seconds; None for never."""

    fires: Fraction | None
    ends: Fraction | None
    """After the end of the incident, `keep_firing_for` included."""
    spent: Fraction | None
    """The share of the budget that is gone when it fires."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One tier: what the simulation did, in seconds after the beginning and after the end of the incident.

    *already* says that it fired before the incident, of what was wrong before; then *fired* is 0. *spent* is the share
    of the budget that the incident had cost when it fired.
    """

    tier: Tier
    fired: float | None
    ended: float | None
    spent: float | None
    expected: Expected
    already: bool = False


def simulate(service: Service, slo: Slo, incident: Incident, per_second: float = 100.0) -> tuple[Outcome, ...]:
    """Run the alerts of *slo* through *incident*, at *per_second* events before it."""
    longest = max([*windows_of(slo.tiers), TRAFFIC_MEMORY]).timedelta
    kept = max(tier.short.timedelta + keep_firing_for(tier, slo.guards).timedelta for tier in slo.tiers)
    begin = _EPOCH + longest + timedelta(days=1)
    end = begin + incident.lasting
    last = end + kept + _CALM
    ticks = Ticks.between(begin - _CALM, last, timedelta(seconds=STEP))
    counts = _counts(begin, end, last, incident, per_second)
    group = labels_of(dict.fromkeys(slo.by, "simulated"))
    rules = {rule.id: rule for rule in burn.rules(service, slo)}
    member = SloReplay.of(slo, {group: counts}, ticks)
    episodes = replay([(member, tuple(rules))], rules, {}, (), ticks).episodes
    first = {episode.rule: episode for episode in reversed(episodes)}
    return tuple(_outcome(slo, tier, first.get(burn.tier_id(slo, tier)), begin, end, incident) for tier in slo.tiers)


def steps(slo: Slo, incident: Incident) -> int:
    """How many slices that takes, to be held against MOST_STEPS."""
    longest = max([*windows_of(slo.tiers), TRAFFIC_MEMORY]).timedelta
    return int((2 * longest + timedelta(days=2) + incident.lasting).total_seconds()) // STEP


def _counts(begin: datetime, end: datetime, last: datetime, incident: Incident, per_second: float) -> Counts:
    edges = np.arange(_EPOCH.timestamp(), last.timestamp() + STEP, STEP)
    inside = np.clip(edges, begin.timestamp(), end.timestamp()) - begin.timestamp()
    outside = edges - edges[0] - inside
    during = per_second * float(incident.traffic)
    total = np.diff(outside * per_second + inside * during)
    bad = np.diff(outside * per_second * float(incident.before) + inside * during * float(incident.errors))
    return Counts.apart(int(edges[0]) // STEP, STEP, total, np.minimum(bad, total), np.full(len(total), float(STEP)))


def _outcome(  # noqa: PLR0917 - one tier of one run
    slo: Slo, tier: Tier, episode: Episode | None, begin: datetime, end: datetime, incident: Incident
) -> Outcome:
    expected = closed_form(slo, tier, incident)
    if episode is None:
        return Outcome(tier, None, None, None, expected)
    over = episode.resolved_at
    ended = None if over is None else (over - end).total_seconds()
    fired = max(0.0, (episode.fired_at - begin).total_seconds())
    cost = _cost(slo, incident, min(Fraction(fired), Fraction(incident.lasting.total_seconds())))
    return Outcome(tier, fired, ended, float(cost), expected, already=episode.fired_at < begin)


def closed_form(slo: Slo, tier: Tier, incident: Incident) -> Expected:
    """When a tier fires, when its alert is over, and what was spent by then."""
    threshold, lasting = tier.threshold(slo.window, slo.target), Fraction(incident.lasting / timedelta(seconds=1))
    fires = detection_time(
        tier.long.seconds, threshold, incident.errors, before=incident.before, traffic=incident.traffic
    )
    if fires is None or fires >= lasting:
        return Expected(None, None, None)
    over = reset_time(tier.short.seconds, threshold, incident.errors, before=incident.before, traffic=incident.traffic)
    ends = None if over is None else over + keep_firing_for(tier, slo.guards).seconds
    return Expected(fires, ends, _cost(slo, incident, fires))


def _cost(slo: Slo, incident: Incident, after: Fraction) -> Fraction:
    """The share of the budget that so many seconds of the incident cost."""
    return budget_spent(after * incident.traffic, incident.errors, slo.target, slo.window.seconds)
