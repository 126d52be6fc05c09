"""Routes inside routes, what mutes alerts, and when: what is written becomes types, and mistakes findings in place."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.reading import codes, document, places, read, together

from tocsin.diagnostics import Severity
from tocsin.matchers import parse_matchers
from tocsin.ports import Rate
from tocsin.spec import Digest, Flapping, Notifications, Once, Stretch, Weekly
from tocsin.units import Duration

CHANNELS = "channels: {c: {apprise: u}, d: {apprise: v}}\n"


def notifications(text: str) -> Notifications:
    """The document of a text that has no mistake."""
    workspace, findings = read("Notifications", CHANNELS + text)
    assert findings == ()
    return workspace.notifications[0]


def findings_of(text: str) -> list[tuple[int, int, str]]:
    """The places of what is wrong with a text; its first line is line 5."""
    return places(read("Notifications", CHANNELS + text)[1])


NESTED = """\
time_intervals: {night: [{times: [{start_time: "22:00", end_time: "24:00"}]}]}
routes:
  - matchers: ['severity=~"critical|warning"', 'team!="web"']
    to: [c]
    group_by: [ref]
    group_wait: 1m
    repeat_interval: 1d
    mute_time_intervals: [night]
    continue: true
    routes:
      - {match: {service: shop}}
      - {match: {service: db}, to: [d], group_by: [], group_wait: 0s, mute_time_intervals: []}
"""


def test_a_route_inherits_what_it_does_not_say() -> None:
    """Channels, group, timers and intervals of the route around it; what it says, also of nothing, is its own."""
    (outer,) = notifications(NESTED).routes
    same, other = outer.routes

    assert outer.goes_on
    assert not same.goes_on
    assert outer.conditions == parse_matchers('severity=~"critical|warning",team!="web"')
    assert (same.to, same.group_by, same.group_wait, same.repeat_interval, same.mute) == (
        ("c",), ("ref",), Duration.of(minutes=1), Duration.of(days=1), ("night",),
    )  # fmt: skip
    assert (other.to, other.group_by, other.group_wait, other.repeat_interval, other.mute) == (
        ("d",), (), Duration.of(seconds=0), Duration.of(days=1), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("routes: [{matchers: ['a=~\"(\"'], to: [c]}]", [(5, 26, "matcher/syntax")]),
        ("routes: [{matchers: ['a'], to: [c]}]", [(5, 23, "matcher/syntax")]),
        ("routes: [{matchers: ['a=b, ,'], to: [c]}]", [(5, 27, "matcher/syntax")]),
        ("routes: [{match: {a: b}}]", [(5, 11, "schema/missing-key")]),
        ("routes: [{to: [c], mute_time_intervals: [nigth]}]", [(5, 42, "reference/unknown-interval")]),
        ("routes: [{to: [c], routes: [{to: [e]}]}]", [(5, 35, "reference/unknown-channel")]),
    ],
)
def test_mistakes_in_routes(text: str, found: list[tuple[int, int, str]]) -> None:
    """Each at its place, inside the text of a matcher too."""
    assert findings_of(text) == found


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ("matchers: ['severity=~\"critical|warning\"']", "match: {severity: critical}", False),
        ("matchers: ['severity=~\"critical|warning\"']", "match: {severity: info}", True),
        ("matchers: ['severity=~\"critical|warning\"'], continue: true", "match: {severity: critical}", True),
        ("matchers: ['team!=\"web\"']", "match: {team: db}", False),
        ("matchers: ['team!=\"web\"']", "match: {severity: critical}", True),
        ("matchers: ['team=~\"d.*\"']", "match: {team: db, severity: critical}", False),
        ("matchers: ['team=~\"d.*\"']", "matchers: ['team=~\"db.*\"']", True),
        ("match: {a: b}", "matchers: ['severity=\"x\"', 'severity!=\"x\"']", False),
        ("match: {a: b}, routes: [{match: {a: c}}]", "match: {b: c}", False),
    ],
)
def test_routes_that_are_never_asked(first: str, second: str, reached: bool) -> None:
    """Behind one that takes all of their alerts, or asking for what excludes itself; never said where it is unsure."""
    _, findings = read("Notifications", f"{CHANNELS}routes:\n  - {{{first}, to: [c]}}\n  - {{{second}, to: [c]}}")

    assert codes(findings) == ([] if reached else ["route/unreachable"])
    assert all(finding.severity is Severity.WARNING for finding in findings)


def test_what_routes_around_ask_for_counts() -> None:
    """A sibling is as wide as it needs to be where all alerts have passed the route around both."""
    text = """\
