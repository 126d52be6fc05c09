"""What a check is: a code, a manual page, and a function from the definitions to findings."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import getdoc

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Document, Json
from tocsin.expressions import Expression, expressions
from tocsin.plan import Plan
from tocsin.promql_syntax import Emptiness, Expr, Fault, nodes, parse
from tocsin.workspace import Workspace


@dataclass(frozen=True)
class Subject:
    """What is checked; parsed once for all checks."""

    workspace: Workspace
    plan: Plan
    findings: tuple[Diagnostic, ...] = ()
    """What reading and planning found already."""

    def is_wrong(self, definition: Span) -> bool:
        """Whether an error has been found inside *definition*: what follows from it need not be said."""
        return any(
            finding.severity is Severity.ERROR
            and finding.span.path == definition.path
            and definition.line <= finding.span.line <= definition.end_line
            for finding in self.findings
        )

    @cached_property
    def wrong(self) -> frozenset[str]:
        """The files in which an error has been found: what seems to be missing there may only be misspelt."""
        return frozenset(finding.span.path for finding in self.findings if finding.severity is Severity.ERROR)

    @cached_property
    def _documents(self) -> Mapping[tuple[Json, Json], Document]:
        found: dict[tuple[Json, Json], Document] = {}
        for document in (self.workspace.documents or {}).values():
            kind, name = document.at(("kind",)), document.at(("name",))
            if isinstance(kind, str) and isinstance(name, str):
                found.setdefault((kind, name), document)
        return found

    def document(self, kind: str, name: str) -> Document | None:
        """Find the document that defines *name*."""
        return self._documents.get((kind, name))

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """Every PromQL text."""
        return expressions(self.workspace)

    @cached_property
    def parsed(self) -> tuple[tuple[Expression, Expr | Fault], ...]:
        """Every PromQL text with its tree, or with what is wrong with it."""
        return tuple((expression, parse(expression.text)) for expression in self.expressions)

    @property
    def trees(self) -> Iterator[tuple[Expression, Expr]]:
        """The texts that can be parsed."""
        return ((expression, tree) for expression, tree in self.parsed if not isinstance(tree, Fault))

    @cached_property
    def walked(self) -> tuple[tuple[Expression, tuple[Expr, ...]], ...]:
        """The texts that can be parsed, each with every node of its tree, outer ones first."""
        return tuple((expression, tuple(nodes(tree))) for expression, tree in self.trees)

    @cached_property
    def _emptiness(self) -> dict[int, Emptiness]:
        return {}

    def emptiness(self, expression: Expression) -> Emptiness:
        """What is known of parts of *expression* that never have a row."""
        return self._emptiness.setdefault(id(expression), Emptiness())


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of mistake; *code* is `family/thing`, and the docstring of *run* is its manual page.

    What it finds is told only when somebody *asked* for it by giving it a severity: the check is a habit of some teams.
    """

    code: str
    run: Callable[[Subject], Iterator[Diagnostic]]
    asked: bool = False

    @property
    def manual(self) -> str:
        """What it finds, why that is a mistake, and what to write instead."""
        return getdoc(self.run) or ""


def check(code: str, *, asked: bool = False) -> Callable[[Callable[[Subject], Iterator[Diagnostic]]], Check]:
    """Make a check out of a function; it runs once it is listed in `CHECKS`."""
    return lambda run: Check(code, run, asked)


def run_checks(checks: Iterable[Check], subject: Subject) -> Iterator[Diagnostic]:
    """All findings of all *checks*."""
    for each in checks:
        yield from each.run(subject)
