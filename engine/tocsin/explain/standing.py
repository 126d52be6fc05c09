"""What holds for an objective besides its tiers: how it counts, over what, and which guards are in force."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.guards import keep_firing_for
from tocsin.plan.build import feasible_tiers
from tocsin.plan.burn import percent
from tocsin.plan.model import Plan
from tocsin.promql_syntax import Selector, disjoint, matcher_text, parse
from tocsin.sli import RatioSli, SlicedSli, has_guard
from tocsin.spec import Exclusion, Slo

_MEANING = {
    "cold_start": "history that is not known counts as clean",
    "missing_errors": "no series of bad events, where there are events, is none of them bad",
    "new_series": "an error series that is born with its first errors counts from zero",
    "low_traffic": "a few bad events of few are no evidence",
    "flapping": "an alert outlives its condition, so that errors that come and go are one incident",
}

UNKNOWN_TO_RULES = (
    "counted so by tocsin serve, evaluate and report over the ledger; compiled rules, dashboards and alerts "
    "know nothing of it"
)
"""Of exclusions: Prometheus cannot count anew what is over."""
_TARGET = frozenset({"job", "instance", "pod"})
"""Labels that tell targets apart where births are counted."""
_UNGUARDED = {
    "missing_errors": "it does not apply to an SLI of the kind",
    "new_series": "it is for ratios of plain selectors, and does not apply to an SLI of the kind",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: whether it is in force, what it does, and *why* not where it is not."""

    name: str
    on: bool
    meaning: str
    why: str = ""


def guards(slo: Slo) -> tuple[Guard, ...]:
    """Every guard, as the compiled rules have it."""
    return tuple(_guard(slo, name) for name in _MEANING)


def _guard(slo: Slo, name: str) -> Guard:
    reasons, meaning = dict(slo.guards.reasons), _MEANING[name]
    if name in reasons:
        return Guard(name, on=False, meaning=meaning, why=reasons[name] or "no reason is given")
    inner = slo.sli.inner if isinstance(slo.sli, SlicedSli) else slo.sli
    if name in _UNGUARDED and not has_guard(inner, name):
        return Guard(name, on=False, meaning=meaning, why=f"{_UNGUARDED[name]} {inner.kind}")
    if name == "new_series" and isinstance(inner, RatioSli) and not inner.counts_births():
        why = "it is for plain selectors without $window or offset, and for good events of the metric of all events"
        return Guard(name, on=False, meaning=meaning, why=why)
    if name == "new_series" and isinstance(inner, RatioSli) and (why := _never_of_one_scrape(inner)):
        return Guard(name, on=False, meaning=meaning, why=why)
    if name == "low_traffic" and not (evidence(slo) and slo.sli.now() is None):
        return Guard(name, on=False, meaning=meaning, why=_no_evidence(slo))
    return Guard(name, on=True, meaning=meaning)


def _never_of_one_scrape(sli: RatioSli) -> str:
    """Why no target shows both counters, if that is certain by their matchers.

    A series is told to be new by a series of all events that came with the same scrape (`sli.newborn`).
    """
    part, total = parse(sli.bad_events or sli.good_events or ""), parse(sli.total_events)
    if not (isinstance(part, Selector) and isinstance(total, Selector)):
        return ""
    if any(m.said == ("instance", "=", "") for each in (part, total) for m in each.matchers):
        return "it tells targets apart by their instance, and these series have none"
    apart = disjoint(part, total, _TARGET)
    if apart is None:
        return ""
    of = "bad" if sli.bad_events is not None else "good"
    mine, all_ = (matcher_text(matcher) for matcher in apart)
    return (
        f"a new series is told by one of all events in the same scrape, and {of} events have {mine}, "
        f"all events {all_}: the events with which a series begins are not counted"
    )


def _no_evidence(slo: Slo) -> str:
    return "it counts samples or slices, not events" if slo.sli.now() is not None else "one bad event is enough"


def evidence(slo: Slo) -> str:
    """What the bad events of the long window have to be; empty where one is enough, or none are counted."""
    if slo.sli.now() is not None:
        return ""
    parts = [f"at least {slo.guards.min_bad_events} bad events"] if slo.guards.min_bad_events > 1 else []
    if slo.guards.significance is not None:
        parts.append(f"more of them than chance explains (significance {slo.guards.significance})")
    return ", and ".join(parts)


def budgeting(slo: Slo) -> str:
    """How the budget is counted, in words."""
    if not isinstance(slo.sli, SlicedSli):
        return "occurrences: every event counts" if slo.sli.now() is None else "occurrences: every sample counts"
    empty = {"ignore": "are ignored"}.get(slo.sli.empty, f"count as {slo.sli.empty}")
    if slo.sli.target is None:
        return f"ratio-timeslices: slices of {slo.sli.slice} are bad by their error ratio; empty ones {empty}"
    good = f"good if at least {percent(slo.sli.target)} of their events are"
    return f"timeslices: slices of {slo.sli.slice} are {good}; empty ones {empty}"


def period(slo: Slo) -> str:
    """The period in words."""
    if slo.calendar is None:
        return f"rolling {slo.window}"
    return (
        f"a calendar {slo.calendar.unit} in {slo.calendar.timezone}: the budget is counted by the evaluator; "
        f"burn rates use the nominal length, {slo.window}"
    )


def intervals(slo: Slo, plan: Plan) -> dict[str, str]:
    """How often each rule group of the objective is evaluated, by its name."""
    names = {f"slo:{slo.ref}", f"slo-budget:{slo.ref}"}
    own = [group for group in plan.groups if group.name in names]
    return {group.name: str(group.interval) if group.interval else "evaluation of the server" for group in own}


def excluded(exclusions: Sequence[Exclusion]) -> Iterator[str]:
    """A line for each exclusion."""
    for each in exclusions:
        how = "counts as good" if each.treat == "good" else "is taken out"
        yield f"{each.start:%Y-%m-%d %H:%M} to {each.end:%Y-%m-%d %H:%M} UTC {how}: {each.reason}"


def standing(slo: Slo, plan: Plan) -> Iterator[str]:
    """All of it in lines."""
    yield f"period:    {period(slo)}"
    yield f"budgeting: {budgeting(slo)}"
    grouped = f"one objective for each {', '.join(slo.by)}" if slo.by else "none; one objective for all"
    yield f"grouping:  {grouped}"
    yield f"evidence:  {evidence(slo) or f'none is asked for: {_no_evidence(slo)}'}"
    every = ", ".join(f"{name} every {text}" for name, text in intervals(slo, plan).items())
    yield f"evaluated: {every}"
    keeps = ", ".join(f"{tier.name} {keep_firing_for(tier, slo.guards)}" for tier in feasible_tiers(slo))
    yield f"kept open: {keeps or 'no tier can fire'}"
    if slo.exclusions:
        yield "excluded:"
        yield from (f"  {line}" for line in excluded(slo.exclusions))
        yield f"  {UNKNOWN_TO_RULES}"
    yield "guards:"
    for guard in guards(slo):
        yield f"  {'on ' if guard.on else 'off'} {guard.name}: {guard.meaning if guard.on else guard.why}"
