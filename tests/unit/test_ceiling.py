"""What members that just keep their objectives make of a journey."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from tocsin.budget import ceiling
from tocsin.diagnostics import Span
from tocsin.spec import Combine, Member, members

PLACE = Span("journey.yaml", 1, 1, 1, 1)
NAMES = ("a/up", "b/up", "c/up", "d/up")
TARGETS = dict(zip(NAMES, map(Decimal, ("0.999", "0.995", "0.9", "0.5")), strict=True))


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> Combine:
    """Trees in which a member may stand at several places."""
    leaf = st.sampled_from(NAMES).map(lambda name: Member(name, PLACE))
    parts = draw(st.lists(st.one_of(leaf, trees(depth=depth - 1)) if depth else leaf, min_size=1, max_size=3))
    how = draw(st.sampled_from(["series", "parallel", "k_of_n", "weighted"]))
    need = draw(st.integers(1, len(parts)))
    return Combine(how, tuple(parts), tuple(Decimal(1 + place) for place in range(len(parts))), PLACE, need)


def good(part: Combine | Member, state: Mapping[str, bool]) -> Fraction:
    """What a slice is worth in which the members that are up are known."""
    if isinstance(part, Member):
        return Fraction(state[part.ref])
    values = [good(each, state) for each in part.parts]
    if part.how == "weighted":
        pairs = zip(part.weights, values, strict=True)
        return sum((Fraction(weight) * value for weight, value in pairs), Fraction(0)) / Fraction(sum(part.weights))
    chances = [Fraction(1)]
    for value in values:  # below a weighted part a part is good to a share
        chances = [
            (chances[up - 1] if up else 0) * value + (chances[up] if up < len(chances) else 0) * (1 - value)
            for up in range(len(chances) + 1)
        ]
    return sum(chances[{"series": len(values), "parallel": 1}.get(part.how, part.need) :], Fraction(0))


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
