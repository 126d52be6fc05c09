"""The two sides of SLIs of kind ratio."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.checks.base import Subject
from tocsin.expressions import Expression
from tocsin.promql_syntax import Expr, Fault


@dataclass(frozen=True, slots=True)
class Sides:
    """The *bad* or *good* events of an SLI, which *key* says, beside all of them."""

    key: str
    part: Expression
    part_tree: Expr
    total: Expression
    total_tree: Expr


def ratios(subject: Subject) -> Iterator[Sides]:
    """Every SLI both of whose sides can be parsed."""
    slis: dict[tuple[int, object], dict[str, tuple[Expression, Expr]]] = {}
    for expression, tree in subject.parsed:
        path = expression.path
        if len(path) == 4 and path[0] == "slis" and path[2] == "ratio" and not isinstance(tree, Fault):
            slis.setdefault((id(expression.document), path[1]), {})[str(path[3])] = (expression, tree)
    for parts in slis.values():
        for key in ("bad", "good"):
            if key in parts and "total" in parts:
                yield Sides(key, *parts[key], *parts["total"])
