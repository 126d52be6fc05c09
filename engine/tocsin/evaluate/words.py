"""Numbers and times as people read them in a page at night."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from math import isfinite

from tocsin.template import SHAPES, Hole, Misfit, parts
from tocsin.units import Duration, literal

HUGE, TINY = 1e15, 1e-9
"""Beyond these a number is written with an exponent: nobody counts its digits."""
LONG = 1e13
"""Seconds beyond which no timedelta holds them."""


def percent(ratio: float | Decimal, digits: int = 2) -> str:
    """A ratio as a percentage, cut off and never rounded up: 99.8999 % must not read as a kept 99.9 %.

    A Decimal is what somebody wrote, such as a target, and keeps its digits (up to ten).

    >>> percent(0.99899999), percent(Decimal("0.99999")), percent(-0.114)
    ('99.89%', '99.999%', '-11.4%')
    """
    if not isfinite(ratio):
        return str(ratio)
    if abs(float(ratio)) >= HUGE:
        return f"{number(float(ratio) * 100)}%"
    exact = ratio if isinstance(ratio, Decimal) else Decimal(repr(ratio))
    if exact is ratio:
        digits = max(digits, min(10, -int(exact.as_tuple().exponent) - 2))
    return literal((exact * 100).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR)) + "%"


def error_percent(ratio: float) -> str:
    """An error ratio as a percentage with three significant digits.

    >>> error_percent(0.0144), error_percent(0.00012345)
    ('1.44%', '0.0123%')
    """
    return f"{number(ratio * 100)}%"


def number(value: float) -> str:
    """Three significant digits, without an exponent where people can do without.

    >>> number(43.2163), number(1234.5), number(0.0), number(0.000123456)
    ('43.2', '1234', '0', '0.000123')
    """
    if not isfinite(value):
        return str(value)
    if abs(value) >= HUGE or 0 < abs(value) < TINY:
        return f"{value:.3g}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{Decimal(f'{value:.3g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def times(rate: float) -> str:
    """A burn rate.

    >>> times(14.4), times(999.99)
    ('14.4x', '1000x')
    """
    return f"{number(rate)}x"


def span(length: timedelta) -> str:
    """A length of time in its two largest units.

    >>> span(timedelta(hours=9, minutes=12, seconds=40)), span(timedelta(seconds=43)), span(timedelta(days=3))
    ('9h 12m', '43s', '3d')
    """
    seconds = abs(int(length.total_seconds()))
    sign = "-" if length <= timedelta(seconds=-1) else ""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return sign + (" ".join(parts[:2]) or "0s")


def window(length: Duration) -> str:
    """A window as it is written in the definitions."""
    return str(length)


def _duration(seconds: float) -> str:
    """Any number of seconds, also one that no timedelta holds."""
    return span(timedelta(seconds=seconds)) if abs(seconds) < LONG else f"{number(seconds / 86_400)}d"


_SHAPES: dict[str, Callable[[float], str]] = {
    "humanize": number,
    "humanizePercentage": lambda value: percent(value, 1),
    "humanizeDuration": _duration,
}


def fill(template: str, labels: Mapping[str, str], value: float | None) -> str:
    """Fill the holes of a text with what this alert is about.

    >>> fill("CPU of {{ labels.job }} is {{ $value | humanizePercentage }}", {"job": "db"}, 0.875)
    'CPU of db is 87.5%'
    """

    def put(part: str | Hole | Misfit) -> str:
        if isinstance(part, str):
            return part
        if isinstance(part, Misfit):
            return ""
        if part.label is not None:
            return labels.get(part.label, "")
        if value is None or not isfinite(value):
            return "unknown" if value is None else str(value)
        return _SHAPES[SHAPES[part.shape or "number"]](value)

    return "".join(put(part) for part in parts(template))
