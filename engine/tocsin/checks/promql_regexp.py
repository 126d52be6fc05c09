"""promql/regexp."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.rewriting import equality, unanchored
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import Expr, Matcher, Selector, quoted

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
                    found = _needless(expression, every[0], matcher) if matcher.regular else None
                    if found is not None:
                        yield found


def _needless(expression: Expression, tree: Expr, matcher: Matcher) -> Diagnostic | None:
    label, op, pattern = matcher.label.value, matcher.op, matcher.value.value
    if _PLAIN.fullmatch(pattern):
        said, fix = "this pattern is a plain text", equality(expression, tree, matcher)
        hint = f"write {label}{'=' if op == '=~' else '!='}{quoted(pattern)}"
    elif _ANCHORED.fullmatch(pattern) and "|" not in pattern:
        said, fix = "patterns are matched whole: ^ and $ say nothing", unanchored(expression, tree, matcher)
        hint = f"write {label}{op}{quoted(pattern.removeprefix('^').removesuffix('$'))}"
    else:
        return None
    return Diagnostic("promql/regexp", expression.inside(matcher), said, Severity.INFO, hint=hint, fix=fix)
