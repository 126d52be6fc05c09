"""What a journey is worth and when its alert fires, as arithmetic on ratios: nothing here knows a rule."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import prod

from tocsin.plan.journey import paging_tiers
from tocsin.proofs.expect import MARGIN
from tocsin.spec import Combine, JourneySlo, members
from tocsin.windows import Tier

TRAFFIC = 1000
"""Events of a member in each slice."""


def fires(slo: JourneySlo, whole: Sequence[Fraction | None], tick: int) -> bool | None:
    """Whether any tier burns at *tick*; None where it is too near to tell."""
    answers = [_burns(slo, tier, whole, tick) for tier in paging_tiers(slo)]
    return True if True in answers else None if None in answers else False


def _burns(slo: JourneySlo, tier: Tier, whole: Sequence[Fraction | None], tick: int) -> bool | None:
    threshold, known = tier.threshold(slo.window, slo.target), [n for n, ratio in enumerate(whole) if ratio is not None]
    answers = []
    for window in (tier.long, tier.short):
        slices = window.milliseconds // slo.slice.milliseconds
        some = [ratio for ratio in whole[max(0, tick - slices + 1) : tick + 1] if ratio is not None]
        if not some or tick < known[0]:
            return False
        error = sum((1 - ratio for ratio in some), Fraction(0)) / len(some)
        history = min(Fraction(tick - known[0] + 1, slices), Fraction(1)) if window == tier.long else Fraction(1)
        near = error * history / threshold
        answers.append(None if abs(near - 1) < MARGIN else near > 1)
    return False if False in answers else None if None in answers else True


def combined(node: Combine, ratios: Mapping[str, Fraction]) -> Fraction:
    """What a journey is worth, by the ratios of its members."""
    parts = [combined(p, ratios) if isinstance(p, Combine) else ratios[p.ref] for p in node.parts]
    return worth_of(node, parts)


def worth_of(node: Combine, parts: Sequence[Fraction]) -> Fraction:
    """What a combination is worth; of independent parts, as the manual says."""
    if node.how == "series":
        return prod(parts, start=Fraction(1))
    if node.how == "parallel":
        return 1 - prod((1 - part for part in parts), start=Fraction(1))
    if node.how == "weighted":
        pairs = zip(map(Fraction, node.weights), parts, strict=True)
        return sum((weight * part for weight, part in pairs), Fraction(0)) / sum(map(Fraction, node.weights))
    odds = [Fraction(1)]  # k_of_n: the chance that so many are good
    for part in parts:
        odds = [
            (odds[n] * (1 - part) if n < len(odds) else Fraction(0)) + (odds[n - 1] * part if n else Fraction(0))
            for n in range(len(odds) + 1)
        ]
    return sum(odds[node.need :], Fraction(0))


def solved(node: Combine, wanted: Fraction) -> Fraction:
    """The ratio that makes the whole *wanted* when every member has it, to the millionth."""
    low, high = Fraction(0), Fraction(1)
    refs = {member.ref for member in members(node)}
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if combined(node, dict.fromkeys(refs, middle)) > wanted else (middle, high)
    return Fraction(round(high * TRAFFIC * 1000), TRAFFIC * 1000)
