"""`tocsin check`: everything that is wrong with definitions, all at once."""

import logging

import click

from tocsin.cli.options import Seconds
from tocsin.report import FORMATS

log = logging.getLogger(__name__)


@click.command(
    "check",
    epilog="\b\nExamples:\n  tocsin check rules\n  tocsin check rules --format sarif > tocsin.sarif\n"
    "  tocsin check rules --no-promtool",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True)
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
    promtool: str | None,
    no_promtool: bool,
    deadline: float,
) -> None:
    """Find everything that is wrong with the definitions at or below PATH.

    Schemas, names and references, PromQL, burn-rate arithmetic, and what promtool says about the compiled rules and
    configuration. Findings are printed in file order; warnings and notes do not make the exit code 1.
    """
    from tocsin.adapters.promtool import find_promtool
    from tocsin.cli.judging import judged, manuals
    from tocsin.definitions import read_definitions
    from tocsin.errors import UnavailableError
    from tocsin.report import has_errors, summary

    definitions = read_definitions(paths)
    log.info("read %d files: %s", len(definitions.texts), ", ".join(definitions.texts))
    missing: UnavailableError | None = None
    findings = definitions.findings
    try:
        if not no_promtool:
            tool = find_promtool(promtool, deadline=deadline)
            log.info("asking promtool %s at %s", ".".join(map(str, tool.version)), tool.binary)
            findings = judged(definitions, tool)
    except UnavailableError as error:  # say what can be said without it, and then that it is missing
        missing = error
    click.echo(FORMATS[format_](findings, definitions.texts, manuals()), nl=False)
    if format_ == "text":
        said = summary(findings, len(definitions.texts), unfinished="promtool was not asked" if missing else "")
        click.echo(("\n" if findings else "") + said, err=True)
    if missing is not None:
        raise missing
    ctx.exit(1 if has_errors(findings) else 0)
