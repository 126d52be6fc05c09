"""A journey per slice: combine the members' good ratios of the same slice, then average over slices.

Averages of members combined afterwards are wrong in both directions when outages overlap or do not, so every slice is
combined by itself:

- `series`: the product. A user needs all members, and within one slice (minutes) their requests meet errors
  independently; across slices nothing is assumed. For slices that are wholly good or wholly bad it is plain "all
  good"; otherwise it lies between the bounds that hold for any dependence (sum of the shortfalls, and the worst).
- `parallel`: one minus the product of the shortfalls; `k_of_n`: the probability that so many are good.
- `weighted`: `sum(w·r) / sum(w)`.
- `worst_of`: not per slice. It stands for its part with the lowest mean over the window in question (the period, or a
  tier's), so it can hide no part that is bad, as a weighted mean can.

A member without events in a slice keeps its last value while it has been missing for at most `missing.after`; later
it counts as `good` (1), `bad` (0), or is left out (`ignore`: weights are renormalised; `k_of_n` has no value where
fewer parts are left than are needed). A member that is idle, that is whose events are counted and were none, is not
missing: it is left out of the slice, for good would hide an outage of the parts beside it and bad would make one of
nothing. Nor is one missing while the source itself did not run, or not for `missing.after` since (at least five
minutes, `plan.journey.settled`): such a slice does not count. A slice in which all of them are idle is good, for nobody
took the journey. Slices before the first one in which any member had events do not count, for there was no journey yet.
The SLI is the mean over the slices that count, the budget `(1 - target) · slices`. Where too many of them were seen by
nobody (no member had anything, be it replaced or not), both are unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from math import fsum
from types import MappingProxyType

from tocsin.budget import budget_ratio
from tocsin.evaluate import algebra, forecast
from tocsin.evaluate.contributions import contributions
from tocsin.evaluate.model import JourneyStatus, Sample, Truth
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.words import error_percent, percent, times
from tocsin.plan.journey import burn_labels, paging_tiers, settled
from tocsin.ports import Graph, labels_of
from tocsin.spec import Combine, JourneySlo
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.windows import Tier

MOST_CONTRIBUTORS = 3
LOOKED_BACK = timedelta(days=1)
"""So far before a window members are looked for: one that is gone at its start, and was there before, is not new."""
FALLBACK: Mapping[str, float | None] = {"good": 1.0, "bad": 0.0, "ignore": None}


def members(node: Member | Combine) -> tuple[str, ...]:
    """The SLOs below a node, each once, in the order they were written."""
    if isinstance(node, Member):
        return (node.ref,)
    return tuple(dict.fromkeys(ref for part in node.parts for ref in members(part)))


Slice = Mapping[str, float | None]
"""The members' good ratios of one slice."""


def over(node: Member | Combine, slices: Sequence[Slice]) -> list[float | None]:
    """Combine each slice of one window; None where nothing is left to combine."""
    return _combined(node, _columns(node, slices))


def _columns(node: Member | Combine, slices: Sequence[Slice]) -> "_Columns":
    refs = [node.ref] if isinstance(node, Member) else members(node)
    return {ref: [one.get(ref) for one in slices] for ref in refs}


def _combined(node: Member | Combine, columns: "_Columns") -> list[float | None]:
    if isinstance(node, Member):
        return columns[node.ref]
    return _HOW[node.how](node, [_combined(part, columns) for part in node.parts])


def _each(rule: Callable[[Combine, Sequence[float | None]], float | None]) -> "_How":
    """Combine slice by slice."""
    return lambda node, parts: [rule(node, one) for one in zip(*parts, strict=True)]


def _worst(_: Combine, parts: list[list[float | None]]) -> list[float | None]:
    means = [_mean([r for r in part if r is not None]) for part in parts]
    known = [(mean, number) for number, mean in enumerate(means) if mean is not None]
    return parts[min(known)[1]] if known else parts[0]


