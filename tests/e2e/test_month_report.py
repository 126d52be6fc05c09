"""A month's report over a real Prometheus that holds a month with known outages: the same figures in every file."""

import csv
import json
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.backfilled import backfilled
from tests.fakes import HandClock

from tocsin.adapters.browser import print_pdf
from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.cli.main import run
from tocsin.definitions import read_definitions
from tocsin.service.keeper import IDLE, Keeper
from tocsin.spec import LedgerSettings

pytestmark = pytest.mark.real

START = datetime(2025, 9, 30, 17, tzinfo=UTC)
"""October 2025 in Ho Chi Minh City, which has 744 hours."""
MINUTES = 31 * 1440
PER_SAMPLE = 300
"""Requests in each half minute."""
DAY = 1440
OUTAGES = (
    (2 * DAY + 600, 50, 1.0),
    (9 * DAY + 30, 4, 0.5),
    (17 * DAY - 30, 60, 1.0),
    (24 * DAY, 10, 0.2),
)
"""Minute of the month, length in minutes, error ratio; the third is across midnight, and half in a maintenance."""
DEFINITIONS = """
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {ok: {ratio: {total: 'requests_total', bad: 'requests_total{code="500"}'}}}
slos:
  uptime: {sli: ok, target: 99.95%, burn_rate: {off: [fast, slow, steady, trickle]}}
  agreed:
    sli: ok
    target: 99.9%
    window: {calendar: month, timezone: Asia/Ho_Chi_Minh}
    burn_rate: {off: [fast, slow, steady, trickle]}
    exclusions:
      - {from: 2025-10-03T10:00, to: 2025-10-03T11:00, reason: 'their <network>', treat: remove}
      - {from: 2025-10-17T23:50, to: 2025-10-18T01:50, reason: agreed, treat: good}
---
apiVersion: tocsin/v1
kind: SLA
name: periods
title: <b>Gold</b> & more
customer: ACME
covers: shop/uptime
target: 99.9%
period: {timezone: Asia/Ho_Chi_Minh}
measure: {method: downtime-periods, errors_above: 10%, at_least: 5m, minimum_events: 2000}
exclusions:
  - {from: 2025-10-17T23:50, to: 2025-10-18T01:50, reason: 'agreed <maintenance>', treat: remove}
credits: [{below: 99.9%, credit: 10%}, {below: 99%, credit: 25%}, {below: 95%, credit: 50%}]
---
apiVersion: tocsin/v1
kind: SLA
name: minutes
customer: ACME
covers: shop/uptime
target: 99%
period: {timezone: Asia/Ho_Chi_Minh}
measure: {method: minutes}
exclusions:
  - {from: 2025-10-17T23:50, to: 2025-10-18T01:50, reason: agreed, treat: good}
credits: [{below: 99%, credit: 25%}]
---
apiVersion: tocsin/v1
kind: Journey
name: path
slos: {all: {target: 99.5%, window: 7d, slice: 5m, combine: {series: [shop/uptime]}}}
---
apiVersion: tocsin/v1
kind: SLA
name: journey
customer: ACME
covers: path/all
target: 99%
period: {timezone: Asia/Ho_Chi_Minh}
measure: {method: minutes, errors_above: 30%}
---
apiVersion: tocsin/v1
kind: SLA
name: deployed
customer: ACME
covers: shop/uptime
target: 99%
period: {timezone: Asia/Ho_Chi_Minh}
measure: {method: deployed-minutes, deployed: replicas}
---
apiVersion: tocsin/v1
kind: SLA
name: mean
customer: ACME
covers: shop/uptime
target: 99.9%
period: {timezone: Asia/Ho_Chi_Minh}
"""


