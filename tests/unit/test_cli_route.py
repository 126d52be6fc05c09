"""`tocsin route`: where an alert would go, told from the definitions alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.main import run

DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Notifications
name: all
channels:
  mail: {apprise: 'json://a'}
  chat: {apprise: 'json://b'}
  pager: {pagerduty: {integration_key: {file: /k}}}
time_intervals:
  office: [{times: [{start_time: "09:00", end_time: "17:00"}], weekdays: ["monday:friday"], location: Europe/Paris}]
inhibit:
  - {source: {alertname: HostDown}, target_matchers: ['alertname!="HostDown"'], equal: [instance]}
maintenance:
  disks: {match: {service: db}, weekdays: [sunday], at: "02:00", duration: 2h, reason: new disks, owner: ops}
routes:
  - matchers: ['severity=~"info|warning"']
    to: [mail, chat]
    routes:
      - {match: {team: db}, continue: true, to: [pager], group_by: [team]}
      - {match: {team: db, severity: info}, active_time_intervals: [office]}
  - {match: {severity: critical}, to: [pager], group_wait: 0s}
---
apiVersion: tocsin/v1
kind: Service
name: shop
alerts:
  Down: {expr: up == 0, severity: critical, notify: [chat]}
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file of definitions."""
    file = tmp_path / "n.yaml"
    file.write_text(DEFINITIONS, encoding="utf-8")
    return str(file)


