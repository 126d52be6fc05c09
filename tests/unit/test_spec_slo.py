"""Objectives as they are written: periods, budgeting, guards, policies and tiers, former names."""

from decimal import Decimal

import pytest
from tests.reading import codes, document, read, together

from tocsin.explain.find import find
from tocsin.explain.text import text_of
from tocsin.guards import EVERY_GUARD, Guards
from tocsin.plan.build import plan
from tocsin.sli import RatioSli, SlicedSli
from tocsin.spec import Slo
from tocsin.spec.service import Calendar
from tocsin.units import Duration
from tocsin.windows import CATALOGUE, WORKBOOK

SERVICE = "slis: {{ok: {{ratio: {{bad: b, total: t}}}}}}\nslos: {{up: {{sli: ok, target: 99.9%, {more}}}}}"
OWN = "{name: night, severity: ticket, budget: 5%, long: 12h, short: 1h, notify: [mail]}"
PLATFORM = document("Platform", f"burn_rates:\n  calm: {{source: ours, tiers: [{OWN}]}}")


def slo(more: str, *others: str) -> Slo:
    """The objective of a workspace without mistakes."""
    workspace, findings = together(document("Service", SERVICE.format(more=more)), *others)
    assert [f for f in findings if f.code != "reference/unknown-channel"] == []
    return workspace.services[0].slos[0]


def wrong(more: str) -> list[str]:
    """The codes of what is wrong."""
    return codes(read("Service", SERVICE.format(more=more))[1])


def test_a_calendar_period() -> None:
    """It has a zone, and the nominal length of its unit."""
    found = slo("window: {calendar: quarter, timezone: Asia/Ho_Chi_Minh}")

    assert (found.calendar, str(found.window), found.over) == (
        Calendar("quarter", "Asia/Ho_Chi_Minh"),
        "90d",
        "a calendar quarter",
    )
    assert wrong("window: {calendar: month, timezone: Mars/Olympus}") == ["slo/timezone"]


def test_every_guard_is_on() -> None:
    """Unless it is switched off with a reason."""
    off = slo(
        "guards: {cold_start: {enabled: false, reason: r}, low_traffic: {min_bad_events: 5, significance: 0.001}}"
    )

    assert slo("window: 30d").guards == EVERY_GUARD
    assert off.guards == Guards(
        cold_start=False, min_bad_events=5, significance=Decimal("0.001"), reasons=(("cold_start", "r"),)
    )
    assert wrong("guards: {new_series: {enabled: false}}") == ["slo/guard-reason"]


def test_guards_reach_the_events() -> None:
    """Without its guards a ratio is counted as it is written."""
    off = "{enabled: false, reason: r}"
    found = slo(f"guards: {{new_series: {off}, missing_errors: {off}, low_traffic: {off}, flapping: {off}}}")

    assert found.sli == RatioSli("t", bad_events="b", missing_errors=False)
    assert (found.sli.bad("5m"), found.guards.min_bad_events) == ("(sum(rate(b[5m])))", 0)


@pytest.mark.parametrize(
    ("period", "names", "factors"),
    [
        ("7d", ["fast", "steady", "slow"], [16.8, 5.6, 2.8]),
        ("14d", ["fast", "steady", "slow"], [33.6, 11.2, 5.6]),
        ("28d", ["fast", "steady", "slow", "trickle"], [13.44, 5.6, 2.8, 1.026667]),
        ("30d", ["fast", "steady", "slow", "trickle"], [14.4, 6, 3, 1]),
        ("90d", ["fast", "steady", "slow", "trickle"], [21.6, 10.8, 4.5, 3]),
    ],
)
def test_the_workbook_by_period(period: str, names: list[str], factors: list[float]) -> None:
    """Cited tables for 7, 28, 30 and 90 days; another period uses the nearest that alerts nobody who keeps it."""
    found = slo(f"window: {period}")

    assert [tier.name for tier in found.tiers] == names
    assert [float(tier.factor(found.window)) for tier in found.tiers] == pytest.approx(factors, abs=1e-6)


def test_no_table_of_ours_is_loose() -> None:
    """At its own period no factor is below one."""
    assert all(tier.factor(period) >= 1 for period, tiers in CATALOGUE.items() for tier in tiers)


def test_policies_of_the_platform() -> None:
    """They are named like those that are built in, wherever they are defined."""
    found = slo("burn_rate: {policy: calm}", PLATFORM).tiers[0]

    assert (found.name, str(found.long), str(found.short), found.notify) == ("night", "12h", "1h", ("mail",))
    assert wrong("burn_rate: {policy: calm}") == ["reference/unknown-policy"]


