"""alert/notify."""

from collections.abc import Iterator
from dataclasses import replace

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.expressions import definition
from tocsin.matchers import fulfilled
from tocsin.ports import Labels
from tocsin.workspace import Workspace


@check("alert/notify")
def alert_notify(subject: Subject) -> Iterator[Diagnostic]:
    """An alert has to reach somebody.

    An alert goes to the channels that it names (`notify`, of SLAs too; for objectives `page` and `ticket`), else to
    those of the first route that matches its labels. Where neither is, it fires and nobody hears of it. Said
    only in a workspace that has a Notifications document: without one, Prometheus' Alertmanager is what routes.

    Bad: an alert of severity `info` without `notify`, and one route with `match: {severity: critical}`

    Good: the same with a last route that matches everything: `match: {}`
    """
    workspace = subject.workspace
    if not workspace.notifications:
        return
    for ref, what, labels, span in sorted({*_planned(subject), *_evaluated(workspace)}, key=lambda each: each[3]):
        if not _routed(labels, workspace) and not subject.is_wrong(_whole(ref, span, workspace)):
            shown = ", ".join(f"{name}={value}" for name, value in labels if name in {"severity", "tier", "service"})
            yield Diagnostic(
                "alert/notify",
                span,
                f"{what} of {ref} reaches nobody: it names no channel, and no route matches {{{shown}}}",
                Severity.WARNING,
                hint="name channels here, or add a route that matches everything: {match: {}, to: […]}",
            )


def _whole(ref: str, span: Span, workspace: Workspace) -> Span:
    """From the definition's name to its end."""
    owner, _, name = ref.partition("/")
    document = definition(workspace, "Service", owner) or definition(workspace, "Journey", owner)
    for key in ("alerts", "slos"):
        if document and document.key_span((key, name)) == span:
            return replace(span, end_line=document.span((key, name)).end_line)
    return span


_Found = tuple[str, str, Labels, Span]


def _planned(subject: Subject) -> Iterator[_Found]:
    """The alerts of services, and the compiled ones of journeys, for which no channel is named."""
    named = {alert.ref for service in subject.workspace.services for alert in service.alerts if alert.notify}
    for service in subject.workspace.services:
        for slo in service.slos:
            named |= {f"{slo.ref} critical"} if slo.page else set()
            named |= {f"{slo.ref} warning"} if slo.ticket else set()
    named |= {slo.ref for journey in subject.workspace.journeys for slo in journey.slos}
    for rule in subject.plan.alerts():
        severity = dict(rule.labels).get("severity", "")
        if not {rule.ref, f"{rule.ref} {severity}"} & named:
            what = "the alert" if rule.alert == rule.ref.partition("/")[2] else f"a {severity} alert"
            yield rule.ref, what, _without_tier(rule.labels, subject.workspace), rule.source


def _without_tier(labels: Labels, workspace: Workspace) -> Labels:
    """Labels, without the tier where no route asks for it: so that four tiers are one finding."""
    asked = {
        each.name for document in workspace.notifications for route in document.routes for each in route.conditions
    }
    return tuple(pair for pair in labels if pair[0] != "tier" or "tier" in asked)


def _evaluated(workspace: Workspace) -> Iterator[_Found]:
    """The alerts of contracts and journeys that Tocsin alone knows."""
    for sla in workspace.slas:
        if not sla.notify:
            labels = (("ref", sla.name), ("service", sla.covers.partition("/")[0]), ("severity", "critical"))
            yield sla.ref, "the alert of a breach", labels, sla.span
    for journey in workspace.journeys:
        for slo in journey.slos:
            if not slo.page:
                labels = (("service", journey.name), ("severity", "critical"), ("slo", slo.name))
                yield slo.ref, "the alert", labels, slo.span


def _routed(labels: Labels, workspace: Workspace) -> bool:
    known = dict(labels)
    return any(fulfilled(route.conditions, known) for each in workspace.notifications for route in each.routes)
