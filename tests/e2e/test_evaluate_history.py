"""`tocsin evaluate` on files of samples: the numbers are the truth, the shape is the one of the schema."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

import tocsin_schemas
from tocsin.adapters.embedded import embedded
from tocsin.cli.main import run

pytestmark = pytest.mark.real
START = datetime(2026, 10, 1, tzinfo=UTC)
DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: team
metrics: {hits_total: {type: counter, labels: [code]}, depth: {type: gauge}}
slis:
  availability: {ratio: {bad: 'hits_total{job="shop",code="500"}', total: 'hits_total{job="shop"}'}}
  idle: {ratio: {bad: 'none_total{code="500"}', total: none_total}}
slos:
  uptime: {sli: availability, target: 99.9%, window: 7d}
  routes: {sli: availability, target: 99%, window: 1d, group_by: [route]}
  slices: {sli: availability, target: 99%, window: 1d, budgeting: timeslices, slice: 1m, slice_target: 99%}
  idle: {sli: idle, target: 99%, window: 7d}
  removed:
    sli: availability
    target: 99.9%
    window: 7d
    exclusions: [{from: 2026-10-02T22:00, to: 2026-10-02T23:00, reason: their network, treat: remove}]
  forgiven:
    sli: availability
    target: 99.9%
    window: 7d
    exclusions: [{from: 2026-10-02T22:30, to: 2026-10-02T23:00, reason: their network, treat: good}]
alerts:
  Deep: {value: 'depth{job="shop"}', above: 5, for: 10m, severity: warning, summary: deep}
  Nowhere: {value: 'sum(depth{job="nowhere"})', above: 5, for: 10m, severity: warning, summary: deep}
  Long: {value: 'depth{job="shop"}', above: 0, for: 30h, severity: warning, summary: for a day and more}
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
target: 99.9%
period: {calendar: month, timezone: UTC}
measure: {method: interval-mean, interval: 5m, empty: good}
credits: [{below: 99.9%, credit: 10%}]
"""


def samples() -> Iterator[str]:
    """Two days at 10 events a second on two routes; in the last hour but one 5 % of those of /a fail."""
    yield "# TYPE hits counter\n"
    for route in ("/a", "/b"):
        for code in ("200", "500"):
            value = 0.0
            for minute in range(2 * 1440 + 1):
                failing = 0.05 if route == "/a" and 2760 < minute <= 2820 else 0.0
                value += 300 * (failing if code == "500" else 1 - failing) * (minute > 0)
                at = int((START + timedelta(minutes=minute)).timestamp())
                yield f'hits_total{{job="shop",instance="a",route="{route}",code="{code}"}} {value} {at}\n'
    yield "# TYPE depth gauge\n"
    yield from (
        f'depth{{job="shop"}} {9 if minute > 2860 else 1} {int((START + timedelta(minutes=minute)).timestamp())}\n'
        for minute in range(2 * 1440 + 1)
    )
    yield "# EOF\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Definitions and samples."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "shop.yaml").write_text(DEFINITIONS)
    (folder / "history.om").write_text("".join(samples()))
    return str(folder / "shop.yaml"), str(folder / "history.om")


def evaluated(world: tuple[str, str], *more: str) -> dict[str, Any]:
    """What the command prints, held against the schema."""
    from tocsin.cli.evaluate import command

    result = CliRunner().invoke(command, [world[0], "--metrics", world[1], "--format", "json", *more])
    assert result.exception is None, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    jsonschema.validate(document, tocsin_schemas.output_schema("evaluate"))
    return document


def test_numbers_are_those_of_the_traffic(world: tuple[str, str]) -> None:
    """2,880 minutes of 600 events, of which 60 * 15 failed; nothing is known of the other five days of the window."""
    document = evaluated(world)
    slos = {one["ref"]: one for one in document["slos"]}
    uptime, route = slos["shop/uptime"], slos['shop/routes{route="/a"}']

    assert document["at"] == "2026-10-03T00:00:00Z"
    assert uptime["window"] == {"from": "2026-09-26T00:00:00Z", "to": "2026-10-03T00:00:00Z"}
    assert (uptime["total"], uptime["budget"]["used"]) == pytest.approx((1_728_000, 900), rel=1e-4)
    assert uptime["good"] == uptime["total"] - uptime["budget"]["used"]
    assert uptime["sli"] == pytest.approx(1 - 900 / 1_728_000)
    assert uptime["budget"]["allowed"] == pytest.approx(1_728_000 * 0.001 * 7 / 2, rel=1e-3)
    assert uptime["budget"]["remaining"] == pytest.approx(1 - 900 / 6048, rel=1e-3)
    assert uptime["coverage"] == pytest.approx(2 / 7, rel=1e-3)
    assert (uptime["state"], uptime["reason"]) == ("unknown", "only 28.5% of the window was seen, less than 90%")
    assert (route["total"], route["budget"]["used"]) == pytest.approx((432_000, 900), rel=1e-3)
    assert route["coverage"] == pytest.approx(1)
    assert (slos["shop/slices"]["total"], slos["shop/slices"]["budget"]["used"]) == (1440, 60)
    assert slos["shop/idle"]["state"] == "unknown"
    assert (slos["shop/idle"]["sli"], slos["shop/idle"]["total"]) == (None, None)
    assert [burn["firing"] for burn in slos["shop/idle"]["burn"]] == [None] * len(slos["shop/idle"]["burn"])


