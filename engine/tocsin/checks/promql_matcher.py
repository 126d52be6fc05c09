"""promql/matcher."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.dead import gravity
from tocsin.checks.reading.rewriting import without
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Call, Matcher, Selector, accepts, matcher_text, quoted

_ANYTHING = frozenset({".*", "(.*)", ".*?", "^.*$", "(?s).*", "(?s:.*)"})


@check("promql/matcher", apart=True)
def promql_matcher(subject: Subject) -> Iterator[Diagnostic]:
    """A matcher has to tell series apart.

    `=~".*"` accepts every series, also those without the label, and only costs time; `!~".*"` accepts none. Two
    different values asked of one label accept none either, nor does a value that another matcher refuses: then the
    expression is always empty. It is an error where an alert can never fire for that.

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
                    fix = without(expression, every[0], node, matcher)
                    place = expression.inside(matcher)
                    yield Diagnostic("promql/matcher", place, said, Severity.INFO, hint=hint, fix=fix)
                elif matcher.op == "!~" and matcher.value.value in _ANYTHING:
                    said = "no series passes this matcher"
                    severity = gravity(subject, expression, every[0])
                    yield Diagnostic("promql/matcher", expression.inside(matcher), said, severity)
            for one, other in _contradictions(node):
                said = f"no series with {one.value.value!r} as {one.label.value} passes {matcher_text(other)}"
                hint = "leave one of the two out"
                if other.op == "=":
                    said = f"no series has both {one.value.value!r} and {other.value.value!r} as {one.label.value}"
                    either = quoted("|".join(re.escape(each.value.value) for each in (one, other)))
                    hint = f"write {one.label.value}=~{either}"
                severity = gravity(subject, expression, every[0])
                yield Diagnostic("promql/matcher", expression.inside(other), said, severity, hint=hint)


def _contradictions(node: Selector) -> Iterator[tuple[Matcher, Matcher]]:
    equal: dict[str, Matcher] = {}
    for matcher in node.matchers:
        if matcher.op == "=":
            equal.setdefault(matcher.label.value, matcher)
    for matcher in node.matchers:
        first = equal.get(matcher.label.value, matcher)
        if first is not matcher and not accepts(matcher, first.value.value):
            yield first, matcher
