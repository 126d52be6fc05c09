"""Snapshots made by hand: a platform that works, and one in trouble, for tests of page, API and command line."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests import builders

from tocsin.diagnostics import Span
from tocsin.evaluate.measures import Taken
from tocsin.evaluate.memory import GroupKey
from tocsin.evaluate.model import (
    AlertView,
    BurnStatus,
    Identity,
    JourneyStatus,
    Phase,
    SlaStatus,
    SloStatus,
    Snapshot,
    Truth,
)
from tocsin.matchers import parse_matchers
from tocsin.notify.pacing import Flap
from tocsin.notify.page_budgets import Spending
from tocsin.ports import Rate, SourceHealth, labels_of
from tocsin.service.board import BlindRule, Standing
from tocsin.sli import LatencySli, RatioSli, Sli
from tocsin.spec import Exclusion, Metric, PageBudget, Scrape, Service
from tocsin.units import Duration
from tocsin.windows import WORKBOOK
from tocsin.workspace import Workspace

NOW = datetime(2026, 11, 23, 14, 30, 15, tzinfo=UTC)
MONTH = Duration.of(days=30)
NOWHERE = Span("rules/x.yaml", 1, 1, 1, 1)
AGREED = Exclusion(
    datetime(2026, 11, 1, 19, tzinfo=UTC),
    datetime(2026, 11, 1, 21, tzinfo=UTC),
    "agreed maintenance",
    "remove",
    NOWHERE,
)


def service(name: str = "be-camera", *, slis: Mapping[str, Sli] | None = None) -> Service:
    """A service with one ratio objective, a latency SLI and three metrics."""
    requests = f'requests_total{{job="{name}"}}'
    made: dict[str, Sli] = {
        "availability": RatioSli(requests, bad_events=f'requests_total{{job="{name}",code="500"}}'),
        "speed": LatencySli(f'request_seconds{{job="{name}"}}', Decimal(1)),
    }
    made = made if slis is None else dict(slis)
    slos = tuple(builders.slo(service=name, sli=sli) for sli in list(made.values())[:1])
    metrics = {
        metric: Metric(metric, kind, None, (), "", NOWHERE)
        for metric, kind in (("requests_total", "counter"), ("user_count", "gauge"), ("request_seconds", "histogram"))
    }
    scrape = Scrape(name, ("localhost:1",), "/metrics", "http", None, None, NOWHERE)
    return Service(name, "", "", "", None, (), scrape, metrics, made, slos, (), (), NOWHERE)


def burns(*rates: float | None, firing: tuple[str, ...] = ()) -> tuple[BurnStatus, ...]:
    """One status per tier of the workbook."""
    return tuple(
        BurnStatus(
            tier.name,
            tier.severity,
            tier.long,
            tier.short,
            rate,
            rate,
            float(tier.factor(MONTH)),
            Truth.TRUE if tier.name in firing else Truth.UNKNOWN if rate is None else Truth.FALSE,
        )
        for tier, rate in zip(WORKBOOK, rates, strict=False)
    )


def slo(ref: str = "be-camera/uptime", **changes: object) -> SloStatus:
    """A healthy objective."""
    whose, _, name = ref.partition("/")
    status = SloStatus(
        ref=ref,
        service=whose,
        name=name,
        target=Decimal("0.999"),
        window=MONTH,
        at=NOW,
        good=999_700.0,
        total=1_000_000.0,
        sli=0.9997,
        allowed=1000.0,
        used=300.0,
        remaining=0.7,
        burns=burns(0.12, 0.2, 0.31, 0.29),
        state="healthy",
        exhaustion=None,
    )
    return replace(status, **changes)  # type: ignore[arg-type]


def alert(rule: str = "be-camera/uptime:fast", **changes: object) -> AlertView:
    """A burn-rate alert that fires."""
    view = AlertView(
        identity=Identity(rule),
        service=rule.partition("/")[0],
        title="be-camera/uptime burns its error budget",
        summary="1 h of this spends 2 % of a month's error budget",
        severity="critical",
        phase=Phase.FIRING,
        started_at=NOW - timedelta(minutes=14),
        fired_at=NOW - timedelta(minutes=13),
        resolved_at=None,
        blind_since=None,
        dedup_key=f"{abs(hash(rule)):040x}"[:40],
        labels=labels_of({"service": "be-camera", "severity": "critical"}),
        facts=(("burn rate", "142x over 1h, 310x over 5m"), ("budget left", "38.2 %"), ("spent in", "2 h 10 min")),
        runbook="https://runbooks.example/be-camera",
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def healthy() -> Snapshot:
    """Everything is well."""
    return Snapshot(NOW, SourceHealth(ok=True, since=NOW - timedelta(days=3)), (slo(), slo("be-auth/uptime")))


def troubled() -> Snapshot:
    """One objective burns, one is spent, one cannot be seen; a contract is breached; alerts are open."""
    slos = (
        slo(),
        slo("be-auth/uptime", sli=0.99999, remaining=0.993, burns=burns(0.0, 0.0, 0.01, 0.0)),
        slo(
            "be-camera/responses",
            target=Decimal("0.99"),
            sli=0.9962,
            remaining=0.382,
            state="burning",
            burns=burns(142.2, 31.4, 4.2, 1.1, firing=("fast", "steady")),
            exhaustion=timedelta(hours=2, minutes=10),
        ),
        slo("mysql/up", sli=0.9911, remaining=-7.9, state="exhausted", burns=burns(0.0, 0.4, 1.2, 2.9)),
        slo(
            "redis/up",
            sli=None,
            good=None,
            total=None,
            remaining=None,
            state="unknown",
            burns=burns(None, None, None, None),
            reason="no samples in the window",
        ),
    )
    journey = JourneyStatus(
        ref="people-counting/end-to-end",
        target=Decimal("0.995"),
        window=MONTH,
        sli=0.9971,
        remaining=0.42,
        slices=8640,
        missing=3,
        members=(("be-camera/uptime", 0.9997), ("be-auth/uptime", 0.99999), ("mysql/up", 0.9911)),
        state="healthy",
    )
    sla = SlaStatus(
        name="acme-gold",
        customer="ACME",
        covers="be-camera/uptime",
        start=datetime(2026, 10, 31, 17, tzinfo=UTC),
        end=datetime(2026, 11, 30, 17, tzinfo=UTC),
        target=Decimal("0.999"),
        uptime=0.99871,
        breached=True,
        credit=Decimal("0.1"),
        intervals=6594,
        empty=12,
        exclusions=(Taken(AGREED, 7_200_000, 0, Fraction(1_500_000)),),
    )
    alerts = (
        alert(),
        alert(
            "be-camera/HighCpuUsage",
            title="HighCpuUsage on be-camera",
            summary="CPU of be-camera is 91 %",
            severity="warning",
            phase=Phase.RECOVERING,
            facts=(("value", "91 %"), ("threshold", "above 80 %")),
            runbook="javascript:alert(1)",
        ),
        alert("be-camera/CameraBacklog", title="CameraBacklog on be-camera", phase=Phase.PENDING, severity="warning"),
    )
    source = SourceHealth(ok=True, since=NOW - timedelta(days=3))
    return Snapshot(NOW, source, slos, (journey,), (sla,), alerts)


def blind() -> Snapshot:
    """As troubled, but the metric source has stopped to answer."""
    seen = troubled()
    since = NOW - timedelta(minutes=4)
    source = SourceHealth(ok=False, since=since, detail="connection refused by 127.0.0.1:9090", failures=16)
    reason = "the metric source does not answer"
    return replace(seen, source=source, alerts=tuple(replace(a, blind_since=since, reason=reason) for a in seen.alerts))


def standing(snapshot: Snapshot | None = None, **changes: object) -> Standing:
    """How things stand with *snapshot* just taken."""
    trouble = snapshot is not None and bool(snapshot.alerts)
    made = Standing(
        workspace=Workspace(services=(service(), service("be-auth"))),
        interval=timedelta(seconds=15),
        started_at=NOW - timedelta(days=3),
        source_url="http://prometheus.example:9090",
        snapshot=snapshot,
        ticked_at=NOW if snapshot is not None else None,
        committed_at=NOW if snapshot is not None else None,
        reloaded_at=NOW - timedelta(days=3),
        blind=(BlindRule("redis/up:fast", NOW - timedelta(minutes=9), "no traffic in the last 1h"),) if trouble else (),
        version="0.1.0",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def resolved() -> tuple[AlertView, ...]:
    """Two episodes that are over."""
    return (
        alert(
            "be-auth/HighErrorRate",
            title="HighErrorRate on be-auth",
            phase=Phase.INACTIVE,
            fired_at=NOW - timedelta(hours=3),
            started_at=NOW - timedelta(hours=3, minutes=2),
            resolved_at=NOW - timedelta(hours=2, minutes=18),
            reason="",
        ),
        alert(
            "redis/Old",
            title="OldAlert on redis",
            severity="warning",
            phase=Phase.INACTIVE,
            fired_at=NOW - timedelta(days=2),
            resolved_at=NOW - timedelta(days=2) + timedelta(minutes=7),
            reason="rule removed",
        ),
    )


def spendings() -> tuple[Spending, ...]:
    """Three page budgets: bearable, used up, overspent."""
    week, day = timedelta(days=7), timedelta(days=1)
    shop = parse_matchers('service="shop",team=~"web|app"')
    return (
        Spending(PageBudget("everything", Rate(20, week), (), None, NOWHERE), 3, NOW),
        Spending(PageBudget("shop", Rate(5, week), shop, None, NOWHERE), 7, NOW),
        Spending(PageBudget("night-shift", Rate(2, day), (), "pagerduty", NOWHERE), 2, NOW),
    )


def flaps() -> tuple[Flap, ...]:
    """A group of alerts, and one alert by itself, that come and go."""
    told, again = NOW - timedelta(minutes=6), NOW + timedelta(minutes=14)
    group = GroupKey("slack", "severity=warning", (("service", "be-camera"),))
    alert = Identity("be-auth/HighErrorRate", (("instance", "auth-1:9100"),))
    return (
        Flap(group, None, 4, told, again),
        Flap(GroupKey("pagerduty", "severity=critical"), alert, 1, told, again),
    )