_Columns = Mapping[str, list[float | None]]
"""Each member's ratios, slice by slice."""
_How = Callable[[Combine, list[list[float | None]]], list[float | None]]
_HOW: Mapping[str, _How] = {
    "series": _each(lambda _, parts: algebra.series(parts)),
    "parallel": _each(lambda _, parts: algebra.parallel(parts)),
    "k_of_n": _each(lambda node, parts: algebra.at_least(node.need, parts)),
    "weighted": _each(lambda node, parts: algebra.weighted([float(w) for w in node.weights], parts)),
    "worst_of": _worst,
}


def combine(node: Member | Combine, ratios: Slice) -> float | None:
    """One slice by itself."""
    return over(node, [ratios])[0]


@dataclass(frozen=True, slots=True)
class Composite:
    """The journey slice by slice from number *first* on; *filled* says how many members' missing values were replaced.

    *values* combine the *slices* over all of them.
    """

    first: int
    values: tuple[float | None, ...]
    filled: tuple[int, ...]
    node: Combine
    slices: tuple[Slice, ...]
    idle: tuple[bool, ...] = ()
    """Where all members were, so that the slice is good for want of anything bad."""

    def newest(self, count: int) -> Sequence[float | None]:
        """The last slices, combined as a window of their own."""
        return over(self.node, self.slices[-count:])

    def contributions(self, count: int) -> tuple[tuple[str, float], ...]:
        """Each member's share of the shortfall of the last slices, the most first; they add up to 1.

        Members that were as good as they could be have none, and one that was left out of a slice is none the worse.
        """
        was = _columns(self.node, self.slices[-count:])
        good = {ref: [v if v is None else 1.0 for v in column] for ref, column in was.items()}
        bad = [ref for ref, column in was.items() if column != good[ref]]

        def short(some: frozenset[str]) -> float:
            return _shortfall(_combined(self.node, good | {ref: was[ref] for ref in some}))

        return contributions(bad, short)

    def age(self, count: int) -> int:
        """How long ago, in slices, the first of the last *count* that has a value began; one before them will do."""
        parts = self.node.parts if self.node.how == "worst_of" else (self.node,)
        values = list(zip(*(over(part, self.slices[-count - 1 :]) for part in parts), strict=True))
        first = next((n for n, some in enumerate(values) if any(v is not None for v in some)), len(values))
        return min(count, len(values) - first)

    @property
    def coverage(self) -> float | None:
        """The part of the slices of which anything was seen; None without any."""
        whole = len(members(self.node))
        seen = sum(value is not None and gone < whole for value, gone in zip(self.values, self.filled, strict=True))
        return seen / len(self.values) if self.values else None

    def part(self, ratios: Mapping[int, float]) -> dict[int, float]:
        """Those of a member's slices that the journey is made of; others may ask for more, such as a contract."""
        last = self.first + len(self.values)
        return {number: ratio for number, ratio in ratios.items() if self.first <= number < last}


def composite(
    slo: JourneySlo,
    ratios: Mapping[str, Mapping[int, float]],
    step: Duration,
    first: int,
    last: int,
    *,
    idle: Mapping[str, AbstractSet[int]] = MappingProxyType({}),
    asleep: AbstractSet[int] = frozenset(),
) -> Composite:
    """Combine the slices [first, last) of all members; *idle* are those in which a member counted no events.

    *asleep* are those in which the source itself did not run.
    """
    refs = members(slo.combine)
    born = min((k for ref in refs for k in ratios.get(ref, {}) if first <= k < last), default=last)
    patience = slo.missing.after.milliseconds // step.milliseconds
    wait = settled(replace(slo, slice=step))  # a contract has intervals of its own
    fallback = FALLBACK[slo.missing.count_as]
    earlier = {ref: [k for k in idle.get(ref, ()) if k < born] for ref in refs}
    known: dict[str, tuple[int, float | None]] = {ref: (max(some), None) for ref, some in earlier.items() if some}
    since = {ref: min((*ratios.get(ref, ()), *idle.get(ref, ())), default=born) for ref in refs}
    slices: list[Slice] = []
    filled: list[int] = []
    nobody: list[bool] = []
    for number in range(born, last):
        now: dict[str, float | None] = {}
        gone: set[str] = set()
        for ref in refs:
            ratio = ratios.get(ref, {}).get(number)
            if ratio is not None or number in idle.get(ref, ()):
                known[ref] = (number, ratio)
            late = since[ref] <= number and (ref not in known or number - known[ref][0] > patience)
            now[ref] = fallback if late else known.get(ref, (number, None))[1]
            if late:
                gone.add(ref)
        if gone and any(k in asleep for k in range(number - wait, number + 1)):
            now, gone = dict.fromkeys(refs), set(refs)
        unused = set(refs) - gone
        nobody.append(bool(unused) and all(ratio is None for ratio in now.values()))
        slices.append(now | dict.fromkeys(unused, 1.0) if nobody[-1] else now)
        filled.append(len(gone))
    values = over(slo.combine, slices)
    return Composite(born, tuple(values), tuple(filled), slo.combine, tuple(slices), tuple(nobody))


