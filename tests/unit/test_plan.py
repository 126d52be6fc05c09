"""The plan: what is planned for an objective or alert, what is refused, and that order never matters."""

import itertools
from dataclasses import replace
from decimal import Decimal

import pytest
from tests import builders

from tocsin.diagnostics import Severity
from tocsin.evaluate.burn import rules as burn_rules
from tocsin.guards import KEEP_FIRING_FOR
from tocsin.plan import AlertingRule, RecordingRule, plan
from tocsin.plan.conditions import expression
from tocsin.spec import AlertRule, Service
from tocsin.spec.service import NoTraffic, Raw
from tocsin.targets.prometheus import prometheus
from tocsin.units import Duration
from tocsin.windows import QUICK_RESET, WORKBOOK, Tier


def alerts_of(service: Service) -> list[AlertingRule]:
    """The alerts planned for one service."""
    planned, _ = plan(builders.workspace(service))
    return [rule for group in planned.groups for rule in group.rules if isinstance(rule, AlertingRule)]


def records_of(service: Service) -> list[str]:
    """The series recorded for the alerts of one service."""
    planned, _ = plan(builders.workspace(service))
    groups = (group for group in planned.groups if not group.name.startswith("slo-budget:"))
    return [rule.record for group in groups for rule in group.rules if isinstance(rule, RecordingRule)]


HINT = (
    "let it fire sooner (burn_rate: {tiers: [{name: fast, severity: page, budget: 1.38%, long: 1h, short: 5m}, …]}), "
    "turn off what cannot fire (burn_rate: {off: [fast]}, leaving steady, slow, trickle), "
    "or set a target of 93.06% or more"
)


def test_a_tier_that_can_never_fire_is_refused() -> None:
    """At 90 % a factor of 14.4 asks for 144 % of errors; the hint says what would be feasible."""
    slo = builders.slo(target="0.9", span=builders.at(7))
    _, findings = plan(builders.workspace(builders.service(slos=(slo,))))

    assert [(finding.code, str(finding.span), finding.hint) for finding in findings] == [
        (
            "slo/infeasible-tier",
            "service.yaml:7:1",
            HINT,
        )
    ]


def test_the_hint_of_an_infeasible_tier_is_feasible() -> None:
    """93.06 % is the first target with two decimals at which 14.4 times the budget is less than everything."""
    period = Duration.of(days=30)

    assert tuple(WORKBOOK[0].feasible(period, Decimal(target)) for target in ("0.9305", "0.9306")) == (False, True)


def test_a_factor_below_one_is_a_warning() -> None:
    """Over 28 days the trickle tier alerts on a service that keeps its objective."""
    slo = builders.slo(window="28d")
    _, findings = plan(builders.workspace(builders.service(slos=(slo,))))

    assert [(finding.code, finding.severity) for finding in findings] == [("slo/loose-tier", Severity.WARNING)]


def test_two_services_cannot_share_a_job() -> None:
    """Prometheus would refuse the whole configuration; both places are named."""
    services = [
        builders.service(name, scrape=builders.scrape("web", span=builders.at(line)), span=builders.at(line))
        for name, line in (("cart", 9), ("shop", 3))
    ]
    _, findings = plan(builders.workspace(*services))

    assert [(f.code, f.span.line, f.related[0][0].line) for f in findings] == [("service/duplicate-job", 9, 3)]


def test_labels_say_what_the_alert_is() -> None:
    """The service's own labels come along for routing, and never displace ours."""
    service = builders.service(slos=(builders.slo(),), labels=(("team", "checkout"), ("tier", "1")))
    common = {"service": "shop", "slo": "uptime", "ref": "shop/uptime", "team": "checkout"}

    assert [
        common | {"severity": severity, "tier": tier}
        for severity, tier in (
            ("critical", "fast"),
            ("critical", "steady"),
            ("warning", "slow"),
            ("warning", "trickle"),
            ("critical", "1"),
        )
    ] == [dict(rule.labels) for rule in alerts_of(service)]


def test_only_windows_that_are_needed_are_recorded() -> None:
    """With the page tiers alone: their four windows, the traffic of a day for its absence, and births."""
    service = builders.service(slos=(builders.slo(tiers=WORKBOOK[:2]),))

    assert records_of(service) == [
        "slo:total:births_timestamp_seconds",
        "slo:total:births",
        *(f"slo:{what}:rate{window}" for window in ("5m", "30m", "1h", "6h") for what in ("total", "bad")),
        "slo:total:rate1d",
        "slo:born:timestamp_seconds",
    ]


def test_long_windows_are_tiles_of_recorded_events() -> None:
    """A day and three days weigh events, not ratios, and do not read raw counters."""
    rules = plan(builders.workspace(builders.service(slos=(builders.slo(),))))[0].groups[0].rules
    found = {rule.record: rule.expr for rule in rules if isinstance(rule, RecordingRule)}
    series = 'last_over_time(slo:bad:rate%s{service="shop",slo="uptime"}[30m] offset %s)'

    assert [found["slo:bad:rate1d"].count(series % ("6h", offset)) for offset in ("6h", "12h", "18h", "1d")] == [
        1,
        1,
        1,
        0,
    ]
    assert [found["slo:bad:rate3d"].count(series % ("1d", offset)) for offset in ("1d", "2d", "3d")] == [1, 1, 0]


