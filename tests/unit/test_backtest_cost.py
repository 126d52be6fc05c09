"""What an incident had cost: in the budget of the objective that was paged for, and of no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests import builders
from tests.fakes import FakeSource

from tocsin.backtest.period import Period
from tocsin.backtest.replay import replay
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.traffic import SloReplay
from tocsin.backtest.travelled import JourneyReplay
from tocsin.backtest.values import AlertReplay, Table
from tocsin.evaluate.journey import Composite
from tocsin.evaluate.model import Identity
from tocsin.ledger.counts import Counts
from tocsin.ports import Labels, RangeAnswer, RangeRow
from tocsin.service.backtest import Replayed
from tocsin.spec import Combine, JourneySlo, Missing
from tocsin.spec.journey import Member
from tocsin.units import Duration

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICKS = Ticks.between(START, START + 2 * HOUR)


def member(service: str, name: str, bad: float, *, by: str = "", first: int = 0) -> SloReplay:
    """Two hours of 600 events a minute; *bad* of each minute of the second one were, of group a twice as many."""

    def counts(failing: float) -> Counts:
        seen = np.where(np.arange(120) < first, 0.0, 1.0)
        errors = np.where(np.arange(120) < 60, 0.0, failing)
        return Counts.apart(int(START.timestamp()) // 60, 60, 600 * seen, errors * seen, 60 * seen)

    slo = builders.slo(name, service=service)
    if not by:
        return SloReplay.of(slo, {(): counts(bad)}, TICKS)
    divided = replace(slo, sli=replace(builders.AVAILABILITY, by=(by,)))
    return SloReplay.of(divided, {((by, "a"),): counts(2 * bad), ((by, "b"),): counts(bad)}, TICKS)


def replayed(*members: SloReplay) -> Replayed:
    """As if nothing had fired."""
    return Replayed(replay([], {}, {}, (), TICKS), Period(TICKS, TICKS, START), members, ())


@pytest.mark.parametrize(
    ("rules", "of", "minutes"),
    [
        (["shop/uptime:fast"], "shop/uptime", 6),
        (["shop/uptime:fast", "shop/speed:fast"], "shop/speed", 60),
        (["shop/Deep"], "shop/speed", 60),
        (["depot/uptime:fast"], "depot/uptime", 600),
    ],
)
def test_the_budget_is_of_what_paged(rules: list[str], of: str, minutes: int) -> None:
    """A tier is about its objective, another alert about those of its service; of several the one that lost most."""
    found = replayed(member("shop", "uptime", 6), member("shop", "speed", 60), member("depot", "uptime", 600))
    cost = found.spent([Identity(rule) for rule in rules], START + HOUR, START + 2 * HOUR)

    assert cost is not None
    assert cost.of == of
    assert cost.share == pytest.approx(minutes * 60 / (600 * 43_200 * 0.001))


def test_nobody_knows_the_budget_of_a_service_without_objectives() -> None:
    """The one of another service says nothing about it."""
    assert replayed(member("shop", "uptime", 6)).spent([Identity("depot/Deep")], START, START + HOUR) is None
    assert replayed(member("shop", "uptime", 6)).spent([], START, START + HOUR) is None


@pytest.mark.parametrize(("labels", "bad"), [((("route", "a"),), 12), ((("route", "b"),), 6), ((("x", "y"),), 12)])
def test_each_group_has_its_own_budget(labels: Labels, bad: int) -> None:
    """And where an alert is of no group, it is that of the worst."""
    found = replayed(member("shop", "uptime", 6, by="route"))
    cost = found.spent([Identity("shop/uptime:fast", labels)], START + HOUR, START + 2 * HOUR)

    assert cost is not None
    assert cost.share == pytest.approx(bad * 60 / (600 * 43_200 * 0.001))


def test_a_journey_has_its_own_budget() -> None:
    """Two of three bad slices of five minutes, of a percent of a day; what nobody knows costs nothing."""
    five = Duration.of(minutes=5)
    node = Combine("series", (Member("shop/uptime", builders.SPAN),), (Decimal(1),), builders.SPAN)
    missing = Missing(Duration.of(minutes=5), "ignore")
    slo = JourneySlo("way", "all", Decimal("0.99"), Duration.of(days=1), five, node, missing, (), "", builders.SPAN)
    first, values = int(START.timestamp()) // 300, (1.0, None, 0.0, 0.0, 0.0)
    whole = Composite(first, values, (False,) * 5, node, ())
    found = replace(
        replayed(member("shop", "uptime", 6)), objectives=(JourneyReplay(slo, {}, whole, np.ones(1, dtype=np.bool_)),)
    )
    cost = found.spent([Identity("way/all:burn")], START, START + timedelta(minutes=20))

    assert cost is not None
    assert cost.of == "way/all"
    assert cost.share == pytest.approx(2 * 5 / 14.4)


@pytest.mark.parametrize(("expr", "first"), [("depth > 5", START + HOUR / 6), ("count(depth == 0)", None)])
def test_when_an_alert_could_first_be_told(expr: str, first: datetime | None) -> None:
    """Its first row tells it, unless there are only rows where something is wrong."""
    answer = RangeAnswer((RangeRow((), ((TICKS.seconds[10], 1.0),)),))
    alert = builders.alert(expr=expr)
    found = AlertReplay.of(alert, FakeSource(), TICKS, lambda _: Table.of(answer, TICKS))

    assert found.first == first


def test_when_an_objective_was_first_seen() -> None:
    """That is how far the history of a server reaches."""
    assert member("shop", "uptime", 6, first=30).first == START + HOUR / 2
    assert SloReplay.of(builders.slo(), {}, TICKS).first is None
