"""The two sides of every operator in a PromQL text, to ask why an expression has no rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.promql_faults import Token, tokens

_PRECEDENCE = (
    ({"or"}, False),
    ({"and", "unless"}, False),
    ({"==", "!=", ">", "<", ">=", "<="}, False),
    ({"+", "-"}, False),
    ({"*", "/", "%", "atan2"}, False),
)
_MODIFIERS = frozenset({"on", "ignoring", "group_left", "group_right"})


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
    yield from _joins(text, tokens(text))


def _joins(text: str, inside: Sequence[Token]) -> Iterator[Join]:
    while len(inside) > 1 and inside[0].text == "(" and _closes(inside) == len(inside) - 1:
        inside = inside[1:-1]
    if not inside:
        return
    depth = inside[0].depth
    for operators, _ in _PRECEDENCE:
        at = next(
            (n for n in range(len(inside) - 2, 0, -1)
             if inside[n].depth == depth and inside[n].text.lower() in operators and _joinable(inside[n - 1])),
            None,
        )  # fmt: skip
        if at is None:
            continue
        left, right = inside[:at], _operand(inside[at + 1 :])
        if right and not (_number(left) or _number(right)) and inside[at].text.lower() not in {"or", "unless"}:
            cut = slice(inside[0].start, inside[-1].end)
            yield Join(inside[at].text.lower(), _text(text, left), _text(text, right), text[cut])
        yield from _joins(text, left)
        yield from _joins(text, right)
        return


def _joinable(before: Token) -> bool:
    return not before.binary and before.text not in {"(", ","}


def _operand(rest: Sequence[Token]) -> Sequence[Token]:
    """What stands behind an operator, without `bool` and `on (…) group_left (…)`."""
    while rest and rest[0].text.lower() in {*_MODIFIERS, "bool"}:
        word, rest = rest[0].text.lower(), rest[1:]
        if word in _MODIFIERS and rest and rest[0].text == "(":
            rest = rest[_closes(rest) + 1 :]
    return rest


def _closes(inside: Sequence[Token]) -> int:
    depth = inside[0].depth
    return next((n for n in range(1, len(inside)) if inside[n].text == ")" and inside[n].depth == depth), len(inside))


def _number(side: Sequence[Token]) -> bool:
    return all(token.kind in {"number", "operator"} or token.text in "()" for token in side) or _scalar(side)


def _scalar(side: Sequence[Token]) -> bool:
    return side[0].text.lower() in {"time", "scalar", "pi"} and _closes(side[1:]) + 1 == len(side) - 1


def _text(text: str, side: Sequence[Token]) -> str:
    return text[side[0].start : side[-1].end]