@pytest.mark.parametrize(
    ("tiers", "expected"), [(WORKBOOK, "10m"), (QUICK_RESET, "30s")], ids=["workbook", "quick-reset"]
)
def test_alerts_outlive_their_condition(tiers: tuple[Tier, ...], expected: str) -> None:
    """Twice the short window, long enough for a gap of scrapes, and ten minutes at most; a policy may say otherwise."""
    fast = alerts_of(builders.service(slos=(builders.slo(tiers=tiers),)))[0]

    assert (expected, "10m") == (str(fast.keep_firing_for), str(KEEP_FIRING_FOR))


def test_absent_traffic_can_be_switched_off() -> None:
    """With a reason, which the reader demands."""
    slo = builders.slo(no_traffic=NoTraffic(alert=False, for_=Duration.of(minutes=10), reason="nobody asks at night"))

    assert "TrafficAbsent" not in {rule.alert for rule in alerts_of(builders.service(slos=(slo,)))}


def test_an_objective_without_tiers_still_records() -> None:
    """Dashboards, the budget and the absent-traffic alert need the series."""
    assert records_of(builders.service(slos=(builders.slo(tiers=()),))) == [
        "slo:total:births_timestamp_seconds",
        "slo:total:births",
        *(f"slo:{what}:rate{window}" for window in ("5m", "1h") for what in ("total", "bad")),
        "slo:total:rate6h",
        "slo:total:rate1d",
        "slo:born:timestamp_seconds",
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (builders.alert(value="avg(cpu)", above="0.80"), "(avg(cpu)) > 0.8"),
        (builders.alert(value="free", below="1073741824"), "(free) < 1073741824"),
        (builders.alert(value="a or b", above="2"), "(a or b) > 2"),
        (builders.alert(value="cpu # share", above="0.8"), "(\n  cpu # share\n) > 0.8"),
        (builders.alert(value="free", below="1", on_missing="fire"), "(free) < 1\nor absent(count(free))"),
        (builders.alert(expr="queue > 100\n"), "queue > 100"),
    ],
)
def test_threshold_conditions(rule: AlertRule, expected: str) -> None:
    """Exact numbers, strict comparison, and nothing of the user's text can swallow them."""
    assert expected == expression(rule, ())


def test_own_labels_of_an_alert_do_not_displace_ours() -> None:
    """Whoever writes `severity` into labels still gets the alert's severity."""
    rule = builders.alert(expr="up == 0", labels=(("severity", "none"), ("zone", "a")))
    labels = dict(alerts_of(builders.service(alerts=(rule,)))[0].labels)

    assert labels == {"service": "shop", "severity": "warning", "ref": "shop/QueueTooLong", "zone": "a"}


def test_order_of_definitions_does_not_matter() -> None:
    """Every permutation of services and of what is in them gives the same bytes."""
    slos = (builders.slo("a"), builders.slo("b", target="0.99"))
    rules = (builders.alert("A", expr="up == 0"), builders.alert("B", value="x", above="1"))
    outputs = {
        prometheus(plan(workspace)[0], workspace)
        for swapped, order in itertools.product((1, -1), itertools.permutations(("shop", "cart", "pay")))
        for workspace in [
            builders.workspace(
                *(
                    builders.service(
                        name, slos=slos[::swapped], alerts=rules[::swapped], scrape=builders.scrape(job=name)
                    )
                    for name in order
                )
            )
        ]
    }

    assert len(outputs) == 1


def test_labels_of_an_objective_reach_its_alerts() -> None:
    """Above those of the service; what is for Prometheus wins, but no alert says of itself what is not so."""
    given = Raw((("severity", "pageteam"),), (("summary", "Customers wait"), ("board", "x")))
    slo = replace(builders.slo(), labels=(("team", "payments"),), raw_page=given)
    service = replace(builders.service(slos=(slo,)), labels=(("area", "web"), ("team", "checkout")))
    found = {dict(alert.labels).get("tier", alert.alert): alert for alert in alerts_of(service)}

    for name, severity in (("fast", "pageteam"), ("slow", "warning"), ("TrafficAbsent", "pageteam")):
        labels = dict(found[name].labels)
        assert (labels["team"], labels["area"], labels["severity"]) == ("payments", "web", severity)
    assert dict(found["fast"].annotations)["summary"] == "Customers wait"
    assert "too fast" in dict(found["slow"].annotations)["summary"]
    assert dict(found["TrafficAbsent"].annotations)["board"] == "x"
    assert "traffic" in dict(found["TrafficAbsent"].annotations)["summary"]


def test_the_evaluator_routes_by_the_labels_of_an_objective() -> None:
    """The same labels as in the rules, so routes mean the same wherever alerts are decided."""
    raw = Raw((("severity", "pageteam"), ("key", "{{ $labels.slo }}"), ("odd", "{{ query 1 }}")))
    slo = replace(builders.slo(), labels=(("team", "payments"),), raw_page=raw)
    service = replace(builders.service(slos=(slo,)), labels=(("team", "checkout"),))
    planned = {dict(alert.labels).get("tier", alert.alert): dict(alert.labels) for alert in alerts_of(service)}

    for rule in burn_rules(service, slo):
        labels = dict(rule.labels)
        expected = planned[labels.get("tier", labels["alertname"])]
        assert labels.pop("alertname")
        assert labels == {name: value for name, value in expected.items() if "{{" not in value}
        page = expected["severity"] == "pageteam"
        assert rule.templates == ((("key", "{{ $labels.slo }}"),) if page else ())
