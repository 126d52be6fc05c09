"""promql/regexp."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Matcher, Selector

_PLAIN = re.compile(r"[^.*+?()\[\]{}|\\^$]+")
_ANCHORED = re.compile(r"\^.*|(?:.*[^\\])?\$", re.DOTALL)


@check("promql/regexp", apart=True)
def promql_regexp(subject: Subject) -> Iterator[Diagnostic]:
    """A regular expression should do what equality cannot.

    A pattern that is a plain text is slower and harder to read than `=`, and patterns are always matched whole, so
    `^` and `$` around them say nothing.

    Bad: `up{job=~"shop"}`, `up{job=~"^shop-.*$"}`

    Good: `up{job="shop"}`, `up{job=~"shop-.*"}`
    """
    for expression, every in subject.walked:
        for node in every:
            if isinstance(node, Selector):
                for matcher in node.matchers:
                    said = _needless(matcher) if matcher.regular else None
                    if said:
                        message, hint = said
                        place = expression.inside(matcher)
                        yield Diagnostic("promql/regexp", place, message, Severity.INFO, hint=hint)


def _needless(matcher: Matcher) -> tuple[str, str] | None:
    label, op, pattern = matcher.label.value, matcher.op, matcher.value.value
    if _PLAIN.fullmatch(pattern):
        return "this pattern is a plain text", f'write {label}{"=" if op == "=~" else "!="}"{pattern}"'
    if _ANCHORED.fullmatch(pattern) and "|" not in pattern:
        inner = pattern.removeprefix("^").removesuffix("$")
        return "patterns are matched whole: ^ and $ say nothing", f'write {label}{op}"{inner}"'
    return None
