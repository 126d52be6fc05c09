"""What the runbook pages of journeys and contracts say, in values that a template arranges."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.plan import AlertingRule, Plan
from tocsin.plan.journey import beyond_promql, paging_tiers
from tocsin.promql import matchers
from tocsin.spec import Combine, Journey, JourneySlo, Member, Sla
from tocsin.spec.service import CALENDAR_UNITS
from tocsin.targets.grafana_panels import uid
from tocsin.targets.runbook_pages import OUTAGES, Detection, Facts, TierLine, detection, percent, tier_line, told
from tocsin.units import Duration, literal
from tocsin.workspace import Workspace

_HOW = {
    "series": "all of them are needed",
    "parallel": "one of them is enough",
    "weighted": "their mean by weight",
    "worst_of": "the worst of them counts",
}


@dataclass(frozen=True, slots=True)
class JourneyObjective:
    """One objective of a journey; *parts* are its tree as (depth, text, page of a member or nothing)."""

    name: str
    promise: str
    facts: Facts
    parts: tuple[tuple[int, str, str], ...]
    tiers: tuple[TierLine, ...]
    detection: tuple[Detection, ...]
    alone: str
    """Why `tocsin serve` alone evaluates it; empty where rules do."""
    look: str


@dataclass(frozen=True, slots=True)
class JourneyPage:
    """One journey; what `page` is in its template."""

    name: str
    title: str
    description: str
    facts: Facts
    objectives: tuple[JourneyObjective, ...]


@dataclass(frozen=True, slots=True)
class ContractPage:
    """One contract; *credits* are (uptime, what is given back), *exclusions* (from, to, reason, how they count)."""

    name: str
    title: str
    promise: str
    facts: Facts
    allowed: str
    covers: str
    covered: str
    credits: tuple[tuple[str, str], ...]
    exclusions: tuple[tuple[str, str, str, str], ...]


def journey_page(journey: Journey, plan: Plan, workspace: Workspace) -> JourneyPage:
    """Everything that a person who was woken up wants to know of *journey*."""
    rules = {r.ref: r for g in plan.groups for r in g.rules if isinstance(r, AlertingRule)}
    return JourneyPage(
        name=journey.name,
        title=journey.title or journey.name,
        description=journey.description,
        facts=(
            *((("Owner", journey.owner),) if journey.owner else ()),
            *_dashboard("journey", journey.name, workspace),
        ),
        objectives=tuple(_objective(slo, rules.get(slo.ref), workspace) for slo in journey.slos),
    )


def _objective(slo: JourneySlo, rule: AlertingRule | None, workspace: Workspace) -> JourneyObjective:
    alone = beyond_promql(slo)
    tiers = [] if rule is None else list(paging_tiers(slo))
    missing = slo.missing
    named = ", ".join(slo.page) or "whom the routes say"
    return JourneyObjective(
        name=slo.name,
        promise=f"{slo.description or slo.ref}: {percent(slo.target)} over {slo.window}, in slices of {slo.slice}.",
        facts=(
            (
                "Without data",
                f"a member that is gone counts as {missing.count_as} after {missing.after}; an idle one is left out",
            ),
        ),
        parts=tuple(_tree(slo.combine, 0)),
        tiers=tuple(tier_line(tier, slo.window, told(rule, workspace) if rule else named) for tier in tiers),
        detection=tuple(detection(errors, slo.target, slo.window, tiers) for errors in OUTAGES if tiers),
        alone=alone,
        look=f"sort(journey:member:ratio{matchers((('service', slo.journey), ('slo', slo.name)))})",
    )


def _tree(node: Combine | Member, depth: int, weight: str = "") -> Iterator[tuple[int, str, str]]:
    if isinstance(node, Member):
        yield depth, f"{node.ref}{weight}", node.ref.partition("/")[0]
        return
    how = f"{node.need} of {len(node.parts)} are needed" if node.how == "k_of_n" else _HOW[node.how]
    yield depth, f"{node.how}: {how}{weight}", ""
    weights = [f" (weight {literal(each)})" for each in node.weights] or [""] * len(node.parts)
    for part, each in zip(node.parts, weights, strict=True):
        yield from _tree(part, depth + 1, each)


def contract_page(sla: Sla, workspace: Workspace) -> ContractPage:
    """What was promised to whom, how it is measured, and what it costs to miss it."""
    nominal = CALENDAR_UNITS[sla.calendar]
    allowed = Duration(int(nominal.milliseconds * (1 - sla.target)) // 1000 * 1000)
    objectives = {slo.ref: slo.service for each in workspace.services for slo in each.slos}
    journeys = {slo.ref: slo.journey for journey in workspace.journeys for slo in journey.slos}
    return ContractPage(
        name=sla.name,
        title=sla.title or sla.name,
        promise=f"{percent(sla.target)} in each {sla.calendar} of {sla.timezone}, promised to {sla.customer or 'all'}.",
        facts=(
            ("Measured", sla.measure.words),
            ("Told", ", ".join(sla.notify) or "whom the routes say"),
            *_dashboard("contract", sla.name, workspace),
        ),
        allowed=f"{allowed} of a {sla.calendar} of {nominal}",
        covers=sla.covers,
        covered=objectives.get(sla.covers) or f"journeys/{journeys.get(sla.covers, '')}",
        credits=tuple((percent(tier.below), percent(tier.credit)) for tier in sla.credits),
        exclusions=tuple(
            (f"{each.start:%Y-%m-%d %H:%M} UTC", f"{each.end:%Y-%m-%d %H:%M} UTC", each.reason, each.treat)
            for each in sla.exclusions
        ),
    )


def _dashboard(kind: str, name: str, workspace: Workspace) -> Iterator[tuple[str, str]]:
    if workspace.platform and workspace.platform.grafana_url:
        yield "Dashboard", f"<{workspace.platform.grafana_url.rstrip('/')}/d/{uid(kind, name)}>"
