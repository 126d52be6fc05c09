"""The tree of an expression: what stands where.

Every node knows its characters [start, end) in the text, so `text[node.start:node.end]` is the node as it was written.
Nodes are compared by identity: two places that read the same are still two places. What means the same is found by
`tocsin.promql_syntax.canonical`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal

from tocsin.promql_syntax.functions import Function


class Type(StrEnum):
    """What an expression gives, in Prometheus' words."""

    SCALAR = "scalar"
    VECTOR = "instant vector"
    MATRIX = "range vector"
    STRING = "string"


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A number, its sign included."""

    value: float
    start: int
    end: int
    type: ClassVar[Type] = Type.SCALAR


@dataclass(frozen=True, slots=True, eq=False)
class String:
    """A text in quotes; *value* is without them."""

    value: str
    start: int
    end: int
    type: ClassVar[Type] = Type.STRING


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """The name of a label or a metric; *value* is without the quotes that 3.x allows."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """`label op "value"` between braces; `{"metric"}` of 3.x is a matcher of `__name__`."""

    label: Name
    op: Literal["=", "!=", "=~", "!~"]
    value: String
    start: int
    end: int

    @property
    def said(self) -> tuple[str, str, str]:
        """Label, operator and value: what it asks for, wherever it stands."""
        return self.label.value, self.op, self.value.value

    @property
    def regular(self) -> bool:
        """Whether the value is a regular expression."""
        return self.op.endswith("~")


@dataclass(frozen=True, slots=True, eq=False)
class Duration:
    """A length of time; *seconds* is None where it depends on the query's step or range (3.x)."""

    seconds: float | None
    start: int
    end: int
    words: str = ""
    """How it is written, without blanks."""


@dataclass(frozen=True, slots=True, eq=False)
class At:
    """`@ 1609746000`, or `@ start()` or `@ end()`, which are an *edge*."""

    time: float | None
    edge: Literal["", "start", "end"]
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """`name{matchers}`; *name* is None where only braces stand. *extended* is `anchored` or `smoothed` (3.x)."""

    name: Name | None
    matchers: tuple[Matcher, ...]
    start: int
    end: int
    offset: Duration | None = None
    at: At | None = None
    extended: str = ""
    braces: tuple[int, int] | None = None
    """Where `{…}` stands, if it does."""
    type: ClassVar[Type] = Type.VECTOR

    @property
    def metric(self) -> str | None:
        """The metric that it names, in front of the braces or between them."""
        if self.name is not None:
            return self.name.value
        return next((m.value.value for m in self.matchers if m.label.value == "__name__" and m.op == "="), None)


@dataclass(frozen=True, slots=True, eq=False)
class RangeSelector:
    """`selector[range]`; what stands behind the brackets is its own, not the selector's."""

    selector: Selector
    range: Duration
    start: int
    end: int
    offset: Duration | None = None
    at: At | None = None
    extended: str = ""
    type: ClassVar[Type] = Type.MATRIX


@dataclass(frozen=True, slots=True, eq=False)
class Subquery:
    """`expr[range:step]`; without a *step* it is evaluated at the global interval."""

    expr: "Expr"
    range: Duration
    step: Duration | None
    start: int
    end: int
    offset: Duration | None = None
    at: At | None = None
    type: ClassVar[Type] = Type.MATRIX


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A call of a function."""

    name: Name
    arguments: tuple["Expr", ...]
    function: Function
    start: int
    end: int

    @property
    def type(self) -> Type:
        """What the function gives."""
        return Type(self.function.gives)


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """`by (…)` or `without (…)`."""

    without: bool
    labels: tuple[Name, ...]
    start: int
    end: int

    @property
    def names(self) -> frozenset[str]:
        """The labels as a set."""
        return frozenset(label.value for label in self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Aggregation:
    """`sum by (x) (expr)`; *parameter* is the first argument of topk, quantile and their like. *op* is in small."""

    op: str
    expr: "Expr"
    parameter: "Expr | None"
    grouping: Grouping | None
    start: int
    end: int
    type: ClassVar[Type] = Type.VECTOR


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """`on (…) group_left (…)`: which labels two sides must share, and what the many take over from the one."""

    on: bool
    labels: tuple[Name, ...]
    group: Literal["", "left", "right"]
    include: tuple[Name, ...]
    start: int
    end: int

    @property
    def names(self) -> frozenset[str]:
        """The labels of `on` or `ignoring` as a set."""
        return frozenset(label.value for label in self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """`left op right`; *op* is in small and stands at *op_start*."""

    op: str
    left: "Expr"
    right: "Expr"
    bool: bool
    matching: Matching | None
    type: Type
    start: int
    end: int
    op_start: int
    fill: tuple[tuple[str, float], ...] = ()
    """`fill_left(0)` and its like (3.x)."""

    @property
    def op_end(self) -> int:
        """Behind the operator."""
        return self.op_start + len(self.op)


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """`-expr` or `+expr`, except before a number."""

    op: Literal["+", "-"]
    expr: "Expr"
    type: Type
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Parens:
    """`(expr)`."""

    expr: "Expr"
    type: Type
    start: int
    end: int


Expr = Number | String | Selector | RangeSelector | Subquery | Call | Aggregation | Binary | Unary | Parens


_INSIDE: Mapping[type[Expr], Callable[[Any], tuple[Expr, ...]]] = {
    Call: lambda node: node.arguments,
    Aggregation: lambda node: (node.expr,) if node.parameter is None else (node.parameter, node.expr),
    Binary: lambda node: (node.left, node.right),
    RangeSelector: lambda node: (node.selector,),
    Subquery: lambda node: (node.expr,),
    Parens: lambda node: (node.expr,),
    Unary: lambda node: (node.expr,),
}
"""What is inside of each kind that has something inside; every check walks every tree."""


def children(node: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside *node*, in the order in which they are written."""
    inside = _INSIDE.get(type(node))
    return inside(node) if inside else ()


def nodes(tree: Expr) -> Iterator[Expr]:
    """Every expression of a tree, outer ones before what is inside them, left before right."""
    waiting: list[Expr] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if inside := children(node):
            waiting += inside[::-1]


def bare(node: Expr) -> Expr:
    """*node* without the brackets around it."""
    while isinstance(node, Parens):
        node = node.expr
    return node
