"""The definitions that a command or the evaluator runs on: files, workspace, plan, and all that is wrong with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.adapters.files import read_sources
from tocsin.checks import CHECKS, Subject, run_checks
from tocsin.diagnostics import Diagnostic, Severity, in_file_order
from tocsin.plan import Plan, plan
from tocsin.workspace import Source, Workspace, read_workspace


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that was read and can be said without promtool; *texts* are the files by path."""

    workspace: Workspace
    plan: Plan
    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that forbid to use them."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)


def read_definitions(paths: Sequence[str]) -> Definitions:
    """Read, plan and check everything at or below *paths*; never stops at the first mistake."""
    return definitions_of(*read_sources(paths))


def definitions_of(sources: Sequence[Source], unread: Iterable[Diagnostic] = ()) -> Definitions:
    """Plan and check *sources*; *unread* is what was found while reading them."""
    workspace, misread = read_workspace(sources)
    planned, unplanned = plan(workspace)
    found = in_file_order((*unread, *misread, *unplanned))
    findings = each_once((*found, *run_checks(CHECKS, Subject(workspace, planned, found))))
    return Definitions(workspace, planned, findings, {source.path: source.text for source in sources})


def each_once(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In file order, each fault once.

    Two tiers or two rules may show it at one place with the same words. What is no JSON value is not told again as no
    threshold, and what is wrong in a definition is not told again as what promtool says of the rule made from it.
    """
    first = {(f.code, f.span, f.message): f for f in reversed(tuple(findings))}
    no_values = {f.span for f in first.values() if f.code.startswith("yaml/") and f.severity is Severity.ERROR}
    wrong = {_line(f) for f in first.values() if f.severity is Severity.ERROR and not f.code.startswith("promtool/")}
    return in_file_order(
        f
        for f in first.values()
        if (f.code.startswith("yaml/") or f.span not in no_values)
        and not (f.code.startswith("promtool/") and _line(f) in wrong)
    )


def _line(finding: Diagnostic) -> tuple[str, int]:
    return finding.span.path, finding.span.line
