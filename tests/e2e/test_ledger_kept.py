"""The ledger as `tocsin serve` keeps it, over a real Prometheus: outages of the evaluator and of its memory."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.backfilled import backfilled
from tests.databases import DATABASE, wiped
from tests.e2e.conftest import Evaluator, until
from tests.fakes import HandClock

from tocsin.adapters.database import writing
from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.definitions import read_definitions
from tocsin.evaluate.bookkeeping import closed, entries, open_since
from tocsin.evaluate.tick import Watch
from tocsin.ledger.model import Day
from tocsin.ports import MetricSource
from tocsin.service.keeper import IDLE, Keeper
from tocsin.spec import LedgerSettings
from tocsin.units import Duration
from tocsin.workspace import Workspace

pytestmark = pytest.mark.real

MIDNIGHT = datetime(2025, 10, 8, tzinfo=UTC)
"""Samples lie around it: three days before, and a few hours behind."""
HOUR = timedelta(hours=1)
EVERY = timedelta(minutes=15)
BEHIND = 4
DEFINITIONS = """
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  ok: {ratio: {total: 'requests_total', bad: 'requests_total{code="500"}'}}
  asked:
    ratio:
      total: sum(increase(requests_total[$window]))
      bad: sum(increase(requests_total{code="500"}[$window]))
slos:
  uptime: {sli: ok, target: 99%, window: 2d}
  pods: {sli: ok, target: 99%, window: 2d, group_by: [pod]}
  month:
    sli: ok
    target: 99%
    window: {calendar: day, timezone: Europe/Berlin}
    budgeting: timeslices
    slice: 5m
    slice_target: 95%
  raw: {sli: asked, target: 99%, window: 2d}
---
apiVersion: tocsin/v1
kind: SLA
name: gold
customer: ACME
covers: shop/uptime
target: 99%
measure: {method: interval-mean, interval: 5m}
exclusions:
  - {from: 2025-10-01T00:00, to: 2025-10-05T00:00, reason: not in force yet, treat: remove}
  - {from: 2025-10-06T10:00, to: 2025-10-06T12:00, reason: agreed, treat: remove}
"""
SETTINGS = LedgerSettings(every=Duration.of(minutes=15), queries_per_minute=60_000)


def openmetrics() -> str:
    """Two pods, one of which is restarted twice, scraped each half minute; an outage of 20 minutes around midnight."""
    lines = ["# TYPE requests counter"]
    generator = np.random.default_rng(7)
    first, last = int(MIDNIGHT.timestamp()) - 3 * 86_400, int(MIDNIGHT.timestamp()) + BEHIND * 3600
    for pod, phase in (("a", 3), ("b", 17)):
        counts = {"200": 0.0, "500": 0.0}
        series: dict[str, list[str]] = {code: [] for code in counts}
        for at in range(first + phase, last, 30):
            if pod == "b" and (at - first) // 30 in {4000, 8500}:
                counts = {"200": 0.0, "500": 0.0}
            for code, count in counts.items():
                series[code].append(
                    f'requests_total{{code="{code}",pod="{pod}",instance="{pod}",job="j"}} {count:.0f} {at}'
                )
            events = int(generator.poisson(40))
            out = abs(at - MIDNIGHT.timestamp()) < 600
            bad = int(generator.binomial(events, 0.5 if out else 0.002))
            counts["500"] += bad
            counts["200"] += events - bad
        for code in counts:
            lines += series[code]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusSource]:
    """A Prometheus that holds all of it."""
    with backfilled(tmp_path_factory.mktemp("full"), openmetrics()) as url, closing(PrometheusSource(url, 30.0)) as one:
        yield one


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Objectives of all kinds: counters, groups, slices of a calendar period, and PromQL."""
    file = tmp_path_factory.mktemp("rules") / "shop.yaml"
    file.write_text(DEFINITIONS, encoding="utf-8")
    definitions = read_definitions([str(file)])
    assert not definitions.errors, definitions.errors
    return definitions.workspace


def kept(
    workspace: Workspace, source: MetricSource, store: LedgerStore, clock: HandClock, *, until: datetime
) -> Keeper:
    """An evaluator's ledger, from where the clock stands *until* it is stopped."""
    keeper = Keeper(workspace, source, store, clock, SETTINGS)
    while clock.at <= until:
        while keeper.piece() != IDLE:
            pass
        clock.at += EVERY
    clock.at -= EVERY
    return keeper


