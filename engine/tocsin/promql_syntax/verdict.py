"""What Prometheus' own parser says of a text, in our words and at our places."""

import re

from tocsin.promql_syntax.fault import Fault, Limit
from tocsin.promql_syntax.lexer import lex
from tocsin.promql_syntax.parser import parse, read
from tocsin.promql_syntax.versions import Feature

_QUOTED = re.compile(r'"([^"]*)"')


def beyond_limits(text: str) -> Fault | None:
    """Why *text* is not read at all, if it is longer or deeper than what a person writes."""
    tree = parse(text)
    return tree if isinstance(tree, Limit) else None


def explained(text: str, said: str, offset: int | None = None) -> Fault:
    """What is wrong with *text*, of which promtool *said* something, at *offset* if it gave a place.

    Our parser knows the same faults with better places; promtool's own words are told where it knows none.

    >>> explained("up = 0", 'unexpected "="', 3).hint
    'compare with =='
    """
    own = parse(text)
    if isinstance(own, Fault):
        return own
    if feature := too_new(text, offset):
        return Fault(feature.needs, feature.start, feature.end, feature.remedy)
    message = _QUOTED.sub(r"'\1'", " ".join(said.split()))
    found = lex(text).tokens
    if offset is None or not found:
        return Fault(message, 0, len(text))
    at = next((token for token in found if token.start <= offset < token.end), None)
    at = at or next((token for token in found if token.start >= offset), found[-1])
    return Fault(message, at.start, at.end)


def too_new(text: str, offset: int | None) -> Feature | None:
    """What stands at *offset* that not every version understands, if *text* is right for some."""
    found = read(text).features if offset is not None and not isinstance(parse(text), Fault) else ()
    return next((each for each in found if offset is not None and each.start <= offset < each.end), None)


def byte_offset(text: str, line: int, column: int) -> int:
    """Map Prometheus' line and column (from 1, in UTF-8 bytes) to an offset in characters.

    >>> byte_offset('a{b="é"} + x', 1, 13)
    11
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return len(text)
    before = sum(len(each) + 1 for each in lines[: line - 1])
    encoded = lines[line - 1].encode("utf-8", "replace")
    return before + len(encoded[: max(column - 1, 0)].decode("utf-8", "ignore"))
