"""sli/time."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.promql_syntax import RangeSelector, Selector, Subquery


@check("sli/time", apart=True)
def sli_time(subject: Subject) -> Iterator[Diagnostic]:
    """An SLI looks at the time at which it is asked.

    `@ 1609746000` looks at one moment for ever: whatever happens now changes nothing, and once that moment is older
    than what is kept, there is nothing. `@ end()` is the end of a query: the evaluator asks for many moments at once,
    and some kinds of SLI are looked at in a subquery, and all of these would be the last one.

    Bad: `bad: 'errors_total{job="shop"} @ 1609746000'`

    Good: `bad: 'errors_total{job="shop"}'`, or with `offset 5m` for what comes late
    """
    for expression, every in subject.walked:
        if expression.path[0] not in {"slis", "sli"}:
            continue
        for node in every:
            if isinstance(node, Selector | RangeSelector | Subquery) and node.at is not None:
                said = (
                    f"@ {node.at.edge}() is the same moment for every sample of a query"
                    if node.at.edge
                    else "this looks at one moment for ever, and what happens now changes nothing"
                )
                yield Diagnostic("sli/time", expression.inside(node.at), said, hint="leave out the @")
