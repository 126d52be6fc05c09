"""A lexer for PromQL that keeps offsets and knows which brackets are open."""

import re
from dataclasses import dataclass

_LEXER = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<open>["'`].*)
    |(?P<number>(?:[0-9]+\.?|\.[0-9])[0-9a-zA-Z.]*)
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<operator>==|!=|=~|!~|>=|<=|&&|\|\||[-+*/%^<>=!])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
CLOSERS = {")": "(", "]": "[", "}": "{"}
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of PromQL; *kind* is string, open (a string without an end), number, name, operator or other."""

    kind: str
    text: str
    start: int
    end: int
    depth: str = ""
    """The brackets that are open here, such as `({`."""

    @property
    def binary(self) -> bool:
        """Whether it joins two operands."""
        return self.kind == "operator" or (self.kind == "name" and self.text.lower() in _WORD_OPERATORS)


def tokens(text: str) -> tuple[Token, ...]:
    """Split into tokens, without white space and comments.

    >>> [t.text for t in tokens('rate(x{a="b"}[5m]) # why')]
    ['rate', '(', 'x', '{', 'a', '=', '"b"', '}', '[', '5m', ']', ')']
    """
    found: list[Token] = []
    depth = ""
    for match in _LEXER.finditer(text):
        kind = match.lastgroup or "other"
        if kind == "skip":
            continue
        if match[0] in CLOSERS and depth.endswith(CLOSERS[match[0]]):
            depth = depth[:-1]
        found.append(Token(kind, match[0], match.start(), match.end(), depth))
        if match[0] in CLOSERS.values():
            depth += match[0]
    return tuple(found)
