"""`tocsin report`: what a contract came to in a month."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from tocsin.adapters.ledger_store import LedgerStore
    from tocsin.service.month import Period
    from tocsin.spec import Service, Sla


@click.command(
    "report",
    epilog="\b\nExample:\n  tocsin report rules --month 2026-10 --prometheus http://localhost:9090 --out reports",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--month", metavar="YYYY-MM", help="Calendar month in the contract's time zone.  [default: the last one]")
@click.option("--sla", "names", multiple=True, metavar="NAME", help="Only this contract; may be given several times.")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME",
    help="The objectives of this service, or of `all`, and only those contracts that --sla names.",
)
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    help="Whose calendar months those of services are; contracts say it.",
)
@click.option(
    "--prometheus",
    metavar="URL",
    envvar="TOCSIN_PROMETHEUS",
    show_envvar=True,
    required=True,
    help="The server that keeps the month.",
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
    services: tuple[str, ...],
    timezone: str,
    prometheus: str,
    state: str | None,
    out: str,
    pdf: bool,
) -> int:
    """Write the month's report of each SLA, or of services: HTML, JSON and CSV.

    Of an SLA: uptime with its exclusions, downtime by day, outages, the budget over the month, and the credit
    explained. Of a service: the good events and the budget of each objective, by day, and when the resources that its
    forecast alerts watch are used up. A month that is not over is
    reported so far. Exit codes: 0 written, 1 findings in the definitions, 2 misuse, or the server
    does not answer, or --pdf without a browser.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from tocsin.adapters.browser import find_browser
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.monthly.html import as_html, service_as_html
    from tocsin.monthly.texts import (
        as_json,
        capacity_as_csv,
        days_as_csv,
        outages_as_csv,
        service_as_csv,
        service_as_json,
    )
    from tocsin.service.month import month_report
    from tocsin.service.month_of_service import bounds_of, service_report

    period, browser = _period(month), find_browser() if pdf else ""
    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return 1
    workspace, now = definitions.workspace, datetime.now(UTC)
    bounds = bounds_of(period, _zone(timezone), now)
    chosen = _services(workspace.services, services)
    slas = _chosen(workspace.slas, names) if names or not services else []
    folder = Path(out)
    with _ledger(state) as ledger:
        months = [month_report(workspace, sla, period, prometheus, now, ledger=ledger) for sla in slas]
        others = [service_report(workspace, each, bounds, prometheus, ledger=ledger) for each in chosen]
    for sla, found in zip(slas, months, strict=True):
        texts = {
            ".html": as_html(found),
            ".json": as_json(found),
            ".csv": days_as_csv(found),
            "-outages.csv": outages_as_csv(found),
        }
        _write(folder / f"{sla.name}-{found.name}", texts, found.verdict, browser)
    for service, counted in zip(chosen, others, strict=True):
        texts = {
            ".html": service_as_html(counted),
            ".json": service_as_json(counted),
            ".csv": service_as_csv(counted),
        }
        if counted.capacity is not None:
            texts["-capacity.csv"] = capacity_as_csv(counted.capacity)
        _write(folder / f"service-{service.name}-{counted.name}", texts, counted.verdict, browser)
    return 0


def _write(stem: "Path", texts: Mapping[str, str], verdict: str, browser: str) -> None:
    from pathlib import Path

    from tocsin.adapters.browser import print_pdf
    from tocsin.adapters.files import write_text

    stem.parent.mkdir(parents=True, exist_ok=True)
    for ending, text in texts.items():
        write_text(f"{stem}{ending}", text)
    if browser:
        print_pdf(browser, Path(f"{stem}.html"), Path(f"{stem}.pdf").resolve())
    click.echo(f"{stem}.html: {verdict}")


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

    from tocsin.backtest.ticks import EARLIEST, LATEST
    from tocsin.errors import MisuseError
    from tocsin.service.month import Period

    if month is None:
        return Period(None)
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise MisuseError(f"{month!r} is not a month", hint="write it as in 2026-10") from error
    if not EARLIEST.date() <= first < LATEST.date():
        raise MisuseError(f"--month: there are no samples of {first.year}", hint="months are from 1980 to 2199")
    return Period(first)


def _chosen(slas: "Sequence[Sla]", names: Sequence[str]) -> "list[Sla]":
    from tocsin.errors import MisuseError

    known = {sla.name: sla for sla in slas}
    if unknown := [name for name in names if name not in known]:
        raise MisuseError(f"there is no SLA {unknown[0]!r}", hint=f"there is {', '.join(known) or 'none'}")
    if not known:
        raise MisuseError(
            "there is no SLA in these definitions", hint="write one (docs/contracts.md), or ask for --service all"
        )
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def _services(services: "Sequence[Service]", names: Sequence[str]) -> "list[Service]":
    from tocsin.errors import MisuseError
    from tocsin.service.capacity import forecasts

    known = {service.name: service for service in services if service.slos or forecasts((service,))}
    if unknown := [name for name in names if name not in known and name != "all"]:
        hint = f"there is {', '.join(known) or 'none'}"
        raise MisuseError(f"there is no service {unknown[0]!r} with an objective or a forecast", hint=hint)
    return list(known.values()) if "all" in names else [known[name] for name in dict.fromkeys(names)]


def _zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo

    from tocsin.errors import MisuseError

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise MisuseError(f"--timezone: there is no {name!r}", hint="write it as in Asia/Ho_Chi_Minh") from error
