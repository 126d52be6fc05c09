"""The two sides of every operator in a PromQL text, to ask why an expression has no rows."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.promql_syntax import Binary, Fault, Type, nodes, parse


@dataclass(frozen=True, slots=True)
class Join:
    """An operator between two vectors; all three are texts."""

    operator: str
    left: str
    right: str
    whole: str


def joins(text: str) -> Iterator[Join]:
    """Every operator that needs rows with the same labels on both sides, the innermost ones last.

    >>> [(j.left, j.operator, j.right) for j in joins("(a / (b > 0)) and on (x) c")]
    [('(a / (b > 0))', 'and', 'c'), ('a', '/', '(b > 0)')]
    """
    tree = parse(text)
    for node in () if isinstance(tree, Fault) else nodes(tree):
        if isinstance(node, Binary) and node.op not in {"or", "unless"}:
            left, right = node.left, node.right
            if left.type is Type.VECTOR and right.type is Type.VECTOR:
                sides = (text[left.start : left.end], text[right.start : right.end])
                yield Join(node.op, *sides, text[node.start : node.end])
