"""Figures of a report as people read them: cut off, never rounded up."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from tocsin.evaluate.words import percent
from tocsin.spec import CreditTier
from tocsin.units import literal


def cut(value: Fraction, digits: int) -> float:
    """*value* with so many digits after the point, towards minus infinity.

    >>> cut(Fraction(99_999, 100_000), 4)
    0.9999
    """
    size: int = 10**digits
    return floor(value * size) / size


def share(value: Fraction | None, digits: int = 4) -> str:
    """A share as a percentage.

    >>> share(Fraction(998_999_999, 10**9)), share(Fraction(999, 1000)), share(None)
    ('99.8999%', '99.9%', 'unknown')
    """
    if value is None:
        return "unknown"
    scaled = floor(value * 100 * 10**digits)
    whole, rest = divmod(abs(scaled), 10**digits)
    text = f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".") if digits else str(whole)
    return f"{'-' if scaled < 0 else ''}{text}%"


def digits_for(bounds: Iterable[Decimal]) -> int:
    """As many as it takes to tell a percentage from *bounds*; four at least.

    >>> digits_for([Decimal("0.999")]), digits_for([Decimal("0.99"), Decimal("0.9999999")])
    (4, 5)
    """
    return max([4, *(-int(bound.normalize().as_tuple().exponent) - 2 for bound in bounds)])


def number(value: Fraction) -> str:
    """How many: whole ones with commas, two digits of what is left where there are few.

    >>> number(Fraction(1_234_567)), number(Fraction(5, 2)), number(Fraction(123_456, 10))
    ('1,234,567', '2.5', '12,345')
    """
    return f"{floor(value):,}" if value >= 1000 or value.denominator == 1 else f"{cut(value, 2):g}"


def length(milliseconds: Fraction | int) -> str:
    """A length of time: whole seconds of it, whole minutes where it is a day or more.

    >>> length(2_678_400), length(44_640_000 * 2), length(0), length(3_600_000)
    ('44m 38s', '1d 48m', '0s', '1h')
    """
    seconds = floor(abs(Fraction(milliseconds)) / 1000)
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("m", seconds // 60 % 60), ("s", seconds % 60))
    shown = units[:3] if seconds >= 86_400 else units
    text = " ".join(f"{count}{unit}" for unit, count in shown if count) or "0s"
    return f"-{text}" if milliseconds < 0 and seconds else text


def clock(at: datetime, zone: ZoneInfo) -> str:
    """A local time, with seconds where there are any, and with its offset where clocks show it twice.

    >>> clock(datetime.fromisoformat("2026-10-25T00:50Z"), ZoneInfo("Europe/Berlin"))
    '2026-10-25 02:50+02:00'
    """
    local = at.astimezone(zone)
    told = f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return told + local.isoformat()[-6:] * twice


def credit_words(uptime: Fraction | None, target: Decimal, tiers: Sequence[CreditTier]) -> str:
    """Why so much is owed.

    The tiers that *uptime* is below and the next one that it is not below are named, because tiers are half-open.
    """
    if uptime is None:
        return "nothing was measured, so nothing can be said of credits"
    told = share(uptime, digits_for([target, *(tier.below for tier in tiers)]))
    if not tiers:
        kept = "is below" if uptime < Fraction(target) else "is not below"
        return f"uptime {told} {kept} the promised {percent(target)}; no credits are agreed"
    rising = sorted(tiers, key=lambda tier: tier.below)
    owed = next((place for place, tier in enumerate(rising) if uptime < Fraction(tier.below)), None)
    if owed is None:
        return f"uptime {told} is not below {percent(rising[-1].below)}: no credit"
    met = f" and not below {percent(rising[owed - 1].below)}" if owed else ""
    return f"uptime {told} is below {percent(rising[owed].below)}{met}: {literal(rising[owed].credit * 100)}% credit"