def test_tiers_of_an_objective() -> None:
    """Instead of a policy; a twelfth of the long window is the short one."""
    found = slo("burn_rate: {tiers: [{name: a, budget: 2%, long: 1h}]}").tiers

    assert [(tier.name, tier.severity, str(tier.short)) for tier in found] == [("a", "page", "5m")]
    assert wrong("burn_rate: {tiers: [{name: a, budget: 2%, long: 1h, short: 1h}]}") == ["slo/tier"]
    assert wrong("burn_rate: {tiers: [{name: no-traffic, budget: 2%, long: 1h}]}") == ["slo/tier"]
    assert slo("burn_rate: {off: [fast]}").tiers == WORKBOOK[1:]


def test_slices() -> None:
    """An objective may count slices of time instead of events."""
    found = slo("budgeting: timeslices, slice: 5m, slice_target: 95%, empty_slices: good").sli

    assert isinstance(found, SlicedSli)
    assert (found.slice, found.target, found.empty) == (Duration.of(minutes=5), Decimal("0.95"), "good")
    assert wrong("budgeting: timeslices") == ["slo/budgeting"]
    assert wrong("slice: 5m") == ["slo/budgeting"]


def test_former_names() -> None:
    """With or without the service."""
    assert slo("formerly: [old, cart/up]").formerly == ("a/old", "cart/up")


def test_labels_of_an_objective() -> None:
    """Of its own, and for Prometheus as they are: what is said for pages or tickets wins over what is said for both."""
    found = slo(
        "labels: {team: a}, prometheus: {labels: {severity: x, key: k}, annotations: {note: '{{ $value }}'}, "
        "page: {labels: {severity: pageteam}}}"
    )

    assert found.labels == (("team", "a"),)
    assert dict(found.given("page").labels) == {"severity": "pageteam", "key": "k"}
    assert dict(found.given("ticket").labels) == {"severity": "x", "key": "k"}
    assert found.given("page").annotations == found.given("ticket").annotations == (("note", "{{ $value }}"),)


@pytest.mark.parametrize("name", ["alertname", "ref", "service", "slo", "tier", "part", "route"])
def test_labels_that_say_which_alert_it_is(name: str) -> None:
    """Stay ours, wherever somebody writes them; `severity` is ours where routes of ours read it."""
    by = "group_by: [route]"

    assert wrong(f"{by}, labels: {{{name}: x}}") == ["labels/reserved"]
    assert wrong(f"{by}, prometheus: {{labels: {{{name}: x}}}}") == ["labels/reserved"]
    assert wrong(f"{by}, prometheus: {{ticket: {{labels: {{{name}: x}}}}}}") == ["labels/reserved"]
    assert wrong("labels: {severity: x}") == ["labels/reserved"]
    assert wrong("prometheus: {page: {labels: {severity: x}}}") == []


EXCLUSION = "exclusions: [{{from: '{start}', to: '2026-11-01T04:00', reason: r{more}}}]"


@pytest.mark.parametrize(
    ("window", "hour", "day"),
    [("30d", 2, 1), ("{calendar: month, timezone: Asia/Ho_Chi_Minh}", 19, 31)],
)
def test_exclusions_are_in_the_zone_of_the_window(window: str, hour: int, day: int) -> None:
    """As those of contracts are written; times of a rolling window are UTC."""
    (one,) = slo(f"window: {window}, {EXCLUSION.format(start='2026-11-01T02:00', more='')}").exclusions
    (good,) = slo(EXCLUSION.format(start="2026-11-01T02:00Z", more=", treat: good")).exclusions

    assert (one.start.day, one.start.hour, one.treat, one.reason) == (day, hour, "remove", "r")
    assert (good.start.hour, good.treat) == (2, "good")


@pytest.mark.parametrize(("start", "code"), [("2026-11-01T04:00", "slo/exclusion"), ("2026-13-01T04:00", "slo/time")])
def test_an_exclusion_that_excludes_nothing(start: str, code: str) -> None:
    """An end that is not after the start, and a time that no calendar has, are findings; nothing is excluded."""
    assert wrong(EXCLUSION.format(start=start, more="")) == [code]


def test_explain_says_who_knows_of_an_exclusion() -> None:
    """Rules that are compiled cannot count anew what is over: it is told where the exclusion is."""
    body = SERVICE.format(more=EXCLUSION.format(start="2026-11-01T02:00", more=", treat: good"))
    workspace, _ = together(document("Service", body, "shop"))
    text = text_of(find("shop/up", workspace), plan(workspace)[0])

    assert "  2026-11-01 02:00 to 2026-11-01 04:00 UTC counts as good: r\n" in text
    assert "compiled rules, dashboards and alerts know nothing of it" in text
