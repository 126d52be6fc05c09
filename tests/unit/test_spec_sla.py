"""An SLA document becomes a contract in UTC; local times that mean no instant, or two, are refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.reading import codes, document, together

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role, expressions
from tocsin.spec import Measure, Sla
from tocsin.units import Duration

SERVICE = document("Service", "slis: {s: {ratio: {bad: b, total: t}}}\nslos: {x: {sli: s, target: 99.9%}}", "shop")
BODY = "customer: ACME\ncovers: shop/x\ntarget: 99.9%\n"


def read(text: str, body: str = BODY) -> tuple[tuple[Sla, ...], tuple[Diagnostic, ...]]:
    """The contracts of a workspace with a service `shop/x`."""
    workspace, findings = together(SERVICE, document("SLA", body + text))
    return workspace.slas, findings


def exclusion(start: str, end: str, zone: str = "Europe/Berlin") -> tuple[tuple[Sla, ...], tuple[Diagnostic, ...]]:
    """A contract with one exclusion."""
    return read(f"period: {{timezone: {zone}}}\nexclusions: [{{from: '{start}', to: '{end}', reason: r}}]\n")


def test_defaults() -> None:
    """A calendar month in UTC, measured in intervals of five minutes, empty ones are good."""
    (sla,), findings = read("")

    assert findings == ()
    assert (Decimal("0.999"), "month", "UTC") == (sla.target, sla.calendar, sla.timezone)
    assert (sla.measure.method, str(sla.measure.interval), sla.measure.empty) == ("interval-mean", "5m", "good")
    assert (sla.exclusions, sla.credits, sla.notify) == ((), (), ())


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Asia/Ho_Chi_Minh", "2026-11-01T02:00", datetime(2026, 10, 31, 19, 0, tzinfo=UTC)),
        ("Europe/Berlin", "2026-03-29T01:59", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("Europe/Berlin", "2026-03-29T03:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("Europe/Berlin", "2026-10-25T02:30+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("Europe/Berlin", "2026-10-25T02:30+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("Europe/Berlin", "2026-03-29T02:30Z", datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
    ],
)
def test_local_times_become_utc(zone: str, local: str, utc: datetime) -> None:
    """In the zone of the period, or with the offset that is written."""
    (sla,), findings = exclusion(local, "2027-01-01T00:00", zone)

    assert findings == ()
    assert utc == sla.exclusions[0].start


def test_a_time_that_the_clocks_skipped() -> None:
    """02:30 did not exist; the hint is what the clocks showed instead."""
    (sla,), findings = exclusion("2026-03-29T02:30", "2027-01-01T00:00")

    assert codes(findings) == ["sla/time"]
    assert "does not exist in Europe/Berlin" in findings[0].message
    assert findings[0].hint == "2026-03-29T03:30 is the same moment after the change"
    assert sla.exclusions == ()


def test_a_time_that_the_clocks_had_twice() -> None:
    """02:30 was two instants; the hint is how to write each."""
    _, findings = exclusion("2026-10-25T02:30", "2027-01-01T00:00")

    assert codes(findings) == ["sla/time"]
    assert findings[0].hint == (
        "write 2026-10-25T02:30+02:00 for the first time or 2026-10-25T02:30+01:00 for the second"
    )


def test_a_gap_of_half_an_hour() -> None:
    """Lord Howe puts its clocks forward by thirty minutes, from 02:00 to 02:30."""
    _, findings = exclusion("2026-10-04T02:15", "2027-01-01T00:00", "Australia/Lord_Howe")

    assert findings[0].hint == "2026-10-04T02:45 is the same moment after the change"


@pytest.mark.parametrize("time", ["2026-13-01T00:00", "2026-02-30T00:00", "2026-11-01T25:00", "0001-01-01T00:00"])
def test_a_time_that_no_calendar_has(time: str) -> None:
    """Neither a thirteenth month nor a time before the first year in UTC."""
    _, findings = exclusion(time, "2027-01-01T00:00", "Asia/Ho_Chi_Minh")

    assert codes(findings) == ["sla/time"]


@pytest.mark.parametrize("end", ["2026-11-01T02:00", "2026-11-01T01:00"])
def test_an_exclusion_ends_after_its_start(end: str) -> None:
    """An empty or negative window excludes nothing and is a mistake; both places are shown."""
    (sla,), findings = exclusion("2026-11-01T02:00", end)

    assert codes(findings) == ["sla/exclusion"]
    assert findings[0].related[0][1] == "its start"
    assert sla.exclusions == ()


@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Min", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Asia", "''"])
def test_a_zone_that_nobody_knows(zone: str) -> None:
    """Neither a misspelling nor a path is a time zone, and reading goes on."""
    slas, findings = read(f"period: {{timezone: {zone}}}\n")

    assert slas == ()
    assert codes(findings) in (["sla/timezone"], ["schema/value"], ["schema/value", "sla/timezone"])


def test_a_misspelt_zone() -> None:
    """The nearest name is offered."""
    _, findings = read("period: {timezone: Asia/Ho_Chi_Min}\n")

    assert findings[0].hint == "did you mean Asia/Ho_Chi_Minh?"


def test_credits_are_kept_in_order() -> None:
    """Fractions, as written."""
    (sla,), findings = read("credits: [{below: 99.9%, credit: 10%}, {below: 99%, credit: 25%}]\n")

    assert findings == ()
    assert [(Decimal("0.999"), Decimal("0.1")), (Decimal("0.99"), Decimal("0.25"))] == [
        (tier.below, tier.credit) for tier in sla.credits
    ]


@pytest.mark.parametrize(
    "tiers",
    ["{below: 99%, credit: 10%}, {below: 99.9%, credit: 25%}", "{below: 99.9%, credit: 10%}, {below: 99%, credit: 10%}",
     "{below: 99%, credit: 10%}, {below: 99%, credit: 25%}"],
)  # fmt: skip
def test_credits_out_of_order(tiers: str) -> None:
    """Less uptime has to give more, or the tiers were mixed up."""
    _, findings = read(f"credits: [{tiers}]\n")

    assert codes(findings) == ["sla/credits"]


@pytest.mark.parametrize("tier", ["{below: 0%, credit: 10%}", "{below: 99%, credit: 0%}", "{below: 99%, credit: 101%}"])
def test_credits_are_parts(tier: str) -> None:
    """Nobody gives back more than the price, or for an uptime below nothing."""
    _, findings = read(f"credits: [{tier}]\n")

    assert codes(findings) == ["sla/credits"]


def test_a_credit_although_the_target_is_met() -> None:
    """That may be agreed, but is rarely meant."""
    slas, findings = read("credits: [{below: 99.95%, credit: 10%}]\n")

    assert [(finding.code, finding.severity) for finding in findings] == [("sla/credits", Severity.WARNING)]
    assert len(slas) == 1


def test_covers_what_exists() -> None:
    """A contract about an SLO that nobody defined cannot be measured."""
    _, findings = read("", BODY.replace("shop/x", "shop/y"))

    assert codes(findings) == ["reference/unknown-slo"]


def test_target_leaves_a_budget() -> None:
    """A contract without any budget is broken by the first failure."""
    slas, findings = read("", BODY.replace("99.9%", "100%"))

    assert codes(findings) == ["slo/target"]
    assert slas == ()


# --- how it is measured --------------------------------------------------------------------------------------


def test_a_measure_by_minutes() -> None:
    """Methods that count minutes look once a minute; shares are exact."""
    (sla,), findings = read(
        "measure: {method: downtime-periods, errors_above: 10%, at_least: 5m, partial_minute: up, minimum_events: 2000}"
    )

    assert findings == ()
    assert sla.measure == Measure(
        "downtime-periods", Duration.of(minutes=1), "good", Decimal("0.10"), Duration.of(minutes=5), "up", None, 2000
    )
    assert sla.measure.words == (
        "minutes that are not in a downtime period, which is at least 5m of minutes that are down; a minute is down "
        "where more than 10% of its events are bad; a minute without events counts as good; below 2000 events nothing "
        "is owed"
    )


def test_deployed_is_an_expression() -> None:
    """It is found with all other PromQL, so every check of texts sees it."""
    body = BODY + "measure: {method: deployed-minutes, deployed: 'up{job=\"shop\"}'}"
    workspace, findings = together(SERVICE, document("SLA", body))

    assert findings == ()
    assert [one.text for one in expressions(workspace) if one.role is Role.PRESENCE] == ['up{job="shop"}']


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{method: interval-mean, at_least: 5m}", "at_least means nothing to the method interval-mean"),
        ("{method: minutes, at_least: 5m}", "at_least means nothing to the method minutes"),
        ("{method: minutes, interval: 5m}", "intervals of 5m are too long to see a minute"),
        ("{method: minutes, interval: 40s}", "a minute is not a whole number of intervals of 40s"),
        ("{method: minutes, errors_above: 100%}", "errors_above is 100%, but has to be at least 0% and below 100%"),
        ("{method: downtime-periods, at_least: 90s}", "at_least is 1m30s, but downtime periods are whole minutes"),
    ],
)
def test_what_cannot_be_measured(text: str, message: str) -> None:
    """A setting that the method does not read, or that sees no minute, is refused."""
    _, findings = read(f"measure: {text}")

    assert [(finding.code, finding.message) for finding in findings] == [("sla/measure", message)]


@pytest.mark.parametrize(
    ("interval", "zone", "longest"),
    [
        ("7m", "UTC", "1d"),
        ("2h", "Europe/Berlin", "1h"),
        ("1d", "America/New_York", "1h"),
        ("1h", "Australia/Lord_Howe", "30m"),
        ("5m", "Asia/Kathmandu", ""),
        ("1d", "Asia/Kathmandu", ""),
        ("1h", "Pacific/Chatham", ""),
        ("30m", "Australia/Lord_Howe", ""),
    ],
)
def test_months_are_whole_numbers_of_intervals(interval: str, zone: str, longest: str) -> None:
    """What is left of a month behind its last whole interval would be in nobody's uptime: it is refused."""
    _, findings = read(f"period: {{timezone: {zone}}}\nmeasure: {{interval: {interval}}}")

    assert [(f.code, (f.hint or "").rpartition(" ")[2]) for f in findings] == (
        [("sla/measure", longest)] if longest else []
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "the mean over intervals of 5m of the good ratio in each; an interval without events counts as good"),
        (
            "{method: minutes, interval: 10s, partial_minute: up, empty: ignore}",
            (
                "minutes that are not down; a minute is down where all attempts fail, looked at every 10s; a minute "
                "that is partly down counts as up; a minute without events does not count"
            ),
        ),
        (
            "{method: deployed-minutes, errors_above: 5%, empty: bad}",
            (
                "minutes that are not down, of those in which the service was deployed (its events are counted); a "
                "minute is down where more than 5% of its events are bad; a minute without events counts as bad"
            ),
        ),
    ],
)
def test_a_measure_in_words(text: str, words: str) -> None:
    """The report, the runbook, the dashboard and `explain` tell it the same way."""
    (sla,), _ = read(f"measure: {text}")

    assert sla.measure.words == words
