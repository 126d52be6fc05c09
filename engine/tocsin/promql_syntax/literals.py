r"""Numbers, durations and strings: what they stand for.

Go reads numbers (`010` is 8, `1_000` a thousand, `1_000.5` wrong), Prometheus durations, and strings have Go's escapes:
https://go.dev/ref/spec#String_literals.
"""

import re

from tocsin.promql_syntax.fault import Misread, misread
from tocsin.promql_syntax.lexer import DURATION

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_SECONDS = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001)
_LONGEST = 2**63 / 1e9
"""Seconds in a Go duration: 292 years."""


def number(text: str, start: int = 0) -> float:
    """Read a number.

    >>> [number(text) for text in ("0x1F", "010", "08", "1_000", ".5e1", "-Inf".lower()[1:])]
    [31.0, 8.0, 8.0, 1000.0, 5.0, inf]
    """
    small = text.lower()
    if small in {"inf", "nan"}:
        return float(small)
    whole = small.replace("_", "")
    if small.startswith("0x"):
        value = int(whole, 16)
        if value < 2**63:
            return float(value)
        raise misread(f"the number {text} is too large", start, start + len(text))
    if whole.isdigit():
        octal = len(whole) > 1 and whole[0] == "0" and not set(whole) & {"8", "9"}
        value = int(whole, 8 if octal else 10)
        if value < 2**63:
            return float(value)
    if whole == small and (found := float(small)) != float("inf"):
        return found
    reason = "is too large" if whole == small else "has _ in it, which only whole numbers may have"
    raise misread(f"the number {text} {reason}", start, start + len(text))


def seconds(text: str, start: int = 0) -> float:
    """Read a duration.

    >>> seconds("1h30m"), seconds("250ms"), seconds("1w1d")
    (5400.0, 0.25, 691200.0)
    """
    match = DURATION.fullmatch(text)
    if match is None:
        raise bad_number(text, start)
    milliseconds = sum(int(n) * int(unit * 1000) for n, unit in zip(match.groups(), _SECONDS, strict=True) if n)
    if milliseconds / 1000 >= _LONGEST:
        raise misread(f"{text} is more than 292 years", start, start + len(text))
    return milliseconds / 1000


def bad_number(text: str, start: int) -> Misread:
    """What to raise for what is neither a number nor a duration."""
    hint = "write a number and a unit out of ms, s, m, h, d, w and y, such as 5m"
    return misread(f"{text!r} is no number or duration", start, start + len(text), hint)


def string(text: str, start: int = 0) -> str:
    r"""Read a string with its quotes; a raw one stands for itself.

    >>> string(r'"a\"\x41\u00e9"'), string(r"`\d`")
    ('a"Aé', '\\d')
    """
    quote, inner = text[0], text[1:-1]
    if "\ufffd" in inner or any("\ud800" <= char <= "\udfff" for char in inner if char > "\ud7ff"):
        raise misread("the string holds a character that is not valid UTF-8", start, start + len(text))
    if quote == "`" or "\\" not in inner:
        return inner
    pieces: list[bytes] = []
    at = 0
    for match in _ESCAPE.finditer(inner):
        pieces += (inner[at : match.start()].encode(), _escaped(match, quote, start))
        at = match.end()
    pieces.append(inner[at:].encode())
    return b"".join(pieces).decode("utf-8", "replace")


def _escaped(match: re.Match[str], quote: str, start: int) -> bytes:
    at = start + 1 + match.start()
    if plain := match[5]:
        if plain == quote or plain in _PLAIN:
            return _PLAIN.get(plain, plain).encode()
        if not plain.isalnum():
            raise misread("a string knows no such escape", at, at + 2)
        hint = f"write \\\\{plain}, or put the text into backticks"
        raise misread(f"a string knows no escape \\{plain}", at, at + 2, hint)
    if match[1] or match[2]:
        value = int(match[1], 16) if match[1] else int(match[2], 8)
        if value < 256:
            return bytes([value])
    else:
        value = int(match[3] or match[4], 16)
        if value < 0xD800 or 0xE000 <= value <= 0x10FFFF:
            return chr(value).encode()
    raise misread("this escape is no character", at, start + 1 + match.end())
