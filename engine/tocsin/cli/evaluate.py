"""`tocsin evaluate`: budgets, burn rates, contracts and alerts at one instant of a history, without a service."""

import click


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
    from tocsin.cli.history import chosen, history, show_fault, time_of
    from tocsin.definitions import read_definitions
    from tocsin.service.evaluated import as_json
    from tocsin.service.offline import evaluate, standing

    at = None if when is None else time_of("--at", when)
    url, file = chosen(prometheus, metrics)
    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return 1
    try:
        with history(url, file) as past:
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
