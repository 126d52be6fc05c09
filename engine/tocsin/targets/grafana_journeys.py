"""What Grafana shows of journeys and of contracts: a page for each.

A contract's period begins at a local midnight. PromQL knows no calendar, but Grafana does: the page is opened in the
contract's time zone from the begin of its period, and its uptime is that of the time that is shown.
"""

from collections.abc import Iterator
from decimal import Decimal

from tocsin.guards import BASE
from tocsin.plan.journey import beyond_promql, paging_tiers
from tocsin.ports import labels_of
from tocsin.promql import matchers
from tocsin.spec import Journey, JourneySlo, Sla
from tocsin.spec.service import CALENDAR_UNITS
from tocsin.targets.grafana_panels import BLUE, GREEN, RED, WIDTH, Json, Panel, Query, firing, placed, row
from tocsin.units import Duration, literal
from tocsin.windows import decimal_literal

SLICES = "journey:slice:ratio"
PERIODS = {"day": "now/d", "week": "now/w", "month": "now/M", "quarter": "now/fQ", "year": "now/y"}
"""Since when a contract's page shows; a fiscal quarter is one of the calendar unless somebody says otherwise."""
_EMPTY = {"good": " or vector(1)", "bad": " or vector(0)", "ignore": ""}


def journey_panels(journey: Journey) -> list[dict[str, Json]]:
    """The objectives of a journey with their members."""
    panels = [firing(matchers((("service", journey.name),)))]
    for slo in journey.slos:
        panels += [row(f"Objective {slo.name}"), *_journey(slo)]
    return placed(panels)


def _journey(slo: JourneySlo) -> Iterator[Panel]:
    selector = matchers(labels_of({"service": slo.journey, "slo": slo.name}))
    members = Panel(
        "Members",
        "timeseries",
        (Query(f"journey:member:ratio{selector}", "{{member}}"),),
        "percentunit",
        f"Good events of each member, slice by slice of {slo.slice}. The lowest line is where to look.",
        width=WIDTH,
        at_most=1.0,
    )
    said = f"{slo.description or slo.ref}; over {slo.window}"
    if reason := beyond_promql(slo):
        yield Panel("Objective", "stat", (_constant(slo.target),), "percentunit", said, 4, 8, ((None, BLUE),))
        members_said = f"{members.description} The whole is evaluated by tocsin serve alone: {reason}."
        yield Panel("Members", "timeseries", members.queries, "percentunit", members_said, 20, at_most=1.0)
        return
    budget = literal(1 - slo.target)
    left = Query(f"1 - (1 - {_mean(slo, slo.window)}) / {budget}", "left")
    promise = f"What is left of the budget of {slo.window}. Below zero the objective is missed."
    target = float(slo.target)
    yield Panel("Objective", "stat", (_constant(slo.target),), "percentunit", said, 4, 8, ((None, BLUE),))
    yield Panel("Error budget left", "stat", (left,), "percentunit", promise, 4, 8, ((None, RED), (0.0, GREEN)))
    yield Panel(
        "Good, slice by slice",
        "timeseries",
        (Query(_now(slo), "whole"),),
        "percentunit",
        f"How good the whole was in each slice of {slo.slice}; the line is the objective.",
        width=16,
        steps=((None, RED), (target, GREEN)),
        at_most=1.0,
    )
    yield members
    tiers = paging_tiers(slo)
    for tier in tiers:
        factor = tier.factor(slo.window)
        yield Panel(
            f"Burn rate, {tier.name}",
            "timeseries",
            tuple(Query(f"(1 - {_mean(slo, window)}) / {budget}", str(window)) for window in (tier.long, tier.short)),
            description=f"A page when both lines are above {decimal_literal(factor)[:8]}.",
            width=WIDTH // len(tiers),
            height=7,
            steps=((None, GREEN), (float(factor), RED)),
            at_least=0.0,
        )


def _constant(value: Decimal) -> Query:
    return Query(f"vector({literal(value)})", "objective")


