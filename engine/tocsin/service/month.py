"""One month of one contract without a service: slices asked of a metric source, at once and to the end."""

from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.errors import MisuseError, UnavailableError
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.calendar import month as month_around
from tocsin.evaluate.composites import retention
from tocsin.evaluate.measured import Measured
from tocsin.monthly.build import month_of
from tocsin.monthly.model import Month
from tocsin.settings import without_password
from tocsin.spec import Sla
from tocsin.units import Duration
from tocsin.workspace import Workspace

DEADLINE = 60.0
"""Seconds for one question: nobody waits for a page here."""
_ALL = 10**9


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month; None where the last one that is over is meant."""

    first: date | None

    def bounds(self, sla: Sla, now: datetime) -> tuple[datetime, datetime]:
        """Its bounds in the contract's zone."""
        zone = ZoneInfo(sla.timezone)
        if self.first is None:
            return month_around(month_around(now, zone)[0] - timedelta(hours=1), zone)
        return month_around(datetime(self.first.year, self.first.month, 15, tzinfo=zone), zone)


def month_report(
    workspace: Workspace, sla: Sla, period: Period, prometheus: str, now: datetime, *, kept: Duration | None = None
) -> Month:
    """Report on *sla*; raises UnavailableError where the metric source does not answer all of it.

    *kept* is how long the source keeps samples; what the Platform says, or Prometheus' own 15 days.
    """
    measured = Measured.of(workspace)
    start, end = period.bounds(sla, now)
    if start >= now:
        raise MisuseError(f"the month that begins on {start:%Y-%m-%d} has not begun", hint="give one that has")
    books = {key[0]: measured.book(key, events=True) for key in measured.keys(sla, start)}
    with closing(PrometheusSource(prometheus, deadline=DEADLINE)) as source:
        asker = Asker(source, min(end, now), ranges=_ALL)
        for book in books.values():
            book.refresh(asker, start, timedelta())
            if book.reason:
                raise UnavailableError(f"{without_password(prometheus)} does not tell all of {sla.name}: {book.reason}")
    one = next(iter(books.values()))
    kept = kept or retention(workspace)
    last = min(one.number(end), *(book.high for book in books.values()))
    intervals = measured.intervals(sla, books, one.number(start), last)
    return month_of(sla, start, end, intervals, now - kept.timedelta)