routes:
  - match: {severity: critical}
    to: [c]
    routes:
      - {matchers: ['severity=~"critical|warning"'], to: [d]}
      - {match: {team: db}}
"""

    assert findings_of(text) == [(10, 9, "route/unreachable")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{source: {severity: critical}, target: {severity: warning}, equal: [service]}", None),
        ("{source: {severity: critical}, target_matchers: ['severity=~\"critical|warning\"'], equal: [service]}", None),
        ("{source: {alertname: HostDown}, target: {}, equal: [instance]}", None),
        ("{source: {alertname: HostDown}, target: {}}", "inhibit/everything"),
        ("{source: {severity: critical}, target: {severity: warning}}", "inhibit/everything"),
        ("{source: {alertname: ClusterDown}, target: {severity: warning}}", None),
        ("{source: {a: b}, target: {a: b}, equal: [c]}", "inhibit/never"),
        ("{source: {a: b}, target_matchers: ['a=~\"b\"'], equal: [c]}", "inhibit/never"),
        ("{source: {a: b}, target: {a: c}, equal: [a]}", "inhibit/never"),
        ("{source: {a: b}, source_matchers: ['a=~\"c|d\"'], target: {a: c}}", "inhibit/never"),
        ("{source: {a: b}}", "inhibit/side"),
        ("{target: {a: b}}", "inhibit/side"),
    ],
)
def test_inhibitions(text: str, code: str | None) -> None:
    """One that can never apply, that mutes everything, or that forgets a side is told."""
    assert findings_of(f"inhibit:\n  - {text}") == ([(6, 5, code)] if code else [])


def test_an_inhibition_joins_labels_and_matchers() -> None:
    """Both have to hold."""
    (rule,) = notifications(
        "inhibit: [{source: {a: b}, source_matchers: ['c!=\"d\"'], target: {}, equal: [e]}]"
    ).inhibit

    assert (rule.source, rule.target, rule.equal) == (parse_matchers('a="b",c!="d"'), (), ("e",))


def test_a_time_interval() -> None:
    """All of Alertmanager's words; Sunday is 0, January 1, and minutes are those of the day."""
    text = """\
time_intervals:
  all:
    - times: [{start_time: 09:00, end_time: "24:00"}]
      weekdays: ["monday:friday", sunday]
      days_of_month: ["1:5", -1]
      months: ["january:march", 12]
      years: ["2026:2028", 2030]
      location: Europe/Paris
    - weekdays: [saturday]
"""
    hours = notifications(text).hours["all"]

    assert hours.stretches == (
        Stretch(
            times=((540, 1440),),
            weekdays=((1, 5), (0, 0)),
            days_of_month=((1, 5), (-1, -1)),
            months=((1, 3), (12, 12)),
            years=((2026, 2028), (2030, 2030)),
            location="Europe/Paris",
        ),
        Stretch(weekdays=((6, 6),)),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('times: [{start_time: "22:00", end_time: "06:00"}]', "time/range"),
        ('times: [{start_time: "9:00", end_time: "17:00"}]', "schema/value"),
        ('weekdays: ["friday:monday"]', "time/range"),
        ("weekdays: [Friday]", "schema/value"),
        ('days_of_month: ["5:1"]', "time/range"),
        ('days_of_month: ["-3:2"]', "time/range"),
        ("days_of_month: [0]", "time/range"),
        ("days_of_month: [32]", "time/range"),
        ('days_of_month: ["20:-15"]', "time/range"),
        ('months: ["march:february"]', "time/range"),
        ("months: [13]", "time/range"),
        ('years: ["2028:2026"]', "time/range"),
        ("location: Europe/Pari", "time/zone"),
    ],
)
def test_mistakes_in_time_intervals(text: str, code: str) -> None:
    """What Alertmanager would refuse."""
    _, findings = read("Notifications", f"{CHANNELS}time_intervals: {{a: [{{{text}}}]}}")

    assert codes(findings) == [code]


ABOUT = "reason: new disks, owner: ops"