def rule(slo: JourneySlo) -> Rule:
    """The burn-rate alert of a journey; its name and labels are those of the compiled rule (`plan/journey.py`)."""
    return Rule(
        id=f"{slo.ref}:burn",
        service=slo.journey,
        severity="critical",
        title=f"journey {slo.ref} burns its error budget too fast",
        summary=f"journey {slo.ref} burns its error budget {{{{ value }}}} times faster than its "
        f"{percent(slo.target)} over {slo.window} allows",
        labels=labels_of({"alertname": "JourneyBudgetBurn", **dict(burn_labels(slo))}),
        notify=slo.page,
        description=slo.description,
    )


@dataclass(frozen=True, slots=True)
class JourneySight:
    """What one look saw of one journey; *graph* is what to draw of it while it burns."""

    status: JourneyStatus
    sample: Sample
    graph: Graph | None = None


def judge(
    slo: JourneySlo, whole: Composite, ratios: Mapping[str, Mapping[int, float]], reason: str, floor: float = 0.0
) -> JourneySight:
    """Status and alert from the slices up to now; *reason* says why older ones are not known yet.

    With less than *floor* of them seen nothing is told of the window; the alert has windows of its own.
    """
    coverage = whole.coverage
    if not reason and coverage is not None and coverage < floor:
        reason = f"only {percent(coverage, 1)} of the window was seen, less than {percent(floor)}"
    ratios = {ref: whole.part(known) for ref, known in ratios.items()}
    counted = [value for value in whole.values if value is not None]
    short = fsum(1 - value for value in counted)
    sli = 1 - short / len(counted) if counted and not reason else None
    remaining = 1 - short / (float(budget_ratio(slo.target)) * len(counted)) if sli is not None else None
    sample = burn(slo, whole, ratios, remaining)
    state = "unknown"
    if remaining is not None and remaining <= 0:
        state = "exhausted"
    elif sample.truth is Truth.TRUE:
        state = "burning"
    elif remaining is not None and sample.truth is Truth.FALSE:
        state = "healthy"
    status = JourneyStatus(
        ref=slo.ref,
        target=slo.target,
        window=slo.window,
        sli=sli,
        remaining=remaining,
        slices=len(counted),
        missing=sum(filled > 0 or value is None for filled, value in zip(whole.filled, whole.values, strict=True)),
        members=tuple((ref, _mean(list(ratios.get(ref, {}).values()))) for ref in members(slo.combine)),
        state=state,
        reason=reason or (sample.reason if state in {"unknown", "burning"} else ""),
        coverage=coverage,
    )
    return JourneySight(status, sample)


@dataclass(frozen=True, slots=True)
class Pair:
    """A tier that fires, with the error ratios over its two windows."""

    tier: Tier
    long: float
    short: float


Look = tuple[Tier, float | None, float | None]
"""A tier, and the errors over its long and its short window; None where no slice of it has any."""


