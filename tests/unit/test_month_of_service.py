"""A month of a service: what the ledger holds of it and what the metric source says are one month."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.builders import service, slo
from tests.fakes import FakeSource, HandClock

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.monthly.objectives import Bounds, Objective
from tocsin.service import month_of_service
from tocsin.service.keeper import IDLE, Keeper
from tocsin.sli import RatioSli
from tocsin.spec import LedgerSettings
from tocsin.workspace import Workspace

START, NOW = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, 12, tzinfo=UTC)
ROUTES = replace(
    slo("routes", sli=RatioSli(total_events="hits", bad_events="bad"), window="3d"),
    sli=RatioSli(total_events="hits", bad_events="bad", by=("route",)),
)
WORKSPACE = Workspace(services=(service(slos=(ROUTES,)),))


class Source(FakeSource):
    """One that is closed like a connection."""

    def close(self) -> None:
        """Nothing is open."""


def traffic() -> Source:
    """Per minute 2 events of /pay, 5 of no route of which 2 are bad, and until noon of the 3rd 4 of /gone, half bad."""
    source, minutes = Source(), range(-1440, 4 * 1440)
    for route, hits, bad, lives in (("/pay", 2, 0, 9999), ("", 5, 2, 9999), ("/gone", 4, 2, 2 * 1440 + 720)):
        for name, each in (("hits", hits), ("bad", bad)):
            labels = {"__name__": name, "instance": "a", "job": "j"} | ({"route": route} if route else {})
            points = ((START + timedelta(minutes=n), (n + 1440) * float(each)) for n in minutes if n < lives)
            source.add(labels, points)
    return source


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LedgerStore]:
    """An empty ledger."""
    with closing(LedgerStore(str(tmp_path / "state.db"))) as one:
        yield one


def month(source: Source, ledger: LedgerStore | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Objective]:
    """The objectives of the report, by name."""
    monkeypatch.setattr(month_of_service, "PrometheusSource", lambda *_, **__: source)
    bounds = Bounds(START, datetime(2026, 4, 1, tzinfo=UTC), NOW, UTC)  # type: ignore[arg-type]
    found = month_of_service.service_report(WORKSPACE, WORKSPACE.services[0], bounds, "http://p", ledger=ledger)
    return {one.ref: one for one in found.objectives}


def kept(store: LedgerStore, source: Source, until: datetime = NOW) -> None:
    """Run a keeper from the first evening of the month to now."""
    clock = HandClock(START + timedelta(hours=20))
    keeper = Keeper(WORKSPACE, source, store, clock, LedgerSettings(queries_per_minute=10**9))
    while clock.at <= until:
        while keeper.piece() != IDLE:
            pass
        clock.at += timedelta(hours=2)


def test_groups_are_the_same_with_the_ledger_and_without(store: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the one without labels, and one whose series are gone; also where the source has forgotten all since."""
    without = month(traffic(), None, monkeypatch)
    kept(store, traffic())
    source = traffic()
    for within in (month(source, store, monkeypatch), month(Source(), store, monkeypatch)):
        assert (
            sorted(within) == [f'shop/routes{{route="{route}"}}' for route in ("", "/gone", "/pay")] == sorted(without)
        )
        for ref, one in without.items():
            assert [(day.total, day.bad) for day in within[ref].days[:3]] == [(d.total, d.bad) for d in one.days[:3]]
            assert within[ref].kept is one.kept is (ref == 'shop/routes{route="/pay"}')
            assert within[ref].coverage == pytest.approx(one.coverage, abs=5e-3)
    first = without['shop/routes{route=""}'].days[0]
    assert (float(first.total), float(first.bad)) == (7200, 2880)
    assert len(source.asked) == 2 * 4  # the day that runs
