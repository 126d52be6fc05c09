"""Graphs of journeys, contracts and forecasts: what is drawn is what was judged, and a bug in it costs no alert."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import builders
from tests.alerts import NOON, message, text, view
from tests.fakes import Stretch
from tests.unit.test_journey import DAY, START, Platform, journey, member, series
from tests.unit.test_pictures import STEP, Slow, at_once, colours, page, points
from tests.unit.test_sla import World, contract

from tocsin.adapters.codec import decode, encode
from tocsin.definitions import read_definitions
from tocsin.errors import SourceError
from tocsin.evaluate import composites
from tocsin.evaluate.graphs import MOST_POINTS
from tocsin.evaluate.model import Identity
from tocsin.notify.picture import draw
from tocsin.ports import CURVE, AlertText, Curve, Graph, RangeRow
from tocsin.service.links import Links, graphs_of
from tocsin.service.pictures import Pictures, row_of, series_of
from tocsin.spec import Combine

HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
BLUE, GREEN, PURPLE, RED = (bytes(each) for each in ((31, 95, 168), (27, 110, 60), (110, 60, 140), (179, 38, 30)))
BROWN = bytes((138, 90, 0))
BURN = "counting/end-to-end:burn"


def broken_journey() -> Platform:
    """`b` is down for a quarter of an hour; `a` is well, and what stands beside `b` changes nothing."""
    there = Platform(journey(series(member("a"), Combine("parallel", (member("b"),), (), builders.SPAN))))
    there.source.traffic["b"].stretches = (
        Stretch(-40 * DAY, 0, 10),
        Stretch(0, 900, 10, 1.0),
        Stretch(900, 40 * DAY, 10),
    )
    return there


def test_a_journey_shows_its_errors_and_who_broke_it() -> None:
    """Over the window that the alert compares with its threshold; a member that is well is not drawn."""
    there = broken_journey()
    there.tick(-30)
    at = START + timedelta(seconds=900)
    graph = there.watch.look(there.source, at).graphs[BURN]

    assert (graph.what, graph.percent, graph.expression) == ("journey counting/end-to-end: errors over 5m", True, "")
    assert graph.bounds == pytest.approx((14.4 * 0.005,))
    assert [curve.name for curve in graph.curves] == ["journey", "b/up"]
    for curve in graph.curves:
        assert (curve.start, curve.step) == (at - HOUR, timedelta(minutes=5))
        assert curve.values == (0.0,) * 10 + (1.0,) * 3


def test_what_does_not_burn_has_no_graph() -> None:
    """Nothing is computed for it."""
    there = broken_journey()

    assert there.watch.look(there.source, START - HOUR).graphs == {}


def test_a_contract_shows_its_uptime_so_far() -> None:
    """It ends with the uptime that the alert says, beside the target."""
    there = World(contract(), Stretch(-40 * DAY, 0, 10), Stretch(0, 3_000, 10, 1.0), Stretch(3_000, 60 * DAY, 10))
    at = START.replace(month=10) + 20 * DAYS
    status = there.tick(at)
    graph = there.watch.look(there.source, at).graphs["sla:gold"]
    (curve,) = graph.curves

    assert (graph.what, graph.bounds, graph.bound) == ("SLA gold: uptime so far in this month", (0.999,), "target")
    first, *_, last = curve.values
    assert first is not None
    assert last is not None
    assert first < last < 0.999
    assert last == status.uptime
    assert len(curve.values) <= MOST_POINTS
    assert curve.start + (len(curve.values) - 2) * curve.step < at


def test_a_bug_in_a_graph_costs_no_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as a fault; the journey pages all the same."""

    def fails(*_: object) -> Graph:
        raise ZeroDivisionError

    monkeypatch.setattr(composites, "of_journey", fails)
    there = broken_journey()
    there.tick(-30)
    sight = there.watch.look(there.source, START + timedelta(seconds=900))

    assert sight.graphs == {}
    assert [fault.partition(":")[0] for fault in sight.faults] == ["graph of counting/end-to-end"]
    assert there.tick(915) == ("burning", True)


def test_a_message_takes_the_graph_of_its_rule_along() -> None:
    """Through the outbox, as it was seen; there is no question to link to."""
    graph = Graph("", "journey", (0.1,), curves=(Curve("journey", NOON - HOUR, STEP, (0.0, None, 0.2)),))
    views = [replace(view("k1"), identity=Identity(BURN))]
    (sent,) = Links(source="https://p.example").added([message()], views, {BURN: graph})
    (told,) = sent.alerts

    assert (told.graph, told.links) == (replace(graph, labels=()), ())
    assert decode(AlertText, encode(told)) == told


