"""Whether one count is a part of another: events of one kind among all events."""

import re
from enum import StrEnum

from tocsin.promql_syntax.canonical import duration
from tocsin.promql_syntax.tree import Aggregation, Call, Expr, Matcher, RangeSelector, Selector, bare

_COUNTS = frozenset({"sum", "count"})
_WORDS = re.compile(r"[\w\-/: ]*(?:\|[\w\-/: ]*)*")
"""A pattern that is a list of values."""


class Share(StrEnum):
    """What one count is of another."""

    PART = "part"
    """Each of its events is counted by the other."""
    BEYOND = "beyond"
    """It counts events that the other leaves out."""
    UNKNOWN = "unknown"


def is_part(one: Expr, other: Expr) -> bool:
    """Whether *one* counts some of the events of *other*."""
    return share(one, other)[0] is Share.PART


def share(one: Expr, other: Expr) -> tuple[Share, Matcher | None]:
    """What *one* is of *other*, and the matcher of *other* that makes it so.

    >>> from tocsin.promql_syntax.parser import parse
    >>> share(parse('sum(rate(x{code="500"}[5m]))'), parse("sum(rate(x[5m]))"))[0].value
    'part'
    """
    left, right = _counted(one), _counted(other)
    if left is None or right is None or left[:-1] != right[:-1]:
        return Share.UNKNOWN, None
    return narrowed(left[-1], right[-1])


def narrowed(one: Selector, other: Selector) -> tuple[Share, Matcher | None]:
    """The same of two selectors."""
    if one.metric is None or one.metric != other.metric:
        return Share.UNKNOWN, None
    mine: dict[str, list[Matcher]] = {}
    for matcher in one.matchers:
        mine.setdefault(matcher.label.value, []).append(matcher)
    unknown = False
    for wanted in other.matchers:
        given = mine.get(wanted.label.value, [])
        if wanted.label.value == "__name__" or any(
            (m.op, m.value.value) == (wanted.op, wanted.value.value) for m in given
        ):
            continue
        if not given:
            return Share.BEYOND, wanted
        if any(_within(m, wanted) for m in given):
            continue
        equal = next((m.value.value for m in given if m.op == "="), None)
        if equal is None:
            unknown = True
        elif not accepts(wanted, equal):
            return Share.BEYOND, wanted
    return (Share.UNKNOWN if unknown else Share.PART), None


def disjoint(one: Selector, other: Selector, labels: frozenset[str] | None = None) -> tuple[Matcher, Matcher] | None:
    """Two matchers that no series passes both of, the first one of *one*; None where there might be some.

    With *labels* only those are looked at.

    >>> from tocsin.promql_syntax.parser import parse
    >>> disjoint(parse('x{job=~"a|b"}'), parse('y{job="c"}'))[0].value.value
    'a|b'
    """
    for mine in one.matchers:
        for theirs in other.matchers:
            if (
                mine.label.value == theirs.label.value != "__name__"
                and (labels is None or mine.label.value in labels)
                and not _within(mine, theirs)
                and (_all_refused(mine, theirs) or _all_refused(theirs, mine))
            ):
                return mine, theirs
    return None


def bound(matcher: Matcher) -> float | None:
    """The bound of the bucket that *matcher* asks for, be it spelled in one way or in both (`1` and `1.0`).

    >>> from tocsin.promql_syntax.parser import parse
    >>> [bound(parse(text).matchers[0]) for text in ('x{le="+Inf"}', "x{le=~'1|1[.]0'}", "x{le=~'1|2'}", "x{a='1'}")]
    [inf, 1.0, None, None]
    """
    if matcher.label.value != "le" or matcher.op not in {"=", "=~"}:
        return None
    texts = re.sub(r"[\\[\]]", "", matcher.value.value).split("|") if matcher.regular else [matcher.value.value]
    try:
        bounds = {float(text) for text in texts}
    except ValueError:
        return None
    return bounds.pop() if len(bounds) == 1 else None


def _within(one: Matcher, other: Matcher) -> bool:
    """Whether the bucket of *one* counts some of the events of that of *other*: buckets are cumulative."""
    low, high = bound(one), bound(other)
    return low is not None and high is not None and low <= high


def _all_refused(one: Matcher, other: Matcher) -> bool:
    """Whether *one* asks for a few values, and *other* accepts none of them."""
    if one.op == "=":
        return not accepts(other, one.value.value)
    if one.op != "=~" or not _WORDS.fullmatch(one.value.value):
        return False
    return not any(accepts(other, value) for value in one.value.value.split("|"))


def _counted(node: Expr) -> tuple[str, str, str, Selector] | None:
    """The shape of a count, and the selector of what is counted: `sum(rate(x[5m]))`."""
    node = bare(node)
    if not isinstance(node, Aggregation) or node.op not in _COUNTS:
        return None
    inner = bare(node.expr)
    if isinstance(inner, Selector) and inner.offset is None and inner.at is None:
        return node.op, "", "", inner
    if isinstance(inner, Call) and inner.name.value in {"rate", "increase"} and node.op == "sum":
        ranged = bare(inner.arguments[0])
        if isinstance(ranged, RangeSelector) and ranged.offset is None and ranged.at is None:
            return node.op, inner.name.value, duration(ranged.range), ranged.selector
    return None


def accepts(matcher: Matcher, value: str) -> bool:
    """Whether a label of *value* passes *matcher*; true where Python cannot read the pattern."""
    wanted = matcher.value.value
    if matcher.regular and "[[:" in wanted:  # Python reads it as something else
        return True
    try:
        found = re.fullmatch(wanted, value, re.DOTALL | re.ASCII) is not None if matcher.regular else wanted == value
    except re.error:
        return True
    return found == (matcher.op[0] == "=")
