"""When burn-rate alerts fire and when they are silent, by the model of the workbook and the guards alone.

Nothing here evaluates a rule. The error ratio of a story is a step function, so its mean over a window is a sum, and a
tier's condition is `mean(long) * known history > threshold and mean(short) > threshold`; `windows.detection_time` and
`windows.reset_time` are what this gives for one step. Rules measure with a finite accuracy (a window may hold one
sample more or less, the beginning of history is known to a few minutes), so a tick is claimed only where the model
gives the same answer within that accuracy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from tocsin.proofs.feed import Story

MARGIN = Fraction(2, 1000)
"""Nearer to the threshold than this share of it, nothing is claimed."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A tier in ticks; *least* is how many bad events its long window needs."""

    long: int
    short: int
    threshold: Fraction
    keep: int
    least: int = 0
    history: bool = True
    """Whether what is not known counts as good."""
    lag: int = 0
    """By how many ticks the long window may lag behind, where it is put together from shorter ones."""
    pieces: int = 1
    """Of how many raw windows the long one is put together: each may hold fewer samples than it says."""
    glimpse: int = 0
    """A life of the service that is shorter may not be seen in the long window."""


def conditions(story: Story, watch: Watch, *, sampled: bool, slack: int = 0) -> list[bool | None]:
    """For every tick whether the condition of *watch* holds; None where accuracy does not tell.

    *slack* is by how many ticks a server's windows may be shorter than they say.
    """
    answers: list[bool | None] = []
    stories = [_sums(story, lost=False)]
    if story.error_series_from:
        stories.append(_sums(story, lost=True))
    extra = (0, 1) if sampled else (0,)
    lives = _lives(story)
    for tick in range(len(story.good)):
        found = {
            _holds(sums, (tick, max(tick - lag, 0)), watch, born, more - less)
            for sums in stories
            for born in (_born(lives, tick, watch) if watch.history else {-watch.long})
            for more in extra
            for less in {0, slack, slack * watch.pieces}
            for lag in {0, watch.lag}
        }
        answers.append(found.pop() if len(found) == 1 else None)
    return answers


def _lives(story: Story) -> list[tuple[int, int]]:
    """The first and the last tick of each run of scrapes; what comes back after a pause is born again."""
    there = [tick for tick, good in enumerate(story.good) if good is not None]
    first = [tick for tick in there if tick == 0 or story.good[tick - 1] is None]
    last = [tick for tick in there if tick + 1 == len(story.good) or story.good[tick + 1] is None]
    return list(zip(first, last, strict=True))


def _born(lives: Sequence[tuple[int, int]], tick: int, watch: Watch) -> set[int]:
    """Since when events are known: the birth of the earliest life that reaches into the window.

    In long windows rules look for births at every hour, and a life lasts for them until five minutes after its end.
    """
    long = watch.long
    late = 1 + max(1, long // 288)
    found = set()
    for reach in (-long // 6 - 1, long // 12 + 1):
        for least in {0, watch.glimpse}:
            seen = [
                first
                for first, last in lives
                if last + reach >= tick - long and (min(last, tick) - first >= least or first <= tick <= last)
            ]
            seen = seen or [tick]
            found |= {seen[0], seen[0] + late}
    return found


_Sums = tuple[list[int], list[int]]


def _sums(story: Story, *, lost: bool) -> _Sums:
    """Bad and all events up to each tick; *lost* leaves out the errors with which their series was born."""
    bad = [b or 0 for b in story.bad]
    if lost:
        bad[: story.error_series_from + 1] = [0] * len(bad[: story.error_series_from + 1])
    every = [(g or 0) + (b or 0) for g, b in zip(story.good, story.bad, strict=True)]
    return list(accumulate(bad)), list(accumulate(every))


def _holds(sums: _Sums, ticks: tuple[int, int], watch: Watch, born: int, more: int) -> bool | None:
    """Whether it holds at the first of *ticks*; the second is how far the long window has come."""
    tick, seen = ticks
    known = min(max(tick - born, 0), watch.long)
    long = _compare(sums, seen, watch.long + more, watch.threshold, (known, watch.long))
    short = _compare(sums, tick, watch.short + more, watch.threshold)
    enough: bool | None = True
    if watch.least:
        bad = sums[0]
        events = bad[tick] - _before(bad, tick, watch.long + more)
        enough = None if abs(events - watch.least) < Fraction(1, 2) else events > watch.least
    answers = (long, short, enough)
    return False if False in answers else None if None in answers else True


def _compare(sums: _Sums, tick: int, window: int, threshold: Fraction, known: tuple[int, int] = (1, 1)) -> bool | None:
    """Whether `bad / events * known` is above *threshold*, multiplied out: whole numbers are ten times as fast."""
    bad, every = sums
    right = (every[tick] - _before(every, tick, window)) * threshold.numerator * known[1]
    if right == 0:
        return False
    left = (bad[tick] - _before(bad, tick, window)) * threshold.denominator * known[0]
    return None if abs(left - right) * MARGIN.denominator < MARGIN.numerator * right else left > right


def _before(sums: Sequence[int], tick: int, window: int) -> int:
    return sums[tick - window] if tick > window else 0


def firing(condition: Sequence[bool | None], keep: int, wait: int = 0) -> list[bool | None]:
    """The alert of a condition: it begins once the condition has held for *wait* ticks, and outlives it by *keep*.

    >>> firing([False, True, False, False, False], keep=1)
    [False, True, True, False, False]
    """
    held: list[bool | None] = []
    for tick in range(len(condition)):
        recent = condition[max(tick - wait, 0) : tick + 1]
        full = tick >= wait
        held.append(False if False in recent or not full else None if None in recent else True)
    states: list[bool | None] = []
    for tick in range(len(condition)):
        kept = held[max(tick - keep, 0) : tick + 1]
        states.append(True if True in kept else None if None in kept else False)
    return states


def turns(states: Sequence[bool | None]) -> Iterator[tuple[int, bool]]:
    """The ticks worth looking at: the last one before and the first one after each change, and the ends.

    >>> list(turns([False, False, None, True, True, False]))
    [(1, False), (3, True), (4, True), (5, False)]
    """
    known = [(tick, state) for tick, state in enumerate(states) if state is not None]
    for (tick, state), (after, other) in pairwise(known):
        if state != other:
            yield tick, state
            yield after, other
    if known and (len(known) == 1 or known[-1][1] == known[-2][1]):
        yield known[-1]
