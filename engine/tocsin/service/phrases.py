"""Numbers and times as the page and the command line write them: in the words of messages, and with a dash for None."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from tocsin.evaluate import words

NOTHING = "–"  # noqa: RUF001  (a dash, as print writes it)
EXACT = 12
"""Decimals that no target needs."""


def share(ratio: float | None) -> str:
    """Good events of all, cut off so that it never claims a promise that is not kept.

    >>> share(0.9995), share(0.9999999), share(None)
    ('99.95%', '99.9999%', '–')
    """  # noqa: RUF002  (what people read)
    return NOTHING if ratio is None else words.percent(ratio, 4)


def portion(share: float) -> str:
    """A share of events, with one decimal, to the nearest.

    >>> portion(2 / 3), portion(0.0004)
    ('66.7%', '< 0.1%')
    """
    return "< 0.1%" if 0 < share < 0.0005 else f"{100 * share:.1f}%"


def exact(ratio: float | Decimal | None) -> str:
    """A target or a credit as somebody wrote it.

    >>> exact(0.99999), exact(Decimal("0.1"))
    ('99.999%', '10%')
    """
    return NOTHING if ratio is None else words.percent(ratio, EXACT)


def budget(remaining: float | None) -> str:
    """How much of the error budget is left.

    >>> budget(0.382), budget(-7.9), budget(0.0), budget(None)
    ('38.2%', '790% overspent', 'none', '–')
    """  # noqa: RUF002  (what people read)
    if remaining is None:
        return NOTHING
    text = words.percent(remaining, 1)
    return f"{text.removeprefix('-')} overspent" if remaining < 0 else text if remaining else "none"


def span(length: timedelta | None) -> str:
    """A length of time; clocks that disagree give none below zero.

    >>> span(timedelta(days=3, hours=4, minutes=5)), span(timedelta(seconds=-2)), span(None)
    ('3d 4h', '0s', '–')
    """  # noqa: RUF002  (what people read)
    return NOTHING if length is None else words.span(max(length, timedelta()))


def used_up(remaining: float | None, lasts: timedelta | None, rates: Iterable[float | None]) -> str:
    """When what remains of a budget will be spent; *rates* are those its tiers see, without which nobody can tell.

    >>> used_up(0.4, timedelta(hours=7), [2.0]), used_up(-0.1, timedelta(), [])
    ('7h', 'exhausted')
    >>> used_up(0.4, None, [0.2]), used_up(0.4, None, [None]), used_up(None, None, [0.2])
    ('not within the window', '–', '–')
    """  # noqa: RUF002  (what people read)
    if remaining is not None and remaining <= 0:
        return "exhausted"
    if lasts is not None:
        return span(lasts)
    return NOTHING if remaining is None or next(iter(rates), None) is None else "not within the window"


def times(rate: float | None) -> str:
    """A burn rate as a multiple of the budget's pace.

    >>> times(14.4), times(None)
    ('14.4x', '–')
    """  # noqa: RUF002  (what people read)
    return NOTHING if rate is None else words.times(rate)


def clock_time(at: datetime, now: datetime) -> str:
    """A time of day, with the date where it is not today's.

    >>> from datetime import UTC
    >>> clock_time(datetime(2026, 11, 23, 14, 2, tzinfo=UTC), datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    '14:02:00'
    """
    return at.strftime("%H:%M:%S") if at.date() == now.date() else at.strftime("%Y-%m-%d %H:%M")
