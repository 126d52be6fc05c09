"""One month of one service: days of the ledger, and those that it lacks counted from a metric source."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.errors import SourceError, UnavailableError
from tocsin.evaluate.bookkeeping import Entry, closes, entries
from tocsin.evaluate.counting import statement
from tocsin.evaluate.slices import milliseconds
from tocsin.ledger.model import DAY, Day, day_of
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
            refs = sorted({day.ref for day in days}) or [entry.ref]
            held |= {ref: (entry.slo, [day for day in days if day.ref == ref]) for ref in refs}
        try:
            capacity = capacity_of(source, service, min(bounds.end, bounds.now))
        except SourceError as error:
            raise UnavailableError(f"{without_password(prometheus)} tells nothing of capacity: {error}") from error
    settings = workspace.platform.ledger if workspace.platform else LedgerSettings()
    return service_month(service, held, bounds, float(settings.coverage), capacity)


def _days(entry: Entry, source: MetricSource, ledger: LedgerStore | None, bounds: Bounds) -> list[Day]:
    """Every day that touches the month, of the objective or of all its groups, in order."""
    known = (
        [] if ledger is None else [day for ref in _refs(entry, ledger, bounds) for day in _closed(ledger, ref, bounds)]
    )
    touched = set(_touched(bounds))
    missing = sorted(touched - {day.day for day in known})
    if missing:
        # a day is counted whole, with what comes behind it
        until = min(bounds.now, closes(missing[-1]))
        stated = statement(source, entry.ref, entry.sli, missing[0], until)
        known += [day for day in stated if day.day in missing]
    return sorted(known, key=lambda day: day.day)


def _refs(entry: Entry, ledger: LedgerStore, bounds: Bounds) -> Sequence[str]:
    """Under which names the ledger holds it."""
    if not entry.slo.by:
        return (entry.ref,)
    return ledger.parts(entry.ref, bounds.start.astimezone(UTC).date(), bounds.end.astimezone(UTC).date())


def _closed(ledger: LedgerStore, ref: str, bounds: Bounds) -> list[Day]:
    return ledger.closed(ref, bounds.start.astimezone(UTC), min(bounds.end, bounds.now).astimezone(UTC))


def _touched(bounds: Bounds) -> Iterator[date]:
    """The days of UTC that the month touches, as far as they have begun."""
    start, end = (milliseconds(at) // 1000 for at in (bounds.start, min(bounds.end, bounds.now)))
    return (day_of(number) for number in range(start // DAY, -(-end // DAY)))
