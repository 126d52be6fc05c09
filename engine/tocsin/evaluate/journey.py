"""A journey per slice: combine the members' good ratios of the same slice, then average over slices.

Averages of members combined afterwards are wrong in both directions when outages overlap or do not, so every slice is
combined by itself:

- `series`: the product. A user needs all members, and within one slice (minutes) their requests meet errors
  independently; across slices nothing is assumed. For slices that are wholly good or wholly bad it is plain "all
  good"; otherwise it lies between the bounds that hold for any dependence (sum of the shortfalls, and the worst).
- `weighted`: `sum(w·r) / sum(w)`.

A member without events in a slice keeps its last value while it has been missing for at most `missing.after`; later
it counts as `good` (1), `bad` (0), or is left out (`ignore`: weights are renormalised). Slices before the first one in
which any member had events do not count, for there was no journey yet. The SLI is the mean over the slices that count,
the budget `(1 - target) · slices`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, prod

from tocsin.budget import budget_ratio
from tocsin.evaluate.model import JourneyStatus, Sample, Truth
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.words import error_percent, percent, times
from tocsin.ports import labels_of
from tocsin.spec import Combine, JourneySlo
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.windows import WORKBOOK, Tier

FALLBACK: Mapping[str, float | None] = {"good": 1.0, "bad": 0.0, "ignore": None}


def members(node: Member | Combine) -> tuple[str, ...]:
    """The SLOs below a node, each once, in the order they were written."""
    if isinstance(node, Member):
        return (node.ref,)
    return tuple(dict.fromkeys(ref for part in node.parts for ref in members(part)))


def combine(node: Member | Combine, ratios: Mapping[str, float | None]) -> float | None:
    """One slice; None where nothing is left to combine."""
    if isinstance(node, Member):
        return ratios.get(node.ref)
    parts = [combine(part, ratios) for part in node.parts]
    if node.how == "weighted":
        pairs = [(float(w), r) for w, r in zip(node.weights, parts, strict=True) if r is not None]
        whole = fsum(w for w, _ in pairs)
        return fsum(w * r for w, r in pairs) / whole if whole else None
    known = [r for r in parts if r is not None]
    return prod(known) if known else None


@dataclass(frozen=True, slots=True)
class Composite:
    """The journey slice by slice from number *first* on; *filled* says where a member's missing value was replaced."""

    first: int
    values: tuple[float | None, ...]
    filled: tuple[bool, ...]

    def part(self, ratios: Mapping[int, float]) -> dict[int, float]:
        """Those of a member's slices that the journey is made of; others may ask for more, such as a contract."""
        last = self.first + len(self.values)
        return {number: ratio for number, ratio in ratios.items() if self.first <= number < last}


def composite(
    slo: JourneySlo, ratios: Mapping[str, Mapping[int, float]], step: Duration, first: int, last: int
) -> Composite:
    """Combine the slices [first, last) of all members."""
    refs = members(slo.combine)
    born = min((k for ref in refs for k in ratios.get(ref, {}) if first <= k < last), default=last)
    patience = slo.missing.after.milliseconds // step.milliseconds
    fallback = FALLBACK[slo.missing.count_as]
    known: dict[str, tuple[int, float]] = {}
    values: list[float | None] = []
    filled: list[bool] = []
    for number in range(born, last):
        now: dict[str, float | None] = {}
        late = False
        for ref in refs:
            ratio = ratios.get(ref, {}).get(number)
            if ratio is not None:
                known[ref] = (number, ratio)
                now[ref] = ratio
            elif ref in known and number - known[ref][0] <= patience:
                now[ref] = known[ref][1]
            else:
                now[ref] = fallback
                late = True
        values.append(combine(slo.combine, now))
        filled.append(late)
    return Composite(born, tuple(values), tuple(filled))


def tiers(slo: JourneySlo) -> tuple[Tier, ...]:
    """The paging tiers whose short window holds at least one slice, and that can fire at all."""
    return tuple(
        tier
        for tier in WORKBOOK
        if tier.severity == "page" and slo.slice <= tier.short and tier.feasible(slo.window, slo.target)
    )


