"""The alert of a journey over a whole history, slice by slice.

All slices are combined once. A tick sees those that were complete by then, and is asked only where a slice has ended
and the alert could be true, or was: the windows of the tiers are sums over the combined slices. Where the worst member
of a window decides, what one slice is worth depends on the window, so there every slice is asked.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tocsin.backtest.ticks import Ticks
from tocsin.evaluate import journey
from tocsin.evaluate.journey import Composite
from tocsin.evaluate.rule import Seen, one
from tocsin.evaluate.slices import Slices
from tocsin.ledger.arrays import Bools, Floats
from tocsin.plan.journey import paging_tiers
from tocsin.ports import Labels
from tocsin.spec import JourneySlo
from tocsin.spec.journey import Combine, Member


@dataclass(slots=True, eq=False)
class JourneyReplay:
    """One objective of a journey, tick by tick."""

    slo: JourneySlo
    books: Mapping[str, Slices]
    whole: Composite
    due: Bools

    @classmethod
    def of(
        cls, slo: JourneySlo, books: Mapping[str, Slices], ticks: Ticks, asleep: AbstractSet[int] = frozenset()
    ) -> "JourneyReplay":
        """Combine what the *books* of its members hold; *asleep* are the slices in which the source did not run."""
        some = next(iter(books.values()))
        ratios = {ref: book.ratios for ref, book in books.items()}
        idle = {ref: book.idle for ref, book in books.items()}
        first, last = max(book.low for book in books.values()), min(book.high for book in books.values())
        whole = journey.composite(slo, ratios, slo.slice, first, last, idle=idle, asleep=asleep)
        numbers = np.floor(ticks.seconds * 1000 / some.step.milliseconds).astype(np.int64) - whole.first
        ended = np.diff(numbers, prepend=numbers[:1] - 1) != 0
        count = len(whole.values)
        may = np.ones(count + 1, dtype=np.bool_) if _worst(slo.combine) else _may_fire(slo, whole)
        inside = may[np.clip(numbers, 0, count)]
        before = np.concatenate((inside[:1], inside[:-1]))
        due = ended & (inside | before)
        due[:1] = True
        return cls(slo, books, whole, due)

    @property
    def first(self) -> None:
        """What its members know, they tell themselves."""
        return

    def ask(self, at: datetime, opened: Mapping[str, set[Labels]]) -> Mapping[str, Seen]:  # noqa: ARG002
        """What a look at *at* sees of it."""
        some = next(iter(self.books.values()))
        count = min(max(some.number(at) - self.whole.first, 0), len(self.whole.values))
        whole = self.whole
        seen = replace(
            whole, values=whole.values[:count], filled=whole.filled[:count], slices=whole.slices[:count],
            idle=whole.idle[:count],
        )  # fmt: skip
        ratios = {ref: seen.part(book.ratios) for ref, book in self.books.items()}
        return {f"{self.slo.ref}:burn": one(journey.burn(self.slo, seen, ratios, None))}

    def spent(self, start: datetime, end: datetime, _group: Labels) -> float:
        """The share of its period's budget that went in [start, end)."""
        values = np.array([1.0 if value is None else value for value in self.whole.values], dtype=np.float64)
        length = float(self.slo.slice.seconds)
        edges = (self.whole.first + np.arange(len(values) + 1)) * length
        lost = np.interp([start.timestamp(), end.timestamp()], edges, np.concatenate(([0.0], np.cumsum(1 - values))))
        return float(lost[1] - lost[0]) * length / (float(self.slo.window.seconds) * float(1 - self.slo.target))


def _worst(node: Combine | Member) -> bool:
    return isinstance(node, Combine) and (node.how == "worst_of" or any(_worst(part) for part in node.parts))


def _may_fire(slo: JourneySlo, whole: Composite) -> Bools:
    """By how many slices have ended: whether both windows of some tier are above its threshold, or cannot be told."""
    values = np.array([np.nan if value is None else value for value in whole.values], dtype=np.float64)
    known = np.concatenate(([0.0], np.cumsum(~np.isnan(values))))
    lost = np.concatenate(([0.0], np.cumsum(np.nan_to_num(1 - values))))
    may = np.zeros(len(values) + 1, dtype=np.bool_)
    for tier in paging_tiers(slo):
        threshold = float(tier.threshold(slo.window, slo.target))
        long, short = (_mean(lost, known, w.milliseconds // slo.slice.milliseconds) for w in (tier.long, tier.short))
        may |= ~((long <= threshold * (1 - 1e-9)) | (short <= threshold * (1 - 1e-9)))
    return may


def _mean(lost: Floats, known: Floats, count: int) -> Floats:
    ends = np.arange(len(lost))
    starts = np.maximum(ends - count, 0)
    some = known - known[starts]
    return np.asarray(np.divide(lost - lost[starts], some, out=np.full(len(lost), np.nan), where=some > 0))
