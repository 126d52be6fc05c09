"""`tocsin backtest` on files of samples: alerts come when the closed forms say, and as the evaluator would see them."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tocsin.adapters.embedded import embedded
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.cli.backtest import command
from tocsin.cli.main import run
from tocsin.definitions import read_definitions
from tocsin.evaluate.memory import Commit, Memory, remembered
from tocsin.evaluate.model import EventKind
from tocsin.evaluate.tick import Watch, turn
from tocsin.guards import keep_firing_for
from tocsin.windows import WORKBOOK, detection_time, reset_time

pytestmark = pytest.mark.real
START = datetime(2026, 10, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BEGIN, LASTS, DAYS = 5000, 30, 4
DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: team
metrics: {hits_total: {type: counter, labels: [code]}, depth: {type: gauge}}
slis:
  availability: {ratio: {bad: 'hits_total{job="shop",code="500"}', total: 'hits_total{job="shop"}'}}
slos:
  uptime: {sli: availability, target: 99.9%, window: 30d}
alerts:
  Deep:
    {value: 'depth{job="shop"}', above: 5, clear_below: 3, for: 10m, keep_firing_for: 5m, severity: warning, summary: x}
  Both: {all_of: [Deep, 'shop/uptime:fast'], severity: critical, summary: both}
---
apiVersion: tocsin/v1
kind: Notifications
name: platform
channels:
  mail: {email: {smtp: {host: localhost, port: 25, tls: none}, from: a@example.org, to: [b@example.org]}}
routes: [{match: {}, to: [mail], group_by: [service], group_wait: 30s}]
---
apiVersion: tocsin/v1
kind: Journey
name: buying
slos: {all: {target: 99%, window: 7d, combine: {series: [shop/uptime]}}}
---
apiVersion: tocsin/v1
kind: SLA
name: gold
customer: ACME
covers: shop/uptime
target: 99%
period: {calendar: month, timezone: UTC}
"""


def samples() -> Iterator[str]:
    """Four days at 10 events a second; a tenth of them fail in half an hour, and a queue is deep in it."""
    yield "# TYPE hits counter\n"
    for code in ("200", "500"):
        value = 0.0
        for minute in range(DAYS * 1440 + 1):
            failing = 0.1 if BEGIN < minute <= BEGIN + LASTS else 0.0
            value += 600 * (failing if code == "500" else 1 - failing)
            yield f'hits_total{{job="shop",instance="a",code="{code}"}} {value} {at(minute):.0f}\n'
    yield "# TYPE depth gauge\n"
    for minute in range(DAYS * 1440 + 1):
        depth = 9 if BEGIN < minute <= BEGIN + LASTS else 4 if minute == BEGIN + LASTS + 1 else 1
        yield f'depth{{job="shop"}} {depth} {at(minute):.0f}\n'
    yield "# EOF\n"


def at(minute: float) -> float:
    """Unix seconds."""
    return (START + minute * MINUTE).timestamp()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with definitions, samples, incidents, and a revision in which the objective was stricter."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "rules").mkdir()
    (folder / "history.om").write_text("".join(samples()))
    (folder / "incidents.yaml").write_text(
        "- {from: '2026-10-04T11:20:00Z', to: '2026-10-04T11:50:00Z', name: payments down}\n"
        "- {from: '2026-10-02T00:00:00Z', to: '2026-10-02T01:00:00Z', name: nobody noticed}\n"
        "- {from: '2026-01-02T00:00:00Z', to: '2026-01-02T01:00:00Z', name: long before}\n"
    )
    loose = DEFINITIONS.replace("99.9%, window: 30d", "95%, window: 30d").replace(
        "all: {target: 99%", "all: {target: 50%"
    )
    (folder / "rules" / "shop.yaml").write_text(loose)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "rules"], [*identity, "commit", "-qm", "looser"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, env=os.environ | {"GIT_CONFIG_GLOBAL": "/dev/null"})
    (folder / "rules" / "shop.yaml").write_text(DEFINITIONS)
    return folder