PODS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {pods: {ratio: {bad: 'pods_total{code="500"}', total: pods_total}}}
slos: {pods: {sli: pods, target: 99%, window: 42h, group_by: [pod], burn_rate: {off: [slow, steady, trickle]}}}
"""


def test_groups_whose_series_are_gone_keep_what_they_spent(tmp_path: Path) -> None:
    """Pod b failed half of its events 38 hours ago; of c, 11 hours ago, nobody can tell more; d left the window."""
    lines = ["# TYPE pods counter\n"]
    for pod, first, last, bad in (("a", 0, 2880, 0), ("b", 420, 600, 5), ("c", 2000, 2200, 0), ("d", 0, 300, 5)):
        for code, each in (("200", 10 - bad), ("500", bad)):
            labels = f'job="pods",instance="{pod}",pod="{pod}",code="{code}"'
            for minute in range(first, last + 1):
                at = int((START + timedelta(minutes=minute)).timestamp())
                lines.append(f"pods_total{{{labels}}} {each * (minute - first)} {at}\n")
    (tmp_path / "pods.yaml").write_text(PODS)
    (tmp_path / "history.om").write_text("".join([*lines, "# EOF\n"]))
    found = {one["ref"]: one for one in evaluated((str(tmp_path / "pods.yaml"), str(tmp_path / "history.om")))["slos"]}
    a, b, c = (found[f'shop/pods{{pod="{name}"}}'] for name in "abc")

    assert len(found) == 3
    assert (a["state"], a["total"]) == ("healthy", pytest.approx(10 * 42 * 60, rel=1e-3))
    assert (b["state"], b["reason"]) == ("exhausted", "no budget is left; its series are gone")
    assert (b["total"], b["budget"]["used"], b["exhaustion"]) == (1800, 900, 0)
    assert b["coverage"] == pytest.approx(41 / 42, abs=1e-3)
    assert (c["state"], c["reason"], c["budget"]["remaining"]) == ("unknown", "its series are gone", 1)


def test_exclusions_are_taken_off_and_told(world: tuple[str, str]) -> None:
    """60 minutes of 600 events with 15 bad ones are removed, or 30 of them counted as good; all others are there."""
    slos = {one["ref"]: one for one in evaluated(world)["slos"]}
    plain, removed, forgiven = (slos[f"shop/{name}"] for name in ("uptime", "removed", "forgiven"))
    (out,), (good,) = removed["exclusions"], forgiven["exclusions"]

    assert plain["exclusions"] == []
    assert (out["from"], out["treat"], out["reason"]) == ("2026-10-02T22:00:00Z", "remove", "their network")
    assert (out["removed"], out["spared"]) == (pytest.approx(36_000, rel=1e-3), pytest.approx(900, rel=0.03))
    assert removed["total"] + out["removed"] == pytest.approx(plain["total"])
    assert removed["budget"]["used"] + out["spared"] == pytest.approx(900, rel=1e-4)
    assert (good["removed"], good["forgiven"]) == (0, pytest.approx(18_000, rel=1e-3))
    assert (forgiven["total"], forgiven["budget"]["allowed"]) == (plain["total"], plain["budget"]["allowed"])
    assert forgiven["budget"]["used"] == pytest.approx(450, rel=0.03)
    assert "not applied" not in removed.get("reason", "") + forgiven.get("reason", "")


def test_the_instant_decides_what_burns_and_what_fires(world: tuple[str, str]) -> None:
    """At the end of the hour 2.5 % of all events fail in it, 25 times the budget's pace."""
    during = evaluated(world, "--at", "2026-10-02T23:00:00Z")
    fast = during["slos"][0]["burn"][0]

    assert fast["rate_long"] == pytest.approx(25, rel=0.01)
    assert fast["firing"]
    assert during["slos"][0]["state"] == "burning"
    assert "shop/uptime:fast" in {alert["ref"] for alert in during["alerts"] if alert["state"] == "firing"}


