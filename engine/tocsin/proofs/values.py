"""Samples in promtool's notation, as short as they can be said."""

from collections.abc import Iterable, Iterator, Sequence

_EXACT = 2**53
Sample = int | float | None
"""A value; None is a scrape that brought nothing."""


def notation(samples: Sequence[Sample]) -> str:
    """Write *samples*, runs of equal steps together.

    A server marks a series as stale when a scrape does not bring it any more. Without the mark promtool would see its
    last value for five minutes more, and a gauge that is looked at would have five samples that no server has.

    >>> notation([0, 0, 0, 5, 10, 15, None, None, 3])
    '0+0x2 5+5x2 stale _ 3'
    """
    return " ".join(_pieces(list(samples)))


def _pieces(samples: list[Sample]) -> Iterator[str]:
    position = 0
    while position < len(samples):
        first = samples[position]
        end = position + 1
        if first is None:
            while end < len(samples) and samples[end] is None:
                end += 1
            if position:
                yield "stale"
                position += 1
            if position < end:
                yield "_" if end == position + 1 else f"_x{end - position}"
            position = end
            continue
        step = _step(first, samples[end] if end < len(samples) else None)
        while step is not None and end < len(samples) and _step(samples[end - 1], samples[end]) == step:
            end += 1
        count = end - position - 1
        if count >= 2 and step is not None:
            yield f"{_number(first)}{'-' if step < 0 else '+'}{_number(abs(step))}x{count}"
            position = end
        else:
            yield _number(first)
            position += 1


def _step(one: Sample, other: Sample) -> int | float | None:
    if one is None or other is None:
        return None
    if isinstance(one, int) and isinstance(other, int):
        return other - one
    return 0 if one == other else None  # promtool adds steps up, and fractions would drift


def _number(value: float) -> str:
    return format(value, "d") if isinstance(value, int) else repr(value)


def rising(value: float, last: int, seconds: float, *, rises: bool, since: int = 0) -> str:
    """A gauge that stays at *value*, or a counter that *rises* by it per second from tick *since* to tick *last*.

    >>> rising(0.5, 4, 60.0, rises=True, since=2)
    '0+0x2 30 60'
    """
    if not rises:
        plain = int(value) if float(value).is_integer() and abs(value) < _EXACT else value
        return notation([plain] * (last + 1))
    ticks = [max(tick - since, 0) for tick in range(last + 1)]
    step = value * seconds
    if float(step).is_integer() and abs(value) < _EXACT / 2**13:
        return notation([int(step) * tick for tick in ticks])
    return notation([step * tick for tick in ticks])


def counter(events: Iterable[int | None], *, resets: Iterable[int] = ()) -> list[Sample]:
    """A counter that has counted *events* up to each scrape, from 0; None is a scrape that brought nothing.

    At each tick of *resets* it begins again at 0, and counts what has come since the scrape before.

    >>> counter([0, 5, 5, None, 5], resets=[2])
    [0, 5, 5, None, 10]
    """
    again = set(resets)
    total, samples = 0, list[Sample]()
    for tick, more in enumerate(events):
        if tick in again:
            total = 0
        total += more or 0
        samples.append(None if more is None else total)
    return samples
