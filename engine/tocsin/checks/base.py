"""What a check is: a code, a manual page, and a function from the definitions to findings."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import getdoc
from typing import Any, TypeVar, cast

from tocsin.checks.reading.catalogue import catalogue
from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Document, Json
from tocsin.expressions import Expression, expressions
from tocsin.plan import Plan
from tocsin.promql_syntax import Emptiness, Expr, Fault, nodes, parse
from tocsin.workspace import Workspace

T = TypeVar("T")

PARTS = 8
LEAST = 1_000
"""Of so many expressions and more, the trees of an eighth are in memory at a time."""


@dataclass(frozen=True)
class Subject:
    """What is checked; parsed once for all checks."""

    workspace: Workspace
    plan: Plan
    findings: tuple[Diagnostic, ...] = ()
    """What reading and planning found already."""
    part: tuple[Expression, ...] | None = None
    """The expressions to look at, where they are not all."""
    _facts: dict[Callable[[Workspace], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, read: Callable[[Workspace], T]) -> T:
        """What *read* reads out of the workspace, computed once for all checks and parts."""
        if read not in self._facts:
            self._facts[read] = read(self.workspace)
        return cast("T", self._facts[read])

    def parts(self) -> Iterator["Subject"]:
        """The same with some of the expressions at a time, those of a document together."""
        of_document: dict[int, list[Expression]] = {}
        for expression in self.expressions:
            of_document.setdefault(id(expression.document), []).append(expression)
        enough, some = max(LEAST, len(self.expressions) // PARTS), list[Expression]()
        for more in of_document.values():
            some += more
            if len(some) >= enough:
                yield replace(self, part=tuple(some))
                some = []
        yield replace(self, part=tuple(some))

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
        return expressions(self.workspace) if self.part is None else self.part

    def trees_below(self, key: str) -> Iterator[tuple[Expression, Expr]]:
        """The texts below one key of documents that can be parsed."""
        some = ((each, parse(each.text)) for each in self.expressions if each.path[:1] == (key,))
        return ((expression, tree) for expression, tree in some if not isinstance(tree, Fault))

    @cached_property
    def parsed(self) -> tuple[tuple[Expression, Expr | Fault], ...]:
        """Every PromQL text with its tree, or with what is wrong with it."""
        return tuple((expression, parse(expression.text)) for expression in self.expressions)

    @cached_property
    def trees(self) -> tuple[tuple[Expression, Expr], ...]:
        """The texts that can be parsed."""
        return tuple((expression, tree) for expression, tree in self.parsed if not isinstance(tree, Fault))

    @cached_property
    def walked(self) -> tuple[tuple[Expression, tuple[Expr, ...]], ...]:
        """The texts that can be parsed, each with every node of its tree, outer ones first."""
        return tuple((expression, tuple(nodes(tree))) for expression, tree in self.trees)

    @cached_property
    def _emptiness(self) -> dict[int, Emptiness]:
        return {}

    def emptiness(self, expression: Expression) -> Emptiness:
        """What is known of parts of *expression* that never have a row."""
        if id(expression) not in self._emptiness:
            self._emptiness[id(expression)] = Emptiness(self.declared)
        return self._emptiness[id(expression)]

    @property
    def declared(self) -> Mapping[str, frozenset[str]]:
        """The labels of the series that services list below `metrics:`, where they list labels."""
        return self.once(_declared)


def _declared(workspace: Workspace) -> Mapping[str, frozenset[str]]:
    return {name: frozenset(each.metric.labels) for name, each in catalogue(workspace).items() if each.metric.labels}


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of mistake; *code* is `family/thing`, and the docstring of *run* is its manual page.

    What it finds is told only when somebody *asked* for it by giving it a severity: the check is a habit of some teams.
    A check that looks at the expressions of each definition *apart* is given some of them at a time, so that the trees
    of ten thousand objectives need not be in memory at once.
    """

    code: str
    run: Callable[[Subject], Iterator[Diagnostic]]
    asked: bool = False
    apart: bool = False

    @property
    def manual(self) -> str:
        """What it finds, why that is a mistake, and what to write instead."""
        return getdoc(self.run) or ""


def check(
    code: str, *, asked: bool = False, apart: bool = False
) -> Callable[[Callable[[Subject], Iterator[Diagnostic]]], Check]:
    """Make a check out of a function; it runs once it is listed in `CHECKS`."""
    return lambda run: Check(code, run, asked, apart)


def run_checks(checks: Iterable[Check], subject: Subject) -> Iterator[Diagnostic]:
    """All findings of all *checks*."""
    checks = tuple(checks)
    for each in checks:
        if not each.apart:
            yield from each.run(subject)
    for part in subject.parts():
        for each in checks:
            if each.apart:
                yield from each.run(part)
