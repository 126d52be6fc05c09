"""An alert to its rule: condition, timing, labels and texts."""

from tocsin.plan.conditions import expression
from tocsin.plan.forecast import in_words
from tocsin.plan.model import AlertingRule
from tocsin.plan.overwritten import labels_given
from tocsin.ports import labels_of
from tocsin.spec import AlertRule, Forecast, Service
from tocsin.template import for_prometheus, verbatim


def alerting_rule(rule: AlertRule, service: Service, expr: str | None = None) -> AlertingRule:
    """One alert; what is given for Prometheus alone wins over what is written here. *expr* stands in for its own."""
    labels = labels_given(rule, service)
    texts = {
        "summary": for_prometheus(rule.summary, labels) or f"{rule.name} of {rule.service}",
        "description": for_prometheus(rule.description, labels),
        "runbook_url": verbatim(rule.runbook or service.runbook or ""),
        "source": verbatim(f"{rule.span.path}:{rule.span.line}"),
    }
    if isinstance(rule.condition, Forecast):
        texts["forecast"] = in_words(rule.condition)
    texts |= dict(rule.raw.annotations)
    return AlertingRule(
        alert=rule.called,
        ref=rule.ref,
        expr=expression(rule, labels) if expr is None else expr,
        for_=rule.for_,
        keep_firing_for=rule.keep_firing_for,
        labels=labels_of(labels),
        annotations=labels_of({name: text for name, text in texts.items() if text}),
        source=rule.span,
        raw=frozenset(name for name, _ in rule.raw.labels),
        notify=rule.notify,
    )
