"""Fixes of matchers: what changes in the text, made only where the parser reads the result as it is meant."""

from collections.abc import Sequence

from tocsin.diagnostics import Edit, Fix
from tocsin.expressions import Expression
from tocsin.promql_syntax import Expr, Fault, Matcher, Name, Selector, nodes, parse

_Shape = list[tuple[str | None, list[tuple[str, str, str]]]]
_Change = tuple[int, int, str]
"""Characters [start, end) of the expression, and what stands there instead."""


def equality(expression: Expression, tree: Expr, matcher: Matcher) -> Fix | None:
    """`=~"shop"` as `="shop"`."""
    start = expression.text.find(matcher.op, matcher.label.end, matcher.value.start)
    op = "=" if matcher.op == "=~" else "!="
    wanted = (matcher.label.value, op, matcher.value.value)
    changes = [(start, start + 2, op)] if start >= 0 else []
    return _fix(f"write {op}", expression, tree, matcher, (wanted, changes))


def unanchored(expression: Expression, tree: Expr, matcher: Matcher) -> Fix | None:
    """`=~"^shop-.*$"` as `=~"shop-.*"`."""
    value, text = matcher.value, expression.text
    first, last = value.start + 1, value.end - 2
    changes = [(at, at + 1, "") for at, char in ((first, "^"), (last, "$")) if first <= last and text[at] == char]
    wanted = (matcher.label.value, matcher.op, value.value.removeprefix("^").removesuffix("$"))
    return _fix("remove ^ and $", expression, tree, matcher, (wanted, changes))


def without(expression: Expression, tree: Expr, node: Selector, matcher: Matcher) -> Fix | None:
    """A selector without one of its matchers."""
    at, every = node.matchers.index(matcher), node.matchers
    if node.metric is None or node.name is None:
        return None
    if len(every) == 1:
        start, end = node.braces or (matcher.start, matcher.end)
    elif at + 1 < len(every):
        start, end = matcher.start, every[at + 1].start
    else:
        start, end = every[at - 1].end, matcher.end
    if "#" in expression.text[start : matcher.start] + expression.text[matcher.end : end]:  # a comment
        return None
    return _fix("remove it", expression, tree, matcher, (None, [(start, end, "")]))


def _fix(
    title: str,
    expression: Expression,
    tree: Expr,
    matcher: Matcher,
    meant: tuple[tuple[str, str, str] | None, Sequence[_Change]],
) -> Fix | None:
    wanted, changes = meant
    if not changes or _is_shared(expression):
        return None
    text = expression.text
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    changed = parse(text)
    if isinstance(changed, Fault) or _shape(changed) != _shape(tree, matcher, wanted):
        return None
    edits = tuple(Edit(expression.inside(Name("", start, end)), new) for start, end, new in changes)
    return Fix(title, edits)


def _is_shared(expression: Expression) -> bool:
    """Whether the text is that of a template: what is right for one use may be wrong for another."""
    grafts, path = expression.document.grafts, expression.path
    return any(path[:length] in grafts for length in range(len(path) + 1))


def _shape(tree: Expr, one: Matcher | None = None, instead: tuple[str, str, str] | None = None) -> _Shape:
    """All selectors with their matchers, *one* of which is something else."""
    return [
        (
            node.metric,
            sorted(
                matcher
                for each in node.matchers
                for matcher in [instead if each is one else (each.label.value, each.op, each.value.value)]
                if matcher is not None
            ),
        )
        for node in nodes(tree)
        if isinstance(node, Selector)
    ]
