"""From what the evaluator says to the shapes of the API."""

from tocsin.evaluate.measures import Excluded, Taken
from tocsin.evaluate.model import AlertView, BurnStatus, JourneyStatus, SlaStatus, SloStatus, Snapshot
from tocsin.notify.page_budgets import Spending
from tocsin.service.board import Standing
from tocsin.service.shapes import (
    Alert,
    AlertSeverity,
    Blind,
    Burn,
    ExcludedShape,
    ExclusionShape,
    Health,
    JourneyShape,
    Member,
    Muted,
    Objective,
    OpenAlert,
    PageBudgetOf,
    SlaShape,
    SliInterval,
    Source,
    Status,
)


def description_of(view: AlertView) -> str:
    """What a person reads of an alert: summary, facts, and whether anybody can see."""
    lines = [view.summary] if view.summary else []
    lines += [f"{label}: {value}" for label, value in view.facts]
    if view.blind_since is not None and view.resolved_at is None:
        since = view.blind_since.strftime("%Y-%m-%d %H:%M:%S UTC")
        lines.append(
            f"blind since {since}: nobody could look, so it stays open" + (f" ({view.reason})" if view.reason else "")
        )
    return "\n".join(lines)


def severity_of(view: AlertView) -> AlertSeverity:
    """The severity in the API's words; an unknown one counts as a warning."""
    match view.severity:
        case "critical":
            return "critical"
        case "info":
            return "info"
        case _:
            return "warning"


def alert_of(view: AlertView) -> Alert:
    """An episode as `GET /api/v1/alerts` shows it."""
    return Alert(
        id=view.dedup_key,
        title=view.title,
        description=description_of(view),
        severity=severity_of(view),
        status="active" if view.resolved_at is None else "resolved",
        created_at=view.fired_at or view.started_at,
        resolved_at=view.resolved_at,
    )


def _burn_of(burn: BurnStatus) -> Burn:
    return Burn(
        tier=burn.tier,
        severity=burn.severity,
        long=str(burn.long),
        short=str(burn.short),
        rate_long=burn.rate_long,
        rate_short=burn.rate_short,
        factor=burn.factor,
        truth=burn.truth.value,
    )


def _objective_of(slo: SloStatus) -> Objective:
    return Objective(
        ref=slo.ref,
        service=slo.service,
        name=slo.name,
        state=slo.state,
        target=float(slo.target),
        window=str(slo.window),
        sli=slo.sli,
        sli_interval=None if slo.interval is None else SliInterval(low=slo.interval[0], high=slo.interval[1]),
        good=slo.good,
        total=slo.total,
        budget_remaining=slo.remaining,
        budget_from="ledger" if slo.budget_from == "ledger" else "source" if slo.budget_from else None,
        coverage=slo.coverage,
        exclusions=[_excluded_of(one) for one in slo.excluded],
        exhaustion=None if slo.exhaustion is None else slo.exhaustion.total_seconds(),
        burns=[_burn_of(burn) for burn in slo.burns],
        reason=slo.reason,
    )


def _excluded_of(one: Excluded) -> ExcludedShape:
    return ExcludedShape(
        start=one.exclusion.start,
        end=one.exclusion.end,
        reason=one.exclusion.reason,
        treat=one.exclusion.treat,
        removed=one.removed,
        forgiven=one.forgiven,
        spared=one.spared,
    )


def _journey_of(journey: JourneyStatus) -> JourneyShape:
    return JourneyShape(
        ref=journey.ref,
        state=journey.state,
        target=float(journey.target),
        window=str(journey.window),
        sli=journey.sli,
        budget_remaining=journey.remaining,
        slices=journey.slices,
        missing=journey.missing,
        coverage=journey.coverage,
        members=[Member(ref=ref, sli=sli) for ref, sli in journey.members],
        reason=journey.reason,
    )


def _sla_of(sla: SlaStatus) -> SlaShape:
    return SlaShape(
        name=sla.name,
        customer=sla.customer,
        covers=sla.covers,
        start=sla.start,
        end=sla.end,
        target=float(sla.target),
        uptime=sla.uptime,
        breached=sla.breached,
        credit=None if sla.credit is None else float(sla.credit),
        intervals=sla.intervals,
        empty=sla.empty,
        reason=sla.reason,
        events=sla.events,
        coverage=sla.coverage,
        exclusions=[_exclusion_of(one) for one in sla.exclusions],
    )


def _exclusion_of(taken: Taken) -> ExclusionShape:
    return ExclusionShape(
        start=taken.exclusion.start,
        end=taken.exclusion.end,
        reason=taken.exclusion.reason,
        treat=taken.exclusion.treat,
        removed=taken.removed / 1000,
        forgiven=taken.forgiven / 1000,
        spared=float(taken.spared / 1000),
    )


def muted_of(view: AlertView) -> list[Muted]:
    """Why nobody is told of it."""
    return [Muted(kind=m.kind.value, by=m.by, reason=m.reason, until=m.until, partly=m.partly) for m in view.muted]


def _open_alert_of(view: AlertView) -> OpenAlert:
    return OpenAlert(
        **dict(alert_of(view)),
        rule=view.identity.rule,
        service=view.service,
        phase=view.phase.value,
        blind_since=view.blind_since,
        labels=dict(view.labels),
        facts=list(view.facts),
        runbook=view.runbook,
        acknowledged_by=view.acknowledged.by if view.acknowledged is not None else None,
        muted=muted_of(view),
    )


def overall(standing: Standing) -> Health:
    """The worst of all open alerts, objectives and contracts; what cannot be seen is not healthy."""
    snapshot = standing.snapshot
    severities = {severity_of(view) for view in standing.open_alerts()}
    states = {slo.state for slo in snapshot.slos} | {j.state for j in snapshot.journeys} if snapshot else set()
    if "critical" in severities or "exhausted" in states or (snapshot and any(sla.breached for sla in snapshot.slas)):
        return "critical"
    if snapshot is None or not snapshot.source.ok or "warning" in severities or states - {"healthy"}:
        return "warning"
    return "healthy"


def status_of(standing: Standing) -> Status:
    """Everything of *standing*, as `GET /api/v1/status` answers."""
    snapshot: Snapshot | None = standing.snapshot
    return Status(
        at=snapshot.at if snapshot else None,
        overall=overall(standing),
        version=standing.version,
        source=Source(
            ok=snapshot.source.ok,
            since=snapshot.source.since,
            detail=snapshot.source.detail,
            failures=snapshot.source.failures,
        )
        if snapshot
        else None,
        slos=[_objective_of(slo) for slo in snapshot.slos] if snapshot else [],
        journeys=[_journey_of(journey) for journey in snapshot.journeys] if snapshot else [],
        slas=[_sla_of(sla) for sla in snapshot.slas] if snapshot else [],
        alerts=[_open_alert_of(view) for view in standing.open_alerts()],
        blind=[Blind(rule=each.rule, since=each.since, reason=each.reason) for each in standing.blind],
        page_budgets=[_page_budget_of(each) for each in standing.page_budgets],
    )


def _page_budget_of(spending: Spending) -> PageBudgetOf:
    allowed = spending.budget.pages
    return PageBudgetOf(
        name=spending.budget.name,
        pages=spending.pages,
        bearable=allowed.count,
        seconds=allowed.per.total_seconds(),
        overspent=spending.over,
    )
