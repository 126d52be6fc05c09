"""One month of one contract without a service: slices asked of a metric source, at once and to the end."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.errors import MisuseError, UnavailableError
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.bookkeeping import fill
from tocsin.evaluate.calendar import month as month_around
from tocsin.evaluate.measured import RAN, Measured
from tocsin.evaluate.slices import Slices
from tocsin.monthly.build import month_of
from tocsin.monthly.model import Month, Seen
from tocsin.settings import without_password
from tocsin.spec import LedgerSettings, Sla
from tocsin.workspace import Workspace

DEADLINE = 60.0
"""Seconds for one question: nobody waits for a page here."""
_ALL = 10**9


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month; None where the last one that is over is meant."""

    first: date | None

    def bounds(self, sla: Sla, now: datetime) -> tuple[datetime, datetime]:
        """Its bounds in the contract's zone; raises MisuseError where it has not begun."""
        return self.in_zone(ZoneInfo(sla.timezone), now)

    def in_zone(self, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
        """Its bounds there; raises MisuseError where it has not begun."""
        if self.first is None:
            return month_around(month_around(now, zone)[0] - timedelta(hours=1), zone)
        start, end = month_around(datetime(self.first.year, self.first.month, 15, tzinfo=zone), zone)
        if start >= now:
            raise MisuseError(f"the month that begins on {start:%Y-%m-%d} has not begun", hint="give one that has")
        return start, end


def month_report(
    workspace: Workspace,
    sla: Sla,
    period: Period,
    prometheus: str,
    now: datetime,
    *,
    ledger: LedgerStore | None = None,
) -> Month:
    """Report on *sla*; raises UnavailableError where the metric source does not answer what the *ledger* lacks."""
    measured = Measured.of(workspace)
    start, end = period.bounds(sla, now)
    since = measured.since(sla, start)
    books = {key[0]: measured.book(key, events=True) for key in measured.keys(sla, start)}
    if ledger is not None:
        for key in measured.keys(sla, start):
            if (slo := measured.slo(key)) is not None:
                days, until = ledger.known(slo.ref, since, min(end, now))
                fill(books[key[0]], slo, days, since, until)
    with closing(PrometheusSource(prometheus, deadline=DEADLINE)) as source:
        asker = Asker(source, min(end, now), ranges=_ALL)
        for book in books.values():
            book.refresh(asker, since, timedelta())
            if book.reason:
                raise UnavailableError(f"{without_password(prometheus)} does not tell all of {sla.name}: {book.reason}")
    one = next(iter(books.values()))
    last = min(one.number(end), *(book.high for book in books.values()))
    intervals = measured.intervals(sla, books, one.number(start), last)
    settings = workspace.platform.ledger if workspace.platform else LedgerSettings()
    return month_of(sla, start, end, intervals, seen=_seen(books, start, min(end, now), settings))


def _seen(books: Mapping[str, Slices], start: datetime, end: datetime, settings: LedgerSettings) -> Seen:
    """Who counted the month; how much of it was looked at its intervals tell, whoever counted them."""
    counted = [book for name, book in books.items() if name != RAN]
    if not any(book.until for book in counted) or end <= start:
        return Seen(floor=float(settings.coverage))
    part = sum((book.until - max(book.since, start)).total_seconds() for book in counted if book.until and book.since)
    share = part / (len(counted) * (end - start).total_seconds())
    return Seen(min(1.0, share), floor=float(settings.coverage))
