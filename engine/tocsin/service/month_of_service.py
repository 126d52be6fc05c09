"""One month of one service: days of the ledger, and those that it lacks counted from a metric source."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.errors import SourceError, UnavailableError
from tocsin.evaluate.bookkeeping import Entry, closes, entries
from tocsin.evaluate.counting import statement
from tocsin.evaluate.naming import group_of
from tocsin.evaluate.slices import milliseconds
from tocsin.ledger.divided import parted
from tocsin.ledger.model import DAY, Day, day_of
from tocsin.ledger.restating import still_seen
from tocsin.monthly.objectives import Bounds, ServiceMonth, service_month
from tocsin.ports import MetricSource
from tocsin.service.capacity import capacity_of
from tocsin.service.month import DEADLINE, Period
from tocsin.settings import without_password
from tocsin.spec import LedgerSettings, Service, Slo
from tocsin.workspace import Workspace


def bounds_of(period: Period, zone: ZoneInfo, now: datetime) -> Bounds:
    """The month in *zone*; raises MisuseError where it has not begun."""
    start, end = period.in_zone(zone, now)
    return Bounds(start, end, now, zone)


def service_report(
    workspace: Workspace, service: Service, bounds: Bounds, prometheus: str, *, ledger: LedgerStore | None = None
) -> ServiceMonth:
    """Report on *service*; raises UnavailableError where the source does not answer what the *ledger* lacks."""
    held: dict[str, tuple[Slo, Sequence[Day]]] = {}
    with closing(PrometheusSource(prometheus, deadline=DEADLINE)) as source:
        for entry in (entry for entry in entries(workspace) if entry.slo.service == service.name):
            try:
                days = _days(entry, source, ledger, bounds)
            except SourceError as error:
                said = f"{without_password(prometheus)} does not tell all of {entry.ref}: {error}"
                raise UnavailableError(said) from error
            parts = parted(days, milliseconds(bounds.start) // 1000) if entry.slo.by else {}
            held |= {ref: (entry.slo, each) for ref, each in (parts or {entry.ref: days}).items()}
        try:
            capacity = capacity_of(source, service, min(bounds.end, bounds.now))
        except SourceError as error:
            raise UnavailableError(f"{without_password(prometheus)} tells nothing of capacity: {error}") from error
    settings = workspace.platform.ledger if workspace.platform else LedgerSettings()
    return service_month(service, held, bounds, float(settings.coverage), capacity)


def _days(entry: Entry, source: MetricSource, ledger: LedgerStore | None, bounds: Bounds) -> list[Day]:
    """Every day that touches the month, of the objective or of all its groups, in order."""
    closed, held = (frozenset[date](), ()) if ledger is None else _held(entry, ledger, bounds)
    days = {(day.ref, day.day): day for day in held}
    missing = sorted(set(_touched(bounds)) - closed)
    if missing:
        # a day is counted whole, with what comes behind it
        until = min(bounds.now, closes(missing[-1]))
        for day in statement(source, entry.ref, entry.slo.sli, missing[0], until):
            if day.day not in closed:
                known = days.get((day.ref, day.day))
                days[day.ref, day.day] = day if known is None else still_seen(known, day)
    return sorted(days.values(), key=lambda day: day.day)


def _held(entry: Entry, ledger: LedgerStore, bounds: Bounds) -> tuple[frozenset[date], Iterable[Day]]:
    """The days of the month that were counted for good, and all that is held of it."""
    first, last = (at.astimezone(UTC).date() for at in (bounds.start, min(bounds.end, bounds.now)))
    stretch, by = (first, last + timedelta(days=1)), entry.slo.by
    parts = (name for name in ledger.parts(entry.ref, *stretch) if group_of(name, by) is not None)
    return ledger.closed(entry.noted, *stretch), ledger.read(parts if by else (entry.ref,), *stretch)


def _touched(bounds: Bounds) -> Iterator[date]:
    """The days of UTC that the month touches, as far as they have begun."""
    start, end = (milliseconds(at) // 1000 for at in (bounds.start, min(bounds.end, bounds.now)))
    return (day_of(number) for number in range(start // DAY, -(-end // DAY)))
