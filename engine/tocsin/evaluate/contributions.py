"""Whose shortfall it is: shares of a loss that several have caused, such that they add up to all of it.

The share of one is by how much the loss grows when it is as it was, beside some that were good already, averaged over
the orders in which they become as they were (Shapley's value, 1953). So two that were down together have a half each,
where taking one of them away says nothing: in a series the other would have been enough for the outage, in parallel
it would have prevented all of it.

There are too many orders to look at all of them. Those that begin with each one once, in both directions, are all that
there are of up to three; of more they are a fair part, and the shares of every single order add up.
"""

from collections.abc import Callable, Iterator, Sequence

ROUNDING = 1e-9
"""Parts of a loss that are nobody's."""
MOST_ORDERS = 16


def contributions(names: Sequence[str], loss: Callable[[frozenset[str]], float]) -> tuple[tuple[str, float], ...]:
    """Names with their share of the *loss* that there was, the most first; *loss* is that of some of them alone.

    Those without a share are left out; where nothing was lost nobody has one.

    >>> outage = {"ab": 3.0, "a": 2.0, "b": 2.0, "": 0.0}
    >>> contributions(["a", "b"], lambda some: outage["".join(sorted(some))])
    (('a', 0.5), ('b', 0.5))
    """
    known: dict[frozenset[str], float] = {frozenset(): 0.0}

    def of(some: frozenset[str]) -> float:
        if some not in known:
            known[some] = loss(some)
        return known[some]

    whole, sums, orders = of(frozenset(names)), dict.fromkeys(names, 0.0), list(_orders(names))
    if not whole:
        return ()
    for order in orders:
        before = frozenset[str]()
        for name in order:
            sums[name] += of(before | {name}) - of(before)
            before |= {name}
    shares = ((name, grown / len(orders) / whole) for name, grown in sums.items())
    return tuple(
        sorted(((name, share) for name, share in shares if share > ROUNDING), key=lambda each: (-each[1], each[0]))
    )


def _orders(names: Sequence[str]) -> Iterator[Sequence[str]]:
    step = -(-2 * len(names) // MOST_ORDERS) or 1
    for first in range(0, len(names), step):
        order = [*names[first:], *names[:first]]
        yield order
        yield order[::-1]
