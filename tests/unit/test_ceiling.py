"""What members that just keep their objectives make of a journey."""

from decimal import Decimal
from fractions import Fraction
from itertools import product

from hypothesis import given
from tests.trees import NAMES, PLACE, good, trees

from tocsin.budget import ceiling
from tocsin.spec import Combine, Member, members

TARGETS = dict(zip(NAMES, map(Decimal, ("0.999", "0.995", "0.9", "0.5")), strict=True))


@given(trees())
def test_ceiling_is_the_mean_over_all_states(tree: Combine) -> None:
    """The algebra says what looking at every state of every member says, also where a member stands twice."""
    names = sorted({member.ref for member in members(tree)})
    mean = Fraction(0)
    for states in product((False, True), repeat=len(names)):
        state = dict(zip(names, states, strict=True))
        chance = Fraction(1)
        for name, up in state.items():
            chance *= Fraction(TARGETS[name]) if up else 1 - Fraction(TARGETS[name])
        mean += chance * good(tree, state)
    assert ceiling(tree, TARGETS) == mean


def test_ceiling_is_not_known_without_all_targets() -> None:
    """A journey over a member that nobody defined is found elsewhere."""
    assert ceiling(Combine("series", (Member("a/up", PLACE), Member("x/up", PLACE)), (), PLACE), TARGETS) is None


def test_worst_of_repeated_members_is_not_known() -> None:
    """The worst over a window is no matter of slices, so a member that stands in it and elsewhere is not judged."""
    worst = Combine("worst_of", (Member("a/up", PLACE), Member("b/up", PLACE)), (), PLACE)
    assert ceiling(worst, TARGETS) == Fraction("0.995")
    assert ceiling(Combine("series", (worst, Member("a/up", PLACE)), (), PLACE), TARGETS) is None
