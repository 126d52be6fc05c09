"""promql/type."""

from collections.abc import Iterator

import promql_parser as pp

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.expressions import Role

_SELECTOR_HINT = 'write the selector alone, such as http_requests_total{job="shop"}: functions and windows are added'
_RATIO_HINT = "write the selector alone, or say where the window goes, such as sum(rate(http_requests_total[$window]))"
_USES = {Role.PANEL: "draw", Role.WINDOWED: "count", Role.INSTANT: "judge"}

_USES = {Role.PANEL: "draw", Role.RECORDED: "record"}


@check("promql/type")
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
        given, bare = _given(tree), _bare(tree)
        message = hint = None
        if expression.role is Role.SELECTOR:
            selector = _RATIO_HINT if "ratio" in expression.path[:-1] else _SELECTOR_HINT
            if not isinstance(bare, pp.VectorSelector):
                message, hint = f"an SLI needs a plain selector, not {given or 'a calculation'}", selector
            elif bare.name is None:
                message, hint = "an SLI needs a selector that names its metric", selector
        elif expression.role is Role.SERIES and not isinstance(bare, pp.VectorSelector):
            message = f"absent needs a plain selector, not {given or 'a calculation'}"
            hint = 'write the series that has to be there, such as up{job="shop"}'
        elif given in {"a range vector", "a text"}:
            message = f"{given} has no value to {_USES.get(expression.role, 'compare')}"
            hint = "put a function around it, such as rate(…)" if given == "a range vector" else None
        if message:
            yield Diagnostic("promql/type", expression.span, message, hint=hint)


def _bare(tree: pp.Expr) -> pp.Expr:
    while isinstance(tree, pp.ParenExpr):
        tree = tree.expr
    return tree


def _given(tree: pp.Expr) -> str | None:
    bare = _bare(tree)
    if isinstance(bare, pp.MatrixSelector | pp.SubqueryExpr):
        return "a range vector"
    if isinstance(bare, pp.StringLiteral):
        return "a text"
    if isinstance(bare, pp.NumberLiteral):
        return "a number"
    if isinstance(bare, pp.Call):
        return f"a call of {bare.func.name}()"
    return "an aggregation" if isinstance(bare, pp.AggregateExpr) else None
