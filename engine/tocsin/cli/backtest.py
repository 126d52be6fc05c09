"""`tocsin backtest`: what the alerts of definitions would have done on history, also before a change."""

from collections.abc import Sequence
from datetime import timedelta
from math import isnan
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.backtest.detection import Incident
    from tocsin.backtest.ticks import Ticks
    from tocsin.backtest.verdict import Verdict
    from tocsin.cli.history import History
    from tocsin.definitions import Definitions
    from tocsin.workspace import Source

_MOST = timedelta(days=1100)
"""Three years of minutes; each row of an answer takes 12 MB of them."""


@click.command(
    "backtest",
    epilog="\b\nExamples:\n  tocsin backtest rules --metrics history.om\n"
    "  tocsin backtest rules --prometheus http://localhost:9090 --from 2026-10-01 --to 2026-11-01 --against main\n"
    "  tocsin backtest rules --metrics history.om --incidents incidents.yaml --picture october.svg",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--from", "start", metavar="TIME", help="RFC 3339 or unix seconds.  [default: the first sample]")
@click.option("--to", "end", metavar="TIME", help="[default: the last sample; of a server, now]")
@click.option("--metrics", metavar="FILE.om", help="Samples in OpenMetrics with times, for a Prometheus of our own.")
@click.option(
    "--prometheus", metavar="URL", envvar="TOCSIN_PROMETHEUS", show_envvar=True, help="Ask this server instead."
)
@click.option("--against", metavar="GIT_REV", help="Compare with the definitions of this revision.")
@click.option("--incidents", "labelled", metavar="FILE", help="YAML list of {from, to, name}: what deserved a page.")
@click.option(
    "--pages-per-week", "most", type=click.FloatRange(0), metavar="N", help="Exit with 1 where there are more pages."
)
@click.option("--picture", metavar="FILE", help="Draw what fired, as .svg or .png; the latter needs chromium.")
@click.option("--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
def command(
    paths: tuple[str, ...],
    *,
    start: str | None,
    end: str | None,
    metrics: str | None,
    prometheus: str | None,
    against: str | None,
    labelled: str | None,
    most: float | None,
    picture: str | None,
    style: str,
) -> int:
    """Replay the alerts of the definitions in PATH over a history.

    Conditions, waiting times, groups and routes are the evaluator's, minute by minute: which alerts fired and when,
    whom they would have reached, how soon they told of incidents, and how many pages a week that makes. Exit codes: 0
    replayed; 1 findings in definitions, samples or incidents, or more pages than --pages-per-week or a page budget of
    the definitions allows; 2 misuse, a tool that is
    missing, or a server that does not answer.
    """
    from tocsin.adapters.openmetrics import MetricsError
    from tocsin.backtest.export import as_json
    from tocsin.backtest.texts import as_markdown, as_text
    from tocsin.cli.findings import show_findings
    from tocsin.cli.history import check_defined, chosen, history, show_fault, time_of
    from tocsin.cli.picture import check_picture, write_picture
    from tocsin.definitions import definitions_of, read_definitions
    from tocsin.errors import MisuseError

    if most is not None and isnan(most):
        raise MisuseError("--pages-per-week: nan is no number of pages")
    url, file = chosen(prometheus, metrics)
    check_picture(picture)
    since = None if start is None else time_of("--from", start)
    until = None if end is None else time_of("--to", end)
    every = [(against or "", definitions_of(_old(against, paths)))] if against is not None else []
    every.append(("now" if against is None else "after", read_definitions(paths)))
    incidents = _incidents(labelled)
    if incidents is None or any(definitions.errors for _, definitions in every):
        for _, definitions in every:
            show_findings(definitions)
        return 1
    check_defined(every[-1][1].workspace, paths)
    try:
        with history(url, file) as past:
            verdicts = _verdicts(every, past, _ticks(past, since, until), incidents if labelled else None)
    except MetricsError as error:
        show_fault(error)
        return 1
    click.echo({"text": as_text, "json": as_json, "markdown": as_markdown}[style](verdicts), nl=style == "json")
    if picture is not None:
        write_picture(picture, verdicts, incidents)
    overspent = any(spending.over for spending in verdicts[-1].budgets)
    return 1 if overspent or (most is not None and verdicts[-1].pages_per_week > most) else 0


def _old(revision: str | None, paths: tuple[str, ...]) -> "Sequence[Source]":
    from tocsin.adapters.revisions import sources_at

    return sources_at(revision or "", paths)


def _incidents(path: str | None) -> "tuple[Incident, ...] | None":
    """What people have labelled; None where a finding was printed."""
    from tocsin import report
    from tocsin.adapters.files import read_text
    from tocsin.backtest.incidents import read_incidents

    if path is None:
        return ()
    text = read_text(path)
    found, faults = read_incidents(path, text)
    if faults:
        click.echo(report.text(faults, {path: text}), err=True)
        return None
    return found


def _ticks(past: "History", since: "datetime | None", until: "datetime | None") -> "Ticks":
    from tocsin.backtest.ticks import Ticks
    from tocsin.cli.history import TIME
    from tocsin.errors import MisuseError

    start, end = since or past.first, until or past.last
    if start is None:
        raise MisuseError("--from is missing", hint="a server does not say when its history begins")
    if since is not None and until is not None and until <= since:
        raise MisuseError(f"--from {since:{TIME}} is not before --to {until:{TIME}}")
    first, last = past.first or start, past.last
    if end < first or start > last:
        hint = f"they are from {first:{TIME}} to {last:{TIME}}" if past.first else f"now it is {last:{TIME}}"
        raise MisuseError("there are no samples then", hint=hint)
    if start < first or end > last:
        start, end = max(start, first), min(end, last)
        click.echo(f"note: there are samples from {start:{TIME}} to {end:{TIME}}; nothing else is replayed", err=True)
    if end - start > _MOST:
        hint = f"give --from and --to; {_MOST.days} can be replayed at once"
        raise MisuseError(f"{(end - start).days} days are too many", hint=hint)
    ticks = Ticks.between(start, end)
    if not len(ticks):
        raise MisuseError(f"there is no full minute from {start:{TIME}} to {end:{TIME}}")
    return ticks


def _verdicts(
    every: "Sequence[tuple[str, Definitions]]", past: "History", ticks: "Ticks", incidents: "Sequence[Incident] | None"
) -> "list[Verdict]":
    from tocsin.backtest.period import Period, begun
    from tocsin.backtest.verdict import judge
    from tocsin.notify.page_budgets import budgets_of
    from tocsin.service.backtest import Reading, lead_of, run

    lead = max(lead_of(definitions.workspace) for _, definitions in every)
    period = Period.of(ticks, begun(ticks.start, incidents or ()) - lead, past.first)
    reading = Reading(past.source, period, past.first)
    made = []
    for name, definitions in every:
        found = run(definitions.workspace, reading)
        budgets = budgets_of(definitions.workspace.notifications)
        made.append(
            judge(name, found.replay, found.period, incidents, found.left_out, found.spent, budgets, found.unseen)
        )
    return made
