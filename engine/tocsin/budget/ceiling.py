"""What a journey has if each of its members has what its own objective asks for, and no more.

Slices of independent members combine by the algebra of block diagrams (`algebra`). A member that stands at several
places of a tree is one member: the tree is looked at with it up and with it down (Shannon's expansion).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from tocsin.budget.algebra import at_least, in_parallel, in_series, weighted
from tocsin.spec import Combine, Member, members

MOST_REPEATED = 8
"""A tree is looked at twice for each member that stands at several places."""


def ceiling(tree: Combine, targets: Mapping[str, Decimal]) -> Fraction | None:
    """The share of good slices of *tree*, by the *targets* of its members; None where it is not known.

    It is not where a target is unknown, where more than MOST_REPEATED members stand at several places, or where one of
    them stands below a `worst_of`, which is no matter of slices.
    """
    places = Counter(member.ref for member in members(tree))
    repeated = [ref for ref, count in places.items() if count > 1]
    if not places.keys() <= targets.keys() or len(repeated) > MOST_REPEATED or (repeated and _has_worst(tree)):
        return None
    return _expanded(tree, {ref: Fraction(targets[ref]) for ref in places}, repeated)


def _expanded(tree: Combine, known: Mapping[str, Fraction], repeated: list[str]) -> Fraction:
    if not repeated:
        return _of(tree, known)
    ref, *others = repeated
    up, down = (_expanded(tree, {**known, ref: Fraction(state)}, others) for state in (1, 0))
    return known[ref] * up + (1 - known[ref]) * down


def _of(part: Combine | Member, known: Mapping[str, Fraction]) -> Fraction:
    if isinstance(part, Member):
        return known[part.ref]
    values = [_of(each, known) for each in part.parts]
    match part.how:
        case "series":
            return in_series(values)
        case "parallel":
            return in_parallel(values)
        case "k_of_n":
            return at_least(part.need, values)
        case "weighted":
            return weighted(zip(part.weights, values, strict=True)) or Fraction(0)
        case _:
            return min(values)


def _has_worst(tree: Combine) -> bool:
    inner: Iterable[Combine] = (part for part in tree.parts if isinstance(part, Combine))
    return tree.how == "worst_of" or any(map(_has_worst, inner))