def days(store: LedgerStore, workspace: Workspace) -> dict[tuple[str, date], Day]:
    """All that is held."""
    refs = [slo.ref for service in workspace.services for slo in service.slos]
    span = (date(2025, 1, 1), date(2026, 1, 1))
    refs += [part for ref in refs for part in store.parts(ref, *span)]
    return {(day.ref, day.day): day for day in store.read(refs, *span)}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LedgerStore, LedgerStore]]:
    """Two ledgers; the second in PostgreSQL where TOCSIN_TEST_DATABASE names an empty one that may be filled."""
    folder = tmp_path_factory.mktemp("state")
    with ExitStack() as stack:
        steady = stack.enter_context(closing(LedgerStore(str(folder / "steady.db"))))
        down = stack.enter_context(closing(LedgerStore(DATABASE or str(folder / "down.db"))))
        if DATABASE:
            with writing(down._engine) as connection:
                wiped(connection)
        yield steady, down


@pytest.fixture(scope="module")
def steady(
    workspace: Workspace, source: PrometheusSource, stores: tuple[LedgerStore, LedgerStore]
) -> tuple[Keeper, HandClock]:
    """An evaluator that runs for four hours without a stop."""
    clock = HandClock(MIDNIGHT - HOUR)
    return kept(workspace, source, stores[0], clock, until=MIDNIGHT + 3 * HOUR), clock


def test_two_hours_down_leave_no_trace(
    workspace: Workspace,
    source: PrometheusSource,
    stores: tuple[LedgerStore, LedgerStore],
    steady: tuple[Keeper, HandClock],
) -> None:
    """Stopped an hour before midnight and started an hour after it, the ledger is that of one that never stopped."""
    clock = HandClock(MIDNIGHT - HOUR)
    kept(workspace, source, stores[1], clock, until=MIDNIGHT - HOUR)
    clock.at = MIDNIGHT + HOUR
    kept(workspace, source, stores[1], clock, until=MIDNIGHT + 3 * HOUR)
    one, other = (days(store, workspace) for store in stores)

    assert one.keys() == other.keys()
    assert len({ref for ref, _ in one}) == 4 + 3  # pods a, b, and what has no such label
    for key, day in one.items():
        for name in ("total", "bad", "covered"):
            assert getattr(day, name).tolist() == getattr(other[key], name).tolist(), (key, name)


def test_the_ledger_counts_what_happened(
    workspace: Workspace, stores: tuple[LedgerStore, LedgerStore], steady: tuple[Keeper, HandClock]
) -> None:
    """A whole day of samples is counted to the event, by pods as well; and calibrated to a part in a thousand."""
    found = days(stores[0], workspace)
    day = MIDNIGHT.date() - timedelta(1)
    total = found["shop/uptime", day].total.sum()

    assert total == pytest.approx(2 * 2880 * 40, rel=0.01)
    assert sum(found[f'shop/pods{{pod="{pod}"}}', day].total.sum() for pod in "ab") == pytest.approx(total, abs=0.01)
    assert found["shop/raw", day].total.sum() == pytest.approx(total, rel=1e-3)
    assert found["shop/uptime", day].covered.all()


def test_budgets_are_the_ledgers_and_survive_prometheus(
    workspace: Workspace,
    source: PrometheusSource,
    stores: tuple[LedgerStore, LedgerStore],
    steady: tuple[Keeper, HandClock],
    tmp_path: Path,
) -> None:
    """What is shown comes from the ledger; where Prometheus has lost everything, it still does, and is the same."""
    keeper, clock = steady
    sight = Watch(workspace, ledger=keeper).look(source, clock.at)
    before, (contract,) = {slo.ref: slo for slo in sight.slos}, sight.slas
    asked = {slo.ref: slo for slo in Watch(workspace).look(source, clock.at).slos}

    for ref, slo in before.items():
        assert slo.budget_from == "ledger", (ref, slo.reason)
        assert slo.coverage == pytest.approx(1, abs=0.01)
        assert asked[ref].budget_from == "source"
        assert slo.remaining == pytest.approx(asked[ref].remaining, abs=0.01)

    nothing = f"# TYPE requests counter\nrequests_total 0 {clock.at.timestamp() + 9e5:.0f}\n# EOF\n"
    with backfilled(tmp_path, nothing) as url, closing(PrometheusSource(url, 30.0)) as empty:
        later = kept(workspace, empty, stores[0], clock, until=clock.at)
        sight = Watch(workspace, ledger=later).look(empty, clock.at)
        after, (still,) = {slo.ref: slo for slo in sight.slos}, sight.slas
        gone = {slo.ref: slo for slo in Watch(workspace).look(empty, clock.at).slos}

    for ref in ("shop/uptime", "shop/month", "shop/raw"):
        assert after[ref].budget_from == "ledger"
        assert after[ref].total == pytest.approx(before[ref].total, rel=0.02)
        assert after[ref].used == pytest.approx(before[ref].used, rel=0.02)
        assert gone[ref].total is None
    assert contract.coverage == pytest.approx(1, abs=0.01)
    assert contract.uptime == pytest.approx(0.9957, abs=0.0005)
    assert still.uptime == pytest.approx(contract.uptime, abs=0.001)
    assert still.coverage == pytest.approx(contract.coverage, abs=0.005)  # the newest minutes are nowhere any more
    assert [(one.removed, one.forgiven) for one in still.exclusions] == [(345_600_000, 0), (7_200_000, 0)]


