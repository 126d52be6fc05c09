"""alert/label."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.alerts import alerts_read
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.document import Document, Path
from tocsin.promql_syntax import (
    CHOOSING,
    NOTHING_DECLARED,
    Aggregation,
    Binary,
    Call,
    Declared,
    Expr,
    Parens,
    RangeSelector,
    Selector,
    Subquery,
    Type,
    Unary,
)
from tocsin.schema.words import did_you_mean, listed
from tocsin.spec import AlertRule, Plain, Threshold

_USED = re.compile(r"\{\{[^{}]*?\$?\blabels\.([A-Za-z_][A-Za-z0-9_]*)")
_SCRAPED = frozenset({"job", "instance", "le", "quantile", "__name__"})
_RELABEL = frozenset({"label_replace", "label_join", "absent", "absent_over_time", "info", "vector"})


@check("alert/label", apart=True)
def alert_label(subject: Subject) -> Iterator[Diagnostic]:
    """A text of an alert names labels that its rows have.

    `sum by (job)` leaves the label job and nothing else, and a metric below `metrics:` has the labels that stand there.
    A text that names another one has a hole where people look for the name of what is broken.

    Bad: `value: sum by (job) (queue_depth)` with `summary: "{{ labels.instance }} is full"`

    Good: `value: sum by (job, instance) (queue_depth)`
    """
    for expression, tree, alert, service in alerts_read(subject):
        if not isinstance(alert.condition, Threshold | Plain):
            continue
        left = labels_left(tree, subject.declared)
        if left is not None:
            own = {*dict(service.labels), *dict(alert.labels), *dict(alert.raw.labels)}
            known = left | own | {"service", "severity", "ref", "alertname"}
            yield from _missing(expression.document, alert, left, known)


def _missing(document: Document, alert: AlertRule, left: frozenset[str], known: frozenset[str]) -> Iterator[Diagnostic]:
    for path in _texts(document, alert):
        text = document.at(path)
        for match in _USED.finditer(text) if isinstance(text, str) else ():
            if match[1] not in known:
                has = f"it leaves {listed(sorted(left), 'and')}" if left else "it leaves none"
                yield Diagnostic(
                    "alert/label",
                    document.inside(path, *match.span(1)),
                    f"the expression of {alert.ref} leaves no label {match[1]}",
                    Severity.WARNING,
                    hint=did_you_mean(match[1], left) or f"{has}; add it to by (…)",
                )


def _texts(document: Document, alert: AlertRule) -> Iterator[Path]:
    yield from (("alerts", alert.name, key) for key in ("summary", "description"))
    annotations: Path = ("alerts", alert.name, "prometheus", "annotations")
    found = document.at(annotations)
    yield from ((*annotations, key) for key in (found if isinstance(found, dict) else ()))


def labels_left(tree: Expr, declared: Declared = NOTHING_DECLARED) -> frozenset[str] | None:
    """The labels that rows of *tree* can have; None where that depends on series whose labels nobody *declared*."""
    if isinstance(tree, RangeSelector):
        return labels_left(tree.selector, declared)
    if isinstance(tree, Selector):
        asked = {matcher.label.value for matcher in tree.matchers}
        return declared[tree.metric] | asked | _SCRAPED if tree.metric and tree.metric in declared else None
    if isinstance(tree, Aggregation):
        return _aggregated(tree, declared)
    if isinstance(tree, Binary):
        return _combined(tree, declared)
    if isinstance(tree, Parens | Unary | Subquery):
        return labels_left(tree.expr, declared)
    if isinstance(tree, Call) and tree.name.value not in _RELABEL:
        rows = [each for each in tree.arguments if each.type in {Type.VECTOR, Type.MATRIX}]
        inner = labels_left(rows[0], declared) if rows else None
        return inner - {"le"} if inner is not None and tree.name.value == "histogram_quantile" else inner
    return None


def _aggregated(tree: Aggregation, declared: Declared) -> frozenset[str] | None:
    inner = labels_left(tree.expr, declared)
    if tree.op in CHOOSING:
        return inner
    if tree.op == "count_values":
        return None
    if tree.grouping is None:
        return frozenset()
    if tree.grouping.without:
        return inner - tree.grouping.names if inner is not None else None
    return tree.grouping.names if inner is None else tree.grouping.names & inner


def _combined(tree: Binary, declared: Declared) -> frozenset[str] | None:
    if tree.left.type is Type.SCALAR:
        return labels_left(tree.right, declared)
    left, matching = labels_left(tree.left, declared), tree.matching
    if tree.right.type is Type.SCALAR or tree.op in {"and", "unless"}:
        return left
    if tree.op == "or":
        right = labels_left(tree.right, declared)
        return left | right if left is not None and right is not None else None
    if matching is not None and matching.group:
        many = left if matching.group == "left" else labels_left(tree.right, declared)
        return many | {name.value for name in matching.include} if many is not None else None
    if matching is not None and matching.on:
        return matching.names
    return left - matching.names if left is not None and matching is not None else left
