"""Contracts and their intervals made by hand, for tests of measuring and of reports."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests import builders

from tocsin.evaluate.measures import METHODS, Interval, Tally, tally
from tocsin.spec import CreditTier, Exclusion, Measure, Sla
from tocsin.units import Duration

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def tiers(*pairs: tuple[str, str]) -> tuple[CreditTier, ...]:
    """(below, credit) pairs."""
    return tuple(CreditTier(Decimal(below), Decimal(owed), builders.SPAN) for below, owed in pairs)


def exclusion(start: float, end: float, treat: str = "remove", reason: str = "agreed") -> Exclusion:
    """From and to minutes after the start."""
    first, last = (START + minute * MINUTE for minute in (start, end))
    return Exclusion(first, last, reason, treat, builders.SPAN)


def measure(
    method: str = "minutes",
    *,
    interval: str = "1m",
    empty: str = "good",
    errors_above: str | None = None,
    at_least: str | None = None,
    partial_minute: str = "continuous",
    minimum_events: int = 0,
) -> Measure:
    """A measure."""
    return Measure(
        method,
        Duration.parse(interval),
        empty,
        None if errors_above is None else Decimal(errors_above),
        None if at_least is None else Duration.parse(at_least),
        partial_minute,
        None,
        minimum_events,
    )


def contract(
    how: Measure,
    *,
    target: str = "0.999",
    credits: tuple[CreditTier, ...] = (),  # noqa: A002
    exclusions: tuple[Exclusion, ...] = (),
    zone: str = "UTC",
) -> Sla:
    """A contract over `shop/uptime`."""
    return Sla(
        "gold", "", "ACME", "shop/uptime", builders.SPAN, Decimal(target), "month", zone, how, exclusions, credits, (),
        builders.SPAN,
    )  # fmt: skip


def run(ratios: Iterable[float | None], step: timedelta = MINUTE, events: float | None = None) -> list[Interval]:
    """Intervals with these good ratios, from the start of the month."""
    return [Interval(START + i * step, START + (i + 1) * step, good, events) for i, good in enumerate(ratios)]


def errors(*percents: float) -> list[float]:
    """Good ratios of minutes with so many percent of errors."""
    return [1 - percent / 100 for percent in percents]


def total(ones: Sequence[Interval], how: Measure, exclusions: tuple[Exclusion, ...] = ()) -> Tally:
    """What they come to by the method."""
    return tally(METHODS[how.method](ones, how, exclusions), exclusions)
