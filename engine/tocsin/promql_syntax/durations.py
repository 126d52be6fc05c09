"""Durations behind `offset` and between brackets: literals, and since 3.4 calculations with them."""

import math

from tocsin.promql_syntax import literals
from tocsin.promql_syntax.cursor import Cursor
from tocsin.promql_syntax.fault import misread
from tocsin.promql_syntax.tree import Duration
from tocsin.promql_syntax.versions import Version

_POWERS = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_CALLS = {"step": 0, "range": 0, "min": 2, "max": 2, "min_of": 2, "max_of": 2}
"""Functions of durations, and how many arguments they take."""
_CALCULATED = Version(3, 4)
_STABLE = Version(3, 14)
_ALONE = 99
"""Binds more strongly than any operator: one term only."""


class DurationReader:
    """Reads one duration from a parser; *calculated* says that it is more than a literal."""

    __slots__ = ("calculated", "parser")

    def __init__(self, parser: Cursor) -> None:
        self.parser = parser
        self.calculated = False

    def positive(self) -> Duration:
        """Read a range or a step, which is more than nothing."""
        found = self._noted(self._read(0))
        if found.seconds is not None and found.seconds <= 0:
            raise misread("a range or a step is longer than 0", found.start, found.end)
        return found

    def offset(self) -> Duration:
        """Read what stands behind `offset`: one term, so that `x offset -2^2` is `(x offset -2)^2`."""
        found = self._noted(self._read(_ALONE))
        if found.seconds == 0 and found.words not in {"0", "-0"}:
            self.parser.note("an offset of 0", found.start, found.end, Version(3, 0))
        return found

    def _noted(self, found: Duration) -> Duration:
        if self.calculated:
            what, flag = "a calculated duration", "promql-duration-expr"
            self.parser.note(what, found.start, found.end, _CALCULATED, flag=flag, stable=_STABLE)
        elif found.words.lstrip("+-").replace(".", "").isdigit():
            self.parser.note("a duration without a unit", found.start, found.end, Version(2, 54))
        if found.seconds is not None and not abs(found.seconds) < 2**63 / 1e9:
            raise misread("this is more than 292 years", found.start, found.end)
        return found

    def _read(self, least: int) -> Duration:
        left = self._term(alone=least == _ALONE)
        parser = self.parser
        while (power := _POWERS.get(parser.kinds[parser.at], 0)) > 0 and power >= least:
            op = parser.kinds[parser.at]
            parser.at += 1
            parser.enter()
            right = self._read(power if op == "^" else power + 1)
            parser.deep -= 1
            self.calculated = True
            left = Duration(
                _calculated(op, left.seconds, right.seconds), left.start, right.end, f"{left.words}{op}{right.words}"
            )
        return left

    def _term(self, *, alone: bool) -> Duration:
        parser = self.parser
        kind, start, end = parser.kinds[parser.at], parser.starts[parser.at], parser.ends[parser.at]
        text = parser.text[start:end]
        if kind in {"number", "duration"}:
            parser.at += 1
            read = literals.number if kind == "number" else literals.seconds
            return Duration(read(text, start), start, end, text)
        if kind in {"+", "-"}:
            return self._signed(kind, start, alone=alone)
        if kind == "(":
            parser.enter()
            parser.at += 1
            inner = self._read(0)
            end = parser.expect(")")
            parser.deep -= 1
            self.calculated = True
            return Duration(inner.seconds, start, end, f"({inner.words})")
        if text.lower() in _CALLS and parser.kinds[parser.at + 1] == "(":
            return self._call(text.lower(), start)
        return parser.unexpected("a duration, such as 5m")

    def _signed(self, op: str, start: int, *, alone: bool) -> Duration:
        parser = self.parser
        parser.enter()
        parser.at += 1
        inner = self._term(alone=True) if alone else self._read(_POWERS["*"] + 1)
        parser.deep -= 1
        self.calculated = self.calculated or not alone or op == "+"
        value = inner.seconds if op == "+" or inner.seconds is None else -inner.seconds
        return Duration(value, start, inner.end, f"{'-' if op == '-' else ''}{inner.words}")

    def _call(self, name: str, start: int) -> Duration:
        parser = self.parser
        self.calculated = True
        parser.at += 2
        parser.enter()
        given: list[Duration] = []
        for index in range(_CALLS[name]):
            if index:
                parser.expect(",")
            given.append(self._read(0))
        end = parser.expect(")")
        parser.deep -= 1
        known = [each.seconds for each in given if each.seconds is not None]
        value = None
        if given and len(known) == len(given):
            value = min(known) if name.startswith("min") else max(known)
        return Duration(value, start, end, f"{name}({','.join(each.words for each in given)})")


def _calculated(op: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        return {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
            "%": lambda: math.fmod(left, right),
            "^": lambda: float(left**right),
        }[op]()
    except (ArithmeticError, ValueError, TypeError):
        return None