def rule(slo: JourneySlo) -> Rule:
    """The burn-rate alert of a journey; evaluated by Tocsin alone, for PromQL cannot combine slices after the fact."""
    labels = {"alertname": "JourneyBudgetBurn", "service": slo.journey, "slo": slo.name, "severity": "critical"}
    return Rule(
        id=f"{slo.ref}:burn",
        service=slo.journey,
        severity="critical",
        title=f"journey {slo.ref} burns its error budget too fast",
        summary=f"journey {slo.ref} burns its error budget {{{{ value }}}} times faster than its "
        f"{percent(slo.target)} over {slo.window} allows",
        labels=labels_of({**labels, "ref": slo.ref}),
        notify=slo.page,
        description=slo.description,
    )


@dataclass(frozen=True, slots=True)
class JourneySight:
    """What one look saw of one journey."""

    status: JourneyStatus
    sample: Sample


def judge(slo: JourneySlo, whole: Composite, ratios: Mapping[str, Mapping[int, float]], reason: str) -> JourneySight:
    """Status and alert from the slices up to now; *reason* says why older ones are not known yet."""
    ratios = {ref: whole.part(known) for ref, known in ratios.items()}
    counted = [value for value in whole.values if value is not None]
    short = fsum(1 - value for value in counted)
    sli = 1 - short / len(counted) if counted and not reason else None
    remaining = 1 - short / (float(budget_ratio(slo.target)) * len(counted)) if sli is not None else None
    sample = burn(slo, whole.values, ratios, remaining)
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
        missing=sum(filled or value is None for filled, value in zip(whole.filled, whole.values, strict=True)),
        members=tuple((ref, _mean(list(ratios.get(ref, {}).values()))) for ref in members(slo.combine)),
        state=state,
        reason=reason or (sample.reason if state in {"unknown", "burning"} else ""),
    )
    return JourneySight(status, sample)


@dataclass(frozen=True, slots=True)
class Pair:
    """A tier that fires, with the error ratios over its two windows."""

    tier: Tier
    long: float
    short: float


def burn(
    slo: JourneySlo,
    values: Sequence[float | None],
    ratios: Mapping[str, Mapping[int, float]],
    remaining: float | None,
) -> Sample:
    """True if any tier is: long and short window above its threshold; slices before the first count as good."""
    worst: Pair | None = None
    blind = ""
    for tier in tiers(slo):
        long_slices = tier.long.milliseconds // slo.slice.milliseconds
        short_slices = tier.short.milliseconds // slo.slice.milliseconds
        recent = [v for v in values[-long_slices:] if v is not None]
        newest = [v for v in values[-short_slices:] if v is not None]
        threshold = float(tier.threshold(slo.window, slo.target))
        history = min(1.0, len(values) / long_slices)
        long = None if not recent else fsum(1 - v for v in recent) / len(recent) * history
        short = None if not newest else fsum(1 - v for v in newest) / len(newest)
        if (long is not None and long <= threshold) or (short is not None and short <= threshold):
            continue
        if long is None or short is None:
            blind = blind or f"no slice with events in the last {tier.short}"
        elif worst is None:
            worst = Pair(tier, long, short)
    if worst is not None:
        return _firing(slo, worst, ratios, remaining)
    if blind or not tiers(slo):
        return Sample(Truth.UNKNOWN, reason=blind or f"slices of {slo.slice} are too long for a burn-rate alert")
    return Sample(Truth.FALSE, reason="the burn rate is below the threshold", facts=(_name(slo),))


def _firing(slo: JourneySlo, pair: Pair, ratios: Mapping[str, Mapping[int, float]], remaining: float | None) -> Sample:
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
    newest = max((k for known in ratios.values() for k in known), default=0)
    since = newest - tier.long.milliseconds // slo.slice.milliseconds
    means = {ref: _mean([r for k, r in ratios.get(ref, {}).items() if k > since]) for ref in members(slo.combine)}
    bad = sorted((m, ref) for ref, m in means.items() if m is not None and m < 1)
    if bad:
        facts.append(("worst member", f"{bad[0][1]} at {percent(bad[0][0])} over {tier.long}"))
    return Sample(Truth.TRUE, long / budget, f"burn rate {text}", tuple(facts))


def _name(slo: JourneySlo) -> tuple[str, str]:
    return ("SLO", f"{slo.ref} {percent(slo.target)} over {slo.window}")


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def blind(slo: JourneySlo, reason: str) -> JourneySight:
    """Nobody could look."""
    refs = tuple((ref, None) for ref in members(slo.combine))
    status = JourneyStatus(
        slo.ref, slo.target, slo.window, None, None, slices=0, missing=0, members=refs, state="unknown", reason=reason
    )
    return JourneySight(status, Sample(Truth.UNKNOWN, reason=reason))
