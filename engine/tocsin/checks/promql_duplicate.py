"""promql/duplicate."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Binary, Expr, Name, Selector


@check("promql/duplicate", apart=True)
def promql_duplicate(subject: Subject) -> Iterator[Diagnostic]:
    """A label stands once in a list, and a matcher once between braces.

    Prometheus takes the second for nothing. It is a slip of the pen at best, and often another label was meant.

    Bad: `sum by (job, code, job) (x)`, `up{job="shop",job="shop"}`

    Good: `sum by (job, code) (x)`
    """
    for expression, every in subject.walked:
        for node in every:
            for name in _twice(node):
                said = f"{name.value} stands here twice"
                yield Diagnostic("promql/duplicate", expression.inside(name), said, Severity.WARNING)


def _twice(node: Expr) -> Iterator[Name]:
    if isinstance(node, Aggregation) and node.grouping is not None:
        yield from _repeated(node.grouping.labels)
    elif isinstance(node, Binary) and node.matching is not None:
        yield from _repeated(node.matching.labels)
        yield from _repeated(node.matching.include)
    elif isinstance(node, Selector):
        seen: set[tuple[str, str, str]] = set()
        for matcher in node.matchers:
            if matcher.said in seen:
                yield matcher.label
            seen.add(matcher.said)


def _repeated(names: tuple[Name, ...]) -> Iterator[Name]:
    seen: set[str] = set()
    for name in names:
        if name.value in seen:
            yield name
        seen.add(name.value)
