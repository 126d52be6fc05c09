"""From tokens to a tree, by precedence climbing; the first fault ends it.

The grammar is that of promql/parser/generated_parser.y of Prometheus, 2.42 and everything that 3.x added. What not
every version understands is noted as a Feature. Nesting is limited, so no text can overflow the stack.

It is one class and longer than most files here because every production may call every other: an operand holds calls,
calls hold expressions, expressions operands. In several files each part would need a handle on all others, as mixins or
as arguments, and a reader would have to look in three places for one rule of the grammar. What does not recurse is
elsewhere already: words, literals, durations, the cursor, and the rules on types.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, cast

from tocsin.promql_syntax import literals, rules, words
from tocsin.promql_syntax.cursor import Cursor
from tocsin.promql_syntax.durations import DurationReader
from tocsin.promql_syntax.fault import Fault, Limit, Misread, misread
from tocsin.promql_syntax.functions import AGGREGATIONS, FUNCTIONS
from tocsin.promql_syntax.lexer import END, KEYWORDS, Lexed, Token, lex
from tocsin.promql_syntax.tree import (
    Aggregation,
    At,
    Binary,
    Call,
    Expr,
    Grouping,
    Matcher,
    Matching,
    Name,
    Number,
    Parens,
    RangeSelector,
    Selector,
    Subquery,
    Unary,
)
from tocsin.promql_syntax.versions import Feature, Version

LONGEST = 20_000
"""Characters that are read at all."""

MOST_OPERATORS = 1_000

_POWERS = {
    "or": 1, "and": 2, "unless": 2, "==": 3, "!=": 3, "<": 3, ">": 3, "<=": 3, ">=": 3, "</": 3, ">/": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6,
}  # fmt: skip
"""How strongly operators bind; only `^` binds to the right. A sign binds as strongly as `*`."""

_POWER_OF_SIGN = 6
_METRICS = (KEYWORDS | {"word", "metric"}) - {"atan2", "bool", "on", "ignoring", "group_left", "group_right"}
"""Kinds of words that may name a metric."""
_MODIFIERS = frozenset({"[", "offset", "@", "anchored", "smoothed"})
_UTF8 = Version(3, 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that is known of a text: its *tree* or its first fault, what it needs, its comments."""

    tree: Expr | Fault
    features: tuple[Feature, ...] = ()
    comments: tuple[Token, ...] = ()


@lru_cache(maxsize=2560)
def read(text: str) -> Reading:
    """Read an expression, once per text."""
    if len(text) > LONGEST:
        fault = Limit(f"the expression has {len(text)} characters; more than {LONGEST} are not read", 0, len(text))
        return Reading(fault)
    lexed = lex(text)
    parser = _Parser(lexed)
    try:
        tree: Expr | Fault = parser.whole()
    except Misread as found:
        tree = found.fault
    return Reading(tree, tuple(parser.features), lexed.comments)


def parse(text: str) -> Expr | Fault:
    """Read an expression; its tree, or the first fault in it."""
    return read(text).tree


