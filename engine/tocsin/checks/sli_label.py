"""sli/label."""

from collections.abc import Iterator, Mapping

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.catalogue import Series, catalogue, known
from tocsin.diagnostics import Diagnostic, Span
from tocsin.expressions import Expression
from tocsin.plan.births import births_of
from tocsin.promql_syntax import Selector, parse
from tocsin.sli import BIRTHS_LABEL
from tocsin.spec import Slo
from tocsin.workspace import Workspace


@check("sli/label", apart=True)
def sli_label(subject: Subject) -> Iterator[Diagnostic]:
    """Series whose births are counted have no label `slo_ref`.

    The first errors of a new series are recorded with the labels of the series, and with `slo_ref` for the objective
    that they belong to. A label of that name would be overwritten: series that differ in nothing else could not be
    recorded, and an objective divided by it would miss every birth.

    Bad: `total: 'requests_total{slo_ref="a"}'`, `group_by: [slo_ref]`

    Good: another name for the label, by `labeldrop` or `replace` below `metric_relabel_configs`; or
    `guards: {new_series: {enabled: false, reason: …}}`
    """
    metrics = subject.once(_labelled)
    for expression in subject.expressions:
        said = metrics or BIRTHS_LABEL in expression.text  # looked at first, because it is cheap
        if said and expression.path[0] == "slis" and _counting(subject, expression):
            yield from _of_series(expression, metrics)
    for slo in subject.once(_divided):
        yield from _of_group(subject, slo)


def _labelled(workspace: Workspace) -> Mapping[str, Series]:
    """The series that are said to have the label."""
    return {name: each for name, each in catalogue(workspace).items() if BIRTHS_LABEL in each.metric.labels}


def _divided(workspace: Workspace) -> tuple[Slo, ...]:
    """The objectives that are divided by the label and count births."""
    every = (slo for service in workspace.services for slo in service.slos if BIRTHS_LABEL in slo.by)
    return tuple(slo for slo in every if births_of(slo) is not None)


def _counting(subject: Subject, expression: Expression) -> bool:
    """Whether an objective counts births of what *expression* selects."""
    value = expression.document.value
    owner = value.get("name") if isinstance(value, dict) else None
    slos = (slo for service in subject.workspace.services if service.name == owner for slo in service.slos)
    return any(slo.sli_name == expression.path[1] and births_of(slo) is not None for slo in slos)


def _of_series(expression: Expression, metrics: Mapping[str, Series]) -> Iterator[Diagnostic]:
    node = parse(expression.text)
    if not isinstance(node, Selector):
        return
    matched = next((matcher.label for matcher in node.matchers if matcher.label.value == BIRTHS_LABEL), None)
    if matched is not None:
        yield _told(expression.inside(matched), "these series cannot have it")
    elif of := known(node, metrics):
        yield _told(expression.inside(node), f"{of.metric.name} cannot have it", (of.metric.span, "its labels"))


def _of_group(subject: Subject, slo: Slo) -> Iterator[Diagnostic]:
    """Told with the expressions of its own document, so that it is told once."""
    document = subject.document("Service", slo.service)
    written = document.at(("slos", slo.name, "group_by")) if document is not None else None
    if document is None or not isinstance(written, list):
        return
    if any(each.document is document for each in subject.expressions):
        place = document.span(("slos", slo.name, "group_by", written.index(BIRTHS_LABEL)))
        yield _told(place, "an objective cannot be divided by it")


def _told(place: Span, why: str, *related: tuple[Span, str]) -> Diagnostic:
    return Diagnostic(
        "sli/label",
        place,
        f"{BIRTHS_LABEL} is the label by which Tocsin records the births of series, so {why}",
        hint="rename it in the series, or turn the guard new_series off with a reason",
        related=related,
    )