def test_alerts_have_waited_as_long_as_they_have_to(world: tuple[str, str]) -> None:
    """The queue is deep from minute 2861 on: nine minutes later that is pending, and at the end it has fired."""
    soon, later = (
        {alert["ref"]: alert for alert in evaluated(world, "--at", at)["alerts"]}["shop/Deep"]
        for at in ("2026-10-02T23:50:30Z", "2026-10-03T00:00:00Z")
    )

    assert (soon["state"], soon["fired_at"], soon["since"]) == ("pending", None, "2026-10-02T23:41:00Z")
    assert (later["state"], later["fired_at"]) == ("firing", "2026-10-02T23:51:00Z")


def test_an_alert_may_wait_for_more_than_a_day(world: tuple[str, str]) -> None:
    """So much longer is what was before looked at."""
    long = {alert["ref"]: alert for alert in evaluated(world)["alerts"]}["shop/Long"]

    assert (long["state"], long["fired_at"]) == ("firing", "2026-10-02T06:00:00Z")


def test_journeys_and_contracts_are_read_to_the_end(world: tuple[str, str]) -> None:
    """Slices of the whole window and of the month so far, as far as the file goes."""
    document = evaluated(world)
    journey, sla = document["journeys"][0], document["slas"][0]

    assert journey["sli"] == pytest.approx(1 - 900 / 1_728_000, abs=1e-5)
    assert journey["slices"] == pytest.approx(576, abs=1)
    assert sla["period"] == {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
    assert sla["uptime"] == pytest.approx(1 - 900 / 1_728_000, abs=1e-5)
    assert (sla["breached"], sla["credit"]) == (False, 0.0)


def test_people_read_what_waits_and_what_was_not_there(world: tuple[str, str]) -> None:
    """The queue is deep, and not for long enough; of another one there are no samples, so no alert proves nothing."""
    from tocsin.cli.evaluate import command

    result = CliRunner().invoke(command, [world[0], "--metrics", world[1], "--at", "2026-10-02T23:50:30Z"])

    assert re.search(r"Pending.*\n.*\nDeep on shop \(shop\) +warning +9m 30s +9 > 5", result.stdout)
    assert "shop/Nowhere: its expression has no rows\n" in result.stdout
    assert re.search(r"gold +ACME +would be kept +99.9\d+% +99.9% +0% +2026-11-01 00:00 UTC", result.stdout)
    assert "shop/removed: 2026-10-02 22:00 to 2026-10-02 23:00 UTC is excluded (3" in result.stdout


def test_a_server_tells_the_same_as_a_file(world: tuple[str, str]) -> None:
    """With --prometheus it is asked instead, and --at says when."""
    from tocsin.cli.evaluate import command

    with embedded(Path(world[1])) as running:
        arguments = [world[0], "--prometheus", running.url, "--at", "2026-10-02T23:00:00Z", "--format", "json"]
        result = CliRunner().invoke(command, arguments)
    told, known = json.loads(result.stdout), evaluated(world, "--at", "2026-10-02T23:00:00Z")

    assert [one["budget"] for one in told["slos"]] == [one["budget"] for one in known["slos"]]
    assert [one["burn"] for one in told["slos"]] == [one["burn"] for one in known["slos"]]
    assert [(one["ref"], one["state"]) for one in told["alerts"]] == [
        (one["ref"], one["state"]) for one in known["alerts"]
    ]


def test_what_no_sample_tells_of(world: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first one nothing is known, and long after the last one nothing fires."""
    arguments = ["evaluate", world[0], "--metrics", world[1]]

    assert run([*arguments, "--at", "2026-09-30T23:00:00Z"]) == 2
    assert "they are from 2026-10-01T00:00:00Z to 2026-10-03T00:00:00Z" in capsys.readouterr().err
    assert run([*arguments, "--at", "2026-10-03T06:00:00Z"]) == 0
    assert "the last sample is 6h before that, so nothing fires that needs one" in capsys.readouterr().err


def test_exit_codes_tell_findings_from_misuse(world: tuple[str, str], tmp_path: Path) -> None:
    """A faulty file is a finding, no history at all or two of them is misuse, as is a file that is not there."""
    bad = tmp_path / "bad.om"
    bad.write_text("hits_total 1\n# EOF\n")

    assert run(["evaluate", world[0], "--metrics", str(bad)]) == 1
    assert run(["evaluate", world[0]]) == 2
    assert run(["evaluate", world[0], "--metrics", world[1], "--prometheus", "http://localhost:1"]) == 2
    assert run(["evaluate", world[0], "--metrics", str(tmp_path / "none.om")]) == 2
    assert run(["evaluate", world[0], "--metrics", world[1], "--at", "yesterday"]) == 2
    assert run(["evaluate", world[0], "--prometheus", "http://127.0.0.1:9"]) == 2


@pytest.mark.parametrize("ran", [True, False])
def test_a_server_that_did_not_run_is_no_missing_member(ran: bool, tmp_path: Path) -> None:
    """Forty minutes without samples are bad slices of a journey if the server ran, and none if it did not."""
    lines = ["# TYPE up gauge"]
    minutes = [minute for minute in range(361) if not 200 < minute <= 240]
    at = START.timestamp()
    lines += [f'up{{job="any"}} 1 {at + 60 * minute:.0f}' for minute in (range(361) if ran else minutes)]
    lines.append("# TYPE hits counter")
    for code, rate in (("200", 600), ("500", 0)):
        lines += [f'hits_total{{job="shop",code="{code}"}} {rate * m} {at + 60 * m:.0f}' for m in minutes]
    (tmp_path / "h.om").write_text("\n".join((*lines, "# EOF", "")), encoding="utf-8")
    (tmp_path / "s.yaml").write_text(
        DEFINITIONS.replace("  idle: {sli: idle", f"{GONE}  idle: {{sli: idle"), encoding="utf-8"
    )
    document = evaluated((str(tmp_path / "s.yaml"), str(tmp_path / "h.om")))
    [journey] = document["journeys"]
    used = {one["ref"]: (one["total"], one["budget"]["used"]) for one in document["slos"]}

    assert (journey["sli"] == 1, journey["state"] == "exhausted") == ((False, True) if ran else (True, False))
    assert used["shop/slices"] == (319, 0)
    assert used["shop/gone"] == ((72, 8) if ran else (64, 0)), "slices of 5m in which the counter was gone"
    rates = next([burn["rate_long"] for burn in one["burn"]] for one in document["slos"] if one["ref"] == "shop/gone")
    assert (max(rates) > 1) is ran, "nor is a server that was away a page when it is back"

    from tocsin.cli.backtest import command

    pages = CliRunner().invoke(
        command, [str(tmp_path / "s.yaml"), "--metrics", str(tmp_path / "h.om"), "--format", "json"]
    )
    fired = {alert["ref"] for alert in json.loads(pages.stdout)["after"]["alerts"]}
    assert ("buying/all:burn" in fired) is ran, "and a back-test pages as the evaluator does"


GONE = """\
  gone:
    {sli: availability, target: 99%, window: 7d, budgeting: timeslices, slice: 5m, slice_target: 99%, empty_slices: bad}
"""


LOOKED = """\
apiVersion: tocsin/v1
kind: Service
name: a
slis:
  probe: {probe: {up: 'up{job="a"}'}}
  threshold: {threshold: {value: 'depth{job="a"}', at_most: 5}}
  raw: {raw: {error_ratio: 'lost{job="a"}'}}
slos:
  probe: {sli: probe, target: 99%, window: 1d}
  threshold: {sli: threshold, target: 99%, window: 1d}
  raw: {sli: raw, target: 99%, window: 1d}
---
apiVersion: tocsin/v1
kind: SLA
name: gold
customer: ACME
covers: a/threshold
target: 99.9%
measure: {method: minutes, interval: 1m}
exclusions: [{from: 2026-10-01T00:00, to: 2026-10-01T03:00, reason: not in force yet}]
"""


@pytest.mark.parametrize("seconds", [0, 17])
def test_a_look_is_counted_once(tmp_path: Path, seconds: int) -> None:
    """Of looks that fail each six hours, on the border of two windows or beside it, each is one, where it was."""
    (tmp_path / "a.yaml").write_text(LOOKED)
    lines = []
    for name, good, bad in (("up", 1, 0), ("depth", 1, 9), ("lost", 0, 1)):
        lines.append(f"# TYPE {name} gauge")
        for minute in range(27 * 60 + 1):
            at = int(START.timestamp()) + 60 * minute + seconds
            lines.append(f'{name}{{job="a",instance="a"}} {good if minute % 360 else bad} {at}')
    (tmp_path / "a.om").write_text("\n".join([*lines, "# EOF", ""]))

    document = evaluated((str(tmp_path / "a.yaml"), str(tmp_path / "a.om")), "--at", "2026-10-02T03:00:00Z")
    for one in document["slos"]:
        counted = (one["total"], one["budget"]["used"])
        assert counted == pytest.approx((1440, 4)), one["ref"]
    assert document["slas"][0]["uptime"] == pytest.approx(1 - 4 / (24 * 60 - 1), abs=1 / 24 / 60 / 10)
