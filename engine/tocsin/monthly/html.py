"""A month's report as one HTML file: no scripts, nothing fetched, readable on paper and in both colour schemes."""

from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment

from tocsin import pages
from tocsin.evaluate.capacity import CONFIDENCE
from tocsin.evaluate.words import percent
from tocsin.monthly import charts
from tocsin.monthly.capacity import chart as capacity_chart
from tocsin.monthly.capacity import named, outlook, quantity, unknown
from tocsin.monthly.model import Month, Outage
from tocsin.monthly.objectives import Objective, ServiceMonth
from tocsin.monthly.words import clock, length, number, share

MOST_ROWS = 30
"""Outages in the table of the page, those that cost most; the CSV has all of them."""
FEW = 3
COUNTS = {"good": "counts as up", "bad": "counts as down", "ignore": "does not count"}
"""What nobody saw, as intervals without events."""


@cache
def _environment() -> Environment:
    environment = pages.environment("tocsin.monthly")
    environment.filters |= {
        "number": number,
        "quantity": quantity,
        "count_of": lambda value: number(Fraction(value)),
        "share": share,
        "percent": percent,
        "span": length,
        "seen": lambda part: percent(part, 2),
    }
    return environment


def as_html(month: Month) -> str:
    """The whole page."""
    zone = ZoneInfo(month.sla.timezone)
    shown = _worst(month)
    rest = [one for one in month.outages if one not in shown]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            month=month,
            sla=month.sla,
            tone=_tone(month),
            days=charts.uptime_by_day(month),
            calendar=charts.calendar(month),
            budget=charts.budget(month),
            width=charts.WIDTH,
            left=charts.LEFT,
            right=charts.WIDTH - charts.RIGHT,
            used=share(month.used / month.allowed, 1) if month.allowed else "unknown",
            outages=[one for one in month.outages if one in shown],
            hidden=len(rest),
            hidden_cost=sum((one.counted for one in rest), Fraction(0)),
            unseen_counts=COUNTS[month.sla.measure.empty],
            unseen_intervals=month.unseen_for // month.sla.measure.interval.milliseconds,
            odd_days=charts.odd_days(month),
            measured=month.uptime is not None,
            tones={box.tone for box in charts.calendar(month).boxes},
            title=f"{month.start.astimezone(zone):%B %Y}",
            when=lambda at: clock(at, zone),
        )
    )


def service_as_html(month: ServiceMonth) -> str:
    """The whole page of a service."""
    bounds = month.bounds
    days = charts.dates(bounds.start, bounds.end, bounds.zone)
    return (
        _environment()
        .get_template("service.html.j2")
        .render(
            month=month,
            bounds=bounds,
            service=month.service,
            counted=any(one.sli is not None for one in month.objectives),
            tones={one.ref: _of(one) for one in month.objectives},
            bars={
                one.ref: charts.hanging([(d.date, d.sli) for d in one.days], one.slo.target) for one in month.objectives
            },
            lines={one.ref: charts.rising(one.curve, bounds.start, bounds.end, days) for one in month.objectives},
            capacity=month.capacity,
            outlook=lambda found: outlook(found, month.capacity.at if month.capacity else bounds.end, bounds.zone),
            named=named,
            unknown=unknown,
            zone=bounds.zone,
            confidence=CONFIDENCE,
            drawn=[(one, capacity_chart(one, month.capacity, bounds.zone)) for one in month.capacity.drawn]
            if month.capacity
            else [],
            width=charts.WIDTH,
            left=charts.LEFT,
            right=charts.WIDTH - charts.RIGHT,
            title=f"{bounds.start.astimezone(bounds.zone):%B %Y}",
            when=lambda at: clock(at, bounds.zone),
        )
    )


def _worst(month: Month) -> frozenset[Outage]:
    """Outages for people: those that cost most; of parts of intervals those that cost a hundredth of the budget."""
    by_cost = sorted(month.outages, key=lambda one: (one.counted + one.excluded, one.milliseconds), reverse=True)
    if not month.sla.measure.by_minute:
        much = [one for one in by_cost if one.counted + one.excluded >= month.allowed / 100]
        by_cost = much or by_cost[:FEW]
    return frozenset(by_cost[:MOST_ROWS])


def _of(one: Objective) -> str:
    return "blind" if one.kept is None else "good" if one.kept else "bad"


def _tone(month: Month) -> str:
    if month.breached is None:
        return "blind"
    return "bad" if month.breached else "good"
