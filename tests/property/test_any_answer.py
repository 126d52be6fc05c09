"""Whatever numbers a metric source answers, a tick ends; and a fault in one rule is that rule's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests import builders
from tests.fakes import TrafficSli

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import EventKind, Identity, Phase
from tocsin.evaluate.rule import Seen
from tocsin.evaluate.sight import Turn
from tocsin.evaluate.tick import Watch, turn
from tocsin.ports import Answer, Labels, RangeAnswer, RangeRow, Row
from tocsin.spec import Combine, CreditTier, Journey, JourneySlo, Measure, Missing, Sla
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.workspace import Workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
_MARK = re.compile(r'"(tocsin_part)", "([^"]*)"')


@dataclass(slots=True)
class Oracle:
    """A source that answers every question with the next of its numbers, or with no row where that is None."""

    values: tuple[float | None, ...]
    partial: bool = False
    broken: str = ""
    raises: type[Exception] = ZeroDivisionError
    _next: Iterator[float | None] = field(init=False)

    def __post_init__(self) -> None:
        self._next = cycle(self.values)

    def instant(self, query: str, at: datetime) -> Answer:
        """One row for each part of a union, one for anything else."""
        self._break(query)
        rows = [Row(labels, v) for labels in self._labels(query) if (v := next(self._next)) is not None]
        return Answer(tuple(rows), at, self.partial and query != "vector(1)")

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """The last twenty steps of as many series."""
        self._break(query)
        times = [(end - i * step).timestamp() for i in range(20)]
        found = [[(time, v) for time in times if (v := next(self._next)) is not None] for _ in self._labels(query)]
        rows = (RangeRow(labels, tuple(p)) for labels, p in zip(self._labels(query), found, strict=True))
        return RangeAnswer(tuple(rows), self.partial)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """As a range."""
        return self.range(selector, start, end, timedelta(seconds=15))

    def _labels(self, query: str) -> list[Labels]:
        return [((match[1], match[2]),) for match in _MARK.finditer(query)] or [(("camera", "a"),)]

    def _break(self, query: str) -> None:
        if self.broken and self.broken in query:
            raise self.raises("no such thing")


def workspace() -> Workspace:
    """One of everything that can be asked."""
    slos = tuple(builders.slo(service=name, sli=TrafficSli(name)) for name in ("shop", "till"))
    template = "{{ value }} {{ value | percent }} {{ value | duration }}"
    alerts = (
        builders.alert("Above", value="queue", above="80", summary=template),
        builders.alert("Below", value="disk", below="1e9", on_missing="fire", summary=template),
        builders.alert("Compared", expr="load > 0.5", for_="1m", summary=template),
        builders.alert("Returned", expr="a > 1 or b unless c", summary=template),
    )
    parts = tuple(Member(one.ref, builders.SPAN) for one in slos)
    path = JourneySlo(
        journey="counting",
        name="end-to-end",
        target=Decimal("0.995"),
        window=Duration.of(days=1),
        slice=Duration.of(minutes=5),
        combine=Combine("weighted", parts, (Decimal(1), Decimal(2)), builders.SPAN),
        missing=Missing(Duration.of(minutes=5), "bad"),
        page=(),
        description="",
        span=builders.SPAN,
    )
    sla = Sla(
        name="gold",
        title="",
        customer="ACME",
        covers="counting/end-to-end",
        covers_span=builders.SPAN,
        target=Decimal("0.999"),
        calendar="month",
        timezone="Asia/Ho_Chi_Minh",
        measure=Measure("interval-mean", Duration.of(minutes=5), "good"),
        exclusions=(),
        credits=(CreditTier(Decimal("0.999"), Decimal("0.1"), builders.SPAN),),
        notify=(),
        span=builders.SPAN,
    )
    return Workspace(
        services=(builders.service(slos=slos[:1], alerts=alerts), builders.service("till", slos=slos[1:])),
        journeys=(Journey("counting", "", "", "", (path,), builders.SPAN),),
        slas=(sla,),
    )


def ticks(source: Oracle, count: int, memory: Memory | None = None) -> tuple[list[Turn], Memory]:
    """Tick a minute apart."""
    watch, memory, turns = Watch(workspace()), memory or Memory(), []
    for number in range(count):
        now = START + timedelta(minutes=number)
        turned = turn(watch, watch.look(source, now, memory=memory), memory, now)
        alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
        views = {**memory.views, **{view.identity: view for view in turned.views}}
        memory = replace(memory, alerts=alerts, views=views)
        turns.append(turned)
    return turns, memory


SMALL = (1e-300, 5e-324, 3e-17, -3e-17, 1e-9)
LARGE = (1e14, 1e25, 1.7e308, -1.7e308, float("inf"), -float("inf"))
NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([*SMALL, *LARGE, float("nan"), 0.0, 1.0]))


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.booleans())
@example([3e-17, 1000.0], False)
@example([1e-300, 1e300], False)
@example([1e25], False)
@settings(max_examples=60, deadline=None)
def test_any_numbers(values: list[float | None], partial: bool) -> None:
    """Huge, tiny, negative and impossible numbers, and rows that come and go, are no faults."""
    turns, _ = ticks(Oracle(tuple(values), partial), 4)

    assert [fault for turned in turns for fault in turned.faults] == []


THRESHOLDS = {"shop/Above", "shop/Compared", "shop/Returned"}
SLO = {"shop/uptime:fast", "shop/uptime:steady", "shop/uptime:slow", "shop/uptime:trickle"}


@pytest.mark.parametrize(
    ("broken", "blind", "meta"),
    [
        ("shop[", {*SLO, "shop/uptime:no-traffic", "counting/end-to-end:burn", "sla:gold"}, "source:questions"),
        ("queue", {"shop/Above"}, "source:questions"),
        ("a > 1", {"shop/Returned"}, "source:questions"),
        ("[5m]:increase", {"counting/end-to-end:burn", "sla:gold"}, "source:questions"),
        ("vector(1)", {*THRESHOLDS, *SLO}, "source"),
    ],
)
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, RecursionError, MemoryError])
def test_a_fault_is_isolated(broken: str, blind: set[str], meta: str, error: type[Exception]) -> None:
    """An exception that nobody expected blinds the rules it concerns and no others, resolves nothing, and is told."""
    values = (1e10, 1e11)
    _, memory = ticks(Oracle(values), 2)
    assert {i.rule for i, state in memory.alerts.items() if state.phase is Phase.FIRING} >= THRESHOLDS

    turns, after = ticks(Oracle(values, broken=broken, raises=error), 4, memory)
    found = {i.rule for i, state in after.alerts.items() if state.blind_since is not None}
    assert found >= blind
    assert meta == "source" or found & THRESHOLDS == blind & THRESHOLDS
    assert after.alerts[Identity(meta)].phase is Phase.FIRING

    assert not [e for turned in turns for _, e in turned.events if e.kind is EventKind.RESOLVED]
    assert all(any(error.__name__ in fault and "test_any_answer.py:" in fault for fault in t.faults) for t in turns)


def test_a_fault_of_a_turn_is_isolated() -> None:
    """What no state machine can digest blinds its rule; a rule that cannot be shown stays as it was shown."""
    source = Oracle((1e10, 1e11))
    _, memory = ticks(source, 2)
    watch, now = Watch(workspace()), START + timedelta(minutes=2)
    sight = watch.look(source, now)
    nonsense: Any = "no sample"
    garbled = replace(sight, seen={**sight.seen, "shop/Above": Seen({(("camera", "a"),): nonsense})})
    watch.rules = {
        **watch.rules,
        "shop/Compared": replace(watch.rules["shop/Compared"], summary=nonsense, labels=nonsense),
    }
    turned = turn(watch, garbled, memory, now)

    shown = {view.identity.rule: view for view in turned.views}
    assert shown["shop/Above"].blind_since == now
    assert "AttributeError" in shown["shop/Above"].reason
    assert shown["shop/Compared"] == memory.views[shown["shop/Compared"].identity]
    assert shown["shop/Returned"].blind_since is None
    assert {fault.partition(":")[0] for fault in turned.faults} == {"shop/Above", "shop/Compared"}
