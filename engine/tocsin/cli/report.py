"""`tocsin report`: what a contract came to in a month."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tocsin.adapters.ledger_store import LedgerStore
    from tocsin.service.month import Period
    from tocsin.spec import Sla
    from tocsin.units import Duration


@click.command(
    "report",
    epilog="\b\nExample:\n  tocsin report rules --month 2026-10 --prometheus http://localhost:9090 --out reports",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--month", metavar="YYYY-MM", help="Calendar month in the contract's time zone.  [default: the last one]")
@click.option("--sla", "names", multiple=True, metavar="NAME", help="Only this contract; may be given several times.")
@click.option(
    "--prometheus",
    metavar="URL",
    envvar="TOCSIN_PROMETHEUS",
    show_envvar=True,
    required=True,
    help="The server that keeps the month.",
)
@click.option(
    "--retention", metavar="DURATION", help="How long the server keeps samples.  [default: the Platform's, or 15d]"
)
@click.option(
    "--state",
    metavar="URL_OR_PATH",
    envvar="TOCSIN_STATE",
    show_envvar=True,
    help="Where `tocsin serve` keeps its ledger: what that holds of the month is not asked of the server.",
)
@click.option("--out", metavar="DIR", required=True, help="Where the files go; the folder is made.")
@click.option("--pdf", is_flag=True, help="Print the HTML to PDF as well; needs chromium.")
def command(
    paths: tuple[str, ...],
    *,
    month: str | None,
    names: tuple[str, ...],
    prometheus: str,
    retention: str | None,
    state: str | None,
    out: str,
    pdf: bool,
) -> int:
    """Write the month's report of each SLA: HTML, JSON and CSV.

    Uptime with its exclusions, downtime by day, outages, the budget over the month, and the credit explained. A month
    that is not over is reported so far. Exit codes: 0 written, 1 findings in the definitions, 2 misuse, or the server
    does not answer, or --pdf without a browser.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from tocsin.adapters.browser import find_browser, print_pdf
    from tocsin.adapters.files import write_text
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.monthly.html import as_html
    from tocsin.monthly.texts import as_json, days_as_csv, outages_as_csv
    from tocsin.service.month import month_report

    kept = _retention(retention)
    period, browser = _period(month), find_browser() if pdf else ""
    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return 1
    slas = _chosen(definitions.workspace.slas, names)
    folder, now = Path(out), datetime.now(UTC)
    with _ledger(state) as ledger:
        months = [
            month_report(definitions.workspace, sla, period, prometheus, now, kept=kept, ledger=ledger) for sla in slas
        ]
    for sla, found in zip(slas, months, strict=True):
        stem = folder / f"{sla.name}-{found.name}"
        folder.mkdir(parents=True, exist_ok=True)
        texts = {
            ".html": as_html(found),
            ".json": as_json(found),
            ".csv": days_as_csv(found),
            "-outages.csv": outages_as_csv(found),
        }
        for ending, text in texts.items():
            write_text(f"{stem}{ending}", text)
        if pdf:
            print_pdf(browser, Path(f"{stem}.html"), Path(f"{stem}.pdf").resolve())
        click.echo(f"{stem}.html: {found.verdict}")
    return 0


@contextmanager
def _ledger(state: str | None) -> "Iterator[LedgerStore | None]":
    from contextlib import closing
    from pathlib import Path

    from tocsin.adapters.ledger_store import LedgerStore
    from tocsin.errors import MisuseError

    if state is None:
        yield None
        return
    if "://" not in state and not Path(state).is_file():  # nobody wants an empty one made
        raise MisuseError(f"--state: there is no file {state!r}", hint="give what `tocsin serve --state` was given")
    with closing(LedgerStore(state)) as ledger:
        yield ledger


def _period(month: str | None) -> "Period":
    from datetime import date

    from tocsin.errors import MisuseError
    from tocsin.service.month import Period

    if month is None:
        return Period(None)
    try:
        return Period(date.fromisoformat(f"{month}-01"))
    except ValueError as error:
        raise MisuseError(f"{month!r} is not a month", hint="write it as in 2026-10") from error


def _retention(text: str | None) -> "Duration | None":
    from tocsin.errors import MisuseError
    from tocsin.units import Duration, UnitError

    try:
        return None if text is None else Duration.parse(text)
    except UnitError as error:
        raise MisuseError(f"--retention: {error}") from error


def _chosen(slas: "Sequence[Sla]", names: Sequence[str]) -> "list[Sla]":
    from tocsin.errors import MisuseError

    known = {sla.name: sla for sla in slas}
    if unknown := [name for name in names if name not in known]:
        raise MisuseError(f"there is no SLA {unknown[0]!r}", hint=f"there is {', '.join(known) or 'none'}")
    if not known:
        raise MisuseError("there is no SLA in these definitions", hint="write one: docs/contracts.md")
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())