def openmetrics() -> str:
    """Two counters, a sample every half minute, and for how long the service was deployed: its first ten days."""
    ratio = {start + n: errors for start, length, errors in OUTAGES for n in range(length)}
    counts = {"200": 0.0, "500": 0.0}
    lines = ["# TYPE requests counter"]
    series: dict[str, list[str]] = {"200": [], "500": []}
    for half in range(-2, 2 * MINUTES + 20):
        at = START.timestamp() + half * 30
        for code, count in counts.items():
            series[code].append(f'requests_total{{code="{code}"}} {count:.0f} {at:.0f}')
        errors = ratio.get(half // 2, 0.0)
        counts["500"] += PER_SAMPLE * errors
        counts["200"] += PER_SAMPLE * (1 - errors)
    replicas = (f"replicas {int(m <= 10 * DAY)} {START.timestamp() + m * 60:.0f}" for m in range(-1, MINUTES + 10))
    lines = ["# TYPE replicas gauge", *replicas, *lines]
    return "\n".join([*lines, *series["200"], *series["500"], "# EOF", ""])


@dataclass
class Reports:
    """The folder, and each report's JSON by the name of its SLA."""

    folder: Path
    json: dict[str, Any]

    def text(self, name: str) -> str:
        """A file."""
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The command, run once for the month."""
    folder = tmp_path_factory.mktemp("month")
    (folder / "sla.yaml").write_text(DEFINITIONS, encoding="utf-8")
    out = folder / "out"
    with backfilled(folder, openmetrics()) as url:
        code = run(["report", str(folder / "sla.yaml"), "--month", "2025-10", "--prometheus", url, "--out", str(out)])
    assert code == 0
    return Reports(
        out,
        {
            name: json.loads((out / f"{name}-2025-10.json").read_text())
            for name in ("periods", "minutes", "journey", "deployed", "mean")
        },
    )


@pytest.mark.parametrize(
    ("name", "weight", "down", "breached", "credit"),
    [
        ("periods", MINUTES - 120, 80, True, 0.1),
        ("minutes", MINUTES, 70, False, 0),
        ("journey", MINUTES, 50 + 4 + 60, False, 0),
        ("deployed", 10 * DAY, 50, False, 0),
        ("mean", MINUTES, 50 + 2 + 60 + 2, True, 0),
    ],
)
def test_uptime_is_what_happened(
    reports: Reports,
    name: str,
    weight: int,
    down: int,
    breached: bool,
    credit: float,
) -> None:
    """Each method counts its own minutes of the same four outages."""
    found = reports.json[name]

    assert found["complete"] is True
    assert found["uptime"] == pytest.approx(1 - down / weight, abs=2e-9)
    assert (found["breached"], found["credit"]) == (breached, credit)
    assert found["budget"]["used"] == pytest.approx(down * 60, abs=0.01)
    assert found["period"] == {"from": "2025-09-30T17:00:00Z", "to": "2025-10-31T17:00:00Z"}


def test_outages_are_grouped(reports: Reports) -> None:
    """Start, end, length, what counts, and why less than that: too short, or excluded."""
    told = [
        (
            (datetime.fromisoformat(one["from"]) - START) // timedelta(minutes=1),
            one["duration"] / 60,
            one["counted"] / 60,
        )
        for one in reports.json["periods"]["outages"]
    ]
    assert told == [
        (start, length, counts) for (start, length, _), counts in zip(OUTAGES, (50, 0, 20, 10), strict=True)
    ]
    notes = [one["note"] for one in reports.json["periods"]["outages"]]
    assert [one["worst"] for one in reports.json["periods"]["outages"]] == pytest.approx([0, 0.5, 0, 0.8])
    assert notes == ["", "does not count: shorter than 5m", "40m of 1h excluded: agreed <maintenance>", ""]


def test_exclusions_leave_a_trail(reports: Reports) -> None:
    """Two hours removed, of which 40 minutes were downtime; the other contract forgives them."""
    [removed], [forgiven] = reports.json["periods"]["exclusions"], reports.json["minutes"]["exclusions"]

    assert (removed["removed"], removed["forgiven"], removed["spared"]) == (7200, 0, 2400)
    assert (forgiven["removed"], forgiven["forgiven"], forgiven["spared"]) == (0, 7200, 2400)


def test_days_add_up(reports: Reports) -> None:
    """31 local days; the outage across midnight is on two of them, and the CSV says the same as the JSON."""
    days = reports.json["periods"]["days"]
    down = {day["date"]: day["down"] / 60 for day in days if day["down"]}

    assert len(days) == 31
    assert down == {"2025-10-03": 50, "2025-10-17": 20, "2025-10-25": 10}
    rows = list(csv.DictReader(reports.text("periods-2025-10.csv").splitlines()))
    assert [float(row["down_seconds"]) for row in rows] == [day["down"] for day in days]
    assert len(list(csv.DictReader(reports.text("periods-2025-10-outages.csv").splitlines()))) == 4


def test_credit_is_explained(reports: Reports) -> None:
    """In words, with the tier that applies and the one that does not."""
    assert reports.json["periods"]["verdict"] == ("uptime 99.8203% is below 99.9% and not below 99%: 10% credit")
    assert reports.json["minutes"]["verdict"] == "uptime 99.8431% is not below 99%: no credit"


def test_page_says_the_same(reports: Reports) -> None:
    """The page stands alone: figures as in the JSON, texts of the definitions escaped, nothing fetched, no script."""
    page = reports.text("periods-2025-10.html")

    assert "Uptime 99.8203% is below 99.9% and not below 99%: 10% credit." in page
    assert "<dd>1h 20m</dd>" in page
    assert "&lt;b&gt;Gold&lt;/b&gt; &amp; more" in page
    assert "agreed &lt;maintenance&gt;" in page
    assert "<b>Gold" not in page
    assert not re.search(r"<script|https?://|src=|@import|url\((?!#)", page)
    assert page.count('<rect class="bad"') >= 4 + 3  # outages, one of them on two days, and days below the promise


def test_pdf(reports: Reports, browser: str, tmp_path: Path) -> None:
    """A browser prints the page."""
    print_pdf(browser, reports.folder / "periods-2025-10.html", tmp_path / "report.pdf")

    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_month_is_reported_from_the_ledger(reports: Reports, tmp_path: Path) -> None:
    """What `tocsin serve` kept of the month is enough: a Prometheus that has lost all of it changes no figure."""
    (tmp_path / "sla.yaml").write_text(DEFINITIONS, encoding="utf-8")
    workspace = read_definitions([str(tmp_path / "sla.yaml")]).workspace
    state, out = str(tmp_path / "state.db"), tmp_path / "out"
    (full := tmp_path / "full").mkdir()
    (empty := tmp_path / "empty").mkdir()
    with (
        backfilled(full, openmetrics()) as url,
        closing(PrometheusSource(url)) as source,
        closing(LedgerStore(state)) as kept,
    ):
        clock = HandClock(START + timedelta(days=30, hours=20))
        keeper = Keeper(workspace, source, kept, clock, LedgerSettings(queries_per_minute=60_000))
        for _ in range(2):
            while keeper.piece() != IDLE:
                pass
            clock.at += timedelta(days=1)
    with backfilled(empty, "# TYPE requests counter\nrequests_total 0 1800000000\n# EOF\n") as url:
        arguments = ["--month", "2025-10", "--prometheus", url, "--out", str(out), "--state", state]
        chosen = [word for name in ("periods", "minutes", "mean") for word in ("--sla", name)]
        assert run(["report", str(tmp_path / "sla.yaml"), *arguments, *chosen]) == 0

    for name in ("periods", "minutes", "mean"):
        found = json.loads((out / f"{name}-2025-10.json").read_text())
        before = reports.json[name]
        assert found["uptime"] == pytest.approx(before["uptime"], abs=1e-5)
        assert (found["breached"], found["credit"]) == (before["breached"], before["credit"])
        assert [one["duration"] for one in found["outages"]] == [one["duration"] for one in before["outages"]]
        assert (found["from_ledger"], found["coverage"]) == (pytest.approx(1), pytest.approx(1, abs=1e-3))
        assert (before["from_ledger"], before["coverage"]) == (0, pytest.approx(1, abs=1e-3))
    assert "Counted from the ledger; 100% of the time was seen." in (out / "mean-2025-10.html").read_text()


# --- services ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_service(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The command, run once for the service, in the same month."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "sla.yaml").write_text(DEFINITIONS, encoding="utf-8")
    out = folder / "out"
    asked = ["--month", "2025-10", "--service", "shop", "--timezone", "Asia/Ho_Chi_Minh", "--out", str(out)]
    with backfilled(folder, openmetrics()) as url:
        code = run(["report", str(folder / "sla.yaml"), "--prometheus", url, *asked])
    assert code == 0
    return Reports(out, {"shop": json.loads((out / "service-shop-2025-10.json").read_text())})


def test_month_of_a_service_counts_its_events(of_service: Reports) -> None:
    """Events are those of the month, each once, and a service asked for alone has no contracts beside it."""
    assert sorted(path.name for path in of_service.folder.iterdir()) == [
        f"service-shop-2025-10.{ending}" for ending in ("csv", "html", "json")
    ]
    found = of_service.json["shop"]
    (one,) = [each for each in found["objectives"] if each["ref"] == "shop/uptime"]
    bad = sum(length * errors for _, length, errors in OUTAGES) * 2 * PER_SAMPLE
    assert one["total"] == pytest.approx(MINUTES * 2 * PER_SAMPLE, rel=1e-4)
    assert one["total"] - one["good"] == pytest.approx(bad, rel=1e-3)
    assert one["kept"] is False
    assert one["budget"]["allowed"] == pytest.approx(0.0005 * one["total"])
    assert one["budget"]["remaining"] == pytest.approx(1 - bad / (0.0005 * one["total"]), rel=1e-3)
    assert one["coverage"] == pytest.approx(1, abs=1e-3)
    assert found["verdict"].endswith("missed: shop/uptime")


def test_days_of_a_service_are_local(of_service: Reports) -> None:
    """An outage across midnight of the zone is half of one day and half of the other."""
    (one,) = [each for each in of_service.json["shop"]["objectives"] if each["ref"] == "shop/uptime"]
    bad = {day["date"]: day["total"] - day["good"] for day in one["days"]}
    assert len(one["days"]) == 31
    halves = [bad["2025-10-17"], bad["2025-10-18"]]
    assert halves == pytest.approx([30 * 2 * PER_SAMPLE] * 2, rel=0.01)
    rows = list(csv.DictReader(of_service.text("service-shop-2025-10.csv").splitlines()))
    mine = [row for row in rows if row["objective"] == "shop/uptime"]
    assert [row["date"] for row in mine] == [day["date"] for day in one["days"]]
    assert sum(float(row["good"]) for row in mine) == pytest.approx(one["good"])


def test_exclusions_of_an_objective_are_in_the_report(of_service: Reports) -> None:
    """An hour with the first outage of 50 minutes removed, and 40 minutes of the third counted as good: kept."""
    found = {one["ref"]: one for one in of_service.json["shop"]["objectives"]}
    plain, agreed = found["shop/uptime"], found["shop/agreed"]
    out, good = agreed["exclusions"]
    minute = 2 * PER_SAMPLE

    assert (out["removed"], out["forgiven"], out["spared"]) == pytest.approx((60 * minute, 0, 50 * minute), rel=0.02)
    assert (good["removed"], good["forgiven"], good["spared"]) == pytest.approx(
        (0, 120 * minute, 40 * minute), rel=0.02
    )
    assert agreed["total"] == pytest.approx(plain["total"] - out["removed"])
    assert agreed["budget"]["used"] == pytest.approx(plain["budget"]["used"] - out["spared"] - good["spared"])
    assert agreed["sli_without_exclusions"] == pytest.approx(plain["sli"], abs=1e-9)
    assert (plain["kept"], agreed["kept"]) == (False, True)
    page = of_service.text("service-shop-2025-10.html")
    assert "their &lt;network&gt;" in page
    assert f"Without its exclusions it would be {int(plain['sli'] * 1e6) / 1e4:g}%" in page
    assert (plain["exclusions"], plain["sli_without_exclusions"]) == ([], plain["sli"])


def test_page_of_a_service_says_what_was_missed(of_service: Reports) -> None:
    """The page has the verdict, a section for each objective, and the figures of the JSON, cut off."""
    text = of_service.text("service-shop-2025-10.html")
    (one,) = [each for each in of_service.json["shop"]["objectives"] if each["ref"] == "shop/uptime"]
    assert of_service.json["shop"]["verdict"] in text
    assert f"{int(one['sli'] * 1e6) / 1e4:g}%" in text
    assert text.count("<svg") == 2 * sum(each["sli"] is not None for each in of_service.json["shop"]["objectives"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--service", "shoe"], "there is no service 'shoe' with an objective"),
        (["--service", "all", "--timezone", "Mars/Base"], "there is no 'Mars/Base'"),
        (["--service", "all", "--month", "2199-01"], "has not begun"),
    ],
)
def test_what_cannot_be_reported_on_is_misuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    """Nothing is written, and nothing asked."""
    (tmp_path / "sla.yaml").write_text(DEFINITIONS, encoding="utf-8")
    asked = ["report", str(tmp_path / "sla.yaml"), "--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]
    assert run([*asked, *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
