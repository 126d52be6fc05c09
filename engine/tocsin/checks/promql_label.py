"""promql/label."""

import difflib
from collections.abc import Iterator, Mapping

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.catalogue import Series, catalogue, known
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Binary, Call, Expr, Name, Selector, nodes

_EVERYWHERE = frozenset({"__name__", "job", "instance", "le", "quantile"})
_WRITING = frozenset({"label_replace", "label_join", "info"})


@check("promql/label", apart=True)
def promql_label(subject: Subject) -> Iterator[Diagnostic]:
    """A label that is matched, grouped or joined by has to be one that the metric has.

    A matcher on a label that no series has finds nothing (or, negated, everything), grouping by it gives one row for
    all, and `without` or `ignoring` leave everything as it was. Labels come from the `metrics:` of the services;
    metrics whose labels are not listed are not judged. `job`, `instance`, external labels and the labels of histograms
    are known.

    Bad: `http_requests_total{status="500"}` where the metric has the labels `code` and `method`

    Good: `http_requests_total{code="500"}`
    """
    series = {name: each for name, each in subject.once(catalogue).items() if each.metric.labels}
    platform = subject.workspace.platform
    more = frozenset(platform.prometheus.external_labels) if platform else frozenset[str]()
    for expression, every in subject.walked:
        for node in every:
            for name, of in _unknown(node, series, _EVERYWHERE | more):
                close = difflib.get_close_matches(name.value, of.metric.labels, n=1, cutoff=0.5)
                yield Diagnostic(
                    "promql/label",
                    expression.inside(name),
                    f"{of.metric.name} has no label {name.value}",
                    Severity.WARNING,
                    hint=f"did you mean {close[0]}?" if close else f"it has {', '.join(of.metric.labels)}",
                    related=((of.metric.span, "its labels"),),
                )


def _unknown(node: Expr, series: Mapping[str, Series], everywhere: frozenset[str]) -> Iterator[tuple[Name, Series]]:
    """Labels of *node* that there are not, with the metric that lacks them."""
    if isinstance(node, Selector):
        of = known(node, series)
        if of is not None:
            labels = everywhere | set(of.metric.labels)
            yield from ((m.label, of) for m in node.matchers if m.label.value not in labels)
    elif isinstance(node, Aggregation) and node.grouping is not None:
        yield from _beyond(node.grouping.labels, (node.expr,), series, everywhere)
    elif isinstance(node, Binary) and node.matching is not None:
        yield from _beyond(node.matching.labels, (node.left, node.right), series, everywhere)


def _beyond(
    labels: tuple[Name, ...], inside: tuple[Expr, ...], series: Mapping[str, Series], everywhere: frozenset[str]
) -> Iterator[tuple[Name, Series]]:
    """Those of *labels* that no metric below *inside* has, if all of these are known."""
    every = [each for tree in inside for each in nodes(tree)]
    if not labels or any(_adds_labels(each) for each in every):
        return
    selected = [known(each, series) for each in every if isinstance(each, Selector)]
    found = [each for each in selected if each is not None]
    if found and len(found) == len(selected):
        there = everywhere.union(*(each.metric.labels for each in found))
        yield from ((label, found[0]) for label in labels if label.value not in there)


def _adds_labels(node: Expr) -> bool:
    return (
        (isinstance(node, Call) and node.name.value in _WRITING)
        or (isinstance(node, Binary) and node.matching is not None and bool(node.matching.include))
        or (isinstance(node, Aggregation) and node.op == "count_values")
    )
