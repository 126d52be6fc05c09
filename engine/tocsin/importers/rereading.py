"""Expressions that read ALERTS: those have labels more once their rules are imported, which joins must not look at."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.importers.ledger import Given
from tocsin.promql_syntax import Aggregation, Binary, Expr, Name, Selector, Type, bare, flow, nodes

ALERTS = "ALERTS"


@dataclass(frozen=True, slots=True)
class _List:
    """The labels of `ignoring (…)` or `without (…)`, which stands at *start*, and those to put in."""

    start: int
    labels: tuple[Name, ...]
    more: tuple[str, ...]


def reread(rule: Given, text: str, tree: Expr, added: tuple[str, ...]) -> str:
    """*text* with the labels *added* left out of joins and sums of alerts; what changed is told."""
    if not any(_is_read(node) for node in nodes(tree)):
        return text
    lists = sorted(_lists(tree, added), key=lambda each: each.start, reverse=True)
    for each in lists:
        at = each.labels[-1].end if each.labels else text.index("(", each.start) + 1
        text = f"{text[:at]}{', ' if each.labels else ''}{', '.join(each.more)}{text[at:]}"
    if lists:
        more = ", ".join(sorted({label for each in lists for label in each.more}))
        rule["expr"].change(f"it leaves {more} out of account, for ALERTS has these labels now")
    elif _shows(tree):
        rule["expr"].change("ALERTS has the labels ref and service now, so these rows have them too")
    return text


def _lists(tree: Expr, added: tuple[str, ...]) -> Iterator[_List]:
    for node in nodes(tree):
        if isinstance(node, Binary) and node.matching is not None and not node.matching.on:
            sides = [node.left, node.right]
            start, labels = node.matching.start, node.matching.labels
        elif isinstance(node, Aggregation) and node.grouping is not None and node.grouping.without:
            sides = [node.expr]
            start, labels = node.grouping.start, node.grouping.labels
        else:
            continue
        there = {label.value for label in labels}
        more = tuple(label for label in added if label not in there)
        if more and any(_shows(side) for side in sides):
            yield _List(start, labels, more)


def _shows(side: Expr) -> bool:
    """Whether rows of *side* may be alerts with all their labels."""
    side = bare(side)
    if isinstance(side, Binary) and side.op in {"and", "unless"}:
        return _shows(side.left)
    return side.type is Type.VECTOR and any(_is_read(n) for n in nodes(side)) and flow(side).may_have("ref")


def _is_read(node: Expr) -> bool:
    return isinstance(node, Selector) and node.metric == ALERTS
