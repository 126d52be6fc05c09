"""What the commands on history share: times, and a metric source over a file or at an address."""

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tocsin.errors import MisuseError

if TYPE_CHECKING:
    from tocsin.adapters.openmetrics import MetricsError
    from tocsin.adapters.prometheus_http import PrometheusSource
    from tocsin.workspace import Workspace

DEADLINE = 120.0
"""Seconds for one question: nobody waits for a page here."""
MOST_BYTES = 2**30
TIME = "%Y-%m-%dT%H:%M:%SZ"
LOOKBACK = timedelta(minutes=5)
"""So long Prometheus takes the last sample for the present one."""


@dataclass(frozen=True, slots=True)
class History:
    """A source, and between which times it has samples, where that is known."""

    source: "PrometheusSource"
    first: datetime | None
    last: datetime


def chosen(prometheus: str | None, metrics: str | None) -> tuple[str | None, str | None]:
    """The one history that was asked for: a server (also by the environment) or a file, which goes before it."""
    from click.core import ParameterSource

    context = click.get_current_context()
    if metrics is not None and context.get_parameter_source("prometheus") is ParameterSource.ENVIRONMENT:
        prometheus = None
    if prometheus is not None and metrics is not None:
        raise MisuseError("two histories are given", hint="give --metrics FILE.om or --prometheus URL")
    if prometheus is None and metrics is None:
        raise MisuseError("no history is given", hint="give --metrics FILE.om or --prometheus URL")
    return prometheus, metrics


def check_defined(workspace: "Workspace", paths: Iterable[str]) -> None:
    """Refuse definitions of nothing: that nothing fired would be no news."""
    if not (workspace.services or workspace.journeys or workspace.slas):
        raise MisuseError(f"no service, journey or contract is defined at or below {', '.join(paths)}")


@contextmanager
def history(prometheus: str | None, metrics: str | None) -> Iterator[History]:
    """An embedded Prometheus over *metrics*, or the one at *prometheus*, whose history ends now."""
    from tocsin.adapters.embedded import embedded
    from tocsin.adapters.prometheus_http import PrometheusSource

    if metrics is None:
        with closing(PrometheusSource(prometheus or "", deadline=DEADLINE, max_bytes=MOST_BYTES)) as source:
            yield History(source, None, datetime.now(UTC).replace(microsecond=0))
        return
    with (
        _ended_politely(),
        embedded(Path(metrics)) as running,
        closing(PrometheusSource(running.url, deadline=DEADLINE, max_bytes=MOST_BYTES)) as source,
    ):
        if running.odd is not None:
            show_fault(running.odd)
        yield History(source, running.first, running.last)


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Make SIGTERM an interruption, so that no Prometheus of ours outlives us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def time_of(option: str, text: str) -> datetime:
    """Parse RFC 3339, or unix seconds; without a zone it is UTC."""
    from tocsin.backtest.ticks import EARLIEST, LATEST

    try:
        at = datetime.fromtimestamp(float(text), UTC) if _is_number(text) else datetime.fromisoformat(text)
        at = at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError) as error:
        hint = "write it as in 2026-11-01T12:00:00Z"
        raise MisuseError(f"{option}: {text!r} is not a time", hint=hint) from error
    if not EARLIEST <= at <= LATEST:
        raise MisuseError(f"{option}: there are no samples of {at.year}", hint="times are from 1980 to 2199")
    return at


def length_of(option: str, text: str) -> timedelta:
    """Parse a duration of more than nothing."""
    from tocsin.units import Duration, UnitError

    try:
        length = Duration.parse(text).timedelta
    except UnitError as error:
        raise MisuseError(f"{option}: {error}") from error
    if length <= timedelta(0):
        raise MisuseError(f"{option}: {text} is no time at all")
    return length


def show_fault(error: "MetricsError") -> None:
    """Print the finding of a file of samples on stderr."""
    from tocsin import report

    span = error.finding.span
    text = "\n" * (span.line - 1) + error.text
    click.echo(report.text((error.finding,), {span.path: text}), err=True)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