def test_maintenance_once_and_every_week() -> None:
    """Local times of a zone become UTC, or stay a time of the day."""
    text = f"""\
maintenance:
  once: {{match: {{service: db}}, from: 2026-12-01T22:00, to: 2026-12-02T02:00, timezone: Europe/Paris, {ABOUT}}}
  long: {{match: {{service: db}}, from: 2026-12-01T22:00Z, duration: 90m, {ABOUT}}}
  weekly: {{matchers: ['service=~"db|cache"'], weekdays: [sunday, friday], at: "02:30", duration: 2h, {ABOUT}}}
"""
    found = notifications(text).maintenance

    assert found["once"].when == Once(datetime(2026, 12, 1, 21, tzinfo=UTC), datetime(2026, 12, 2, 1, tzinfo=UTC))
    assert found["long"].when == Once(datetime(2026, 12, 1, 22, tzinfo=UTC), datetime(2026, 12, 1, 23, 30, tzinfo=UTC))
    assert found["weekly"].when == Weekly((0, 5), 150, Duration.of(hours=2), "UTC")
    assert (found["weekly"].reason, found["weekly"].owner) == ("new disks", "ops")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('weekdays: [sunday], at: "02:00", duration: 2h', ["maintenance/everything"]),
        ("match: {a: ''}, from: 2026-12-01T22:00, duration: 2h", ["maintenance/everything"]),
        ("match: {a: b}", ["maintenance/when"]),
        ("match: {a: b}, from: 2026-12-01T22:00, weekdays: [sunday]", ["maintenance/when"]),
        ("match: {a: b}, from: 2026-12-01T22:00", ["maintenance/when"]),
        ("match: {a: b}, weekdays: [sunday], duration: 2h", ["maintenance/when"]),
        ('match: {a: b}, weekdays: [sunday], at: "02:00", duration: 7d', ["maintenance/when"]),
        ('match: {a: b}, weekdays: [sunday], at: "24:00", duration: 1h', ["time/range"]),
        ("match: {a: b}, from: 2026-12-02T22:00, to: 2026-12-02T02:00", ["time/range"]),
        ("match: {a: b}, from: 2026-03-29T02:30, duration: 1h, timezone: Europe/Berlin", ["time/instant"]),
        ("match: {a: b}, from: 2026-10-25T02:30, duration: 1h, timezone: Europe/Berlin", ["time/instant"]),
        ("match: {a: b}, from: 2026-12-01T22:00, duration: 1h, timezone: Berlin", ["time/zone"]),
        ("matchers: ['a=~\"(\"'], from: 2026-12-01T22:00, duration: 1h", ["matcher/syntax"]),
    ],
)
def test_mistakes_in_maintenance(text: str, found: list[str]) -> None:
    """One finding each; what cannot be read is not told again as muting everything."""
    _, findings = read("Notifications", f"{CHANNELS}maintenance: {{m: {{{text}, {ABOUT}}}}}")

    assert codes(findings) == found


def test_names_are_shared_by_all_documents() -> None:
    """A route may name the time interval of another document, and a second one of that name is told."""
    hours = "time_intervals: {night: [{weekdays: [sunday]}]}"
    one = document("Notifications", hours, "a")
    route = f"{CHANNELS}routes: [{{to: [c, d], mute_time_intervals: [night]}}]"

    assert together(one, document("Notifications", route, "b"))[1] == ()
    assert codes(together(one, document("Notifications", hours, "b"))[1]) == ["reference/duplicate"]


@pytest.mark.parametrize(
    ("text", "digest", "found"),
    [
        ('{at: "09:00", weekdays: [friday, monday], timezone: Europe/Paris}', Digest(540, (1, 5), "Europe/Paris"), []),
        ("{every: 6h}", Digest(every=Duration.of(hours=6)), []),
        ('{at: "09:00", every: 6h}', None, ["digest/when"]),
        ("{}", None, ["digest/when"]),
        ("{every: 6h, timezone: UTC}", Digest(every=Duration.of(hours=6)), ["digest/when"]),
        ('{at: "24:00"}', None, ["time/range"]),
        ('{at: "09:00", timezone: Paris}', None, ["time/zone"]),
    ],
)
def test_digests(text: str, digest: Digest | None, found: list[str]) -> None:
    """A time or a distance; grouped by nothing, and not inherited."""
    routes = f"routes: [{{to: [c], digest: {text}, routes: [{{match: {{a: b}}}}]}}]"
    workspace, findings = read("Notifications", CHANNELS + routes)
    (outer,) = workspace.notifications[0].routes

    assert codes(findings) == found
    assert (outer.digest, outer.group_by) == (digest, ())
    assert (outer.routes[0].digest, outer.routes[0].group_by) == (None, ("service",))


