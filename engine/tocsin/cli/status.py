"""`tocsin status`: how things stand, in the terminal."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tocsin.service.board import Standing
    from tocsin.service.shapes import Status


@click.command(
    "status",
    epilog="\b\nExamples:\n  tocsin status --url http://localhost:9911\n"
    "  tocsin status rules --prometheus http://localhost:9090",
)
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--url", metavar="URL", help="A running `tocsin serve`.")
@click.option(
    "--prometheus",
    metavar="URL",
    envvar="TOCSIN_PROMETHEUS",
    show_envvar=True,
    help="Evaluate the definitions in PATH once, against this server.",
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(paths: tuple[str, ...], *, url: str | None, prometheus: str | None, style: str) -> int:
    """Show objectives, budgets, journeys, SLAs and alerts.

    Asks a running service (--url), or evaluates PATH once in this process (--prometheus); a single look knows nothing
    of earlier ones, so an alert that must hold for a while shows as pending. Exit codes: 0 nothing critical, 1 a
    critical alert is open, a budget is spent or an SLA is breached, 2 nobody could tell.
    """
    from tocsin.errors import MisuseError
    from tocsin.service.shaping import status_of

    if paths and url is None:
        if prometheus is None:
            raise MisuseError("no metric source", hint="give --prometheus URL or set TOCSIN_PROMETHEUS")
        stands = _looked(paths, prometheus)
        if stands is None:
            return 1
        status, pending = status_of(stands), stands.pending_alerts()
    elif url is not None and not paths:
        status, pending = _asked(url), ()
    else:
        raise MisuseError("give either --url of a running service, or PATH with --prometheus", hint="tocsin status -h")
    if style == "json":
        click.echo(status.model_dump_json(by_alias=True, indent=2))
    else:
        from tocsin.cli.status_table import show

        show(status, pending=pending)
    return 1 if status.overall == "critical" else 0


def _asked(url: str) -> "Status":
    """What a running service says."""
    from tocsin.adapters.running import Running
    from tocsin.errors import UnavailableError
    from tocsin.service.shapes import Status

    service = Running(url)
    status = service.told("/api/v1/status", Status)
    if status.at is None:
        raise UnavailableError(f"{service.where} has not evaluated yet")
    return status


def _looked(paths: tuple[str, ...], prometheus: str) -> "Standing | None":
    """What one look finds; None where the definitions are wrong."""
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.service.once import look_once

    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return None
    return look_once(definitions.workspace, prometheus)
