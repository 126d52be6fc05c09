"""alert/overwritten."""

from collections.abc import Iterator, Mapping

from tocsin.checks.alert_label import labels_left
from tocsin.checks.base import Subject, check
from tocsin.checks.reading.alerts import alerts_read
from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.expressions import Expression
from tocsin.plan.overwritten import carried_over, labels_given, overwritten, telling
from tocsin.promql_syntax import Aggregation, Expr, flow, nodes
from tocsin.schema.words import listed
from tocsin.spec import AlertRule, Anomaly, Forecast, Plain, Threshold


@check("alert/overwritten", apart=True)
def alert_overwritten(subject: Subject) -> Iterator[Diagnostic]:
    """What tells the rows of an alert apart is not a label that the alert sets itself.

    Prometheus puts the labels of a rule (`service`, `severity`, `ref`, those below `labels:`) over those of its rows.
    Two rows that differ in nothing else are one alert then, so the rule fails as soon as both are beyond the bound, and
    nobody is told. With `clear_below` or `clear_above` such rows are one, the worst of them.

    It is an error where the rows differ in such labels alone, a warning where they have other labels too, or where
    `metrics:` lists such a label. Metrics whose labels nobody lists are not judged. Keep the label, carry it over into
    another one, or add up over it.

    Bad: `value: max by (service) (queue_depth)`

    Good: the same with `prometheus: {labels: {service: "{{ $labels.service }}"}}`, or `max(queue_depth)`
    """
    for expression, tree, alert, service in alerts_read(subject):
        if isinstance(alert.condition, Threshold | Plain | Forecast | Anomaly):
            yield from _of(subject, alert, labels_given(alert, service), expression, tree)


def _of(
    subject: Subject, alert: AlertRule, labels: Mapping[str, str], expression: Expression, tree: Expr
) -> Iterator[Diagnostic]:
    rows = flow(tree, subject.declared)
    over = overwritten(labels, alert.raw.labels)
    if isinstance(alert.condition, Threshold) and alert.condition.clear is not None:
        for label in sorted(telling(tree, rows, over.mixed)):
            yield Diagnostic(
                "alert/overwritten",
                _place(expression, tree, label),
                f"rows of {alert.ref} may differ in {label}, which cannot be read again from the labels of its alerts, "
                "so it is not known which of them fire until they clear",
                Severity.ERROR,
                hint=f"copy it as it is: prometheus: {{labels: {{of_{label}: '{{{{ $labels.{label} }}}}'}}}}",
            )
    known = labels_left(tree, subject.declared)
    known = known if known is not None else rows.only or frozenset()
    lost = sorted((telling(tree, rows, over.lost) & known) - carried_over(tree))
    if not lost:
        return
    others = telling(tree, rows, rows.only - over.lost) if rows.only is not None else {"any"}
    said = f"{listed([f'{label} ({_shown(labels, label, alert)})' for label in lost], 'and')}"
    message = f"rows of {alert.ref} that differ only in {said} are one alert to Prometheus, and the rule fails"
    if isinstance(alert.condition, Threshold) and alert.condition.clear is not None:
        message = f"rows of {alert.ref} that differ only in {said} are one alert"
    place, severity = _place(expression, tree, lost[0]), Severity.WARNING if others else Severity.ERROR
    yield Diagnostic("alert/overwritten", place, message, severity, hint=_hint(lost[0]))


def _shown(labels: Mapping[str, str], label: str, alert: AlertRule) -> str:
    return f"which its alerts have as {labels.get(label, alert.called)!r}"


def _hint(label: str) -> str:
    if label == "service":
        return "keep it: prometheus: {labels: {service: '{{ $labels.service }}'}}"
    if label in {"alertname", "ref"}:
        return f'name it otherwise: label_replace(…, "of_{label}", "$1", "{label}", "(.*)")'
    return f"copy it: prometheus: {{labels: {{of_{label}: '{{{{ $labels.{label} }}}}'}}}}, or add up over it"


def _place(expression: Expression, tree: Expr, label: str) -> Span:
    """The grouping by *label*, or all of the expression."""
    for node in nodes(tree):
        if isinstance(node, Aggregation) and node.grouping is not None and not node.grouping.without:
            for name in node.grouping.labels:
                if name.value == label:
                    return expression.inside(name)
    return expression.span
