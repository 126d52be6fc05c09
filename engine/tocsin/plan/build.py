"""A workspace to its Plan, and what cannot be planned as findings."""

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from functools import lru_cache

from tocsin.diagnostics import Diagnostic, Severity, in_file_order
from tocsin.plan.anomaly import remembered
from tocsin.plan.budget import budget_group
from tocsin.plan.burn import percent, slo_group
from tocsin.plan.composites import with_composites
from tocsin.plan.evaluated import evaluated_alone, ruled, told_alone, unruled
from tocsin.plan.groups import alert_group, baseline_groups, own_groups
from tocsin.plan.inhibit import inhibitions
from tocsin.plan.journey import journey_groups
from tocsin.plan.model import Plan, RuleGroup
from tocsin.plan.objective import Objective
from tocsin.spec import Anomaly, LevelShift, Service, Slo
from tocsin.units import Duration
from tocsin.windows import Tier, decimal_literal
from tocsin.workspace import Workspace


def plan(workspace: Workspace) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """All rule groups of *workspace*, sorted; a tier that could never fire is left out and is an error."""
    groups: list[RuleGroup] = []
    alone = evaluated_alone(workspace)
    findings = list(told_alone(workspace, alone))
    for service in sorted((ruled(each, alone) for each in workspace.services), key=lambda service: service.name):
        groups.extend(own_groups(service))
        for slo in sorted(service.slos, key=lambda slo: slo.name):
            objective = Objective(slo, feasible_tiers(slo), service.labels, slo.runbook or service.runbook)
            groups += slo_group(objective), budget_group(objective)
            findings.extend(_tier_findings(slo))
        groups.extend(baseline_groups(service))
        if group := alert_group(service):
            groups.append(group)
    findings.extend(_too_short_memory(workspace))
    findings.extend(_duplicate_jobs(workspace.services))
    journeys, beyond = journey_groups(workspace)
    groups.extend(journeys)
    findings.extend(beyond)
    groups, loose = with_composites(groups, workspace, alone)
    findings.extend(loose)
    objectives = ((slo, feasible_tiers(slo)) for service in workspace.services for slo in service.slos)
    evaluated = tuple(unruled(workspace, alone))
    return Plan(tuple(groups), inhibitions(objectives), evaluated), in_file_order(findings)


def feasible_tiers(slo: Slo) -> tuple[Tier, ...]:
    """The tiers that can fire at the objective's target."""
    return _judged(slo.tiers, slo.window, slo.target)[0]


@lru_cache(maxsize=1024)
def _judged(tiers: tuple[Tier, ...], window: Duration, target: Decimal) -> tuple[tuple[Tier, ...], bool]:
    """The tiers that can fire, and whether nothing is wrong with any; thousands of objectives share a few answers."""
    feasible = tuple(tier for tier in tiers if tier.feasible(window, target))
    return feasible, feasible == tiers and all(tier.factor(window) >= 1 for tier in tiers)


def _tier_findings(slo: Slo) -> Iterator[Diagnostic]:
    if _judged(slo.tiers, slo.window, slo.target)[1]:
        return
    for tier in slo.tiers:
        factor = tier.factor(slo.window)
        shown = decimal_literal(factor)
        if not tier.feasible(slo.window, slo.target):
            yield Diagnostic(
                "slo/infeasible-tier",
                slo.target_span,
                f"tier {tier.name} of {slo.ref} can never fire: at target {percent(slo.target)} its factor {shown} "
                f"needs an error ratio above {decimal_literal(tier.threshold(slo.window, slo.target))}, "
                "and even a total outage has only 1",
                hint=_feasible_hint(slo, tier),
            )
        elif factor < 1:
            yield Diagnostic(
                "slo/loose-tier",
                slo.target_span,
                f"tier {tier.name} of {slo.ref} has the factor {shown[:8]}, below 1: "
                "it alerts on a service that keeps its objective",
                Severity.WARNING,
                hint=f"turn it off (burn_rate: {{off: [{tier.name}]}}), or use a longer window than {slo.window}",
            )


def _too_short_memory(workspace: Workspace) -> Iterator[Diagnostic]:
    """Anomalies whose baseline, and level shifts half of whose history, is older than what Prometheus keeps."""
    kept = workspace.platform.prometheus.retention if workspace.platform else None
    if kept is None:
        return
    for alert in (alert for service in workspace.services for alert in service.alerts):
        condition = alert.condition
        if isinstance(condition, LevelShift) and 2 * kept.milliseconds < condition.history.milliseconds:
            yield Diagnostic(
                "alert/history",
                alert.span,
                f"{alert.ref} needs half of its history of {condition.history}; Prometheus keeps {kept}, "
                "so it would stay silent for ever",
                Severity.WARNING,
                hint="use a shorter history, or raise prometheus.retention of the Platform",
            )
        if isinstance(condition, Anomaly) and kept < (needed := remembered(condition)):
            yield Diagnostic(
                "alert/season",
                alert.span,
                f"{alert.ref} compares with two seasons of {condition.season} and needs samples of {needed}; "
                f"Prometheus keeps {kept}, so it would stay silent for ever",
                Severity.WARNING,
                hint="use a shorter season, or raise prometheus.retention of the Platform",
            )


def _feasible_hint(slo: Slo, tier: Tier) -> str:
    """The nearest feasible plans: the tier at a smaller share, the other tiers, or a target above `1 - 1/factor`."""
    bound = 1 - 1 / tier.factor(slo.window)
    floor = (Decimal(decimal_literal(bound)) * 100).quantize(Decimal("0.01"), rounding=ROUND_FLOOR)
    target = percent((floor + Decimal("0.01")) / 100)
    off = ", ".join(t.name for t in slo.tiers if not t.feasible(slo.window, slo.target))
    left = ", ".join(t.name for t in feasible_tiers(slo)) or "none"
    return (
        f"let it fire sooner ({_feasible_share(slo, tier)}), turn off what cannot fire (burn_rate: {{off: [{off}]}}, "
        f"leaving {left}), or set a target of {target} or more"
    )


def _feasible_share(slo: Slo, tier: Tier) -> str:
    """The tier as a tier of the objective's own, with the largest share of the budget at which it can fire."""
    bound = Fraction(tier.long.milliseconds, slo.window.milliseconds) / (1 - Fraction(slo.target))
    share = (-(-bound * 10_000 // 1) - 1) / Fraction(100)
    return (
        f"burn_rate: {{tiers: [{{name: {tier.name}, severity: {tier.severity}, budget: {decimal_literal(share)}%, "
        f"long: {tier.long}, short: {tier.short}}}, …]}}"
    )


def _duplicate_jobs(services: tuple[Service, ...]) -> Iterator[Diagnostic]:
    seen: dict[str, Service] = {}
    for service in sorted(services, key=lambda service: service.span):
        if service.scrape is None:
            continue
        first = seen.setdefault(service.scrape.job, service)
        if first is not service and first.scrape is not None:
            yield Diagnostic(
                "service/duplicate-job",
                service.scrape.span,
                f"job {service.scrape.job!r} is already scraped for service {first.name}; "
                "Prometheus refuses two scrape configurations with one job name",
                hint="give one of them a job of its own, or list all targets in one place",
                related=((first.scrape.span, "first use of the job"),),
            )
