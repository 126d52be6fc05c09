"""From what promtool says about compiled rules back to the lines of the definitions that caused it.

Every expression of the user is judged twice: as it was written, in a rule file made only for that (so promtool's
positions are positions in the user's text), and as part of the compiled rules. What the first says, the second does
not repeat.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Document, Path
from tocsin.expressions import Expression, definition
from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.promql_syntax import Version, byte_offset, explained, too_new
from tocsin.spec import Platform
from tocsin.targets.yaml_text import scalar
from tocsin.workspace import Workspace

EXPRESSIONS = "expressions.yml"
"""The rule file that holds the user's expressions as they were written."""

_TEMPLATE = re.compile(
    r'(?P<of>annotation|label) "(?P<key>\w+)": '
    r"(?P<run>template: __alert_\w+:\d+(?::\d+)?: |error executing template \S+ )?(?P<said>.*)"
)
_LABEL = re.compile(r'(?:invalid label name: |label ")([^"]*)')
_QUOTED = re.compile(r'"([^"]+)"')
_KEYS = {"runbook_url": "runbook"}
"""Annotations that the definitions call otherwise."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One message about a generated file; *position* is line and column (in bytes) inside the rule's expression."""

    file: str
    said: str
    group: str = ""
    number: int = 0
    name: str = ""
    position: tuple[int, int] | None = None

    def continued(self, line: str) -> "Complaint":
        """The same with another line of its message."""
        return replace(self, said=f"{self.said} {line.strip()}")


def expression_file(expressions: Sequence[Expression]) -> str:
    """A rule file with each expression as it was written; the n-th rule is the n-th expression."""
    rules = (
        f"- record: tocsin:expression\n    labels: {{number: '{number}'}}\n    expr: {scalar(each.text)}\n"
        for number, each in enumerate(expressions, start=1)
    )
    return "groups:\n- name: expressions\n  rules:\n" + "".join(f"  {rule}" for rule in rules)


def expression_findings(
    complaints: Iterable[Complaint], expressions: Sequence[Expression], platform: Platform | None = None
) -> Iterator[Diagnostic]:
    """What promtool says about the user's own texts; no error if it is only older than the platform's Prometheus."""
    for complaint in complaints:
        if complaint.file != EXPRESSIONS or not 1 <= complaint.number <= len(expressions):
            continue
        expression = expressions[complaint.number - 1]
        offset = byte_offset(expression.text, *complaint.position) if complaint.position else None
        fault = explained(expression.text, complaint.said, offset)
        severity, message, hint = Severity.ERROR, expression.words(fault.message), fault.hint
        feature = too_new(expression.text, offset)
        version = platform.prometheus.version if platform else ""
        if feature is not None and version and not feature.refused_by(Version.of(version)):
            severity = Severity.INFO
            message = f"promtool does not know {feature.what}; the platform's Prometheus {version} does"
            hint = "use a promtool of that version, so that it judges the rules as Prometheus will"
        yield Diagnostic("promql/syntax", expression.inside(fault), message, severity, hint=hint)


