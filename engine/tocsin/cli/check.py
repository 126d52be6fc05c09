"""`tocsin check`: everything that is wrong with definitions, all at once."""

import logging

import click

from tocsin.cli.options import Seconds
from tocsin.report import FORMATS

log = logging.getLogger(__name__)

_LEVELS = ("error", "warning", "info")


@click.command(
    "check",
    epilog="\b\nExamples:\n  tocsin check rules\n  tocsin check rules --format sarif > tocsin.sarif\n"
    "  tocsin check rules --fix --diff\n  tocsin check rules --baseline known.json --fail-on warning\n"
    "  tocsin check rules --prometheus http://localhost:9090",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option("--severity", multiple=True, metavar="CODE=LEVEL",
              help="How bad a finding is in this run: off, info, warning or error.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(_LEVELS), default="error", show_default=True,
              help="Exit with 1 for findings that are as bad as this.")  # fmt: skip
@click.option("--baseline", metavar="FILE", help="Tell only what is not in this baseline.")
@click.option("--write-baseline", metavar="FILE", help="Write down what is found now, and exit with 0.")
@click.option("--fix", is_flag=True, help="Make the safe fixes in the files.")
@click.option("--diff", is_flag=True, help="Show the safe fixes, change nothing, and exit with 1 if there are any.")
@click.option("--prometheus", metavar="URL", help="Ask this server too: series, labels, buckets, types, cost.")
@click.option("--promtool", metavar="FILE", help="The promtool to use; else $TOCSIN_PROMTOOL, else the one on PATH.")
@click.option("--no-promtool", is_flag=True, help="Do without promtool: quicker, and less sure about PromQL.")
@click.option("--deadline", type=Seconds(), default=120.0, show_default=True, metavar="SECONDS",
              help="How long one call of promtool may take.")  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    format_: str,
    severity: tuple[str, ...],
    fail_on: str,
    baseline: str | None,
    write_baseline: str | None,
    fix: bool,
    diff: bool,
    prometheus: str | None,
    promtool: str | None,
    no_promtool: bool,
    deadline: float,
) -> None:
    """Find everything that is wrong with the definitions at or below PATH.

    Schemas, names and references, PromQL, burn-rate arithmetic, and what promtool says about the compiled rules and
    configuration. Findings are printed in file order; warnings and notes do not make the exit code 1.

    A comment hides a warning or note in its line: # tocsin: ignore CODE: why. `tocsin rule CODE` explains a code.
    """
    from tocsin.cli import checking
    from tocsin.definitions import read_definitions
    from tocsin.diagnostics import Severity
    from tocsin.report import at_least

    definitions = read_definitions(paths)
    log.info("read %d files: %s", len(definitions.texts), ", ".join(definitions.texts))
    if fix or diff:
        definitions, changed = checking.fixed(definitions, write=fix and not diff, show=diff)
        if diff:
            ctx.exit(1 if changed else 0)
    run = checking.Run(severities=checking.severities(severity), paths=paths)
    run.ask_promtool(definitions, None if no_promtool else checking.Tool(promtool, deadline))
    if prometheus is not None:
        run.ask_prometheus(definitions, prometheus)
    if write_baseline is not None:
        run.write_baseline(definitions, write_baseline)
        run.end(ctx, 0)
    findings = run.settled(definitions, baseline)
    checking.print_findings(findings, definitions.shown, format_, run.unfinished)
    run.end(ctx, 1 if at_least(checking.told(findings), Severity(fail_on)) else 0)
