"""The way back from `ceiling`: what each member has to keep so that the journey keeps what it promises.

The promise goes down the tree. A series divides its budget by weight. Parts of a parallel and of k of n share alike: so
much that too many are bad at once no more often than the budget allows. Below `weighted` and `worst_of` each part has
to keep the whole.

Members are taken as independent. If they are *dependent*, budgets are added up: m of the parts are bad at once no more
often than the sum of all shortfalls divided by m (Markov's inequality for the number of bad parts; Boole's for m = 1).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from fractions import Fraction
from math import comb

from tocsin.budget.apportioning import DIGITS, apportion_added, apportion_multiplied
from tocsin.budget.ceiling import ceiling
from tocsin.budget.spending import Exact
from tocsin.spec import Combine, Member, members

LEAST_BUDGET = Decimal("1e-12")
"""Nobody measures a smaller one: one bad slice of five minutes in ten million years."""

_MOST_SHORT = Decimal("0.999")
"""A member that the whole can do without still has a target."""
_WRITTEN = Context(prec=3, rounding=ROUND_FLOOR)
"""A target is written with three digits of its shortfall: 99.9667 %."""
_NEAR, _STEP = Context(prec=7), Decimal("1e-9")
"""So near comes what is looked for by halving; then a round number, if there is one, is what was meant."""


def needs(
    tree: Combine, target: Decimal, weights: Mapping[str, Exact] | None = None, *, dependent: bool = False
) -> dict[str, Decimal] | None:
    """The target of each member, rounded up, with which *tree* just keeps its own; *weights* are 1 unless given.

    A member that stands at several places is one member. None where the budget is below LEAST_BUDGET, and where
    `ceiling` cannot know what such members make; *dependent* ones are always known.
    """
    if 1 - target < LEAST_BUDGET:
        return None
    with localcontext(prec=2 * DIGITS):
        asked: dict[str, Decimal] = {}
        for ref, need in _asked(tree, target, weights or {}, dependent=dependent):
            asked[ref] = max(need, asked.get(ref, need))
        if not dependent and len(asked) < sum(1 for _ in members(tree)):
            if ceiling(tree, asked) is None:
                return None
            asked = _together(tree, target, asked)
        return {ref: need if need == target else 1 - _WRITTEN.plus(1 - need) for ref, need in asked.items()}


def divided(tree: Combine) -> frozenset[str]:
    """The members below a series: those among whom a budget is divided by weight."""
    if tree.how == "series":
        return frozenset(member.ref for member in members(tree))
    return frozenset().union(*(divided(part) for part in tree.parts if isinstance(part, Combine)))


def _asked(
    part: Combine | Member, target: Decimal, weights: Mapping[str, Exact], *, dependent: bool
) -> Iterator[tuple[str, Decimal]]:
    if isinstance(part, Member):
        yield part.ref, target
        return
    for inner, need in zip(part.parts, _split(part, target, weights, dependent=dependent), strict=True):
        yield from _asked(inner, need, weights, dependent=dependent)


def _split(node: Combine, target: Decimal, weights: Mapping[str, Exact], *, dependent: bool) -> Sequence[Decimal]:
    count, budget = len(node.parts), 1 - target
    if node.how == "series":
        own = [_weight(part, weights) for part in node.parts]
        if dependent:
            return [Decimal(one.numerator) / one.denominator for one in apportion_added(target, own)]
        return apportion_multiplied(target, own)
    if node.how not in {"parallel", "k_of_n"}:
        return [target] * count
    bad = count if node.how == "parallel" else count + 1 - node.need
    return [1 - (budget * bad / count if dependent else _alike(budget, bad, count))] * count


def _alike(budget: Decimal, bad: int, count: int) -> Decimal:
    """The shortfall of each of *count* independent parts of which *bad* are bad at once as seldom as it must be."""

    def kept(each: Decimal) -> bool:
        return sum(comb(count, n) * each**n * (1 - each) ** (count - n) for n in range(bad, count + 1)) <= budget

    return _most(kept, budget / count, Decimal(1))


def _weight(part: Combine | Member, weights: Mapping[str, Exact]) -> Fraction:
    """A series weighs what its parts do, so that it may be written in one or nested; others weigh their mean."""
    if isinstance(part, Member):
        return Fraction(weights.get(part.ref, 1))
    whole = sum((_weight(each, weights) for each in part.parts), start=Fraction(0))
    return whole if part.how == "series" else whole / len(part.parts)


def _together(tree: Combine, target: Decimal, asked: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Members at several places fail there at once: all shortfalls are scaled until the whole is what was promised."""
    short = {ref: _NEAR.plus(1 - need) for ref, need in asked.items()}

    def scaled(scale: Decimal) -> dict[str, Decimal]:
        return {ref: 1 - min(_NEAR.multiply(scale, each), _MOST_SHORT) for ref, each in short.items()}

    def kept(scale: Decimal) -> bool:
        found = ceiling(tree, scaled(scale))
        return found is not None and found >= target

    return scaled(_most(kept, (1 - target) / len(short), 1 / min(short.values())))


def _most(kept: Callable[[Decimal], bool], low: Decimal, high: Decimal) -> Decimal:
    """The most that is still *kept*: *low* is, and all from somewhere below *high* is not."""
    while high - low > low * _STEP:
        middle = (low + high) / 2
        low, high = (middle, high) if kept(middle) else (low, middle)
    round_number = _NEAR.plus(low)
    return round_number if round_number > low and kept(round_number) else low