def settled(
    findings: Iterable[Diagnostic], judged: Iterable[Expression], verdict: Iterable[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """*findings*, with promtool's *verdict* in the place of the first opinion on each *judged* expression."""
    spans = [expression.span for expression in judged]
    kept = (f for f in findings if f.code != "promql/syntax" or not any(_within(f.span, span) for span in spans))
    return (*kept, *verdict)


def rule_findings(
    complaints: Iterable[Complaint], plan: Plan, workspace: Workspace, faulty: Iterable[str] = ()
) -> Iterator[Diagnostic]:
    """What promtool says about compiled rules; *faulty* are refs whose own expressions are known to be wrong."""
    known = frozenset(faulty)
    for complaint in complaints:
        if complaint.file == EXPRESSIONS:
            continue
        rule = _rule(complaint, plan)
        if rule is None:
            yield Diagnostic(
                "promtool/rule", _anywhere(workspace), f"promtool refuses the compiled rules: {complaint.said}"
            )
        elif complaint.position is None or _ref(rule) not in known:
            yield _about_rule(complaint, rule, workspace)


def config_findings(complaints: Iterable[Complaint], workspace: Workspace) -> Iterator[Diagnostic]:
    """What promtool says about `prometheus.yml`, at the scrape settings or the platform that it names."""
    for complaint in complaints:
        named = set(_QUOTED.findall(complaint.said))
        span = next(
            (
                service.scrape.span
                for service in workspace.services
                if service.scrape and named & {service.scrape.job, service.scrape.path, *service.scrape.targets}
            ),
            workspace.platform.span if workspace.platform else _anywhere(workspace),
        )
        yield Diagnostic("promtool/config", span, f"promtool refuses the compiled prometheus.yml: {complaint.said}")


def _about_rule(complaint: Complaint, rule: RecordingRule | AlertingRule, workspace: Workspace) -> Diagnostic:
    service, _, name = _ref(rule).partition("/")
    document = definition(workspace, "Service", service)
    match = _TEMPLATE.fullmatch(complaint.said)
    if document and match and (match["run"] or match["of"] == "annotation"):
        key = _KEYS.get(match["key"], match["key"])
        owner = "alerts" if document.at(("alerts", name)) is not None else "slos"
        raw: Path = (owner, name, "prometheus", f"{match['of']}s", match["key"])
        path = raw if document.at(raw) is not None else (owner, name, key)
        if match["of"] == "label" and path is not raw:
            path = next((own for own in _own_labels(owner, name, key) if document.at(own) is not None), (owner, name))
        return Diagnostic(
            "promtool/template",
            _pointed(document, path, match["said"]),
            f"the template of {key} is wrong: {match['said']}",
            hint="templates are those of Prometheus: {{ $labels.job }}, {{ $value | humanize }}",
        )
    if document and (wrong := _LABEL.match(complaint.said)):
        for path in _own_labels("alerts", name, wrong[1]):
            if (span := document.key_span(path)) != document.key_span(path[:-1]):
                return Diagnostic("promtool/label", span, complaint.said)
    return Diagnostic(
        "promtool/rule", rule.source, f"promtool refuses the compiled rule {complaint.name}: {complaint.said}"
    )


def _own_labels(owner: str, name: str, key: str) -> tuple[Path, ...]:
    return (owner, name, "labels", key), ("labels", key)


def _pointed(document: Document, path: Path, said: str) -> Span:
    """The word that is quoted in what promtool *said*, where the text has it; else all of the text."""
    text = document.at(path)
    for word in _QUOTED.findall(said):
        if isinstance(text, str) and (at := text.find(word)) >= 0:
            return document.inside(path, at, at + len(word))
    return document.span(path)


def _rule(complaint: Complaint, plan: Plan) -> RecordingRule | AlertingRule | None:
    group = next((group for group in plan.groups if group.name == complaint.group), None)
    if group and 1 <= complaint.number <= len(group.rules):
        return group.rules[complaint.number - 1]
    rules = (rule for group in plan.groups for rule in group.rules)
    return next((r for r in rules if isinstance(r, RecordingRule) and r.record == complaint.name), None)


def _ref(rule: RecordingRule | AlertingRule) -> str:
    """The objective or alert that *rule* is for."""
    if isinstance(rule, AlertingRule):
        return rule.ref
    labels = dict(rule.labels)
    return f"{labels.get('service', '')}/{labels.get('slo', '')}"


def _anywhere(workspace: Workspace) -> Span:
    """The first definition: a place for what cannot be placed."""
    spans = [document.key_span(()) for document in (workspace.documents or {}).values()]
    return min(spans, default=Span("", 1, 1, 1, 1))


def _within(inner: Span, outer: Span) -> bool:
    return inner.path == outer.path and (
        (outer.line, outer.column) <= (inner.line, inner.column) <= (outer.end_line, outer.end_column)
    )
