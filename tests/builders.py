"""Small builders of specs, so that a test says only what it is about."""

from decimal import Decimal

from tocsin.diagnostics import Span
from tocsin.guards import EVERY_GUARD, Guards
from tocsin.ports import Labels
from tocsin.sli import RatioSli, Sli, guarded
from tocsin.spec import AlertRule, Condition, Plain, Scrape, Service, Slo, Threshold
from tocsin.spec.service import NoTraffic, PromQl
from tocsin.units import Duration
from tocsin.windows import WORKBOOK, Tier
from tocsin.workspace import Workspace

SPAN = Span("service.yaml", 1, 1, 1, 2)
AVAILABILITY = RatioSli(total_events='requests_total{job="shop"}', bad_events='requests_total{job="shop",code=~"5.."}')


def at(line: int, path: str = "service.yaml") -> Span:
    """A span that differs from others by its line."""
    return Span(path, line, 1, line, 2)


def slo(
    name: str = "uptime",
    *,
    service: str = "shop",
    sli: Sli = AVAILABILITY,
    target: str = "0.999",
    window: str = "30d",
    tiers: tuple[Tier, ...] = WORKBOOK,
    no_traffic: NoTraffic | None = None,
    guards: Guards = EVERY_GUARD,
    span: Span = SPAN,
) -> Slo:
    """An objective; by default 99.9 % over 30 days with the workbook's four tiers."""
    return Slo(
        service=service,
        name=name,
        sli_name="availability",
        sli=guarded(sli, missing_errors=guards.missing_errors, new_series=guards.new_series),
        target=Decimal(target),
        window=Duration.parse(window),
        tiers=tiers,
        page=(),
        ticket=(),
        no_traffic=no_traffic or NoTraffic(alert=True, for_=Duration.of(minutes=10), reason=None),
        description="",
        runbook=None,
        span=span,
        target_span=span,
        guards=guards,
    )


def alert(
    name: str = "QueueTooLong",
    *,
    service: str = "shop",
    value: str | None = None,
    above: str | None = None,
    below: str | None = None,
    clear: str | None = None,
    expr: str | None = None,
    for_: str = "0s",
    severity: str = "warning",
    on_missing: str = "keep",
    labels: Labels = (),
    summary: str = "",
    span: Span = SPAN,
) -> AlertRule:
    """A threshold alert."""
    return AlertRule(
        service=service,
        name=name,
        condition=_condition(value, above, below, clear, expr, span),
        for_=Duration.parse(for_),
        keep_firing_for=Duration(0),
        severity=severity,
        notify=(),
        on_missing=on_missing,
        summary=summary,
        description="",
        runbook=None,
        labels=labels,
        span=span,
    )


def _condition(
    value: str | None, above: str | None, below: str | None, clear: str | None, expr: str | None, span: Span
) -> Condition:
    if value is None:
        return Plain(PromQl(expr or "", span))
    bounds = [Decimal(bound) if bound is not None else None for bound in (above, below, clear)]
    return Threshold(PromQl(value, span), *bounds)


def scrape(job: str = "shop", target: str = "shop:8080", *, span: Span = SPAN) -> Scrape:
    """Where Prometheus finds a service."""
    return Scrape(job=job, targets=(target,), path="/metrics", scheme="http", interval=None, timeout=None, span=span)


def service(
    name: str = "shop",
    *,
    slos: tuple[Slo, ...] = (),
    alerts: tuple[AlertRule, ...] = (),
    labels: Labels = (),
    scrape: Scrape | None = None,
    span: Span = SPAN,
) -> Service:
    """A service that promises and watches what is given."""
    return Service(
        name=name,
        title="",
        description="",
        owner="",
        runbook=None,
        labels=labels,
        scrape=scrape,
        metrics={},
        slis={one.sli_name: one.sli for one in slos},
        slos=slos,
        alerts=alerts,
        tests=(),
        span=span,
    )


def workspace(*services: Service) -> Workspace:
    """A workspace of services alone."""
    return Workspace(services=services)
