"""Trees of journeys, and what they are worth where each member is good or bad."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tocsin.diagnostics import Span
from tocsin.spec import Combine, Member

PLACE = Span("journey.yaml", 1, 1, 1, 1)
NAMES = ("a/up", "b/up", "c/up", "d/up")


def node(how: str, *parts: Combine | Member | str, need: int = 0) -> Combine:
    """A node of a tree; weights are those by which it means, not those that divide a budget."""
    inner = tuple(Member(part, PLACE) if isinstance(part, str) else part for part in parts)
    return Combine(how, inner, tuple(Decimal(1 + place) for place in range(len(inner))), PLACE, need)


@st.composite
def trees(draw: st.DrawFn, depth: int = 2, hows: str = "series parallel k_of_n weighted") -> Combine:
    """Trees in which a member may stand at several places."""
    leaf: st.SearchStrategy[Any] = st.sampled_from(NAMES)
    parts = draw(st.lists(leaf | trees(depth - 1, hows) if depth else leaf, min_size=1, max_size=3))
    return node(draw(st.sampled_from(hows.split())), *parts, need=draw(st.integers(1, len(parts))))


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
