"""A Status as tables in the terminal; without colours it still says everything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

from rich.console import Console
from rich.markup import escape as without_markup
from rich.table import Table

from tocsin.report.plain import harmless
from tocsin.service.phrases import NOTHING, budget, exact, share, span, times
from tocsin.service.shapes import Burn, JourneyShape, Objective, OpenAlert, SlaShape, Status

WIDE = 200
"""Columns where no terminal sets a limit, so that nothing is folded for programs that search."""

_COLOURS = {
    "healthy": "green",
    "warning": "yellow",
    "burning": "yellow",
    "critical": "bold red",
    "exhausted": "bold red",
    "unknown": "magenta",
}
_RANK = {"exhausted": 0, "burning": 1, "unknown": 2}


def show(status: Status, console: Console | None = None) -> None:
    """Print *status*, what is worst first."""
    out = console or Console(highlight=False)
    if not out.is_terminal:
        out.width = WIDE
    at = status.at or datetime.now(UTC)
    out.print(f"{_coloured(status.overall)} at {at:%Y-%m-%d %H:%M:%S} UTC")
    if status.source is not None and not status.source.ok:
        since = f"{status.source.since:%H:%M:%S}"
        out.print(f"[magenta]blind since {since} UTC: {escape(status.source.detail)}[/]")
    if status.alerts:
        out.print(_alerts(status.alerts, at))
    if status.slos:
        out.print(_objectives(status.slos))
    if status.journeys:
        out.print(_journeys(status.journeys))
    if status.slas:
        out.print(_slas(status.slas))
    reasons = list(_unknown(status))
    if reasons:
        out.print()
    for ref, reason in reasons:
        out.print(f"[magenta]{escape(ref)}[/]: {escape(reason)}")


def escape(text: str) -> str:
    """*text* as it is: no markup, and nothing that steers a terminal."""
    return without_markup(harmless(text))


def _unknown(status: Status) -> Iterator[tuple[str, str]]:
    """Why nothing can be said of what is unknown."""
    yield from ((slo.ref, slo.reason) for slo in status.slos if slo.state == "unknown" and slo.reason)
    yield from ((one.ref, one.reason) for one in status.journeys if one.state == "unknown" and one.reason)
    yield from ((sla.name, sla.reason) for sla in status.slas if sla.breached is None and sla.reason)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        right = name in {"SLI", "target", "budget left", "uptime", "credit", "used up in", "for"}
        justify: Literal["left", "right"] = "right" if right else "left"
        first = name == columns[0]
        table.add_column(name, justify=justify, header_style="dim", overflow="fold", no_wrap=first)
    return table


def _coloured(word: str) -> str:
    return f"[{_COLOURS.get(word, 'default')}]{escape(word)}[/]"


def _budget(left: float | None) -> str:
    text = budget(left)
    return f"[bold red]{text}[/]" if left is not None and left <= 0 else text


def _burn(burns: list[Burn]) -> str:
    parts = []
    for burn in burns:
        text = f"{burn.long}:{times(burn.rate_long)}"
        parts.append(f"[bold red]{text}[/]" if burn.truth == "true" else text)
    return "  ".join(parts) or NOTHING


def _objectives(slos: list[Objective]) -> Table:
    table = _table("\nObjectives", "objective", "state", "SLI", "target", "budget left", "burn rate", "used up in")
    for slo in sorted(slos, key=lambda s: (_RANK.get(s.state, 3), s.ref)):
        left = None if slo.exhaustion is None else timedelta(seconds=slo.exhaustion)
        table.add_row(
            escape(slo.ref),
            _coloured(slo.state),
            share(slo.sli),
            exact(slo.target),
            _budget(slo.budget_remaining),
            _burn(slo.burns),
            span(left),
        )
    return table


def _journeys(journeys: list[JourneyShape]) -> Table:
    table = _table("\nJourneys", "journey", "state", "SLI", "target", "budget left")
    for journey in journeys:
        table.add_row(
            escape(journey.ref),
            _coloured(journey.state),
            share(journey.sli),
            exact(journey.target),
            _budget(journey.budget_remaining),
        )
    return table


def _slas(slas: list[SlaShape]) -> Table:
    table = _table("\nSLAs", "SLA", "customer", "state", "uptime", "target", "credit")
    for sla in slas:
        state = "unknown" if sla.breached is None else "critical" if sla.breached else "healthy"
        word = {"unknown": "cannot tell", "critical": "breached", "healthy": "kept"}[state]
        table.add_row(
            escape(sla.name),
            escape(sla.customer),
            f"[{_COLOURS[state]}]{word}[/]",
            share(sla.uptime),
            exact(sla.target),
            exact(sla.credit),
        )
    return table


def _alerts(alerts: list[OpenAlert], at: datetime) -> Table:
    table = _table("\nOpen alerts", "alert", "severity", "for", "what is known")
    for alert in alerts:
        facts = [escape(f"{label}: {value}") for label, value in alert.facts]
        if alert.blind_since is not None:
            facts.append(f"blind since {alert.blind_since:%H:%M:%S} UTC")
        table.add_row(escape(alert.title), _coloured(alert.severity), span(at - alert.created_at), "\n".join(facts))
    return table
