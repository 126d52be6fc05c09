"""Durations, ratios, quantities and sizes: written as people write them, parsed once, exact.

Each parser raises UnitError with the value seen and what is allowed; the reader turns it into a Diagnostic.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Self

from tocsin.ports import Rate

_MILLISECONDS = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?"
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_SIZES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40, "PB": 2**50}


class UnitError(ValueError):
    """A text that is no duration, rate, ratio, quantity or size; the message is ready for a Diagnostic."""


@lru_cache(maxsize=1024)
def _seconds(milliseconds: int) -> Fraction:
    """Few lengths are asked for again and again, and a fraction is slow to make."""
    return Fraction(milliseconds, 1_000)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in whole milliseconds, written as Prometheus writes it.

    >>> str(Duration.parse("90m")), Duration.parse("1h30m").milliseconds
    ('1h30m', 5400000)
    """

    milliseconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `1h30m`, `250ms`, `30d`; units descend, as in Prometheus."""
        match = _DURATION.fullmatch(text)
        if not text or match is None:
            raise UnitError(f"{text!r} is not a duration; write a number and a unit, such as 30s, 5m, 1h30m or 30d")
        units = ("y", "w", "d", "h", "m", "s", "ms")
        return cls(sum(int(n) * _MILLISECONDS[u] for n, u in zip(match.groups(), units, strict=True) if n))

    @classmethod
    def of(cls, *, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Self:
        """Build from whole units."""
        return cls(days * 86_400_000 + hours * 3_600_000 + minutes * 60_000 + seconds * 1_000)

    @property
    def seconds(self) -> Fraction:
        """The exact number of seconds."""
        return _seconds(self.milliseconds)

    @property
    def timedelta(self) -> timedelta:
        """The same length for datetime arithmetic."""
        return timedelta(milliseconds=self.milliseconds)

    def __hash__(self) -> int:
        """As equal ones have it; the one that a dataclass makes is slow, and texts are remembered by windows."""
        return self.milliseconds

    def __str__(self) -> str:
        return _duration_text(self.milliseconds)


@lru_cache(maxsize=1024)
def _duration_text(milliseconds: int) -> str:
    """The few lengths of time that a workspace uses are printed in every rule."""
    rest, parts = milliseconds, []
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _MILLISECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_rate(text: str, longest: "Duration | None" = None) -> Rate:
    """Parse so many in a time, of an hour or *longest*: `20/m`, `1/s`, `500/h`, `30/5m`.

    >>> parse_rate("20/m")
    Rate(count=20, per=datetime.timedelta(seconds=60))
    """
    longest = longest or _LONGEST_RATE
    count, slash, per = text.partition("/")
    length = Duration.parse(per if per[:1].isdigit() else f"1{per}") if slash and per else None
    if length is None or not count.isascii() or not count.isdigit() or not 0 < int(count) <= MOST_AT_A_TIME:
        raise UnitError(f"{text!r} is not a rate; write so many in a time, such as 1/s, 20/m or 500/h")
    if not 0 < length.milliseconds <= longest.milliseconds:
        raise UnitError(f"a rate is for at most {longest}, and {text!r} is not")
    return Rate(int(count), length.timedelta)


MOST_AT_A_TIME = 10_000
_LONGEST_RATE = Duration.of(hours=1)


def parse_decimal(value: str | float) -> Decimal:
    """Parse a plain number exactly as it was written.

    >>> parse_decimal(0.1)
    Decimal('0.1')
    """
    text = value if isinstance(value, str) else repr(value)
    if not _NUMBER.fullmatch(text.strip()):
        raise UnitError(f"{value!r} is not a number")
    return Decimal(text.strip())


@lru_cache(maxsize=1024, typed=True)
def parse_ratio(value: str | float) -> Decimal:
    """Parse a percentage or a fraction: `99.9%` and `0.999` are the same exact decimal.

    >>> parse_ratio("99.9%"), parse_ratio(0.999)
    (Decimal('0.999'), Decimal('0.999'))
    """
    if isinstance(value, str) and value.strip().endswith("%"):
        return parse_decimal(value.strip()[:-1].strip()).scaleb(-2)
    return parse_decimal(value)


def parse_quantity(value: str | float) -> Decimal:
    """Parse a threshold: a number, a percentage (as a fraction), a duration (as seconds) or a size (as bytes).

    >>> parse_quantity("80%"), parse_quantity("2000ms"), parse_quantity(3), parse_quantity("1GB")
    (Decimal('0.80'), Decimal('2'), Decimal('3'), Decimal('1073741824'))
    """
    if not isinstance(value, str):
        return parse_decimal(value)
    text = value.strip()
    if _NUMBER.fullmatch(text) or text.endswith("%"):
        return parse_ratio(text)
    if _DURATION.fullmatch(text) and text:
        return Decimal(Duration.parse(text).milliseconds) / 1000
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?[KMGTP]?B", text):
        return parse_size(text)
    raise UnitError(
        f"{value!r} is not a threshold; write a number, a percentage (80%), a duration (2s) or a size (1GB)"
    )


def parse_size(text: str) -> Decimal:
    """Parse a size in bytes with the powers of two that Prometheus uses (`50GB`)."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGTP]?B)", text.strip())
    if match is None:
        raise UnitError(f"{text!r} is not a size; write a number and one of {', '.join(_SIZES)}, such as 50GB")
    return Decimal(match[1]) * _SIZES[match[2]]


def literal(value: Decimal) -> str:
    """Print the shortest exact PromQL literal.

    >>> literal(Decimal("0.01440")), literal(Decimal("1E+3"))
    ('0.0144', '1000')
    """
    text = format(value.normalize(), "f")
    return text if text != "-0" else "0"


_PERCENT_DIGITS = 4
"""Digits of a percentage behind its point that people write: 99.9954 %."""


def percentage(share: Fraction, *, up: bool = False) -> str:
    """A share as people write it, rounded to the side on which it holds.

    >>> percentage(Fraction("0.997002999")), percentage(Fraction("0.99966655"), up=True)
    ('99.7002%', '99.9667%')
    """
    parts = share * 100 * 10**_PERCENT_DIGITS
    whole = -(-parts.numerator // parts.denominator) if up else parts.numerator // parts.denominator
    return f"{literal(Decimal(whole).scaleb(-_PERCENT_DIGITS))}%"
