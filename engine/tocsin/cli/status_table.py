"""A Status as tables in the terminal; without colours it still says everything."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from rich.console import Console
from rich.markup import escape as without_markup
from rich.table import Table

from tocsin.evaluate.model import AlertView
from tocsin.report.plain import harmless
from tocsin.service.phrases import NOTHING, budget, exact, share, span, times, used_up
from tocsin.service.shapes import (
    Burn,
    ExcludedShape,
    ExclusionShape,
    JourneyShape,
    Objective,
    OpenAlert,
    SlaShape,
    Status,
)

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


def show(
    status: Status,
    console: Console | None = None,
    *,
    pending: Sequence[AlertView] = (),
    unseen: Sequence[tuple[str, str]] = (),
) -> None:
    """Print *status*, what is worst first; alerts that are *pending*, and why others are *unseen*, are known apart."""
    out = console or Console(highlight=False)
    if not out.is_terminal:
        out.width = WIDE
    at = status.at or datetime.now(UTC)
    overall = "warning" if unseen and status.overall == "healthy" else status.overall
    out.print(f"{_coloured(overall)} at {at:%Y-%m-%d %H:%M:%S} UTC")
    if status.source is not None and not status.source.ok:
        since = f"{status.source.since:%H:%M:%S}"
        out.print(f"[magenta]blind since {since} UTC: {escape(status.source.detail)}[/]")
    tables = (
        (_alerts(status.alerts, at), status.alerts),
        (_pending(pending, at), pending),
        (_objectives(status.slos), status.slos),
        (_journeys(status.journeys), status.journeys),
        (_slas(status.slas), status.slas),
    )
    if not status.alerts and not pending:
        out.print("no open alerts")
    for table, rows in tables:
        if rows:
            out.print(table)
    reasons = [*_unknown(status), *unseen]
    for colour, notes in (("magenta", reasons), ("default", list(_excluded(status)))):
        if notes:
            out.print()
        for ref, note in notes:
            out.print(f"[{colour}]{escape(ref)}[/]: {escape(note)}")


def escape(text: str) -> str:
    """*text* as it is: no markup, and nothing that steers a terminal."""
    return without_markup(harmless(text))


def _unknown(status: Status) -> Iterator[tuple[str, str]]:
    """Why nothing can be said of what is unknown."""
    yield from ((slo.ref, slo.reason) for slo in status.slos if slo.state == "unknown" and slo.reason)
    yield from ((one.ref, one.reason) for one in status.journeys if one.state == "unknown" and one.reason)
    yield from ((sla.name, sla.reason) for sla in status.slas if None in {sla.breached, sla.credit} and sla.reason)
    if status.source is not None and status.source.ok:
        # why a tier is blind, its objective says
        yield from ((one.rule, f"blind, {one.reason}") for one in status.blind if ":" not in one.rule)


def _excluded(status: Status) -> Iterator[tuple[str, str]]:
    """What was taken out of the figures above."""
    for slo in status.slos:
        for one in slo.exclusions:
            took = f"{one.removed + one.forgiven:,.0f} of what it counts, {one.spared:,.0f} bad"
            yield slo.ref, _exclusion(one, took)
    for sla in status.slas:
        for each in sla.exclusions:
            long, down = (span(timedelta(seconds=n)) for n in (each.removed + each.forgiven, each.spared))
            yield sla.name, _exclusion(each, f"{long} of it, {down} down")


def _exclusion(one: ExcludedShape | ExclusionShape, took: str) -> str:
    how = "counted as good" if one.treat == "good" else "excluded"
    start, end = (at.astimezone(UTC) for at in (one.start, one.end))
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC is {how} ({took}): {one.reason}"


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
        lasts = None if slo.exhaustion is None else timedelta(seconds=slo.exhaustion)
        table.add_row(
            escape(slo.ref),
            _coloured(slo.state),
            share(slo.sli),
            exact(slo.target),
            _budget(slo.budget_remaining),
            _burn(slo.burns),
            used_up(slo.budget_remaining, lasts, [burn.rate_long for burn in slo.burns]),
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
    """Each in its running period: nothing is breached, nor owed, before that is over."""
    columns = ("SLA", "customer", "state", "uptime", "target", "credit", "period ends")
    table = _table("\nSLAs, if their periods ended now", *columns)
    for sla in slas:
        state = "unknown" if sla.breached is None else "critical" if sla.breached else "healthy"
        word = {"unknown": "cannot tell", "critical": "would be breached", "healthy": "would be kept"}[state]
        table.add_row(
            escape(sla.name),
            escape(sla.customer),
            f"[{_COLOURS[state]}]{word}[/]",
            share(sla.uptime),
            exact(sla.target),
            exact(sla.credit),
            f"{sla.end.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        )
    return table


def _pending(alerts: Sequence[AlertView], at: datetime) -> Table:
    table = _table("\nPending alerts", "alert", "severity", "for", "why")
    for view in alerts:
        table.add_row(escape(view.title), _coloured(view.severity), span(at - view.started_at), escape(view.reason))
    return table


def _alerts(alerts: list[OpenAlert], at: datetime) -> Table:
    table = _table("\nOpen alerts", "alert", "severity", "for", "what is known")
    for alert in alerts:
        facts = [escape(f"{label}: {value}") for label, value in alert.facts]
        if alert.blind_since is not None:
            facts.append(f"blind since {alert.blind_since:%H:%M:%S} UTC")
        table.add_row(escape(alert.title), _coloured(alert.severity), span(at - alert.created_at), "\n".join(facts))
    return table
