"""Numbers and times as the page and the command line write them."""

import math
from datetime import datetime, timedelta
from decimal import Decimal

NOTHING = "–"  # noqa: RUF001  (a dash, as print writes it)


def percent(share: float | Decimal | None, digits: int = 3) -> str:
    """A share as a percentage with at most *digits* decimals; rounding never claims a full 100 % or a clean 0 %.

    >>> percent(0.9995), percent(0.9999999), percent(0.42, 0), percent(None)
    ('99.95 %', '99.999 %', '42 %', '–')
    """  # noqa: RUF002  (what people read)
    if share is None or not math.isfinite(share):
        return NOTHING
    exact = Decimal(str(share)) * 100
    shown = round(exact, digits)
    step = Decimal(1).scaleb(-digits)
    if shown == 100 and exact < 100:
        shown = 100 - step
    elif shown == 0 and exact > 0:
        shown = step
    text = format(shown, "f")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def span(length: timedelta | None) -> str:
    """A length of time in its two largest units.

    >>> span(timedelta(days=3, hours=4, minutes=5)), span(timedelta(seconds=42)), span(None)
    ('3 d 4 h', '42 s', '–')
    """  # noqa: RUF002  (what people read)
    if length is None:
        return NOTHING
    seconds = max(0, int(length.total_seconds()))
    parts: list[tuple[int, str]] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts or unit == "s":
            parts.append((count, unit))
        if len(parts) == 2:
            break
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def clock_time(at: datetime, now: datetime) -> str:
    """A time of day, with the date where it is not today's.

    >>> from datetime import UTC
    >>> clock_time(datetime(2026, 11, 23, 14, 2, tzinfo=UTC), datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    '14:02:00'
    """
    return at.strftime("%H:%M:%S") if at.date() == now.date() else at.strftime("%Y-%m-%d %H:%M")


def multiple(rate: float | None) -> str:
    """A burn rate as a multiple of the budget's pace.

    >>> multiple(14.4), multiple(0.0312), multiple(1000.2), multiple(None)
    ('14.4×', '0.03×', '1000×', '–')
    """  # noqa: RUF002  (what people read)
    if rate is None or not math.isfinite(rate):
        return NOTHING
    digits = 0 if abs(rate) >= 100 else 1 if abs(rate) >= 10 else 2
    text = f"{rate:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}×"  # noqa: RUF001
