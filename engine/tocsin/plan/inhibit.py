"""One incident, one page: while a faster tier of an objective fires, its slower tiers have nothing to add.

The rules are written once for all objectives with the same tiers, because an inhibition of Alertmanager compares
labels: ten thousand objectives of one policy need six of them.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations

from tocsin.plan.model import Inhibition
from tocsin.ports import labels_of
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

_Pair = tuple[str, str]
"""The faster tier and the slower one."""


def inhibitions(objectives: Iterable[tuple[Slo, tuple[Tier, ...]]]) -> tuple[Inhibition, ...]:
    """What silences what among the tiers that can fire; sorted.

    A ticket never silences a page, however fast it is. Where another objective orders tiers of the same names the other
    way round, the rules name the objective.

    What has to be equal are the labels that any of the objectives is divided by: a label that both alerts lack is equal
    too, and a rule without it would let one value of a divided objective silence the pages of all others.
    """
    alike: dict[tuple[tuple[Tier, ...], Duration, tuple[str, ...]], list[str]] = {}
    for slo, tiers in objectives:
        alike.setdefault((tiers, slo.window, slo.by), []).append(slo.ref)
    found: dict[_Pair, list[str]] = {}
    divided: dict[_Pair, set[str]] = {}
    for (tiers, period, by), refs in alike.items():
        for faster, slower in _pairs(period, tiers):
            found.setdefault((faster.name, slower.name), []).extend(refs)
            divided.setdefault((faster.name, slower.name), set()).update(by)
    made = []
    for (fast, slow), refs in sorted(found.items()):
        equal = ("service", "slo", *sorted(divided[fast, slow]))
        for ref in sorted(refs) if (slow, fast) in found else [""]:
            own = {"alertname": "ErrorBudgetBurn"} | ({"ref": ref} if ref else {})
            made.append(Inhibition(labels_of({**own, "tier": fast}), labels_of({**own, "tier": slow}), equal))
    return tuple(made)


def _pairs(period: Duration, tiers: tuple[Tier, ...]) -> Iterator[tuple[Tier, Tier]]:
    ordered = sorted(tiers, key=lambda tier: (-tier.factor(period), tier.name))
    for fast, slow in combinations(ordered, 2):
        if fast.severity == "page" or slow.severity != "page":
            yield fast, slow
