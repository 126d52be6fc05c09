"""Numbers and times as people read them in a page at night."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from math import isfinite

from tocsin.units import Duration, literal


def percent(ratio: float | Decimal, digits: int = 2) -> str:
    """A ratio as a percentage, cut off and never rounded up: 99.8999 % must not read as a kept 99.9 %.

    >>> percent(0.99899999), percent(Decimal("0.999")), percent(-0.114)
    ('99.89%', '99.9%', '-11.4%')
    """
    if not isfinite(ratio):
        return str(ratio)
    exact = Decimal(repr(ratio)) if isinstance(ratio, float) else ratio
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
    seconds = int(length.total_seconds())
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def window(length: Duration) -> str:
    """A window as it is written in the definitions."""
    return str(length)


_HOLE = re.compile(r"\{\{\s*\$?(?:(value)|labels\.([A-Za-z_][A-Za-z0-9_]*))\s*(?:\|\s*([a-zA-Z]+)\s*)?\}\}")
_SHAPES = {
    "percent": lambda v: percent(v, 1),
    "humanizePercentage": lambda v: percent(v, 1),
    "humanizeDuration": lambda v: span(timedelta(seconds=v)),
    "duration": lambda v: span(timedelta(seconds=v)),
}


def fill(template: str, labels: Mapping[str, str], value: float | None) -> str:
    """Fill `{{ value }}`, `{{ value | percent }}` and `{{ labels.name }}`, written with or without Prometheus' `$`.

    >>> fill("CPU of {{ labels.job }} is {{ $value | humanizePercentage }}", {"job": "db"}, 0.875)
    'CPU of db is 87.5%'
    """

    def put(match: re.Match[str]) -> str:
        if match[2]:
            return labels.get(match[2], "")
        if value is None:
            return "unknown"
        return _SHAPES.get(match[3] or "", number)(value) if isfinite(value) else str(value)

    return _HOLE.sub(put, template)
