"""alert/twin."""

from collections.abc import Iterator
from decimal import Decimal

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import canonical
from tocsin.spec import AlertRule, Plain, Threshold
from tocsin.units import Duration

_Key = tuple[str, Decimal | None, Decimal | None, Decimal | None, Duration]


@check("alert/twin")
def alert_twin(subject: Subject) -> Iterator[Diagnostic]:
    """Two alerts have two conditions.

    Alerts with the same expression, threshold and wait fire together, so one trouble is told twice. Expressions are
    compared by their meaning: blanks, brackets and the order of matchers make no difference. Two alerts that differ in
    how long they wait are left alone: the second may be for somebody else.

    Bad: `expr: up{job="shop"} == 0` in two alerts

    Good: one alert that names all channels
    """
    trees = {each.refs[0]: tree for each, tree in subject.trees_below("alerts") if each.refs}
    first: dict[_Key, AlertRule] = {}
    for alert in (alert for service in subject.workspace.services for alert in service.alerts):
        condition, tree = alert.condition, trees.get(alert.ref)
        if tree is None or not isinstance(condition, Threshold | Plain):
            continue
        bounds = (None, None, None)
        if isinstance(condition, Threshold):
            key: _Key = (canonical(tree), condition.above, condition.below, condition.clear, alert.for_)
        else:
            key = (canonical(tree), *bounds, alert.for_)
        other = first.setdefault(key, alert)
        if other is not alert:
            yield Diagnostic(
                "alert/twin",
                alert.span,
                f"{alert.ref} fires whenever {other.ref} does: both have the same condition",
                Severity.WARNING,
                hint="keep one of them",
                related=((other.span, "the other one"),),
            )
