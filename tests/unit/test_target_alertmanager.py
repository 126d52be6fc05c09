"""Alertmanager's configuration: accepted by amtool, without secrets, and deciding as Tocsin does."""

import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import alerts, builders

from tocsin.diagnostics import Severity
from tocsin.evaluate.model import Identity
from tocsin.matchers import LabelMatcher
from tocsin.notify.rehearsal import rehearse
from tocsin.notify.routing import Directory
from tocsin.plan import AlertingRule, Plan, plan
from tocsin.ports import Labels, labels_of
from tocsin.promql import label_value
from tocsin.spec import ChannelSpec, Notifications, Route, Secret, Service
from tocsin.spec.service import Raw
from tocsin.targets.alertmanager import alertmanager, cannot_say
from tocsin.targets.alertmanager_routes import NOBODY
from tocsin.units import Duration
from tocsin.workspace import Source, Workspace, read_workspace

RULES = Path(__file__).parents[2] / "rules"
GOLDEN = Path(__file__).parents[1] / "golden"

SECRETS = """\
apiVersion: tocsin/v1
kind: Notifications
name: all
channels:
  mail: {email: {smtp: {host: mail.example, user: me, password: s3cret-password}, from: a@b, to: [c@d]}}
  file: {email: {smtp: {host: h, port: 465, tls: tls, user: me, password: {file: /run/p}}, from: a@b, to: [c@d]}}
  hook: {slack: {webhook: https://hooks.slack.com/services/T0/B0/s3cret, channel: "#alerts"}}
  bot: {slack: {token: {env: SLACK_TOKEN}, channel: alerts}, send_resolved: false}
  pd: {pagerduty: {integration_key: s3cret-key, endpoint: https://events.eu.pagerduty.com}}
  any: {apprise: 'json://user:s3cret@example.org'}
  open: {email: {smtp: {host: {env: HOST}, port: 25, tls: none}, from: a@b, to: [{env: TO}]}}
  odd: {email: {smtp: {host: h, port: 587, tls: tls}, from: a@b, to: [c@d]}}
routes: [{match: {}, to: [mail]}]
"""


def read(*texts: str) -> Workspace:
    """A workspace of one file each."""
    workspace, findings = read_workspace([Source(f"{n}.yaml", text) for n, text in enumerate(texts)])
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []
    return workspace


def written(workspace: Workspace) -> str:
    """The configuration."""
    (artifact,) = alertmanager(plan(workspace)[0], workspace)
    return artifact.text


def amtool(*arguments: str) -> str:
    """Run amtool; what it says, which has to be no error."""
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def receivers(config: Path, labels: Labels) -> frozenset[str]:
    """To whom Alertmanager sends an alert with these *labels*."""
    pairs = [f"{name}={label_value(value)}" for name, value in labels]
    said = amtool("config", "routes", "test", f"--config.file={config}", *pairs)
    return frozenset(said.strip().split(",")) - {NOBODY}


def ours(workspace: Workspace, labels: Labels, notify: tuple[str, ...] = ()) -> frozenset[str]:
    """To whom Tocsin sends it."""
    known = dict(labels)
    view = alerts.view(
        service=known.get("service", ""),
        severity=known.get("severity", ""),
        labels=labels,
        notify=notify,
        identity=Identity(known.get("ref", "a/b")),
    )
    told = frozenset(key.channel for key in Directory.of(workspace.notifications).destinations(view))
    assert told == frozenset(rehearse(known, notify, workspace, Plan(()), alerts.NOON).channels)
    return told


def disagreements(
    workspace: Workspace, more: Iterable[Labels], folder: Path
) -> list[tuple[Labels, set[str], set[str]]]:
    """The label sets for which the two differ: every planned alert, alone and with *more* labels of its rows."""
    config = folder / "alertmanager.yml"
    config.write_text(written(workspace), encoding="utf-8")
    rules = [r for group in plan(workspace)[0].groups for r in group.rules if isinstance(r, AlertingRule)]
    cases = [
        (labels_of(dict(extra) | {"alertname": rule.alert} | dict(rule.labels)), rule.notify)
        for rule, extra in product(rules, [(), *more])
    ]
    cases += [(labels_of(dict(extra) | {"ref": "a/b", "service": "other", "severity": "info"}), ()) for extra in more]
    with ThreadPoolExecutor(3) as pool:
        said = pool.map(lambda case: receivers(config, case[0]), cases)
        paired = zip(cases, said, strict=True)
        pairs = [(labels, set(ours(workspace, labels, notify)), set(got)) for (labels, notify), got in paired]
    return [(labels, wanted, got) for labels, wanted, got in pairs if wanted != got]


