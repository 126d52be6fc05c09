"""Journeys: what each part was worth in a slice, what happens to a part that falls silent, and when the alert fires.

The recorded series of the members are given, so a day of slices is a few hundred evaluations of the journey's own
rules. What is expected is computed from the definition: the combination as arithmetic on ratios, burn rates as means
over slices.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from types import MappingProxyType

from tocsin.guards import BASE
from tocsin.plan import AlertingRule, RuleGroup
from tocsin.plan.journey import ROOT, beyond_promql, paging_tiers, settled
from tocsin.ports import Labels, labels_of
from tocsin.proofs.expect import turns
from tocsin.proofs.journey_model import TRAFFIC, combined, fires, solved, worth_of
from tocsin.proofs.model import FIRING, RECORDED, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import written
from tocsin.proofs.values import Sample, notation
from tocsin.spec import Combine, JourneySlo, Member, members
from tocsin.units import Duration
from tocsin.windows import Tier

_SHARES = ((3, 4), (1, 4))
"""The part of a member's events that each of its two series has, so that their sum is neither mean nor maximum."""
_LONG = Duration.of(hours=12)

Slices = Mapping[str, Sequence[Fraction | None]]
"""By member, its good ratio in each slice; None is a slice without data, or one in which it was idle."""
Idle = Mapping[str, AbstractSet[int]]
"""By member, the slices in which its events are counted and are none."""
_NEVER: Idle = MappingProxyType({})


