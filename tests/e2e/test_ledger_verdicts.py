"""Journeys, contracts and slices from the ledger, and from a real Prometheus without one: the same verdicts."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.backfilled import backfilled
from tests.fakes import HandClock

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.definitions import read_definitions
from tocsin.evaluate.model import JourneyStatus, SlaStatus
from tocsin.evaluate.tick import Watch
from tocsin.service.keeper import IDLE, Keeper
from tocsin.spec import LedgerSettings

pytestmark = pytest.mark.real

START = datetime(2025, 10, 1, tzinfo=UTC)
HOURS = 50
SETTINGS = LedgerSettings(queries_per_minute=60_000, coverage=Decimal("0.5"))
GAP = (20 * 3600 + 7, 32 * 3600 + 7)
"""Twelve hours without scrapes of one service, while the other one is scraped."""
OUTAGES = (
    (40 * 3600, 40 * 3600 + 1800),
    *((2 * 3600 + k * 3600, 2 * 3600 + k * 3600 + 120) for k in range(10)),
)
"""Half an hour, and ten times exactly two minutes, in which everything fails."""
DEFINITIONS = """
apiVersion: tocsin/v1
kind: Platform
name: p
ledger: {coverage: 50%}
---
apiVersion: tocsin/v1
kind: Service
name: pay
slis: {ok: {ratio: {total: 'requests_total{job="pay"}', bad: 'requests_total{job="pay",code="500"}'}}}
slos: {up: {sli: ok, target: 99%, window: 2d}}
---
apiVersion: tocsin/v1
kind: Service
name: asked
slis:
  ok:
    ratio:
      total: sum(increase(requests_total{job="pay"}[$window]))
      bad: sum(increase(requests_total{job="pay",code="500"}[$window]))
slos: {up: {sli: ok, target: 99%, window: 2d}}
---
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {ok: {ratio: {total: 'requests_total{job="shop"}', bad: 'requests_total{job="shop",code="500"}'}}}
slos: {up: {sli: ok, target: 99%, window: 2d}}
---
apiVersion: tocsin/v1
kind: Journey
name: buy
slos: {all: {target: 80%, window: 2d, slice: 5m, combine: {series: [shop/up, pay/up]}, missing: {count_as: bad}}}
""" + "".join(
    f"""---
apiVersion: tocsin/v1
kind: SLA
name: {name}
customer: ACME
covers: {covers}/up
target: 98.5%
measure: {measure}
credits: [{{below: 98.5%, credit: 10%}}, {{below: 80%, credit: 50%}}]
"""
    for covers, name, measure in (
        ("asked", "promql", "{method: minutes}"),
        ("asked", "half", "{method: minutes, errors_above: 50%}"),
        ("pay", "plain", "{method: minutes}"),
        ("pay", "empty", "{method: minutes, empty: bad}"),
        ("pay", "tenth", "{method: minutes, errors_above: 10%}"),
        ("pay", "there", "{method: deployed-minutes}"),
        ("pay", "mean", "{method: interval-mean, interval: 5m}"),
        ("pay", "long", "{method: downtime-periods, at_least: 5m}"),
    )
)


def openmetrics() -> str:
    """Two requests a second, scraped at 15 and 45 seconds past the minute."""
    lines = ["# TYPE requests counter"]
    for job, outages, gap in (("shop", (), (0, 0)), ("pay", OUTAGES, GAP)):
        series: dict[str, list[str]] = {"200": [], "500": []}
        for at in range(15, HOURS * 3600, 30):
            bad = 2 * sum(min(max(at - start, 0), end - start) for start, end in outages)
            if not gap[0] <= at < gap[1]:
                for code, count in (("200", 2 * at - bad), ("500", bad)):
                    labels = f'job="{job}",instance="a",code="{code}"'
                    series[code].append(f"requests_total{{{labels}}} {count} {START.timestamp() + at:.0f}")
        lines += [*series["200"], *series["500"]]
    return "\n".join([*lines, "# EOF", ""])


@dataclass
class Sights:
    """What one look with a ledger, and one without, says of each journey and contract."""

    journeys: tuple[JourneyStatus, JourneyStatus]
    slas: dict[str, tuple[SlaStatus, SlaStatus]]


@pytest.fixture(scope="module")
def sights(tmp_path_factory: pytest.TempPathFactory) -> Sights:
    """A ledger that was filled by one evaluator and is read by the next."""
    folder = tmp_path_factory.mktemp("verdicts")
    (folder / "pay.yaml").write_text(DEFINITIONS, encoding="utf-8")
    definitions = read_definitions([str(folder / "pay.yaml")])
    assert not definitions.errors, definitions.errors
    workspace, clock = definitions.workspace, HandClock(START + timedelta(hours=HOURS, minutes=-1))
    with (
        backfilled(folder, openmetrics()) as url,
        closing(PrometheusSource(url, 30.0)) as source,
        closing(LedgerStore(str(folder / "state.db"))) as store,
    ):
        for _ in range(2):
            keeper = Keeper(workspace, source, store, clock, SETTINGS)
            while keeper.piece() != IDLE:
                pass
        looks = [Watch(workspace, ledger=ledger).look(source, clock.at) for ledger in (keeper, None)]
    (one,), (other,) = (look.journeys for look in looks)
    contracts = [{each.name: each for each in look.slas} for look in looks]
    return Sights((one, other), {name: (contracts[0][name], contracts[1][name]) for name in contracts[0]})


def test_a_member_that_was_gone_is_missing_after_a_restart(sights: Sights) -> None:
    """Twelve hours without a series are 141 bad slices of a journey, from the ledger and from the source."""
    ledger, source = sights.journeys

    assert (ledger.missing, ledger.slices, ledger.state) == (source.missing, source.slices, source.state)
    assert ledger.missing == pytest.approx(144, abs=4)
    assert ledger.sli == pytest.approx(source.sli, abs=1e-4)
    assert ledger.remaining == pytest.approx(source.remaining, abs=1e-3)
    assert ledger.remaining is not None
    assert ledger.remaining < 0


@pytest.mark.parametrize(
    ("name", "down", "hours"),
    [
        ("plain", 50, HOURS),
        ("promql", 50, HOURS),
        ("half", 50, HOURS),
        ("empty", 50 + 720, HOURS),
        ("tenth", 50, HOURS),
        ("there", 50, HOURS - 12),
        ("mean", 50, HOURS),
        ("long", 30, HOURS),
    ],
)
def test_contracts_owe_the_same(sights: Sights, name: str, down: int, hours: int) -> None:
    """Every outage as long as it was, by every method: fifty minutes, and twelve hours where they count."""
    ledger, source = sights.slas[name]

    assert (ledger.breached, ledger.credit, ledger.empty) == (source.breached, source.credit, source.empty)
    assert ledger.uptime == pytest.approx(source.uptime, abs=1e-5)
    assert ledger.uptime == pytest.approx(1 - down / (hours * 60), abs=2e-3)
    assert ledger.coverage == pytest.approx(source.coverage, abs=1e-3)
    assert ledger.coverage == pytest.approx(1 if name == "there" else 1 - 12 / HOURS, abs=0.01)
