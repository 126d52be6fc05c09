"""What every command that reads definitions does first: files, workspace, plan, and all their findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from tocsin import report
from tocsin.adapters.files import read_sources
from tocsin.diagnostics import Diagnostic, Severity, in_file_order
from tocsin.plan import Plan, plan
from tocsin.workspace import Workspace, read_workspace


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that was read from the paths of a command line; *texts* are the files by path."""

    workspace: Workspace
    plan: Plan
    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]

    @property
    def wrong(self) -> bool:
        """Whether there is an error, so that nothing may be made of it."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def read_definitions(paths: Sequence[str]) -> Definitions:
    """Read and plan everything at or below *paths*; never stops at the first mistake."""
    sources, unread = read_sources(paths)
    workspace, misread = read_workspace(sources)
    planned, unplanned = plan(workspace)
    findings = in_file_order((*unread, *misread, *unplanned))
    return Definitions(workspace, planned, findings, {source.path: source.text for source in sources})


def show_findings(definitions: Definitions) -> None:
    """Print the findings, if there are any, with their source lines, on stderr."""
    if definitions.findings:
        click.echo(report.text(definitions.findings, definitions.texts), err=True)
        click.echo(report.summary(definitions.findings, len(definitions.texts)), err=True)