def test_a_route_that_another_document_hides() -> None:
    """Documents are joined by their names: what the first takes the second never gets, wherever they stand."""
    rest = document("Notifications", f"{CHANNELS}routes: [{{to: [c]}}]", "all")
    narrow = document("Notifications", "routes: [{match: {team: db}, to: [d]}]", "db")
    _, findings = together(narrow, rest)

    assert places(findings) == [(4, 10, "route/unreachable")]
    assert findings[0].related[0][0].line == 10
    assert together(narrow.replace("name: db", "name: a"), rest)[1] == ()


def test_flapping_is_inherited_as_a_whole() -> None:
    """Its two lengths belong together; without it a route waits as long as its group_interval."""
    (outer,) = notifications(
        "routes: [{to: [c], flapping: {wait: 10m, longest: 2h},"
        " routes: [{match: {a: b}}, {match: {a: c}, flapping: {longest: 1h}}]}]"
    ).routes

    assert outer.flapping == outer.routes[0].flapping == Flapping(Duration.of(minutes=10), Duration.of(hours=2))
    assert outer.routes[1].flapping == Flapping(None, Duration.of(hours=1))
    assert notifications("routes: [{to: [c]}]").routes[0].flapping == Flapping()


@pytest.mark.parametrize("flapping", ["{wait: 10m, longest: 5m}", "{longest: 4m}", "{wait: 0s}"])
def test_flapping_that_cannot_be(flapping: str) -> None:
    """The longest wait is no shorter than the first one, which is longer than nothing."""
    _, findings = read("Notifications", CHANNELS + f"routes: [{{to: [c], flapping: {flapping}}}]")

    assert codes(findings) == ["units/duration" if "0s" in flapping else "route/flapping"]


def test_page_budgets() -> None:
    """So many in a time, for some alerts, on a channel or on any."""
    shop, pager = notifications(
        "page_budgets: {shop: {pages: 5/w, match: {service: shop}, matchers: ['team!=\"x\"']},"
        " pager: {pages: 2/d, channel: c}}"
    ).page_budgets

    assert shop.pages == Rate(5, timedelta(days=7))
    assert shop.matchers == parse_matchers('service="shop",team!="x"')
    assert (pager.pages, pager.channel) == (Rate(2, timedelta(days=1)), "c")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{pages: 5}", "schema/type"),
        ("{pages: 0/w}", "units/rate"),
        ("{pages: 9/5w}", "units/rate"),
        ("{match: {a: b}}", "schema/missing-key"),
        ("{pages: 1/d, channel: nobody}", "reference/unknown-channel"),
    ],
)
def test_page_budgets_that_are_none(text: str, code: str) -> None:
    """One finding each."""
    assert codes(read("Notifications", CHANNELS + f"page_budgets: {{b: {text}}}")[1]) == [code]


@pytest.mark.parametrize(
    "written",
    [
        "{match: {severity: [critical, warning]}, to: [c]}",
        "{matchers: severity=critical, to: [c]}",
        "{matchers: [{severity: critical}], to: [c]}",
        "{matchers: ['severity=~\"(\"'], to: [c]}",
        "{match_re: {severity: critical|warning}, to: [c]}",
    ],
)
def test_what_a_route_asks_for_and_could_not_be_read_makes_no_other_unreachable(written: str) -> None:
    """One mistake is one finding: the routes behind it are as they were."""
    text = f"routes:\n  - {written}\n  - {{match: {{severity: critical}}, to: [d]}}\n  - {{to: [d]}}\n"
    found = codes(read("Notifications", CHANNELS + text)[1])

    assert len(found) == 1
    assert "route/unreachable" not in found


def test_a_step_to_people_who_know() -> None:
    """It changes nothing; a step that also tells somebody new, does."""
    steps = "[{after: 10m, to: [c]}, {after: 20m, to: [c, d]}, {after: 30m, to: [d, c]}]"
    (finding,) = read("Notifications", f"{CHANNELS}routes:\n  - {{to: [c], escalate: {steps}}}\n")[1]

    assert (finding.code, finding.severity, finding.span.column) == ("route/escalation", Severity.WARNING, 92)
    assert finding.message == "this step tells nobody new: steps before it tell d, c"