def _series(slo: JourneySlo) -> str:
    labels = {"service": slo.journey, "slo": slo.name}
    if slo.combine.how == "worst_of":
        return "journey:part:ratio" + matchers(labels_of({**labels, "of": "0"}))
    return SLICES + matchers(labels_of(labels))


def _now(slo: JourneySlo) -> str:
    series = _series(slo)
    return f"min without (part, of) ({series})" if slo.combine.how == "worst_of" else series


def _mean(slo: JourneySlo, window: Duration) -> str:
    mean = f"avg_over_time({_series(slo)}[{window}])"
    return f"min without (part, of) ({mean})" if slo.combine.how == "worst_of" else mean


# --- contracts ---------------------------------------------------------------------------------------------


def sla_panels(sla: Sla, journeys: dict[str, JourneySlo]) -> list[dict[str, Json]]:
    """Uptime since the begin of the period, as `tocsin serve` measures it but for exclusions."""
    journey = journeys.get(sla.covers)
    if journey is not None and beyond_promql(journey):
        return []
    good = _covered(sla) if journey is None else _now(journey)
    measured = f"{_judged(sla, good)}{_EMPTY[sla.measure.empty]}"
    uptime = f"avg_over_time(({measured})[$__range:{sla.measure.interval}])"
    nominal = CALENDAR_UNITS[sla.calendar]
    allowed = Duration(int(nominal.milliseconds * (1 - sla.target)) // 1000 * 1000)
    credit = "; ".join(f"below {_percent(tier.below)}: {_percent(tier.credit)} back" for tier in sla.credits)
    target = float(sla.target)
    about = f"Since the begin of the {sla.calendar} in {sla.timezone}: {sla.measure.words}."
    unsaid = [
        *(["exclusions"] if sla.exclusions else []),
        *(["the least length of downtime"] if sla.measure.at_least else []),
        *(["when the service was deployed"] if sla.measure.deployed else []),
        *(["the minimum of events"] if sla.measure.minimum_events else []),
    ]
    near = " Seen through rates of five minutes here, so short outages look shorter." if sla.measure.by_minute else ""
    less = f" Without {', '.join(unsaid)} here." if unsaid else ""
    less = f"{near}{less} `tocsin serve` tells the uptime that counts." if near or less else ""
    steps = ((None, RED), (target, GREEN))
    panels = [
        firing(matchers((("ref", sla.covers),))),
        Panel("Promised", "stat", (_constant(sla.target),), "percentunit", credit or "No credits.", 6, 6,
              ((None, BLUE),)),
        Panel("Uptime so far", "stat", (Query(uptime, "uptime"),), "percentunit", about + less, 9, 6, steps),
        Panel("Lost so far", "stat", (Query(f"(1 - {uptime}) * $__range_s", "lost"),), "s",
              f"A {sla.calendar} of {nominal} may lose {allowed}.", 9, 6,
              ((None, GREEN), (float(allowed.seconds), RED)) if allowed.milliseconds else ()),
        Panel("Good, interval by interval", "timeseries", (Query(good, "good"),), "percentunit",
              f"Good events of {sla.covers}; the line is what is promised.", WIDTH, 9, steps, at_most=1.0),
    ]  # fmt: skip
    return placed(panels)


def _judged(sla: Sla, good: str) -> str:
    """Whether each interval is up, where the contract does not count parts of it."""
    if not sla.measure.by_minute:
        return good
    errors = sla.measure.errors_above
    return f"({good} > bool 0)" if errors is None else f"({good} >= bool {literal(1 - errors)})"


def _covered(sla: Sla) -> str:
    service, _, slo = sla.covers.partition("/")
    selector = matchers((("service", service), ("slo", slo)))
    return f"1 - sum(slo:bad:rate{BASE}{selector}) / (sum(slo:total:rate{BASE}{selector}) > 0)"


def _percent(share: Decimal) -> str:
    return f"{literal(share * 100)}%"
