r"""Parameters in the texts of a template: `${job}`, filled so that a value cannot become more than a value.

Inside a PromQL string a value is escaped; anywhere else in PromQL it has to be a name, a number or a duration, so no
value can close a bracket or begin an operator. Texts that are no PromQL take any value: what they become is judged
like any other text there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.promql import with_window
from tocsin.promql_syntax import Fault, Token, lex, parse

HOLE = re.compile(r"\$\{([^{}]*)\}")
_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*|[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?|(?:[0-9]+(?:ms|[smhdwy]))+")

Scalar = str | int | float | bool
Pieces = tuple[tuple[int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A value that cannot stand in the hole [start, end)."""

    parameter: str
    message: str
    start: int
    end: int


@dataclass(slots=True)
class Filled:
    """A text with values in its holes; *pieces* lead from its characters back to those of the template."""

    value: Scalar
    pieces: Pieces = ()
    misfits: list[Misfit] = field(default_factory=list)


def written(value: Scalar) -> str:
    """A value as text.

    >>> written(True), written(0.5), written("shop")
    ('true', '0.5', 'shop')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def fill(text: str, values: Mapping[str, Scalar], *, promql: bool) -> Filled:
    r"""Fill the holes whose parameter has a value.

    >>> fill('rate(x{job="${job}"}[${for}])', {"job": 'a"b', "for": "5m"}, promql=True).value
    'rate(x{job="a\\"b"}[5m])'
    """
    holes = [hole for hole in HOLE.finditer(text) if hole[1] in values]
    if not promql and len(holes) == 1 and holes[0][0] == text:
        return Filled(values[holes[0][1]])
    lexed = lex(_harmless(text, "a")).tokens if promql and holes else ()
    strings = [token for token in lexed if token.kind == "string"]
    made, pieces, misfits = "", [], []
    at = 0
    for hole in holes:
        value = written(values[hole[1]])
        if promql:
            quotes = next((t for t in strings if t.start < hole.start() and hole.end() <= t.end), None)
            value, wrong = _safe(value, quotes)
            if wrong:
                misfits.append(Misfit(hole[1], f"the value of {hole[1]} {wrong}", hole.start(), hole.end()))
        pieces.append((len(made), len(made) + hole.start() - at, at, hole.start()))
        made += text[at : hole.start()]
        pieces.append((len(made), len(made) + len(value), hole.start(), hole.end()))
        made += value
        at = hole.end()
    pieces.append((len(made), len(made) + len(text) - at, at, len(text)))
    return Filled(made + text[at:], tuple(pieces), misfits)


def _safe(value: str, quotes: Token | None) -> tuple[str, str]:
    """The value as it may stand there, and what is wrong with it."""
    if quotes is None:
        wrong = (
            "" if _PLAIN.fullmatch(value) else "stands outside of quotes, so it has to be a name, number or duration"
        )
        return value, wrong
    quote = quotes.text[0]
    if quote == "`":
        return value, "has a backtick, and stands between backticks" if quote in value else ""
    escaped = value.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n").replace("\r", "\\r")
    return escaped, ""


def harmless(text: str) -> str:
    """A PromQL text with holes, as one of the same length without them that can be parsed if any can.

    >>> harmless('rate(${metric}_total{job="${job}"}[${for}])')
    'rate(aaaaaaaaa_total{job="aaaaaa"}[11111s])'
    """
    names = _harmless(text, "a")
    if isinstance(parse(with_window(names)), Fault):
        numbers = _harmless(text, "1")
        if not isinstance(parse(with_window(numbers)), Fault):
            return numbers
    return names


def _harmless(text: str, letter: str) -> str:
    """Durations where one has to be, *letter* where both a name and a number may be, and names elsewhere."""
    made = ""
    at = 0
    for hole in HOLE.finditer(text):
        made += text[at : hole.start()]
        before, after = made.rstrip(), text[hole.end() : hole.end() + 1]
        length = hole.end() - hole.start()
        if before.endswith("[") or re.search(r"(\boffset|\[[^\]]*:)$", before):
            made += "1" * (length - 1) + "s"
        elif re.match(r"[\w:{\[(]", after) or re.search(r"[\w:]$", made):
            made += "a" * length
        else:
            made += letter * length
        at = hole.end()
    return made + text[at:]
