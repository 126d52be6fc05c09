"""`tocsin explain`: what one objective, alert, journey or contract means in windows, minutes and rules."""

import click


@click.command(
    "explain",
    epilog="\b\nExamples:\n  tocsin explain be-camera/uptime rules\n  tocsin explain be-camera/HighCpuUsage rules\n"
    "  tocsin explain alert 28e0a58fa58975f257b57d0ac7153a1887d16521 --url http://localhost:9911",
)
@click.argument("ref", metavar="REF")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--url", metavar="URL", default="http://127.0.0.1:9911", help="With `alert ID`: a running `tocsin serve`."
)
@click.option("--rules", "show_rules", is_flag=True, help="Print the expression of every rule.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--chart", metavar="FILE.svg", help="Draw the detection times of an objective's tiers.")
def command(ref: str, paths: tuple[str, ...], *, url: str, show_rules: bool, style: str, chart: str | None) -> int:
    """Explain REF (service/slo, service/alert, journey/slo or the name of a contract).

    `tocsin explain alert ID` explains one episode instead, of a running service (--url): why it did or did not notify,
    from what was seen to what each receiver answered. ID is that of the API, also the key at PagerDuty.

    Times are those of the model: a step from no errors to the given error ratio, constant traffic, a full window of
    history. Prometheus adds up to one scrape and one evaluation interval.
    """
    import json

    from tocsin.adapters.files import write_text
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions
    from tocsin.errors import MisuseError
    from tocsin.explain.chart import as_svg, lines_of
    from tocsin.explain.facts import facts
    from tocsin.explain.find import find
    from tocsin.explain.text import text_of

    if ref == "alert":
        from tocsin.cli.episode import explained

        click.echo(explained(url, paths, style), nl=False)
        return 0
    definitions = read_definitions(paths)
    show_findings(definitions)
    subject = find(ref, definitions.workspace)
    if chart is not None:
        if not (lines := lines_of(subject)):
            raise MisuseError(
                f"{ref} has no tiers to draw", hint="a chart is of an objective of a service or a journey"
            )
        write_text(chart, as_svg(lines, f"{ref}: time until each tier fires"))
    if style == "json":
        click.echo(json.dumps(facts(subject, definitions.plan), indent=2))
    else:
        click.echo(text_of(subject, definitions.plan, show_rules=show_rules), nl=False)
    return 1 if definitions.errors else 0
