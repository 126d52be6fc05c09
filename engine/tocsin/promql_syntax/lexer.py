"""From text to tokens: what each is, where it stands; comments apart.

Prometheus' lexer reads the inside of braces and of brackets by other rules than the rest (no keywords and no colons in
names in the first, no names with colons in the second); so does this one, with one regular expression for each.
Nothing is refused here: what is no token is one of kind `bad`, which the parser comes to in its turn, so that the
first fault of a text is the one that is told.
"""

import re
from dataclasses import dataclass

from tocsin.promql_syntax.functions import AGGREGATIONS

_BLANK = r"(?:[ \t\r\n]++|\#[^\r\n]*+)*+"
_STRING = r'"(?:[^"\\\n]++|\\.)*+"' + r"|'(?:[^'\\\n]++|\\.)*+'" + r"|`[^`]*+`"
_NUMBER = r"(?:0[xX]|[0-9.][0-9_.]*+(?:[eE][+-]?(?=[0-9]))?)[0-9a-zA-Z_.]*+"
_OUTSIDE = re.compile(
    rf"""{_BLANK}(?:
    (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*+)
    |(?P<number>(?=\.?[0-9]){_NUMBER})
    |(?P<sign>[=!<>]=|<\/|>\/|[-+*/%^<>=,()@\[\]{{}}])
    |(?P<string>{_STRING})
    |(?P<bad>[=!]~|&&|\|\||.)
    |\Z)""",
    re.VERBOSE | re.DOTALL,
)
_BRACES = re.compile(
    rf"""{_BLANK}(?:
    (?P<word>[a-zA-Z_][a-zA-Z0-9_]*+)
    |(?P<sign>[=!]~|!=|[=,}}])
    |(?P<string>{_STRING})
    |(?P<bad>[0-9.:][0-9a-zA-Z_.]*|.)
    |\Z)""",
    re.VERBOSE | re.DOTALL,
)
_BRACKETS = re.compile(
    rf"""{_BLANK}(?:
    (?P<number>(?=\.?[0-9]){_NUMBER})
    |(?P<sign>[-+*/%^,:()\]])
    |(?P<word>[a-zA-Z_]\w*+)
    |(?P<bad>.)
    |\Z)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"#[^\r\n]*")
NUMBER = re.compile(
    r"0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
DURATION = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?"
)
KEYWORDS = frozenset(
    {"and", "or", "unless", "atan2", "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool"}
    | {"start", "end", "anchored", "smoothed", "fill", "fill_left", "fill_right", *AGGREGATIONS}
)
"""Words with a meaning of their own, in whatever case they are written."""

_KINDS = {**{word: word for word in KEYWORDS}, "inf": "number", "nan": "number"}
END = "end of input"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of PromQL; *kind* is the keyword or the sign itself, or word, metric, number, duration, string or bad.

    A `metric` is a word with a colon in it; `bad` is what cannot be a token.
    """

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lexed:
    """The tokens of a text, as columns, since the parser looks at kinds only; the last one is its end."""

    text: str
    kinds: list[str]
    starts: list[int]
    ends: list[int]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The same as objects, without the end."""
        rows = zip(self.kinds[:-1], self.starts, self.ends, strict=False)
        return tuple(Token(kind, self.text[start:end], start, end) for kind, start, end in rows)

    @property
    def comments(self) -> tuple[Token, ...]:
        """What stands behind `#`, outside of strings."""
        if "#" not in self.text:
            return ()
        gaps = zip([0, *self.ends], self.starts, strict=False)
        found = (match for start, end in gaps for match in _COMMENT.finditer(self.text, start, end))
        return tuple(Token("comment", match[0], match.start(), match.end()) for match in found)


def lex(text: str) -> Lexed:
    """Split into tokens.

    >>> [token.text for token in lex('rate(x{a="b"}[5m:1m]) # why').tokens]
    ['rate', '(', 'x', '{', 'a', '=', '"b"', '}', '[', '5m', ':', '1m', ']', ')']
    >>> [token.text for token in lex('up # why').comments]
    ['# why']
    """
    kinds: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    read, at = _OUTSIDE.match, 0
    while match := read(text, at):
        group = match.lastgroup
        if group is None:
            break
        start, at = match.span(group)
        if group == "sign":
            kind = text[start:at]
            if kind == "{":
                read = _BRACES.match
            elif kind == "[":
                read = _BRACKETS.match
            elif kind in "}]":
                read = _OUTSIDE.match
        elif group == "word":
            word = text[start:at]
            if read == _BRACES.match:
                kind = "word"
            else:
                kind = _KINDS.get(word.lower()) or ("metric" if ":" in word else "word")
        elif group == "number":
            kind = _number_kind(text[start:at])
        else:
            kind = group
        kinds.append(kind)
        starts.append(start)
        ends.append(at)
    kinds.append(END)
    starts.append(len(text))
    ends.append(len(text))
    return Lexed(text, kinds, starts, ends)


def _number_kind(text: str) -> str:
    if text.isdigit() or NUMBER.fullmatch(text):
        return "number"
    return "duration" if DURATION.fullmatch(text) else "bad"