def test_curves_are_drawn_without_a_question() -> None:
    """Also while the source hangs or is left alone."""
    curves = tuple(Curve(name, NOON - HOUR, STEP * 20, (0.0, None, 0.1, 0.3)) for name in ("journey", "b/up"))
    told = page(replace(text(), graph=Graph("", "journey", (0.2,), percent=True, curves=curves)))
    source = Slow(error=SourceError("down"))
    pictures = Pictures(source)

    assert pictures.of(page(text(graph=Graph("up", "x")))) is None
    picture = pictures.of(told)
    assert picture is not None
    assert {BLUE, GREEN, RED} <= colours(picture.png)
    assert len(source.asked) == 1


def test_a_forecast_shows_the_line_until_it_meets_the_limit(tmp_path: Path) -> None:
    """The history that it is made of is asked for, no more and no less; the line ends where the limit is reached."""
    (tmp_path / "db.yaml").write_text(
        "apiVersion: tocsin/v1\nkind: Service\nname: db\nalerts:\n"
        "  Full: {forecast: {series: 'used{job=\"db\"}', above: 95, within: 4h, history: 6h}, severity: warning}\n"
    )
    graph = graphs_of(read_definitions([str(tmp_path)]).workspace)["db/Full"]
    source = at_once()
    Pictures(source).of(page(text(graph=graph)))
    [(query, length, _)] = source.asked

    assert (query, length) == ('used{job="db"}', 6 * HOUR)
    assert (graph.bounds, graph.ahead, graph.what) == ((95.0,), 4 * HOUR, "db/Full, and the line through the last 6h")

    def drawn(slope: float) -> bytes:
        ends = NOON.timestamp()
        rising = tuple((ends - 60 * back, 80 - slope * back) for back in range(360, -1, -1))
        png = draw(graph, [RangeRow((), rising)], NOON - 6 * HOUR, NOON, step=STEP, began=NOON)
        assert png is not None
        return png

    assert {BLUE, PURPLE, RED} <= colours(drawn(0.1))
    assert drawn(0.1) != drawn(0.2)


def test_an_anomaly_shows_what_is_usual(tmp_path: Path) -> None:
    """Half a season, with names, its value first, whatever the order of the answer; other instances are not drawn."""
    (tmp_path / "shop.yaml").write_text(
        "apiVersion: tocsin/v1\nkind: Service\nname: shop\nalerts:\n"
        "  Odd: {anomaly: {series: sum by (case) (x), season: 1d, direction: above}, severity: warning}\n"
    )
    graph = graphs_of(read_definitions([str(tmp_path)]).workspace)["shop/Odd"]
    here, there = ((("alert", "Odd"), ("case", case), ("service", "shop")) for case in "ab")
    rows = tuple(
        RangeRow((*labels, (CURVE, name)), points(*values))
        for name, values in (("unusual above", (20.0, 21.0)), ("expected", (8.0, 7.0)), ("value", (9.0, 90.0)))
        for labels in (there, here)
    )
    source = Slow(rows)
    source.gate.set()
    picture = Pictures(source).of(page(text(graph=replace(graph, labels=here))))
    [(query, length, _)] = source.asked
    mine = [row for row in reversed(rows) if here[1] in row.labels]

    assert (query, length) == (graph.expression, 12 * HOUR)
    assert series_of(rows, replace(graph, labels=here)) == mine
    assert graph.names == ("value", "expected", "unusual above")
    assert picture is not None
    assert {BLUE, GREEN, BROWN} <= colours(picture.png)
    start = NOON - 12 * HOUR
    unnamed = draw(replace(graph, names=()), mine, start, NOON, step=STEP, began=NOON)
    assert unnamed != draw(graph, mine, start, NOON, step=STEP, began=NOON)
    views = [replace(view("k1"), identity=Identity("shop/Odd", here))]
    (sent,) = Links(source="https://p.example", graphs={"shop/Odd": graph}).added([message()], views)
    assert ([name for name, _ in sent.alerts[0].links], sent.alerts[0].graph) == (
        ["graph"],
        replace(graph, labels=here),
    )


@settings(max_examples=25)  # each draws a picture
@given(
    st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=8),
    st.lists(st.text(max_size=200), min_size=1, max_size=8),
    st.floats(-1e100, 1e100),
    st.timedeltas(timedelta(), timedelta(days=400)),
)
def test_whatever_was_seen_can_be_drawn(
    values: list[float | None], names: list[str], bound: float, ahead: timedelta
) -> None:
    """Any numbers, any names, any limit, near or far."""
    curves = tuple(Curve(name, NOON - HOUR, STEP, tuple(values)) for name in names)
    graph = Graph("", names[0], (bound,), curves=curves, bound=names[-1], ahead=ahead)
    png = draw(graph, [row_of(curve) for curve in curves], NOON - HOUR, NOON, step=STEP, began=NOON - HOUR / 2)

    assert png is None or png[:4] == b"\x89PNG"