@pytest.fixture(scope="module")
def found(world: Path) -> dict[str, Any]:
    """What the command prints as JSON, compared with the revision."""
    before = Path.cwd()
    wanted = ["--against", "HEAD", "--incidents", "incidents.yaml", "--format", "json", "--picture", "picture.svg"]
    os.chdir(world)
    try:
        result = CliRunner().invoke(command, ["rules", "--metrics", "history.om", *wanted])
    finally:
        os.chdir(before)
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def minutes(text: str) -> float:
    """Minutes after the beginning of the incident."""
    return (datetime.fromisoformat(text) - START) / MINUTE - BEGIN


def ceiling(minutes: Fraction | None) -> int:
    """The tick at which something that happens in between is seen."""
    assert minutes is not None
    return -(-minutes // 1)


@pytest.mark.parametrize("name", ["fast", "steady"])
def test_a_step_is_told_when_the_closed_form_says(found: dict[str, Any], name: str) -> None:
    """`W * thr / e` until it fires, `w * (1 - thr / e)` until its condition is over; then it is kept (theory 1.1)."""
    tier = next(tier for tier in WORKBOOK if tier.name == name)
    threshold = Fraction(tier.budget_share) * 43_200 / (tier.long.seconds / 60) * Fraction("0.001")
    fires = ceiling(detection_time(tier.long.seconds / 60, threshold, Fraction("0.1")))
    over = LASTS + ceiling(reset_time(tier.short.seconds / 60, threshold, Fraction("0.1")))
    episode = next(one for one in found["after"]["episodes"] if one["ref"] == f"shop/uptime:{name}")

    assert minutes(episode["fired_at"]) == fires
    assert minutes(episode["resolved_at"]) == over + keep_firing_for(tier).seconds / 60


def test_waiting_times_hysteresis_and_combinations_are_the_evaluators(found: dict[str, Any]) -> None:
    """Deep for ten minutes fires at the eleventh, is over once it is below 3 for five; both together page."""
    episodes = {one["ref"]: one for one in found["after"]["episodes"]}

    assert minutes(episodes["shop/Deep"]["pending_at"]) == 1
    assert minutes(episodes["shop/Deep"]["fired_at"]) == 11
    assert minutes(episodes["shop/Deep"]["resolved_at"]) == LASTS + 2 + 5
    assert minutes(episodes["shop/Both"]["fired_at"]) == 11


def test_pages_are_measured_against_incidents_and_the_revision(found: dict[str, Any]) -> None:
    """The looser objective would have paged for nothing of it; the other incident is missed by both."""
    before, after = found["before"]["detection"], found["after"]["detection"]
    paid = after["incidents"][1]

    assert found["before"]["pages"] == 0
    assert (before["recall"], before["precision"]) == (0.0, None)
    assert (after["recall"], after["precision"]) == (0.5, 1.0)
    assert [one["name"] for one in after["outside_history"]] == ["long before"], "nobody could have paged for it"
    assert (paid["name"], paid["after"]) == ("payments down", 9 * 60)
    assert paid["budget_spent"] == pytest.approx(0.1 * 9 / 43.2, rel=0.01)
    # the fast tier, five minutes later what came meanwhile, the steady one; the journey is a group of its own
    assert found["after"]["messages"] == {"mail": 4}
    assert [one["ref"] for one in found["after"]["not_replayed"]] == ["sla:gold"]


def test_a_period_within_an_incident_knows_what_was_before(
    found: dict[str, Any], world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fired is no page of it, what was on its way comes when it would have, and the incident was paged in time."""
    monkeypatch.chdir(world)
    wanted = ["--from", "2026-10-04T11:32:00Z", "--incidents", "incidents.yaml", "--format", "json"]
    result = CliRunner().invoke(command, ["rules", "--metrics", "history.om", *wanted])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    part, whole = document["after"], found["after"]
    (paid,) = part["detection"]["incidents"]

    def times(verdict: dict[str, Any]) -> list[tuple[str, ...]]:
        return [(one["ref"], one["pending_at"], one["fired_at"], one["resolved_at"]) for one in verdict["episodes"]]

    assert times(part) == times(whole)
    already = {one["ref"] for one in part["episodes"] if one["already"]}
    assert already == {one["ref"] for one in whole["episodes"] if minutes(one["fired_at"]) < 12}
    assert {"shop/uptime:fast", "shop/Deep", "shop/Both"} <= already
    assert "shop/uptime:steady" not in already
    assert part["already"]["pages"] + part["pages"] == whole["pages"]
    assert (paid["name"], paid["after"], paid["at_most"]) == ("payments down", 9 * 60, False)
    assert paid["budget_of"] == "shop/uptime"
    assert paid["budget_spent"] == pytest.approx(0.1 * 9 / 43.2, rel=0.01)
    warm = document["warm_up"]
    assert (warm["from"], warm["history_from"], warm["complete"]) == (*["2026-10-01T00:00:00Z"] * 2, False)
    assert "2026-09-27" < warm["wanted_from"] < "2026-09-27T11:20", "a week before the incident, for two bounds"


def test_the_picture_has_a_row_for_each_alert(found: dict[str, Any], world: Path) -> None:
    """Bars say what they are to a pointer, incidents lie behind them."""
    drawing = (world / "picture.svg").read_text(encoding="utf-8")

    assert all(f">{one['ref']}<" in drawing for one in found["after"]["alerts"])
    assert "payments down" in drawing


def test_ticks_that_are_left_out_change_nothing(found: dict[str, Any], world: Path) -> None:
    """The evaluator itself, asked every minute of that hour on the same Prometheus, fires and clears at these ticks.

    It uses rates of the server, extrapolated, and the back-test counts of the ledger, so a minute may lie between.
    """
    workspace = read_definitions([str(world / "rules")]).workspace
    watch, memory = Watch(workspace, interval=MINUTE), Memory()
    fired: dict[str, int] = {}
    with embedded(world / "history.om") as running, closing(PrometheusSource(running.url, deadline=60)) as source:
        for minute in range(BEGIN - 3, BEGIN + 26):
            now = START + minute * MINUTE
            turned = turn(watch, watch.look(source, now, memory=memory), memory, now)
            memory = remembered(memory, Commit(now, turned.alerts, turned.views))
            fired |= {
                identity.rule: minute - BEGIN for identity, event in turned.events if event.kind is EventKind.FIRED
            }
    ours = {one["ref"]: minutes(one["fired_at"]) for one in found["after"]["episodes"]}

    assert {"shop/uptime:fast", "shop/uptime:steady", "shop/Deep", "shop/Both", "buying/all:burn"} <= fired.keys()
    assert fired == {rule: pytest.approx(ours[rule], abs=1) for rule in fired}


@pytest.mark.parametrize("style", ["text", "markdown"])
def test_people_read_the_same(world: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures, alerts, episodes, and what was not replayed."""
    monkeypatch.chdir(world)
    arguments = ["rules", "--metrics", "history.om", "--from", "2026-10-04T10:00:00Z", "--format", style]
    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 0
    assert "shop/uptime:fast" in result.stdout
    assert "sla:gold: alerts of contracts are not replayed" in result.stdout
    assert ("| --- |" in result.stdout) is (style == "markdown")


def test_only_what_there_are_samples_of_is_replayed(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages per week are not of a year in which nobody looked; what has no samples could not fire, and is named."""
    monkeypatch.chdir(world)
    more = "\nalerts:\n  Nowhere: {value: nowhere, above: 5, severity: critical, summary: x}\n"
    more += more.splitlines()[-1].replace("Nowhere", "Gone").replace("summary", "on_missing: fire, summary") + "\n"
    start = "apiVersion: tocsin/v1\nkind: Service\nname: other\nowner: team\nmetrics: {nowhere: {type: gauge}}"
    (world / "other.yaml").write_text(start + more)
    years = ["--from", "2024-10-04T10:00:00Z", "--to", "2027-01-01"]
    result = CliRunner().invoke(command, ["rules", "other.yaml", "--metrics", "history.om", *years, "--format", "json"])
    document = json.loads(result.stdout)

    assert (document["from"], document["to"]) == ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z")
    assert "note: there are samples from 2026-10-01T00:00:00Z to 2026-10-05T00:00:00Z;" in result.stderr
    assert [one["ref"] for one in document["after"]["unseen"]] == ["other/Nowhere"]
    assert "other/Gone" in {one["ref"] for one in document["after"]["episodes"]}, "its rows are missing, so it fires"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["--from", "2026-10-04", "--to", "2026-10-03"], "--from 2026-10-04T00:00:00Z is not before --to 2026-10-03"),
        (["--from", "0001-01-01T00:00:00+23:00"], "is not a time"),
        (["--from", "1970-01-02"], "there are no samples of 1970"),
        (["--from", "2026-10-04T00:00:01", "--to", "2026-10-04T00:00:59"], "there is no full minute from"),
        (["--to", "2026-09-04"], "there are no samples then"),
        (["--pages-per-week", "nan"], "nan is no number of pages"),
    ],
)
def test_misuse_says_what_is_wrong(
    world: Path, wanted: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is replayed."""
    monkeypatch.chdir(world)

    assert run(["backtest", "rules", "--metrics", "history.om", *wanted]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "wanted", "said"),
    [
        ("backtest", ["--from", "2199-01-01"], "there are no samples then"),
        ("backtest", ["--from", "1990-01-01"], "1100 can be replayed at once"),
        ("evaluate", ["--at", "2199-01-01"], "--at lies in the future"),
    ],
)
def test_a_server_is_not_asked_for_what_cannot_be(
    world: Path, command: str, wanted: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is none at this address."""
    assert run([command, str(world / "rules"), "--prometheus", "http://127.0.0.1:9", *wanted]) == 2
    told = capsys.readouterr().err
    assert said in told


@pytest.mark.parametrize("command", ["backtest", "evaluate"])
def test_definitions_of_nothing_are_misuse(
    world: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody should read that nothing fires."""
    (tmp_path / "blank.yaml").write_text("\n")

    assert run([command, str(tmp_path), "--metrics", str(world / "history.om")]) == 2
    assert "no service, journey or contract is defined at or below" in capsys.readouterr().err


def test_exit_codes(world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Too many pages and wrong incidents are findings; what cannot be done is misuse."""
    monkeypatch.chdir(world)
    (world / "wrong.yaml").write_text("- {from: '2026-10-04T11:20:00Z', to: soon}\n")
    base = ["backtest", "rules", "--metrics", "history.om"]

    assert run([*base, "--from", "2026-10-04T10:00:00Z", "--pages-per-week", "1"]) == 1
    assert run([*base, "--incidents", "wrong.yaml"]) == 1
    budget = "apiVersion: tocsin/v1\nkind: Notifications\nname: budgets\npage_budgets: {calm: {pages: %s}}\n"
    (world / "rules" / "budget.yaml").write_text(budget % "1/w")
    assert run([*base, "--from", "2026-10-04T10:00:00Z"]) == 1
    assert "page budget calm is overspent: " in capsys.readouterr().out
    (world / "rules" / "budget.yaml").write_text(budget % "99/w")
    assert run([*base, "--from", "2026-10-04T10:00:00Z"]) == 0
    (world / "rules" / "budget.yaml").unlink()
    assert run([*base, "--against", "no-such-revision"]) == 2
    assert run([*base, "--picture", "picture.jpg"]) == 2
    assert run([*base, "--from", "2027-01-01"]) == 2
    assert run(["backtest", "rules", "--prometheus", "http://127.0.0.1:9"]) == 2
