"""The definitions that the evaluator runs on, read from disk at start and at every reload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.adapters.files import read_sources
from tocsin.diagnostics import Diagnostic, Severity, in_file_order
from tocsin.plan import plan
from tocsin.workspace import Workspace, read_workspace


@dataclass(frozen=True, slots=True)
class Definitions:
    """What was read; *texts* are the files by path, for showing findings."""

    workspace: Workspace
    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that forbid to use it."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)


def read_definitions(paths: Sequence[str]) -> Definitions:
    """Read everything at or below *paths*; never stops at the first mistake."""
    sources, unread = read_sources(paths)
    workspace, misread = read_workspace(sources)
    _, unplanned = plan(workspace)
    findings = in_file_order((*unread, *misread, *unplanned))
    return Definitions(workspace, findings, {source.path: source.text for source in sources})