def asked(path: str, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    """What is told as JSON."""
    assert run(["route", "test", path, *arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_routes_that_decide(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with the way there and its lines; a quiet one says until when, the other one is told."""
    found = asked(path, capsys, "team=db", "severity=info", "--at", "2026-11-27T20:00+01:00")

    assert [[(step["name"], step["line"]) for step in stop["path"]] for stop in found["routes"]] == [
        [('severity=~"info|warning"', 15), ('severity=~"info|warning" > team=db', 18)],
        [('severity=~"info|warning"', 15), ('severity=~"info|warning" > severity=info,team=db', 19)],
    ]
    assert [stop["quiet"] for stop in found["routes"]] == [
        None, {"why": "outside of office", "until": "2026-11-30T08:00:00+00:00"},
    ]  # fmt: skip
    assert (found["channels"], found["told"]) == (["pager", "mail", "chat"], ["pager"])
    assert found["inhibitedWhile"] == [{"source": ['alertname="HostDown"'], "equal": ["instance"]}]


def test_a_channel_that_knows_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two routes lead to it, and it hears of an alert once: by the first one that is not quiet."""
    (tmp_path / "n.yaml").write_text(
        DEFINITIONS.replace("continue: true, to: [pager]", "continue: true, to: [mail, pager]"), encoding="utf-8"
    )
    assert run(["route", "test", str(tmp_path), "team=db", "severity=info", "--at", "2026-11-27T20:00+01:00"]) == 0
    out = capsys.readouterr().out

    assert [line.split("  ")[2] for line in out.splitlines() if "channels" in line] == [
        "mail, pager",
        "mail (by the route above), chat",
    ]
    assert out.endswith("told now: mail, pager\n")


def test_maintenance_at_that_time(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to the pager, and nobody is told before the window ends."""
    found = asked(path, capsys, "service=db", "severity=critical", "--at", "2026-11-29T03:00")

    assert (found["channels"], found["told"]) == (["pager"], [])
    assert found["maintenance"] == [
        {"name": "disks", "reason": "(maintenance by ops: new disks)", "until": "2026-11-29T04:00:00+00:00"}
    ]


def test_channels_that_the_definition_names(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Found by the reference of the alert; the route gives the timers."""
    found = asked(path, capsys, "ref=shop/Down", "severity=critical")

    assert (found["channels"], found["namedBy"], found["routes"][0]["groupWait"]) == (["chat"], ["shop/Down"], "0s")


def test_nobody(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An alert that no route takes is exit code 1, so that a test in CI fails."""
    assert run(["route", "test", path, "severity=none"]) == 1
    assert "no route matches, and it names no channel: nobody is told" in capsys.readouterr().out


@pytest.mark.parametrize(("expected", "code"), [("pager", 0), ("pager,mail", 1), ("", 1)])
def test_expectations(path: str, expected: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Exactly these channels, in any order."""
    assert run(["route", "test", path, "severity=critical", "--expect", expected]) == code
    assert ("but it goes to pager" in capsys.readouterr().err) is bool(code)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["severity"], "'severity' is no label"),
        (["=critical"], "'=critical' is no label"),
        (["severity=a", "severity=b"], "label 'severity' is given twice"),
        (["severity=a", "--notify", "pagre"], "channel 'pagre' is not defined\n  hint: did you mean pager?"),
        (["severity=a", "--expect", "pagre"], "channel 'pagre' is not defined"),
        (["severity=a", "--at", "noon"], "--at: 'noon' is not a time"),
    ],
)
def test_misuse(path: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is misspelt is told, not answered."""
    assert run(["route", "test", path, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_labels_of_a_real_alert(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What no definition knows decides nothing; one line says so, and what is printed is the route."""
    labels = ["alertname=Odd", "pod=a", "job=shop", "severity=critical", "service=psvc", "node=n1"]
    assert run(["route", "test", path, *labels]) == 0
    out, err = capsys.readouterr()

    assert (
        err == "warning: nothing in the definitions knows these labels, so they decide nothing: 'pod', 'job', 'node'\n"
    )
    assert out.endswith("told now: pager\n")
    assert asked(path, capsys, *labels)["labels"]["pod"] == "a"


def test_a_misspelt_label(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is none that decides, and there is a hint; that nobody is reached fails a test in CI."""
    assert run(["route", "test", path, "severty=critical", "pod=a"]) == 1
    out, err = capsys.readouterr()

    assert err == (
        "warning: nothing in the definitions knows a label 'severty'\n  hint: did you mean severity?\n"
        "warning: nothing in the definitions knows these labels, so they decide nothing: 'pod'\n"
    )
    assert "nobody is told" in out


def test_definitions_with_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are shown in place of an answer."""
    (tmp_path / "n.yaml").write_text(DEFINITIONS.replace("to: [pager]", "to: [pagre]"), encoding="utf-8")

    assert run(["route", "test", str(tmp_path), "severity=critical"]) == 1
    assert "reference/unknown-channel" in capsys.readouterr().err


def test_the_tree(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every route with where it leads and stands, and below it the channels."""
    assert run(["route", "tree", path]) == 0
    assert capsys.readouterr().out.replace(path, "n.yaml").splitlines() == [
        'severity=~"info|warning"  -> to mail, chat; by service  (n.yaml:15)',
        "  team=db  -> to pager; by team; continue  (n.yaml:18)",
        "  severity=info,team=db  -> to mail, chat; by service; quiet outside of office  (n.yaml:19)",
        "severity=critical  -> to pager; by service  (n.yaml:20)",
        "",
        "channels",
        "  chat   apprise; more than 20 that wait go as one message",
        "  mail   apprise; more than 20 that wait go as one message",
        "  pager  pagerduty; each alert by itself",
    ]


STEPS = """\
apiVersion: tocsin/v1
kind: Notifications
name: all
channels:
  mail: {apprise: 'json://a', rate: 20/m, fallback: chat}
  chat: {apprise: 'json://b'}
  pager: {pagerduty: {integration_key: {file: /k}}}
page_budgets:
  all: {pages: 5/w, match: {team: db}}
  nights: {pages: 2/d, channel: pager}
  web: {pages: 1/d, match: {team: web}}
routes:
  - match: {severity: critical}
    to: [chat]
    flapping: {wait: 5m, longest: 2h}
    escalate: [{after: 15m, to: [mail, chat]}, {after: 1h, to: [pager, mail]}]
    routes:
      - {match: {service: shop}}
  - {match: {severity: info}, to: [mail], digest: {at: "09:00", weekdays: [monday], timezone: Europe/Paris}}
"""


@pytest.fixture
def steps(tmp_path: Path) -> str:
    """A file with everything that a route can say of who is told later."""
    file = tmp_path / "s.yaml"
    file.write_text(STEPS, encoding="utf-8")
    return str(file)


def test_a_tree_with_steps(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who else is told, what flaps, when a digest comes, what channels take, and how many pages are bearable."""
    assert run(["route", "tree", steps]) == 0
    assert capsys.readouterr().out.replace(steps, "s.yaml").splitlines() == [
        "severity=critical  -> to chat; by service  (s.yaml:13)",
        "  | after 15m without acknowledgement also to mail, chat",
        "  | after 1h without acknowledgement also to pager, mail",
        "  | flapping: what comes back soon waits 5m, then twice as long each time, up to 2h",
        "  service=shop  -> to chat; by service  (s.yaml:18)",
        "    | after 15m without acknowledgement also to mail, chat",
        "    | after 1h without acknowledgement also to pager, mail",
        "    | flapping: what comes back soon waits 5m, then twice as long each time, up to 2h",
        "severity=info  -> to mail; by nothing; digest monday at 09:00 Europe/Paris  (s.yaml:19)",
        "",
        "channels",
        "  chat   apprise; more than 20 that wait go as one message",
        "  mail   apprise; at most 20 messages in 1m; more than 20 that wait go as one message; falls back to chat",
        "  pager  pagerduty; each alert by itself",
        "",
        "page budgets",
        '  all: 5 pages in 7d of {team="db"}  (s.yaml:9)',
        "  nights: 2 pages in 1d on pager  (s.yaml:10)",
        '  web: 1 page in 1d of {team="web"}  (s.yaml:11)',
    ]


def test_a_tree_for_programs(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON, nested as the routes are."""
    assert run(["route", "tree", steps, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    inner = found["routes"][0]["routes"][0]
    assert inner["name"] == "severity=critical > service=shop"
    assert inner["escalate"] == [
        {"after": "15m", "channels": ["mail", "chat"]},
        {"after": "1h", "channels": ["pager", "mail"]},
    ]
    assert (inner["flapping"], inner["digest"]) == ({"wait": "5m", "longest": "2h"}, None)
    assert found["routes"][1]["digest"] == "monday at 09:00 Europe/Paris"
    assert found["channels"][1] == {
        "name": "mail",
        "kind": "apprise",
        "rate": {"messages": 20, "in": "1m"},
        "fallback": "chat",
        "togetherAbove": 20,
    }
    assert [budget["name"] for budget in found["pageBudgets"]] == ["all", "nights", "web"]


def test_an_alert_with_steps(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Only who does not hear of it before, and only budgets in which it counts."""
    assert run(["route", "test", steps, "severity=critical", "team=db", "--at", "2026-11-27T20:00"]) == 0
    assert capsys.readouterr().out.replace(steps, "s.yaml").splitlines() == [
        '{severity="critical", team="db"} at 2026-11-27 20:00:00 UTC',
        "",
        "s.yaml:13  severity=critical",
        "  channels  chat",
        "  escalates after 15m without acknowledgement also to mail",
        "  escalates after 1h without acknowledgement also to pager",
        '  group     service=""',
        "  timers    wait 30s, interval 5m, repeat 4h",
        "  flapping  what comes back soon waits 5m, then twice as long each time, up to 2h",
        "",
        'counts in page budget all: 5 pages in 7d of {team="db"}',
        "counts in page budget nights: 2 pages in 1d on pager",
        "told now: chat",
    ]
    found = asked(steps, capsys, "severity=critical", "team=web")
    assert found["routes"][0]["escalate"] == [
        {"after": "15m", "channels": ["mail"]},
        {"after": "1h", "channels": ["pager"]},
    ]
    assert [budget["name"] for budget in found["pageBudgets"]] == ["nights", "web"]
    assert asked(steps, capsys, "severity=info")["pageBudgets"] == []


def test_what_a_digest_tells_is_not_told_now(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes there on Monday."""
    assert run(["route", "test", steps, "severity=info", "--at", "2026-11-27T20:00"]) == 0
    out = capsys.readouterr().out
    assert "  digest    monday at 09:00 Europe/Paris: at 2026-11-30 08:00 UTC" in out
    assert out.endswith("told now: nobody\ntold by digest: mail\n")
    found = asked(steps, capsys, "severity=info")
    assert (found["told"], found["toldByDigest"]) == (["mail"], ["mail"])
