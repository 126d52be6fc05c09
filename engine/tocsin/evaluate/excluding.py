"""What is agreed not to count in the budget of an objective, and what that took out of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tocsin.evaluate.measures import Excluded, excluded
from tocsin.evaluate.measures.base import shares
from tocsin.evaluate.slices import milliseconds
from tocsin.ledger.auditing import Take, together
from tocsin.ledger.exclusions import REMOVE
from tocsin.ledger.exclusions import Exclusion as Stretch
from tocsin.spec import Exclusion


def stretches(exclusions: Sequence[Exclusion]) -> tuple[Stretch, ...]:
    """The same as the ledger has them."""
    return tuple(Stretch(milliseconds(e.start) // 1000, milliseconds(e.end) // 1000, e.treat) for e in exclusions)


def touching(exclusions: Iterable[Exclusion], start: datetime, end: datetime) -> tuple[Exclusion, ...]:
    """Those that concern [start, end)."""
    return tuple(one for one in exclusions if one.start < end and one.end > start)


def audited(
    exclusions: Sequence[Exclusion], takes: Iterable[Take], period: tuple[datetime, datetime], until: datetime
) -> tuple[Excluded, ...]:
    """What those of a *period* took up to *until*."""
    sums = together(takes, len(exclusions), milliseconds(period[0]) / 1000, milliseconds(until) / 1000)
    return told(exclusions, sums, period)


def told(
    exclusions: Sequence[Exclusion], sums: Sequence[tuple[float, float, float]], period: tuple[datetime, datetime]
) -> tuple[Excluded, ...]:
    """Those of a *period* with what they took; one that is still to come took nothing yet."""
    wanted = set(touching(exclusions, *period))
    return tuple(Excluded(one, *took) for one, took in zip(exclusions, sums, strict=True) if one in wanted)


def removed_seconds(exclusions: Sequence[Exclusion], start: datetime, end: datetime) -> float:
    """How much of [start, end) is taken out; each moment once."""
    return excluded(start, end, exclusions)[0] / 1000 if exclusions and start < end else 0.0


def lately(
    known: Sequence[Excluded], total: float, bad: float, start: datetime, end: datetime
) -> tuple[float, float, tuple[Excluded, ...]]:
    """All and bad events of [start, end) that count, and the trail with what was taken of them.

    Nobody knows when in it they came: each moment has as many as any other.
    """
    whole = milliseconds(end) - milliseconds(start)
    lost = {one.exclusion: one for one in known}
    rest, rest_bad = total, bad
    for length, taker in shares(start, end, [one.exclusion for one in known]) if whole > 0 else ():
        part, so_far = length / whole, lost[taker]
        rest_bad -= bad * part
        if taker.treat == REMOVE:
            rest -= total * part
            so_far = replace(so_far, removed=so_far.removed + total * part)
        else:
            so_far = replace(so_far, forgiven=so_far.forgiven + total * part)
        lost[taker] = replace(so_far, spared=so_far.spared + bad * part)
    return max(rest, 0.0), max(rest_bad, 0.0), tuple(lost[one.exclusion] for one in known)