class _Parser(Cursor):
    """The grammar; gone when the tree is there."""

    __slots__ = ("operators",)

    def __init__(self, lexed: Lexed) -> None:
        super().__init__(lexed)
        self.operators = 0

    def whole(self) -> Expr:
        """The whole text."""
        if self.kinds[0] is END:
            raise misread("the expression is empty", 0, 0)
        tree = self.expression(0)
        if self.kinds[self.at] is not END:
            self.unexpected()
        return tree

    # --- operators -------------------------------------------------------------------------------------------

    def expression(self, least: int) -> Expr:
        """Operands joined by operators that bind at least as strongly as *least*."""
        left = self.operand()
        while (power := _POWERS.get(self.kinds[self.at], -1)) >= least and power > 0:
            left = self.binary(left, power)
        return left

    def binary(self, left: Expr, power: int) -> Binary:
        """The operator here, and what stands right of it."""
        at = self.at
        op, start, end = self.kinds[at], self.starts[at], self.ends[at]
        self.operators += 1
        if self.operators > MOST_OPERATORS:
            message = f"more than {MOST_OPERATORS} operators in one expression are not read"
            raise Misread(Limit(message, 0, len(self.text)))
        if op in {"</", ">/"}:
            self.note(f"the operator {op}", start, end, Version(3, 11))
        self.at += 1
        as_bool = self.kinds[self.at] == "bool"
        self.at += as_bool
        matching = self.matching() if self.kinds[self.at] in {"on", "ignoring"} else None
        fill = self.fill() if self.kinds[self.at].startswith("fill") else ()
        if self.kinds[self.at] is END:
            raise Misread(words.nothing_follows(self.lexed, at))
        if op == "^":
            self.enter()
            right = self.expression(power)
            self.deep -= 1
        else:
            right = self.expression(power + 1)
        gives = rules.binary(op, (start, end), left, right, matching, as_bool=as_bool, filled=bool(fill))
        return Binary(op, left, right, as_bool, matching, gives, left.start, right.end, start, fill)

    def matching(self) -> Matching:
        """`on (…)` or `ignoring (…)`, with `group_left` or `group_right`."""
        start, on = self.starts[self.at], self.kinds[self.at] == "on"
        self.at += 1
        labels, end = self.labels()
        group: Literal["", "left", "right"] = ""
        include: tuple[Name, ...] = ()
        if self.kinds[self.at] in {"group_left", "group_right"}:
            group = "left" if self.kinds[self.at] == "group_left" else "right"
            end = self.ends[self.at]
            self.at += 1
            if self.kinds[self.at] == "(":
                include, end = self.labels()
        return Matching(on, labels, group, include, start, end)

    def fill(self) -> tuple[tuple[str, float], ...]:
        """`fill(0)`, `fill_left(0)`, `fill_right(0)` (3.x)."""
        found: list[tuple[str, float]] = []
        start = self.starts[self.at]
        while (kind := self.kinds[self.at]).startswith("fill") and self.kinds[self.at + 1] == "(":
            self.at += 2
            sign = -1 if self.kinds[self.at] == "-" else 1
            self.at += self.kinds[self.at] in {"+", "-"}
            if self.kinds[self.at] != "number":
                self.unexpected("a number")
            found.append((kind, sign * literals.number(self.word(self.at), self.starts[self.at])))
            self.at += 1
            end = self.expect(")", "one number and then ')'")
            self.note(f"{kind}()", start, end, Version(3, 10), flag="promql-binop-fill-modifiers")
        return tuple(found)

    def labels(self) -> tuple[tuple[Name, ...], int]:
        """A list of labels in brackets, and where it ends."""
        self.expect("(", "a list of labels in brackets, such as (job)")
        found: list[Name] = []
        while self.kinds[self.at] != ")":
            found.append(self.label())
            if self.kinds[self.at] == ",":
                self.at += 1
            elif self.kinds[self.at] != ")":
                self.unexpected("',' or ')' in this list of labels")
        self.at += 1
        return tuple(found), self.ends[self.at - 1]

    def label(self) -> Name:
        """One label of a list."""
        kind, start, end = self.kinds[self.at], self.starts[self.at], self.ends[self.at]
        if kind == "string":
            value = self.literal().value
            self.note("a label name in quotes", start, end, _UTF8)
            return Name(value, start, end)
        if kind != "word" and kind not in KEYWORDS:
            self.unexpected("the name of a label")
        self.at += 1
        return Name(self.text[start:end], start, end)

    # --- operands --------------------------------------------------------------------------------------------

    def operand(self) -> Expr:
        """One operand with the modifiers behind it; or a sign, and what it stands before."""
        kind = self.kinds[self.at]
        if kind in {"+", "-"}:
            return self.signed()
        read = _OPERANDS.get(kind)
        if read is None:
            self.unexpected()
        node = read(self)
        if self.kinds[self.at] in _MODIFIERS:
            depth = self.deep
            while self.kinds[self.at] in _MODIFIERS:
                node = self.modified(node)
            self.deep = depth
        return node

    def signed(self) -> Expr:
        """`-expr`; the sign of a number is part of it."""
        start, op = self.starts[self.at], cast('Literal["+", "-"]', self.kinds[self.at])
        self.enter()
        self.at += 1
        if self.kinds[self.at] is END:
            raise Misread(words.nothing_follows(self.lexed, self.at - 1))
        inner = self.expression(_POWER_OF_SIGN)
        self.deep -= 1
        if isinstance(inner, Number):
            return Number(-inner.value if op == "-" else inner.value, start, inner.end)
        rules.sign(op, start, inner)
        return Unary(op, inner, inner.type, start, inner.end)

    def parens(self) -> Parens:
        """`(expr)`."""
        self.enter()
        start = self.starts[self.at]
        self.at += 1
        inner = self.expression(0)
        end = self.expect(")")
        self.deep -= 1
        return Parens(inner, inner.type, start, end)

    def named(self) -> Expr:
        """A metric, a call or an aggregation, whatever the word here turns out to be."""
        kind, following = self.kinds[self.at], self.kinds[self.at + 1]
        if kind in AGGREGATIONS and following in {"(", "by", "without"}:
            return self.aggregation()
        if following == "(" and kind != "metric" and kind not in AGGREGATIONS:
            return self.call()
        if kind not in _METRICS:
            self.unexpected()
        start, end = self.starts[self.at], self.ends[self.at]
        name = Name(self.text[start:end], start, end)
        self.at += 1
        if following == "{":
            return self.braces(name)
        return Selector(name, (), start, end)

    def call(self) -> Call:
        """A call of a function."""
        start, end = self.starts[self.at], self.ends[self.at]
        name = Name(self.text[start:end], start, end)
        function = FUNCTIONS.get(name.value)
        if function is None:
            raise Misread(words.unknown_function(self.lexed, self.at))
        self.at += 1
        given, end = self.arguments(lenient=name.value == "info")
        rules.arguments(name, function, given, end)
        if function.since > Version(2, 42) or function.until:
            flag = "promql-experimental-functions" if function.experimental else ""
            instead = "double_exponential_smoothing()" if function.until else ""
            instead = "holt_winters()" if function.name == "double_exponential_smoothing" else instead
            place = (name.start, name.end)
            self.features.append(
                Feature(f"{name.value}()", *place, function.since, function.until, flag, function.stable, instead)
            )
        return Call(name, given, function, start, end)

    def arguments(self, *, lenient: bool = False) -> tuple[tuple[Expr, ...], int]:
        """Expressions in brackets, and where they end. *lenient*: the second may choose every series."""
        self.enter()
        self.at += 1
        found: list[Expr] = []
        while self.kinds[self.at] != ")" or found:
            if lenient and found and self.kinds[self.at] == "{":
                found.append(self.braces(None, lenient=True))
            else:
                found.append(self.expression(0))
            if self.kinds[self.at] == ")":
                break
            self.expect(",", "',' or ')' behind this argument")
            if self.kinds[self.at] == ")":
                raise misread("no argument follows this comma", self.starts[self.at - 1], self.ends[self.at - 1])
        self.at += 1
        self.deep -= 1
        return tuple(found), self.ends[self.at - 1]

    def aggregation(self) -> Aggregation:
        """`sum by (x) (expr)` or `sum(expr) by (x)`."""
        op, start = self.kinds[self.at], self.starts[self.at]
        since = AGGREGATIONS[op][1]
        if since > Version(2, 42):
            self.note(f"{op}()", start, self.ends[self.at], since, flag="promql-experimental-functions")
        self.at += 1
        grouping = self.grouping()
        if self.kinds[self.at] != "(":
            self.unexpected(f"what {op}() is of, in brackets")
        given, end = self.arguments()
        if grouping is None and self.kinds[self.at] in {"by", "without"}:
            grouping = self.grouping()
            end = self.ends[self.at - 1]
        rules.aggregation(op, start, end, given)
        return Aggregation(op, given[-1], given[0] if len(given) > 1 else None, grouping, start, end)

    def grouping(self) -> Grouping | None:
        """`by (…)` or `without (…)`, if it is there."""
        kind, start = self.kinds[self.at], self.starts[self.at]
        if kind not in {"by", "without"}:
            return None
        self.at += 1
        labels, end = self.labels()
        return Grouping(kind == "without", labels, start, end)

    def braces(self, name: Name | None = None, *, lenient: bool = False) -> Selector:
        """`{matchers}`, behind the name of a metric or alone."""
        opened = self.starts[self.at]
        self.at += 1
        found: list[Matcher] = []
        while self.kinds[self.at] != "}":
            found.append(self.matcher())
            if self.kinds[self.at] == ",":
                self.at += 1
            elif self.kinds[self.at] != "}":
                self.unexpected("',' or '}' behind this matcher")
        end = self.ends[self.at]
        self.at += 1
        start = name.start if name else opened
        if not lenient:
            rules.selector(name, found, start, end)
        return Selector(name, tuple(found), start, end, braces=(opened, end))

    def matcher(self) -> Matcher:
        """`label="value"`; since 3.0 the label may stand in quotes, and a lone text in quotes names the metric."""
        start, end = self.starts[self.at], self.ends[self.at]
        if self.kinds[self.at] == "string":
            text = self.literal()
            self.note("a name in quotes", start, end, _UTF8)
            if self.kinds[self.at] in {",", "}"}:
                return Matcher(Name("__name__", start, start), "=", text, start, end)
            label = Name(text.value, start, end)
        elif self.kinds[self.at] == "word":
            label = Name(self.text[start:end], start, end)
            self.at += 1
        else:
            self.unexpected("the name of a label")
        op = self.kinds[self.at]
        if op not in {"=", "!=", "=~", "!~"}:
            self.unexpected("=, !=, =~ or !~ behind the label")
        self.at += 1
        if self.kinds[self.at] != "string":
            self.unexpected("a string")
        value = self.literal()
        found = Matcher(label, cast('Literal["=", "!=", "=~", "!~"]', op), value, start, value.end)
        rules.matcher(found)
        return found

    # --- modifiers -------------------------------------------------------------------------------------------

    def modified(self, node: Expr) -> Expr:
        """*node* with the range, offset, time or `anchored` here."""
        kind, start, end = self.kinds[self.at], self.starts[self.at], self.ends[self.at]
        if kind == "[":
            return self.ranged(node)
        self.at += 1
        rules.modifiable(node, kind, start, end)
        node = cast("Selector | RangeSelector | Subquery", node)
        if kind == "offset":
            if node.offset is not None:
                raise misread("there is an offset already", start, end)
            offset = self.duration().offset()
            return replace(node, offset=offset, end=offset.end)
        if kind == "@":
            if node.at is not None:
                raise misread("there is an @ already", start, end)
            time = self.time(start)
            return replace(node, at=time, end=time.end)
        if isinstance(node, Subquery) or node.extended:
            raise misread(f"{kind} belongs behind a selector or its range, once", start, end)
        self.note(kind, start, end, Version(3, 7), flag="promql-extended-range-selectors", stable=Version(3, 16))
        return replace(node, extended=kind, end=end)

    def ranged(self, node: Expr) -> Expr:
        """`[5m]`, or `[5m:1m]` of a subquery."""
        opened = self.starts[self.at]
        self.enter()
        self.at += 1
        length = self.duration().positive()
        if self.kinds[self.at] == ":":
            self.at += 1
            step = None if self.kinds[self.at] == "]" else self.duration().positive()
            end = self.expect("]", "']' behind the step")
            if node.type != "instant vector":
                raise misread(f"a subquery is of an instant vector, not of a {node.type}", node.start, node.end)
            return Subquery(node, length, step, node.start, end)
        end = self.expect("]", "':' or ']' behind the range")
        if not isinstance(node, Selector):
            hint = "a subquery has a colon: [5m:] or [5m:1m]"
            raise misread("a range stands behind a selector only", opened, end, hint)
        if node.offset is not None or node.at is not None:
            behind = node.offset or node.at
            what = "offset" if node.offset is not None else "@"
            raise misread(f"{what} stands behind the range, not before it", opened, end, None if behind is None else
                          f"write [{self.text[opened + 1 : end - 1]}] {what} …")  # fmt: skip
        return RangeSelector(node, length, node.start, end)

    def duration(self) -> DurationReader:
        """A reader of the duration here, which moves this parser on."""
        return DurationReader(self)

    def time(self, start: int) -> At:
        """What stands behind `@`."""
        kind = self.kinds[self.at]
        if kind in {"start", "end"} and self.kinds[self.at + 1] == "(":
            self.at += 2
            return At(None, cast('Literal["start", "end"]', kind), start, self.expect(")"))
        sign = -1 if kind == "-" else 1
        self.at += kind in {"+", "-"}
        if self.kinds[self.at] not in {"number", "duration"}:
            self.unexpected("a time in seconds since 1970, start() or end()")
        number = self.number()
        if not -(2**63) < number.value * sign < 2**63:
            raise misread("there is no such time", number.start, number.end)
        return At(sign * number.value, "", start, number.end)


_OPERANDS: dict[str, Callable[..., Expr]] = {
    **dict.fromkeys((*KEYWORDS, "word", "metric"), _Parser.named),
    "(": _Parser.parens,
    "{": _Parser.braces,
    "number": Cursor.number,
    "duration": Cursor.number,
    "string": Cursor.literal,
}
"""How an operand is read, by its first token."""
