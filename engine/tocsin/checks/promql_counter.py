"""promql/counter."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.catalogue import catalogue, known
from tocsin.checks.reading.compared import compared
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Expr, Selector, bare

_TRANSPARENT = frozenset({"sum", "max", "min", "avg"})


@check("promql/counter", apart=True)
def promql_counter(subject: Subject) -> Iterator[Diagnostic]:
    """A counter is compared by its rate or its increase, not as it is.

    A counter only grows, until its target restarts and it begins at 0 again. An alert on its value fires some day for
    certain and stays until the restart, and says nothing about now. Types come from the `metrics:` of the services.
    Whether it is above 0, which asks if something ever happened, may be asked.

    Bad: `http_errors_total > 100`

    Good: `increase(http_errors_total[5m]) > 100`
    """
    series = subject.once(catalogue)
    for each in compared(subject):
        selector = _selected(each.value)
        of = known(selector, series) if selector is not None and each.alerts else None
        if selector is not None and of is not None and of.type == "counter" and each.bound != 0:
            name = selector.metric or ""
            yield Diagnostic(
                "promql/counter",
                each.expression.inside(selector),
                f"{name} is a counter: it grows until its target restarts, whatever happens now",
                Severity.WARNING,
                hint=f"compare increase({name}[5m]) or rate({name}[5m])",
                related=((of.metric.span, "its type"),),
            )


def _selected(node: Expr) -> Selector | None:
    """The selector that *node* is, added up or not."""
    node = bare(node)
    while isinstance(node, Aggregation) and node.op in _TRANSPARENT:
        node = bare(node.expr)
    return node if isinstance(node, Selector) else None
