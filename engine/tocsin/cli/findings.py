"""Findings of definitions on the terminal, for commands that do something else with them."""

import click

from tocsin import report
from tocsin.definitions import Definitions


def show_findings(definitions: Definitions) -> None:
    """Print the findings, if there are any, with their source lines, on stderr."""
    if definitions.findings:
        click.echo(report.text(definitions.findings, definitions.shown), err=True)
        click.echo(report.summary(definitions.findings, len(definitions.texts)), err=True)