def journey_proofs(slo: JourneySlo, group: RuleGroup | None) -> Iterator[Proof | Unproved]:
    """What is proved of a journey, and what is not and why."""
    reason = beyond_promql(slo)
    if not reason and slo.slice != BASE:
        reason = f"only slices of {BASE} are measured by what is recorded anyway"
    if not reason and slo.combine.how == "worst_of":
        reason = "the worst of its parts depends on the window"
    if reason or group is None:
        yield Unproved(slo.ref, slo.span, "its alert", reason or "the rules do not have it")
        return
    alert = next(rule for rule in group.rules if isinstance(rule, AlertingRule))
    subject = labels_of({**dict(alert.labels), "alertname": alert.alert})
    for grid, runs in (
        (slo.slice, [_worth(slo), _silent(slo), _idle(slo), _left(slo)]),
        *((slo.slice, [_burn(slo, tier, subject), _short(slo, tier, subject)]) for tier in paging_tiers(slo)),
    ):
        yield Proof(slo.ref, slo.span, group.file, grid, tuple(run for run in runs if run.claims))
    for every, run in ((_LONG.milliseconds // slo.slice.milliseconds, _forgotten(slo)), (_apart(slo), _own_gap(slo))):
        if run.claims:
            yield Proof(slo.ref, slo.span, group.file, slo.slice, (run,), every=every)


# --- scenarios ---------------------------------------------------------------------------------------------


def _worth(slo: JourneySlo) -> Run:
    """Every member has another ratio, so no two of them can be taken for each other."""
    refs = _refs(slo)
    told: dict[str, list[Fraction | None]] = {
        ref: [None, None, *[1 - Fraction(n + 1, 8 * len(refs))] * 2] for n, ref in enumerate(refs)
    }
    early = tuple(_nothing(labels, 1, "nothing was measured yet") for labels, _ in _values(slo, slo.combine, ROOT))
    claims = [*early, *_recorded(slo, told, 2), *(_member(slo, ref, told, 2) for ref in refs)]
    return Run("every member has a ratio of its own", _series(slo, told), tuple(claims))


def _silent(slo: JourneySlo) -> Run:
    """Each member falls silent while the others go on: its last value holds for a while, then what `missing` says."""
    refs, patience = _refs(slo), slo.missing.after.milliseconds // slo.slice.milliseconds
    apart = patience + 3
    last = apart * len(refs)
    told: dict[str, list[Fraction | None]] = {}
    for number, ref in enumerate(refs):
        good = Fraction(7 - number % 4, 8)
        told[ref] = [None if number * apart < tick <= number * apart + patience + 1 else good for tick in range(last)]
    claims: list[Claim] = []
    for number in range(len(refs)):
        for tick in (number * apart + patience, number * apart + patience + 1):
            claims += _recorded(slo, told, tick)
    return Run("one member after the other falls silent", _series(slo, told), tuple(claims))


def _idle(slo: JourneySlo) -> Run:
    """Each member is idle in a slice of its own, then all are, and then they are gone: only that is what is missing."""
    refs, patience = _refs(slo), slo.missing.after.milliseconds // slo.slice.milliseconds
    every = 2 + len(refs)
    good = {ref: Fraction(7 - number % 4, 8) for number, ref in enumerate(refs)}
    idle = {ref: {2 + number, every} for number, ref in enumerate(refs)}
    last = every + patience + 1
    busy = {ref: set(range(every)) - idle[ref] for ref in refs}
    told = {ref: [good[ref] if tick in busy[ref] else None for tick in range(last + 1)] for ref in refs}
    claims = [claim for tick in (*range(1, every + 1), last - 1, last) for claim in _recorded(slo, told, tick, idle)]
    return Run(
        "one member after the other is idle, then all, then they are gone", _series(slo, told, idle), tuple(claims)
    )


def _left(slo: JourneySlo) -> Run:
    """All members are idle, then all but one are gone: after a while these are missing, and not idle any more."""
    refs, patience = _refs(slo), slo.missing.after.milliseconds // slo.slice.milliseconds
    idle: dict[str, set[int]] = {ref: set() for ref in refs}
    ends = []
    for number, ref in enumerate(refs):
        begins = 2 + number * (patience + 2)
        ends.append(begins + patience + 1)
        for other in refs:
            idle[other].add(begins)
        idle[ref].update(range(begins, ends[-1] + 1))
    good: list[Fraction | None] = [Fraction(7, 8)] * 2
    told = {ref: [*good, *[None] * (ends[-1] - 1)] for ref in refs}
    claims = [claim for tick in ends for claim in _recorded(slo, told, tick, idle)]
    return Run("all members are idle, then all but one are gone", _series(slo, told, idle), tuple(claims))


def _forgotten(slo: JourneySlo) -> Run:
    """A period after everything fell silent nothing is known any more, and until then it is missing.

    Rules are evaluated twice a day; that they ran in between is given.
    """
    every, period = (span.milliseconds // slo.slice.milliseconds for span in (_LONG, slo.window))
    last = (period // every + 1) * every
    claims = []
    if slo.missing.count_as != "ignore":
        fallback = float(slo.missing.count_as == "good")
        for labels, leaf in _values(slo, slo.combine, ROOT):
            if leaf:
                why = f"measured less than {slo.window} ago"
                claims.append(Claim(RECORDED, labels, last - 2 * every, True, why, fallback))
                claims.append(_nothing(labels, last, f"nothing was measured for {slo.window}"))
    ran = [tick for tick in range(last) if tick % every]
    return Run("all members fall silent for good", (*_silent_from_the_start(slo, last), _ran(slo, ran)), tuple(claims))


def _apart(slo: JourneySlo) -> int:
    """Slices between two evaluations, after which nothing is left of the one before."""
    return 2 * settled(slo) + 2


def _own_gap(slo: JourneySlo) -> Run:
    """All members are gone: one evaluation too few before this one, and nothing is known; with it they are missing."""
    every, enough = _apart(slo), settled(slo)
    claims = []
    if slo.missing.count_as != "ignore":
        fallback = float(slo.missing.count_as == "good")
        for labels, leaf in _values(slo, slo.combine, ROOT):
            claims.append(_nothing(labels, every, "the rules themselves have not run for long enough"))
            if leaf:
                why = f"the rules have run for {enough} slices"
                claims.append(Claim(RECORDED, labels, 2 * every, True, why, fallback))
    ran = [*range(every - enough + 1, every), *range(2 * every - enough, 2 * every)]
    return Run("rules that did not run", (*_silent_from_the_start(slo, 2 * every), _ran(slo, ran)), tuple(claims))


def _silent_from_the_start(slo: JourneySlo, last: int) -> tuple[tuple[str, str], ...]:
    """Every member is measured in the first slice and never again."""
    told = {ref: [Fraction(1, 2), *[None] * last] for ref in _refs(slo)}
    return _series(slo, told)


def _ran(slo: JourneySlo, ticks: Sequence[int]) -> tuple[str, str]:
    """The rules ran at *ticks*, besides those at which they do and which are left free, of stale marks too."""
    some = set(ticks)
    labels = labels_of({"service": slo.journey, "slo": slo.name})
    samples = notation([1 if tick in some else None for tick in range(max(some) + 1)])
    return written("journey:slice:known", labels), samples.replace("stale", "_")


def _burn(slo: JourneySlo, tier: Tier, subject: Labels) -> Run:
    """A long window without errors, errors until the tier fires, and then none again."""
    long = tier.long.milliseconds // slo.slice.milliseconds
    threshold = tier.threshold(slo.window, slo.target)
    error = threshold * Fraction(25, 12)
    good = solved(slo.combine, 1 - error)
    lasts = int(long * threshold / error) + 3
    after = tier.short.milliseconds // slo.slice.milliseconds + 3
    name = f"errors of {float(error):.3g} after {tier.long} without any"
    return _fired(slo, name, subject, [(long + 2, Fraction(1)), (lasts, good), (after, Fraction(1))])


def _short(slo: JourneySlo, tier: Tier, subject: Labels) -> Run:
    """The long window is over its threshold, by little; the short one is a little over its own, then a little below."""
    long, short = (window.milliseconds // slo.slice.milliseconds for window in (tier.long, tier.short))
    threshold = tier.threshold(slo.window, slo.target)
    over, under = (solved(slo.combine, 1 - threshold * Fraction(part, 100)) for part in (120, 85))
    outage = int(long * threshold) + 1
    name = f"after an outage {float(threshold * 120):.3g} % of errors, and then {float(threshold * 85):.3g} %"
    phases = [(long, Fraction(1)), (outage, Fraction(0)), (short + 2, over), (short + 2, under)]
    return _fired(slo, name, subject, phases)


def _fired(slo: JourneySlo, name: str, subject: Labels, phases: Sequence[tuple[int, Fraction]]) -> Run:
    """A run of so many slices in which every member has the same ratio, and when the alert fires in it."""
    ratios: list[Fraction | None] = [None, *(ratio for ticks, ratio in phases for _ in range(ticks))]
    whole = [None if ratio is None else combined(slo.combine, dict.fromkeys(_refs(slo), ratio)) for ratio in ratios]
    holds = [fires(slo, whole, tick) for tick in range(len(whole))]
    claims = tuple(Claim(FIRING, subject, tick, state, name) for tick, state in turns(holds))
    return Run(name, _series(slo, dict.fromkeys(_refs(slo), ratios)), claims)


# --- what is expected --------------------------------------------------------------------------------------


def _recorded(slo: JourneySlo, told: Slices, tick: int, idle: Idle = _NEVER) -> Iterator[Claim]:
    """The values of all parts and of the whole at *tick*."""
    held = {ref: _held(slo, told[ref], idle.get(ref, frozenset()), tick) for ref in told}
    unused = [ref for ref in told if _last(slo, told[ref], idle.get(ref, frozenset()), tick) in idle.get(ref, ())]
    if unused and not any(ratio is not None for ratio in held.values()):
        held |= dict.fromkeys(unused, Fraction(1))
    for labels, value in _worths(slo, slo.combine, ROOT, held):
        why = "by the ratios of the members in this slice"
        if value is None:
            yield _nothing(labels, tick, why)
        else:
            yield Claim(RECORDED, labels, tick, True, why, float(value))


def _last(slo: JourneySlo, ratios: Sequence[Fraction | None], idle: AbstractSet[int], tick: int) -> int | None:
    """The newest slice that tells of a member, and is not older than it may be."""
    patience = slo.missing.after.milliseconds // slo.slice.milliseconds
    known = [n for n in range(max(0, tick - patience), tick + 1) if ratios[n] is not None or n in idle]
    return known[-1] if known else None


def _held(slo: JourneySlo, ratios: Sequence[Fraction | None], idle: AbstractSet[int], tick: int) -> Fraction | None:
    last = _last(slo, ratios, idle, tick)
    if last is not None:
        return ratios[last]
    return {"good": Fraction(1), "bad": Fraction(0), "ignore": None}[slo.missing.count_as]


def _worths(
    slo: JourneySlo, node: Combine, path: str, held: Mapping[str, Fraction | None]
) -> Iterator[tuple[Labels, Fraction | None]]:
    """Every part below *node* with what it is worth, and *node* itself at the end."""
    values: list[Fraction | None] = []
    for number, part in enumerate(node.parts):
        below = f"{path}.{number}"
        if isinstance(part, Combine):
            inner = list(_worths(slo, part, below, held))
            yield from inner
            values.append(inner[-1][1])
        else:
            values.append(held[part.ref])
            yield _labels(slo, below), held[part.ref]
    known = [(n, value) for n, value in enumerate(values) if value is not None]
    weights = tuple(node.weights[n] for n, _ in known) if node.weights else ()
    less = Combine(node.how, node.parts, weights, node.span, node.need)
    yield _labels(slo, path), worth_of(less, [value for _, value in known]) if len(known) >= max(1, node.need) else None


def _values(slo: JourneySlo, node: Combine, path: str) -> Iterator[tuple[Labels, bool]]:
    """Every part and the whole, with whether it is a member."""
    for number, part in enumerate(node.parts):
        below = f"{path}.{number}"
        if isinstance(part, Member):
            yield _labels(slo, below), True
        else:
            yield from _values(slo, part, below)
    yield _labels(slo, path), False


def _member(slo: JourneySlo, ref: str, told: Slices, tick: int) -> Claim:
    value = told[ref][tick]
    labels = labels_of({"__name__": "journey:member:ratio", "service": slo.journey, "slo": slo.name, "member": ref})
    return Claim(RECORDED, labels, tick, True, "1 less the part of bad events", float(value or 0))


def _labels(slo: JourneySlo, path: str) -> Labels:
    own = {"service": slo.journey, "slo": slo.name}
    if path == ROOT:
        return labels_of({"__name__": "journey:slice:ratio", **own})
    of = path.rpartition(".")[0]
    return labels_of({"__name__": "journey:part:ratio", **own, "part": path, "of": of})


def _nothing(labels: Labels, tick: int, why: str) -> Claim:
    return Claim(RECORDED, labels, tick, False, why)


def _refs(slo: JourneySlo) -> list[str]:
    return list(dict.fromkeys(member.ref for member in members(slo.combine)))


# --- series ------------------------------------------------------------------------------------------------


def _series(slo: JourneySlo, told: Slices, idle: Idle = _NEVER) -> tuple[tuple[str, str], ...]:
    """The recorded series of the members, two each; and decoys of other services and objectives, all of them bad."""
    found = []
    ticks = max(len(ratios) for ratios in told.values())
    for ref in _refs(slo):
        service, _, name = ref.partition("/")
        for number, (part, of) in enumerate(_SHARES):
            events = Fraction(TRAFFIC * part, of)
            none = [0.0 if tick in idle.get(ref, ()) else None for tick in range(len(told[ref]))]
            pairs = list(zip(told[ref], none, strict=True))
            bad: list[Sample] = [zero if r is None else float(events * (1 - r)) for r, zero in pairs]
            every: list[Sample] = [zero if r is None else float(events) for r, zero in pairs]
            own = {"service": service, "slo": name, "part": str(number)}
            found += [
                (written(f"slo:{what}:rate{BASE}", labels_of(own)), _ending(samples))
                for what, samples in (("bad", bad), ("total", every))
            ]
    decoys = [{"service": "decoy", "slo": name.partition("/")[2]} for name in _refs(slo)]
    decoys += [{"service": name.partition("/")[0], "slo": "decoy"} for name in _refs(slo)]
    for labels in {labels_of(decoy): None for decoy in decoys}:
        for what, value in (("bad", 5 * TRAFFIC), ("total", 7 * TRAFFIC)):
            found.append((written(f"slo:{what}:rate{BASE}", labels), notation([value] * ticks)))
    return tuple(found)


def _ending(samples: Sequence[Sample]) -> str:
    """A series that ends is marked as stale, as rules do it, and is not looked back for."""
    pieces, begun = [], 0
    for tick in range(1, len(samples)):
        if samples[tick] is None and samples[tick - 1] is not None:
            pieces += [notation(samples[begun:tick]), "stale"]
            begun = tick + 1
    return " ".join([*pieces, notation(samples[begun:])]).strip()
