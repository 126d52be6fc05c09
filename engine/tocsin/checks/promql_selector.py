"""promql/selector."""

import re
from collections.abc import Iterator, Mapping

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import Call, Selector
from tocsin.schema.words import listed
from tocsin.workspace import Workspace

_OF_ALL_TARGETS = re.compile(r"up|(?:scrape|process|go)_\w+")


@check("promql/selector", apart=True)
def promql_selector(subject: Subject) -> Iterator[Diagnostic]:
    """A selector should name its metric, and for metrics that every target exports also a label.

    Without a name Prometheus looks through all metrics with the label. `up`, `process_…`, `go_…` and their like are
    exported by everything that is scraped: an alert on them without a label is about targets of other teams, and
    becomes slower with each of them. So is one on a metric that several services list below `metrics:`.

    Bad: `{job="shop"}`, `process_open_fds > 1000`

    Good: `up{job="shop"}`, `process_open_fds{job="shop"} > 1000`
    """
    shared = subject.once(_shared)
    for expression, every in subject.walked:
        if expression.role is Role.PANEL:
            continue
        matchers_only = {
            each.start
            for node in every
            if isinstance(node, Call) and node.name.value == "info"
            for each in node.arguments[1:]
        }
        for node in every:
            if not isinstance(node, Selector) or node.start in matchers_only:
                continue
            if node.metric is None:
                said = "no metric is named: every metric with such labels is looked through"
                hint = "name the metric in front of the braces"
                severity = (
                    Severity.INFO if any(m.label.value == "__name__" for m in node.matchers) else Severity.WARNING
                )
            elif not node.matchers and _OF_ALL_TARGETS.fullmatch(node.metric):
                said = f"{node.metric} is exported by every target, and all of them are looked at"
                hint, severity = f'choose some: {node.metric}{{job="…"}}', Severity.INFO
            elif not node.matchers and (owners := shared.get(node.metric)):
                said = f"{node.metric} is exported by {listed(owners, 'and')}, and all of them are looked at"
                hint, severity = f'choose some: {node.metric}{{job="…"}}', Severity.INFO
            else:
                continue
            yield Diagnostic("promql/selector", expression.inside(node), said, severity, hint=hint)


def _shared(workspace: Workspace) -> Mapping[str, tuple[str, ...]]:
    """The series that several services export, with these services."""
    owners: dict[str, list[str]] = {}
    for service in workspace.services:
        for name in service.metrics:
            for suffix in ("", "_bucket", "_count", "_sum"):
                owners.setdefault(name + suffix, []).append(service.name)
    return {name: tuple(found) for name, found in owners.items() if len(found) > 1}
