"""promql/irate."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import Call


@check("promql/irate", apart=True)
def promql_irate(subject: Subject) -> Iterator[Diagnostic]:
    """An alert should look at a rate over its whole range, and so should an SLI.

    `irate()` looks at the last two samples alone, so what an alert sees depends on the moment of its evaluation, and
    one calm pair of samples ends its `for`. It is meant for graphs of fast counters. In an SLI it makes a window of a
    day look at the last two samples of that day, so most errors are never counted.

    Bad: `irate(http_errors_total[5m]) > 10`

    Good: `rate(http_errors_total[5m]) > 10`
    """
    for expression, every in subject.walked:
        if expression.role in {Role.CONDITION, Role.VALUE, Role.WINDOWED}:
            counts = expression.role is Role.WINDOWED
            for node in every:
                if isinstance(node, Call) and node.name.value in {"irate", "idelta"}:
                    better = "rate" if node.name.value == "irate" else "delta"
                    yield Diagnostic(
                        "promql/irate",
                        expression.inside(node.name),
                        f"{node.name.value}() looks at two samples only, so "
                        + (
                            "all other events of its window go uncounted"
                            if counts
                            else "the alert comes and goes with them"
                        ),
                        Severity.WARNING if counts else Severity.INFO,
                        hint=f"use {better}()",
                    )
