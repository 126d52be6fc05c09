"""Threshold alerts to rules: the user's expression, compared with an exact number."""

from tocsin.plan.model import AlertingRule
from tocsin.ports import labels_of
from tocsin.spec import AlertRule, Service
from tocsin.template import for_prometheus, verbatim
from tocsin.units import literal


def alerting_rule(rule: AlertRule, service: Service) -> AlertingRule:
    """One alert; what is given for Prometheus alone wins over what is written here."""
    own = {"service": rule.service, "severity": rule.severity, "ref": rule.ref}
    labels = dict(service.labels) | dict(rule.labels) | own | dict(rule.raw.labels)
    texts = {
        "summary": for_prometheus(rule.summary, labels) or f"{rule.name} of {rule.service}",
        "description": for_prometheus(rule.description, labels),
        "runbook_url": verbatim(rule.runbook or service.runbook or ""),
        "source": verbatim(f"{rule.span.path}:{rule.span.line}"),
    } | dict(rule.raw.annotations)
    return AlertingRule(
        alert=rule.called,
        ref=rule.ref,
        expr=alert_expression(rule),
        for_=rule.for_,
        keep_firing_for=rule.keep_firing_for,
        labels=labels_of(labels),
        annotations=labels_of({name: text for name, text in texts.items() if text}),
        source=rule.span,
        raw=frozenset(name for name, _ in rule.raw.labels),
        notify=rule.notify,
    )


def alert_expression(rule: AlertRule) -> str:
    """The condition of *rule*: its plain expression, or its value strictly above or below the threshold.

    With `on_missing: fire` a value that has no row at all fires too.
    """
    if rule.value is None:
        return rule.expr.text.strip() if rule.expr else ""
    value = _bracketed(rule.value.text.strip())
    above, below = rule.above, rule.below
    conditions = [f"{value} > {literal(above)}"] if above is not None else []
    conditions += [f"{value} < {literal(below)}"] if below is not None else []
    if rule.on_missing == "fire":
        conditions.append(f"absent{value}")
    return "\nor ".join(conditions)


def _bracketed(expression: str) -> str:
    """In parentheses of its own lines where a comment or a line break could swallow what follows."""
    if "\n" in expression or "#" in expression:
        return "(\n  " + expression.replace("\n", "\n  ") + "\n)"
    return f"({expression})"
