"""The error budget of an objective as recorded series, counted in events over its period.

The period is put together from whole hours, the hour that runs, and what the period still holds of its oldest hour.
Whole hours are recorded as such, around the full hour only, for a server reads each sample of a series on its way
through a month of it: 720 hours instead of 43,200 minutes. Bad and total events are added up apart, so busy hours weigh
more, and an hour without traffic weighs nothing. Traffic is taken to be even only within the first and the last hour of
the period.

A calendar period has no such series: PromQL knows no time zones, so the evaluator counts its budget.
"""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.plan.model import Late, RecordingRule, RuleGroup
from tocsin.plan.objective import Objective
from tocsin.plan.series import (
    BORN,
    HERE,
    HOUR,
    HOURLY_BORN,
    KINDS,
    ONCE_AN_HOUR,
    TO_THE_HOUR,
    at_full_hours,
    first_events,
    former_selectors,
    labels,
    placed,
    selector,
    union,
)
from tocsin.plan.usual import USUAL, part_of, usual
from tocsin.spec import Slo
from tocsin.units import Duration, literal
from tocsin.windows import decimal_literal

INTERVAL = Duration.of(minutes=4)
"""What a month says changes slowly; an instant query looks back over five minutes, and a full hour over twenty."""


def budget_group(of: Objective) -> RuleGroup:
    """What dashboards show of an objective; in a group of its own, because every few minutes are enough for it."""
    return RuleGroup(f"slo-budget:{of.slo.ref}", of.slo.service, Late(_rules, of), INTERVAL)


def _rules(of: Objective) -> Iterator[RecordingRule]:
    slo = of.slo
    own, chosen, period = labels(slo), selector(slo), slo.window
    yield RecordingRule("slo:objective:ratio", f"vector({literal(slo.target)})", own, slo.span)
    born = f"min_over_time({BORN}{chosen}[{HOUR}])"  # also of a life that ended within the hour
    yield RecordingRule(HOURLY_BORN, at_full_hours(born, ONCE_AN_HOUR), own, slo.span)
    if slo.no_traffic.alert:
        yield RecordingRule(USUAL, usual(slo, part_of(slo, of.tiers)), own, slo.span)
    if slo.calendar is not None:
        return
    if period > HOUR:
        for kind in KINDS:
            events = at_full_hours(f"slo:{kind}:rate{HOUR}{chosen} * 3600", TO_THE_HOUR)
            yield RecordingRule(hourly(kind), events, own, slo.span)
    for kind in KINDS:
        yield RecordingRule(f"slo:{kind}:increase{period}", _increase(slo, kind), own, slo.span)
    seconds = period.milliseconds // 1000
    least = decimal_literal(INTERVAL.seconds / seconds)
    yield RecordingRule(
        "slo:error_budget:remaining_ratio",
        f"1 - slo:bad:increase{period}{chosen}\n"
        f"  / (slo:total:increase{period}{chosen} > 0)\n"
        f"  / {literal(1 - slo.target)}\n"
        f"  * clamp_min(clamp_max((time() - {placed(first_events(period), slo)}) / {seconds}, 1), {least})",
        own,
        slo.span,
    )


def _increase(slo: Slo, kind: str) -> str:
    """Events of the period; see decision 0006 for what a young service has."""
    return placed(_increase_here(kind, slo.window, slo.by, tuple(former_selectors(slo))), slo)


def hourly(kind: str) -> str:
    """The events of each hour, at its end."""
    return f"slo:{kind}:increase{HOUR}"


@lru_cache(maxsize=1024)
def _increase_here(kind: str, period: Duration, by: tuple[str, ...], former: tuple[str, ...]) -> str:
    rate, hours = f"slo:{kind}:rate{HOUR}", hourly(kind)
    if period <= HOUR:
        return f"{rate}{HERE} * {period.milliseconds // 1000}"
    whole = Duration(period.milliseconds - HOUR.milliseconds - 1000)
    born = f"clamp_max(time() - last_over_time({BORN}{HERE}[{HOUR}]), 3600)"  # also of a target that is gone since
    parts = [
        f"{rate}{HERE} * 3600 * clamp_max(time() % 3600 / {born}, 1)",
        *(f"sum_over_time(last_over_time({hours}{some}[{TO_THE_HOUR}])[{whole}:{HOUR}])" for some in (HERE, *former)),
        *(
            f"{rate}{some} offset {Duration(whole.milliseconds + 1000)} * (3600 - {_into_the_hour(period)})"
            for some in (HERE, *former)
        ),
    ]
    return union(parts, by)


def _into_the_hour(period: Duration) -> str:
    """How much of its oldest hour the period has left behind, in seconds."""
    rest = period.milliseconds // 1000 % 3600
    return f"(time() - {rest}) % 3600" if rest else "time() % 3600"
