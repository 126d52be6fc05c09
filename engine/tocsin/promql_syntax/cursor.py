"""Where a parser stands in its tokens, what it has noted, and the literals that every part of the grammar reads."""

from typing import NoReturn

from tocsin.promql_syntax import literals, words
from tocsin.promql_syntax.fault import Limit, Misread
from tocsin.promql_syntax.lexer import Lexed
from tocsin.promql_syntax.tree import Number, String
from tocsin.promql_syntax.versions import Feature, Version

DEEPEST = 100
"""Brackets, signs and ranges inside each other."""


class Cursor:
    """The token at *at*, how *deep* it stands in brackets, and the *features* seen before it."""

    __slots__ = ("at", "deep", "ends", "features", "kinds", "lexed", "starts", "text")

    def __init__(self, lexed: Lexed) -> None:
        self.lexed = lexed
        self.text, self.kinds, self.starts, self.ends = lexed.text, lexed.kinds, lexed.starts, lexed.ends
        self.at = self.deep = 0
        self.features: list[Feature] = []

    def unexpected(self, wanted: str = "") -> NoReturn:
        """Raise the fault of the token here."""
        raise Misread(words.unexpected(self.lexed, self.at, wanted))

    def expect(self, kind: str, wanted: str = "") -> int:
        """Step over a token of this kind; its end."""
        if self.kinds[self.at] != kind:
            self.unexpected(wanted or f"{kind!r}")
        self.at += 1
        return self.ends[self.at - 1]

    def word(self, at: int) -> str:
        """The text of a token."""
        return self.text[self.starts[at] : self.ends[at]]

    def enter(self) -> None:
        """Go one level deeper, unless that is too deep."""
        self.deep += 1
        if self.deep > DEEPEST:
            start, end = self.starts[self.at], self.ends[self.at]
            raise Misread(Limit(f"more than {DEEPEST} brackets inside each other are not read", start, end))

    def note(
        self, what: str, start: int, end: int, since: Version, *, flag: str = "", stable: Version | None = None
    ) -> None:
        """Note that not every version understands this."""
        self.features.append(Feature(what, start, end, since, flag=flag, stable=stable))

    def literal(self) -> String:
        """The string here."""
        start, end = self.starts[self.at], self.ends[self.at]
        value = literals.string(self.text[start:end], start)
        self.at += 1
        return String(value, start, end)

    def number(self) -> Number:
        """A number; since 2.54 a duration is one too, in seconds."""
        start, end = self.starts[self.at], self.ends[self.at]
        text = self.text[start:end]
        if self.kinds[self.at] == "duration":
            value = literals.seconds(text, start)
            self.note("a duration in the place of a number", start, end, Version(2, 54))
        else:
            value = literals.number(text, start)
            if "_" in text:
                self.note("_ between digits", start, end, Version(2, 54))
        self.at += 1
        return Number(value, start, end)
