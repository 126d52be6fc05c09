"""promql/matcher."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Call, Matcher, Selector

_ANYTHING = frozenset({".*", "(.*)", ".*?", "^.*$", "(?s).*", "(?s:.*)"})


@check("promql/matcher")
def promql_matcher(subject: Subject) -> Iterator[Diagnostic]:
    """A matcher has to tell series apart.

    `=~".*"` accepts every series, also those without the label, and only costs time; `!~".*"` accepts none. Two
    different values asked of one label accept none either: then the expression is always empty.

    Bad: `up{job=~".*"}`, `up{job="shop",job="api"}`

    Good: `up`, `up{job=~".+"}`, `up{job=~"shop|api"}`
    """
    for expression, every in subject.walked:
        informed = {
            each.start
            for node in every
            if isinstance(node, Call) and node.name.value == "info"
            for each in node.arguments
        }
        for node in every:
            if not isinstance(node, Selector) or node.start in informed:
                continue
            for matcher in node.matchers:
                if matcher.op == "=~" and matcher.value.value in _ANYTHING:
                    said = "this matcher accepts every series"
                    hint = f'leave it out, or write {matcher.label.value}!="" for series that have the label'
                    yield Diagnostic("promql/matcher", expression.inside(matcher), said, Severity.INFO, hint=hint)
                elif matcher.op == "!~" and matcher.value.value in _ANYTHING:
                    said = "no series passes this matcher"
                    yield Diagnostic("promql/matcher", expression.inside(matcher), said, Severity.WARNING)
            for one, other in _contradictions(node):
                said = f"no series has both {one.value.value!r} and {other.value.value!r} as {one.label.value}"
                hint = f'write {one.label.value}=~"{one.value.value}|{other.value.value}"'
                yield Diagnostic("promql/matcher", expression.inside(other), said, Severity.WARNING, hint=hint)


def _contradictions(node: Selector) -> Iterator[tuple[Matcher, Matcher]]:
    equal: dict[str, Matcher] = {}
    for matcher in node.matchers:
        if matcher.op == "=":
            first = equal.setdefault(matcher.label.value, matcher)
            if first.value.value != matcher.value.value:
                yield first, matcher
