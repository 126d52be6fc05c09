"""An objective in words and numbers, by the closed forms of burn-rate alerting (`tocsin.windows`)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from tocsin.budget import burn_rate, exhaustion
from tocsin.explain.chart import as_text, lines_of
from tocsin.explain.standing import standing
from tocsin.explain.table import span, span_or_never, table
from tocsin.guards import BASE, EXPECTED_EVENTS
from tocsin.plan.build import feasible_tiers
from tocsin.plan.burn import percent
from tocsin.plan.model import Plan
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import (
    ALERT_SEVERITY,
    Tier,
    budget_spent,
    decimal_literal,
    detection_time,
    reset_time,
)

OUTAGES = ("1", "0.5", "0.15", "0.1", "0.05", "0.02", "0.01")
"""Error ratios of the table; the same as in published tables, so that they can be compared."""


def of_slo(slo: Slo, plan: Plan) -> Iterator[str]:
    """Its budget, what else holds, its tiers, and when they fire."""
    period = slo.window.seconds
    budget = 1 - Fraction(slo.target)
    yield f"{slo.ref}: {percent(slo.target)} of events good over {slo.over}   ({slo.span.path}:{slo.span.line})"
    yield f"error budget: {percent(1 - slo.target)} of events, or {span(budget * period)} of a total outage"
    yield ""
    yield from standing(slo, plan)
    yield ""
    yield from table(
        ("tier", "alert", "long", "short", "factor", "fires above", "budget gone when it fires"),
        [
            (
                tier.name,
                ALERT_SEVERITY[tier.severity] if tier.feasible(slo.window, slo.target) else "can never fire",
                str(tier.long),
                str(tier.short),
                decimal_literal(tier.factor(slo.window)),
                decimal_literal(tier.threshold(slo.window, slo.target)),
                percent(tier.budget_share),
            )
            for tier in slo.tiers
        ],
    )
    yield from detection(feasible_tiers(slo), slo.window, slo.target)
    if lines := lines_of(slo):
        yield ""
        yield as_text(lines)
        yield ""
    if slo.no_traffic.alert:
        yield from _absence(slo)
    else:
        yield f"TrafficAbsent is off: {slo.no_traffic.reason}"


def _absence(slo: Slo) -> Iterator[str]:
    """When an end of traffic is told, and what that means for much of it and for little."""
    yield (
        f"TrafficAbsent fires once there was no event in {BASE}, more than {EXPECTED_EVENTS} were to be expected "
        f"since the last, and {slo.no_traffic.for_} passed so."
    )
    shown = []
    for an_hour in (6000, 60, 6):
        missed = max(Fraction(EXPECTED_EVENTS * 3600, an_hour), BASE.seconds)
        shown.append(f"{span(missed + slo.no_traffic.for_.seconds)} with {an_hour}")
    yield f"  after the last event that is about {', '.join(shown)} events an hour"
    yield "  expected is what there was at this time a week ago, half an hour earlier and later, at most the mean"
    yield "  of a day: no night or weekend is told, by Prometheus or by `tocsin serve`. In the first week of a service"
    yield "  yesterday is asked, and what paused then may pause; in its first day nothing is missed"
    if slo.by:
        yield "  a value that is gone while others have traffic was replaced, and is no absence"


def detection(tiers: Sequence[Tier], window: Duration, target: Decimal) -> Iterator[str]:
    """After how long each of *tiers* fires and is over, and what that costs, for outages of every size."""
    rows = []
    for text in OUTAGES:
        errors = Fraction(text)
        thresholds = [(tier, tier.threshold(window, target)) for tier in tiers]
        fires = [detection_time(tier.long.seconds, threshold, errors) for tier, threshold in thresholds]
        resets = [reset_time(tier.short.seconds, threshold, errors) for tier, threshold in thresholds]
        first = min((time for time in fires if time is not None), default=None)
        exhausted = exhaustion(1, burn_rate(errors, target), window)
        rows.append(
            (
                f"{float(errors * 100):g}%",
                *(
                    f"{span_or_never(fire)} / {span_or_never(reset)}" if fire is not None else "never"
                    for fire, reset in zip(fires, resets, strict=True)
                ),
                span_or_never(first),
                f"{float(budget_spent(first, errors, target, window.seconds) * 100):.3g}%"
                if first is not None
                else "-",
                span_or_never(None if exhausted is None else exhausted.seconds),
            )
        )
    yield ""
    yield "after how long each tier fires / how long after the end it is over, by error ratio:"
    yield from table(("errors", *(tier.name for tier in tiers), "first alert", "budget gone", "all gone after"), rows)