def test_no_secret_is_written() -> None:
    """Whatever a channel holds: where Alertmanager needs a secret, it is told the file to read it from."""
    text = written(read(SECRETS))
    found = {each["name"]: each for each in yaml.safe_load(text)["receivers"]}

    assert "s3cret" not in text
    assert [
        found["mail"]["email_configs"][0]["auth_password_file"],
        found["file"]["email_configs"][0]["auth_password_file"],
        found["hook"]["slack_configs"][0]["api_url_file"],
        found["bot"]["slack_configs"][0]["http_config"]["authorization"]["credentials_file"],
        found["pd"]["pagerduty_configs"][0]["routing_key_file"],
    ] == [
        "/etc/alertmanager/secrets/mail-password",
        "/run/p",
        "/etc/alertmanager/secrets/hook-webhook",
        "/etc/alertmanager/secrets/SLACK_TOKEN",
        "/etc/alertmanager/secrets/pd-integration_key",
    ]
    assert "#   /etc/alertmanager/secrets/SLACK_TOKEN: the value of SLACK_TOKEN\n" in text


def test_what_alertmanager_cannot_do_is_told() -> None:
    """An Apprise URL, a setting of the environment without a default, TLS on another port than 465."""
    workspace = read(SECRETS)

    findings = cannot_say(plan(workspace)[0], workspace)

    assert [finding.message.split(";")[0].partition(", so")[0] for finding in findings] == [
        "Alertmanager has nothing that takes an Apprise URL",
        "Alertmanager speaks TLS from the first byte on port 465 and on no other",
        "Alertmanager cannot take host of channel open from elsewhere",
        "Alertmanager cannot take to of channel open from elsewhere",
    ]


def test_resolves_are_sent_where_the_channel_says_so() -> None:
    """Alertmanager's own default differs by kind, so it is always written."""
    found = {each["name"]: each for each in yaml.safe_load(written(read(SECRETS)))["receivers"]}

    assert (found["hook"]["slack_configs"][0]["send_resolved"], found["bot"]["slack_configs"][0]["send_resolved"]) == (
        True,
        False,
    )


def test_without_channels_there_is_nothing_to_write() -> None:
    """A workspace without Notifications leaves routing to whoever has it."""
    workspace = builders.workspace(builders.service(alerts=(builders.alert(expr="up == 0"),)))

    assert alertmanager(plan(workspace)[0], workspace) == ()