def looks(slo: JourneySlo, whole: Composite) -> Iterator[Look]:
    """At each tier; slices before the first count as good."""
    for tier in paging_tiers(slo):
        long_slices = tier.long.milliseconds // slo.slice.milliseconds
        short_slices = tier.short.milliseconds // slo.slice.milliseconds
        recent = [v for v in whole.newest(long_slices) if v is not None]
        newest = [v for v in whole.newest(short_slices) if v is not None]
        history = whole.age(long_slices) / long_slices
        long = None if not recent else fsum(1 - v for v in recent) / len(recent) * history
        yield tier, long, None if not newest else fsum(1 - v for v in newest) / len(newest)


def firing(slo: JourneySlo, looked: Iterable[Look]) -> Pair | None:
    """The first tier with both windows above its threshold."""
    for tier, long, short in looked:
        if long is not None and short is not None and min(long, short) > float(tier.threshold(slo.window, slo.target)):
            return Pair(tier, long, short)
    return None


def burn(
    slo: JourneySlo,
    whole: Composite,
    ratios: Mapping[str, Mapping[int, float]],
    remaining: float | None,
) -> Sample:
    """True if any tier is."""
    looked = tuple(looks(slo, whole))
    if (worst := firing(slo, looked)) is not None:
        return _firing(slo, worst, whole, ratios, remaining)
    for tier, long, short in looked:
        threshold = float(tier.threshold(slo.window, slo.target))
        if all(errors is None or errors > threshold for errors in (long, short)):
            return Sample(Truth.UNKNOWN, reason=f"no slice with events in the last {tier.short}")
    if not looked:
        return Sample(Truth.UNKNOWN, reason=f"slices of {slo.slice} are too long for a burn-rate alert")
    return Sample(Truth.FALSE, reason="the burn rate is below the threshold", facts=(_name(slo),))


def _firing(
    slo: JourneySlo, pair: Pair, whole: Composite, ratios: Mapping[str, Mapping[int, float]], remaining: float | None
) -> Sample:
    tier, long, short = pair.tier, pair.long, pair.short
    budget = float(budget_ratio(slo.target))
    text = f"{times(long / budget)} over {tier.long}, {times(short / budget)} over {tier.short}"
    text += f" (pages at {times(float(tier.factor(slo.window)))})"
    facts = [
        _name(slo),
        ("burn rate", text),
        ("error ratio", f"{error_percent(long)} over {tier.long}, {error_percent(short)} over {tier.short}"),
    ]
    if remaining is not None:
        facts.append(("budget left", percent(remaining, 1)))
        lasts = forecast.of_slices(slo, whole.values, remaining, short / budget)
        facts.append(forecast.told(remaining, short / budget, lasts, str(slo.window)))
    newest = max((k for known in ratios.values() for k in known), default=0)
    since = newest - tier.long.milliseconds // slo.slice.milliseconds
    means = {ref: _mean([r for k, r in ratios.get(ref, {}).items() if k > since]) for ref in members(slo.combine)}
    bad = sorted((m, ref) for ref, m in means.items() if m is not None and m < 1)
    if bad:
        facts.append(("worst member", f"{bad[0][1]} at {percent(bad[0][0])} over {tier.long}"))
    if shares := whole.contributions(tier.long.milliseconds // slo.slice.milliseconds)[:MOST_CONTRIBUTORS]:
        facts.append(("broken by", ", ".join(f"{ref} {percent(share, 0)}" for ref, share in shares)))
    return Sample(Truth.TRUE, long / budget, f"burn rate {text}", tuple(facts))


def _name(slo: JourneySlo) -> tuple[str, str]:
    return ("SLO", f"{slo.ref} {percent(slo.target)} over {slo.window}")


def _shortfall(values: Sequence[float | None]) -> float:
    return fsum(1 - value for value in values if value is not None)


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def blind(slo: JourneySlo, reason: str) -> JourneySight:
    """Nobody could look."""
    refs = tuple((ref, None) for ref in members(slo.combine))
    status = JourneyStatus(
        slo.ref, slo.target, slo.window, None, None, slices=0, missing=0, members=refs, state="unknown", reason=reason
    )
    return JourneySight(status, Sample(Truth.UNKNOWN, reason=reason))
