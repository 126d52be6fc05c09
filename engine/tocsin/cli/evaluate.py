"""`tocsin evaluate`: budgets, burn rates, contracts and alerts at one instant of a history, without a service."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from tocsin.cli.history import History


@click.command(
    "evaluate",
    epilog="\b\nExamples:\n  tocsin evaluate rules --metrics history.om --format json\n"
    "  tocsin evaluate rules --prometheus http://localhost:9090 --at 2026-11-01T12:00:00Z",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--metrics", metavar="FILE.om", help="Samples in OpenMetrics with times; an embedded Prometheus reads it."
)
@click.option(
    "--prometheus",
    metavar="URL",
    envvar="TOCSIN_PROMETHEUS",
    show_envvar=True,
    help="Ask this server instead.",
)
@click.option(
    "--at", "when", metavar="TIME", help="When, in RFC 3339 or unix seconds.  [default: the last sample; now]"
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    paths: tuple[str, ...], *, metrics: str | None, prometheus: str | None, when: str | None, style: str
) -> int:
    """Evaluate the definitions in PATH at one instant of a history.

    Good and bad events are counted by the ledger over each objective's window; burn rates and alerts are those of the
    evaluator. Exit codes: 0 evaluated, whatever was found; 1 findings in the definitions or in the file of samples;
    2 misuse, a tool that is missing, or a server that does not answer.
    """
    from tocsin.adapters.openmetrics import MetricsError
    from tocsin.cli.findings import show_findings
    from tocsin.cli.history import check_defined, chosen, history, show_fault, time_of
    from tocsin.definitions import read_definitions
    from tocsin.service.evaluated import as_json
    from tocsin.service.offline import evaluate, standing

    at = None if when is None else time_of("--at", when)
    url, file = chosen(prometheus, metrics)
    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return 1
    check_defined(definitions.workspace, paths)
    try:
        with history(url, file) as past:
            _check(past, at or past.last)
            found = evaluate(definitions.workspace, past.source, at or past.last, first=past.first)
    except MetricsError as error:
        show_fault(error)
        return 1
    if style == "json":
        click.echo(as_json(found))
    else:
        from tocsin.cli.status_table import show
        from tocsin.service.shaping import status_of

        stands = standing(definitions.workspace, found)
        show(status_of(stands), pending=stands.pending_alerts(), unseen=found.unseen)
    return 0


def _check(past: "History", at: "datetime") -> None:
    """Refuse what no sample tells of; what is long after the last one is not known any more."""
    from tocsin.cli.history import LOOKBACK, TIME
    from tocsin.errors import MisuseError
    from tocsin.evaluate.words import span

    if past.first is not None and at < past.first:
        hint = f"they are from {past.first:{TIME}} to {past.last:{TIME}}"
        raise MisuseError(f"--at: there are no samples before {at:{TIME}}", hint=hint)
    if past.first is None and at - past.last > timedelta(minutes=1):
        raise MisuseError("--at lies in the future", hint=f"now it is {past.last:{TIME}}")
    if at - past.last > LOOKBACK:
        late = span(at - past.last)
        click.echo(f"note: the last sample is {late} before that, so nothing fires that needs one", err=True)
