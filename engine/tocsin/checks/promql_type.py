"""promql/type."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.expressions import Role
from tocsin.promql_syntax import Aggregation, Call, Expr, Number, Selector, Type, bare

_SELECTOR_HINT = 'write the selector alone, such as http_requests_total{job="shop"}: functions and windows are added'
_RATIO_HINT = "write the selector alone, or say where the window goes, such as sum(rate(http_requests_total[$window]))"
_USES = {Role.PANEL: "draw", Role.RECORDED: "record", Role.WINDOWED: "count", Role.INSTANT: "judge"}


@check("promql/type", apart=True)
def promql_type(subject: Subject) -> Iterator[Diagnostic]:
    """An expression has to give what its place needs.

    SLIs are made of plain selectors, because Tocsin puts its own windows behind them; a ratio may instead be any
    PromQL that says with `$window` where they go. Alerts and panels need one value per series; a range vector or a
    text can neither be compared nor drawn, and Prometheus says so only when it evaluates the rule.

    Bad: `total: sum(rate(http_requests_total[5m]))`, `expr: http_requests_total[5m]`

    Good: `total: http_requests_total`, `total: sum(rate(http_requests_total[$window]))`,
    `expr: rate(http_requests_total[5m]) > 10`
    """
    for expression, tree in subject.trees:
        given, inner = _given(tree), bare(tree)
        message = hint = None
        if expression.role is Role.SELECTOR:
            selector = _RATIO_HINT if "ratio" in expression.path[:-1] else _SELECTOR_HINT
            if not isinstance(inner, Selector):
                message, hint = f"an SLI needs a plain selector, not {given or 'a calculation'}", selector
            elif inner.metric is None:
                message, hint = "an SLI needs a selector that names its metric", selector
        elif expression.role is Role.SERIES and not isinstance(inner, Selector):
            message = f"absent needs a plain selector, not {given or 'a calculation'}"
            hint = 'write the series that has to be there, such as up{job="shop"}'
        elif given in {"a range vector", "a text"}:
            message = f"{given} has no value to {_USES.get(expression.role, 'compare')}"
            hint = "put a function around it, such as rate(…)" if given == "a range vector" else None
        if message:
            yield Diagnostic("promql/type", expression.span, message, hint=hint)


def _given(tree: Expr) -> str | None:
    inner = bare(tree)
    if inner.type is Type.MATRIX:
        return "a range vector"
    if inner.type is Type.STRING:
        return "a text"
    if isinstance(inner, Number):
        return "a number"
    if isinstance(inner, Call):
        return f"a call of {inner.name.value}()"
    return "an aggregation" if isinstance(inner, Aggregation) else None
