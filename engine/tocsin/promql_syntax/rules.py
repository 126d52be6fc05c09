"""What may stand where: types of operands and arguments, and how many there are.

The same rules as `checkAST` in promql/parser/parse.go of Prometheus, in our words.
"""

from collections.abc import Sequence

from tocsin.promql_syntax import re2
from tocsin.promql_syntax.fault import Misread, misread
from tocsin.promql_syntax.functions import AGGREGATIONS, Function
from tocsin.promql_syntax.tree import Expr, Matcher, Matching, Name, RangeSelector, Selector, Subquery, Type

COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
SETS = frozenset({"and", "or", "unless"})
_RANGES = (Selector, RangeSelector, Subquery)


def article(noun: str) -> str:
    """`an instant vector`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def arguments(name: Name, function: Function, given: Sequence[Expr], end: int) -> None:
    """Raise unless *given* are what *function* takes."""
    if not function.fewest <= len(given) <= function.most:
        at = given[int(function.most)] if len(given) > function.most else None
        start, stop = (at.start, given[-1].end) if at else (name.start, end)
        raise misread(f"{function.name}() {_wants(function)}, not {len(given)}", start, stop)
    for index, argument in enumerate(given):
        wanted = function.type_of(index)
        if argument.type != wanted:
            raise _wrong_argument(function.name, wanted, argument)
    if function.name == "info" and len(given) > 1 and (not isinstance(given[1], Selector) or given[1].name):
        raise misread("info() needs matchers between braces here, without a metric", given[1].start, given[1].end)


def _wants(function: Function) -> str:
    low, high = function.fewest, function.most
    if low == high:
        number = f"{low}" if low else "no"
    else:
        number = f"at least {low}" if high == float("inf") else f"{low} to {high:g}"
    return f"takes {number} argument{'' if (low, high) == (1, 1) else 's'}"


def _wrong_argument(name: str, wanted: str, argument: Expr) -> Misread:
    hint = None
    if wanted == Type.MATRIX:
        hint = f"write a range behind the selector, such as {name}(metric[5m])"
        if argument.type is Type.VECTOR and not isinstance(argument, Selector):
            hint = "write the range behind the selector inside, or [5m:] here for a subquery"
    elif argument.type is Type.MATRIX:
        hint = f"leave the range away, or put rate() or avg_over_time() inside {name}()"
    elif wanted == Type.VECTOR and argument.type is Type.SCALAR:
        hint = "vector(…) makes an instant vector of a scalar"
    return misread(
        f"{name}() needs {article(wanted)}, not {article(argument.type)}", argument.start, argument.end, hint
    )


def aggregation(op: str, start: int, end: int, given: Sequence[Expr]) -> None:
    """Raise unless *given* are what the aggregation *op* takes."""
    wanted, _since = AGGREGATIONS[op]
    number = 2 if wanted else 1
    if len(given) != number:
        what = "1 argument" if number == 1 else "2 arguments"
        raise misread(f"{op}() takes {what}, not {len(given)}", start, end)
    if wanted and given[0].type != wanted:
        raise _wrong_argument(op, wanted, given[0])
    if given[-1].type is not Type.VECTOR:
        raise _wrong_argument(op, Type.VECTOR, given[-1])


def binary(
    op: str, place: tuple[int, int], left: Expr, right: Expr, matching: Matching | None, *, as_bool: bool, filled: bool
) -> Type:
    """Raise unless *left* and *right* can be joined by *op*; what they give together."""
    for side in (left, right):
        if side.type not in {Type.SCALAR, Type.VECTOR}:
            hint = "put a function around it, such as rate(…)" if side.type is Type.MATRIX else None
            raise misread(f"{op} joins vectors and numbers, not {article(side.type)}", side.start, side.end, hint)
    scalars = (left.type is Type.SCALAR) + (right.type is Type.SCALAR)
    if as_bool and op not in COMPARISONS:
        raise misread(f"bool belongs to comparisons, not to {op}", *place)
    if op in COMPARISONS and scalars == 2 and not as_bool:
        raise misread(f"two numbers are compared by {op} bool", *place, f"write {op} bool")
    if op in SETS and scalars:
        number = left if left.type is Type.SCALAR else right
        raise misread(
            f"{op} joins vectors, not numbers", number.start, number.end, "vector(…) makes a vector of a number"
        )
    if matching is not None:
        _matching(op, matching, scalars)
    if filled and (scalars or op in SETS):
        raise misread("fill belongs between two instant vectors, and not to and, or, unless", *place)
    return Type.SCALAR if scalars == 2 else Type.VECTOR


def _matching(op: str, matching: Matching, scalars: int) -> None:
    if scalars and matching.labels:
        raise misread("a number has no labels to match", matching.start, matching.end)
    if op in SETS and matching.group and not scalars:
        raise misread(f"{op} knows no group_{matching.group}", matching.start, matching.end)
    if matching.on:
        for label in matching.include:
            if label.value in matching.names:
                raise misread(f"{label.value} stands both in on and in group_{matching.group}", label.start, label.end)


def sign(op: str, start: int, expr: Expr) -> None:
    """Raise unless *expr* may have a sign."""
    if expr.type not in {Type.SCALAR, Type.VECTOR}:
        raise misread(f"{article(expr.type)} cannot have a {op} before it", start, expr.end)


def matcher(found: Matcher) -> None:
    """Raise where a regular expression cannot be compiled."""
    if found.regular and (why := re2.refusal(found.value.value)):
        raise misread(f"not a regular expression: {why}", found.value.start, found.value.end)


def selector(name: Name | None, matchers: Sequence[Matcher], start: int, end: int) -> None:
    """Raise where a metric has two names or none, and no label that is not empty."""
    if name is not None:
        if other := next((each for each in matchers if each.label.value == "__name__"), None):
            raise misread(f"the metric has a name already: {name.value}", other.start, other.end)
    elif all(_lets_empty_pass(each) for each in matchers):
        raise misread(
            "the selector chooses every series there is", start, end, 'name a metric, or one label: {job="shop"}'
        )


def _lets_empty_pass(matcher: Matcher) -> bool:
    value = matcher.value.value
    empty = re2.matches_nothing(value) if matcher.regular else not value
    return empty if matcher.op[0] == "=" else not empty


def modifiable(node: Expr, word: str, start: int, end: int) -> None:
    """Raise unless *node* may have an offset or a time."""
    if not isinstance(node, _RANGES):
        hint = f"write it behind each selector inside: metric {word} …"
        raise misread(f"{word} stands behind a selector, a range or a subquery only", start, end, hint)