def test_too_little_coverage_is_unknown(
    workspace: Workspace, source: PrometheusSource, stores: tuple[LedgerStore, LedgerStore]
) -> None:
    """Below the floor no budget is told, and the reason says how much was seen."""
    clock = HandClock(MIDNIGHT + (BEHIND + 20) * HOUR)
    keeper = Keeper(workspace, source, stores[0], clock, replace(SETTINGS, coverage=SETTINGS.coverage))
    while keeper.piece() != IDLE:
        pass
    (slo,) = (one for one in Watch(workspace, ledger=keeper).look(source, clock.at).slos if one.ref == "shop/uptime")

    assert (slo.state, slo.remaining, slo.budget_from) == ("unknown", None, "ledger")
    assert "of the period was seen, less than 90%" in slo.reason


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    """`tocsin serve`, killed while it fills its ledger and started again, ends with what one that lives has."""
    now = datetime.now(UTC)
    start = int(now.timestamp()) // 60 * 60 - 12 * 86_400
    lines = ["# TYPE requests counter"]
    for code, each in (("200", 99), ("500", 1)):
        lines += [
            f'requests_total{{code="{code}",instance="a",job="j"}} {n * each} {start + 60 * n}'
            for n in range(12 * 1440)
        ]
    rules = tmp_path / "shop.yaml"
    objective = "slos: {uptime: {sli: ok, target: 99.5%, window: 10d}}\n---\n"
    platform = "apiVersion: tocsin/v1\nkind: Platform\nname: p\nledger: {every: 1m, queries_per_minute: 60000}\n"
    rules.write_text(f"{DEFINITIONS.partition('slos:')[0]}{objective}{platform}", encoding="utf-8")
    state = tmp_path / "state.db"
    with ExitStack() as stack:
        url = stack.enter_context(backfilled(tmp_path, "\n".join([*lines, "# EOF", ""])))
        arguments = [
            str(rules),
            "--prometheus",
            url,
            "--state",
            str(state),
            "--listen",
            "127.0.0.1:0",
            "--interval",
            "1s",
        ]

        def launch() -> Evaluator:
            evaluator = Evaluator(arguments, dict(os.environ), tmp_path / "serve.log")
            stack.callback(evaluator.close)
            return evaluator.ready()

        evaluator = launch()
        until(lambda: rows(state) > 3, "some days")
        evaluator.kill()
        killed_at = rows(state)
        evaluator = launch()
        until(lambda: evaluator.metric("tocsin_ledger_pending_days") == 0 and rows(state) >= 11, "the ledger is full")
        (slo,) = until(
            lambda: [slo for slo in evaluator.get("/api/v1/status").json()["slos"] if slo["budgetFrom"] == "ledger"],
            "a budget from the ledger",
        )
        assert evaluator.stop() == 0
        store = stack.enter_context(closing(LedgerStore(str(state))))
        held, _ = store.known("shop/uptime", now - timedelta(days=10), now)
        held = [day for day in held if day.day < open_since(now)]
        with closing(PrometheusSource(url, 30.0)) as source:
            entry = entries(read_definitions([str(rules)]).workspace)[0]
            alive = [closed(source, entry, day.day) for day in held]

    assert killed_at < 11
    assert len(held) >= 9  # ten, but for the hour after midnight in which yesterday is not closed
    for day, (other,) in zip(held, alive, strict=True):
        assert (day.total.tolist(), day.bad.tolist()) == (other.total.tolist(), other.bad.tolist())
    assert (slo["coverage"], slo["sli"]) == (pytest.approx(1, abs=0.01), pytest.approx(0.99, abs=1e-4))
    assert slo["budgetRemaining"] == pytest.approx(-1, abs=0.02)


def rows(state: Path) -> int:
    """How many days the ledger holds."""
    with closing(sqlite3.connect(state)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM ledger").fetchone()
    return int(count)