def test_timers_and_groups_are_those_of_the_route() -> None:
    """Named as in Alertmanager; PagerDuty has an incident, and so a group, per alert."""
    text = (RULES / "notifications.yaml").read_text(encoding="utf-8")
    critical, warning, rest = yaml.safe_load(written(read(text)))["route"]["routes"]

    assert [
        {key: node.get(key) for key in ("matchers", "group_by", "group_wait", "group_interval", "repeat_interval")}
        for node in (critical, rest)
    ] == [
        {
            "matchers": ['severity="critical"'],
            "group_by": ["service"],
            "group_wait": "10s",
            "group_interval": "5m",
            "repeat_interval": "4h",
        },
        {
            "matchers": None,
            "group_by": ["service"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
        },
    ]
    assert critical["routes"][-1] == {"receiver": "pagerduty", "group_by": ["..."]}
    assert [leaf["receiver"] for leaf in warning["routes"]] == ["email", "slack"]


def test_faster_tiers_silence_slower_ones() -> None:
    """The inhibitions of the plan are written as they are."""
    service = (GOLDEN / "ratio" / "in.yaml").read_text(encoding="utf-8")
    rules = yaml.safe_load(written(read(service, SECRETS)))["inhibit_rules"]

    assert {
        "source_matchers": ['alertname="ErrorBudgetBurn"', 'tier="fast"'],
        "target_matchers": ['alertname="ErrorBudgetBurn"', 'tier="slow"'],
        "equal": ["service", "slo"],
    } in rules


@pytest.mark.real
def test_amtool_accepts_it(tmp_path: Path) -> None:
    """Every kind of channel, and every golden case that has any."""
    (tmp_path / "all.yml").write_text(written(read(SECRETS)), encoding="utf-8")
    files = [tmp_path / "all.yml", *GOLDEN.glob("*/out/alertmanager/*.yml")]

    assert amtool("check-config", *map(str, files)).count("SUCCESS") == len(files)


@pytest.mark.real
def test_the_platforms_alerts_go_where_tocsin_sends_them(tmp_path: Path) -> None:
    """Every alert of `rules/`, asked of amtool and of our own routing."""
    workspace = read(*(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.yaml"))))

    assert disagreements(workspace, (), tmp_path) == []


def test_every_alert_knows_the_channels_that_its_definition_names() -> None:
    """Journeys page whom they name; that an objective cannot be counted is a ticket of the objective."""
    workspace = read(*(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.yaml"))))
    rules = [r for group in plan(workspace)[0].groups for r in group.rules if isinstance(r, AlertingRule)]

    assert {(rule.ref, rule.notify) for rule in rules if rule.alert in {"JourneyBudgetBurn", "SliBroken"}} == {
        ("people-counting/end-to-end", ("email", "slack", "pagerduty")),
        *((ref, ("email", "slack")) for ref in ("be-camera/responses", "be-auth/responses", "ai-inference/inference")),
    }


NASTY = st.sampled_from(["a", 'q"uote', "back\\slash", "new\nline", "é{{x}}", "a|b", "a.c", "=~"])
CHANNELS = ("email", "pd", "slack")
TO = st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True).map(tuple)
NAMED = st.one_of(st.just(()), TO)
NAMES = st.sampled_from(["severity", "service", "tier", "ref", "alertname", "team", "row"])
VALUES = st.one_of(NASTY, st.sampled_from(["critical", "warning", "shop", "fast", "shop/uptime", "ErrorBudgetBurn"]))
MATCH = st.dictionaries(NAMES, VALUES, max_size=2).map(labels_of)
PATTERNS = st.sampled_from(["critical|warning", ".*a.*", "", "s.+", "(?i)SHOP"])
MATCHERS = st.lists(
    st.one_of(
        st.builds(LabelMatcher, NAMES, VALUES, negated=st.booleans()),
        st.builds(LabelMatcher, NAMES, PATTERNS, regular=st.just(value=True), negated=st.booleans()),
    ),
    max_size=1,
).map(tuple)
BY = st.sampled_from([(), ("service",), ("ref", "team")])
WAIT = Duration.of(minutes=1)


def trees(depth: int, match: st.SearchStrategy[Labels] = MATCH) -> st.SearchStrategy[tuple[Route, ...]]:
    """Routes with others inside them, *depth* levels of them."""
    inside = trees(depth - 1, match) if depth else st.just(())
    one = st.builds(
        Route, match, TO, BY, st.just(WAIT), st.just(WAIT), st.just(WAIT), st.just(builders.SPAN),
        matchers=MATCHERS if match is MATCH else st.just(()), goes_on=st.booleans(), routes=inside,
    )  # fmt: skip
    return st.lists(one, max_size=3).map(tuple)


@st.composite
def routed(draw: st.DrawFn) -> Workspace:
    """Services whose alerts name channels or leave that to routes that match anything."""

    def service(name: str) -> Service:
        plain = [builders.slo(slo, service=name) for slo in ("uptime", "speed")]
        given = [Raw(labels_of({"severity": draw(NASTY)})), Raw()]
        slos = [
            replace(
                slo,
                page=draw(NAMED),
                ticket=draw(NAMED),
                labels=labels_of({"team": draw(NASTY)}),
                raw_page=draw(st.sampled_from(given)),
            )
            for slo in plain
        ]
        rules = [
            replace(
                builders.alert(alert, service=name, expr="up == 0", labels=labels_of({"team": draw(NASTY)})),
                notify=draw(NAMED),
                severity=draw(st.sampled_from(["info", "warning", "critical"])),
            )
            for alert in ("Down", "Slow")
        ]
        return builders.service(name, slos=tuple(slos), alerts=tuple(rules))

    routes = draw(trees(1))
    channels = {name: channel(name) for name in CHANNELS}
    document = Notifications("n", channels, routes, builders.SPAN)
    return Workspace(services=(service("shop"), service("cart")), notifications=(document,))


def channel(name: str) -> ChannelSpec:
    """A channel with what Alertmanager wants to know of it."""
    if name == "pd":
        return replace(alerts.channel(name, "pagerduty"), settings={"integration_key": Secret(file="/key")})
    return alerts.channel(name, "apprise")


@pytest.mark.real
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(routed(), st.lists(st.dictionaries(st.just("row"), NASTY, max_size=1).map(labels_of), max_size=1))
def test_alertmanager_decides_as_tocsin_does(tmp_path: Path, workspace: Workspace, more: list[Labels]) -> None:
    """The same receivers for every alert, whatever routes match and whichever channels definitions name."""
    assert disagreements(workspace, more, tmp_path) == []


SMALL = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=1).map(labels_of)
EVERY_SET = [labels_of({k: v for k, v in zip("ab", pair, strict=True) if v}) for pair in product(("", "x", "y"), "xy")]


@pytest.mark.real
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees(2, SMALL))
def test_a_tree_of_routes_leads_where_alertmanager_leads(tmp_path: Path, routes: tuple[Route, ...]) -> None:
    """Nested, with `continue` at any level: for all sets of two labels the receivers are amtool's."""
    channels = {name: channel(name) for name in CHANNELS}
    workspace = Workspace(notifications=(Notifications("n", channels, routes, builders.SPAN),))
    config = tmp_path / "alertmanager.yml"
    config.write_text(written(workspace), encoding="utf-8")
    with ThreadPoolExecutor(3) as pool:
        theirs = list(pool.map(lambda labels: receivers(config, labels), EVERY_SET))

    assert [ours(workspace, labels) for labels in EVERY_SET] == theirs


TREE = """\
apiVersion: tocsin/v1
kind: Notifications
name: all
channels:
  mail: {apprise: 'json://a'}
  chat: {apprise: 'json://b'}
  pager: {pagerduty: {integration_key: {file: /k}}}
time_intervals:
  office: [{times: [{start_time: "09:00", end_time: "17:00"}], weekdays: ["monday:friday"], location: Europe/Paris}]
  holidays: [{months: [december], days_of_month: ["24:-1"]}, {years: [2027], months: ["1"], days_of_month: [1]}]
inhibit:
  - {source: {alertname: HostDown}, target_matchers: ['alertname!="HostDown"'], equal: [instance]}
maintenance:
  disks: {match: {service: db}, weekdays: [sunday], at: "02:00", duration: 2h, reason: new disks, owner: ops}
routes:
  - matchers: ['severity=~"info|warning"']
    to: [mail, chat]
    mute_time_intervals: [holidays]
    routes:
      - {match: {team: db}, continue: true, to: [pager], mute_time_intervals: []}
      - {match: {team: db, severity: info}, active_time_intervals: [office]}
  - {to: [pager]}
"""


@pytest.mark.real
def test_intervals_and_inhibitions_are_alertmanagers(tmp_path: Path) -> None:
    """Written as its own words, on the nodes that decide; `continue` does not lead on to the route around it."""
    workspace = read(TREE)
    config = tmp_path / "alertmanager.yml"
    config.write_text(written(workspace), encoding="utf-8")
    made = yaml.safe_load(config.read_text(encoding="utf-8"))

    assert "SUCCESS" in amtool("check-config", str(config))
    assert [each["time_intervals"][0] for each in made["time_intervals"]] == [
        {"months": ["december"], "days_of_month": ["24:-1"], "location": "UTC"},
        {
            "times": [{"start_time": "09:00", "end_time": "17:00"}],
            "weekdays": ["monday:friday"],
            "location": "Europe/Paris",
        },
    ]
    assert made["inhibit_rules"] == [
        {
            "source_matchers": ['alertname="HostDown"'],
            "target_matchers": ['alertname!="HostDown"'],
            "equal": ["instance"],
        }
    ]
    both, narrow, own = made["route"]["routes"][0]["routes"]
    assert [leaf.get("mute_time_intervals") for leaf in both["routes"][0]["routes"]] == [None]
    assert narrow["routes"][0]["active_time_intervals"] == ["office"]
    assert [leaf["mute_time_intervals"] for leaf in own["routes"]] == [["holidays"], ["holidays"]]
    assert [finding.code for finding in cannot_say(plan(workspace)[0], workspace)] == [
        "alertmanager/channel", "alertmanager/channel", "alertmanager/maintenance",
    ]  # fmt: skip
    for labels, told in (
        ({"severity": "info", "team": "db"}, {"pager", "mail", "chat"}),
        ({"severity": "warning", "team": "db"}, {"pager"}),
        ({"severity": "info"}, {"mail", "chat"}),
        ({"severity": "critical", "team": "db"}, {"pager"}),
    ):
        assert receivers(config, labels_of(labels)) == ours(workspace, labels_of(labels)) == told


def test_flapping_is_told_once_where_it_is_inherited() -> None:
    """Alertmanager has no word for it."""
    workspace = read(
        "{apiVersion: tocsin/v1, kind: Notifications, name: n, channels: {c: {apprise: u}},"
        " routes: [{to: [c], flapping: {longest: 1h}, routes: [{match: {a: b}}]}]}"
    )
    told = [one for one in cannot_say(plan(workspace)[0], workspace) if one.code == "alertmanager/flapping"]

    assert len(told) == 1
