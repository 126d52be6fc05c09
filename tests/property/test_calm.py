"""An objective that is proved calm is not asked further, and its alerts are those of one that is always seen whole."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import inf, nan

import pytest
from hypothesis import HealthCheck, given, settings
from tests import builders
from tests.parity.cells import COUNTERS, Objective
from tests.parity.making import objectives
from tests.promql_engine import Engine, EngineSource, Series

from tocsin.errors import SourceUnreachableError
from tocsin.evaluate import slo, tick
from tocsin.evaluate.calm import QUIET
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Identity, Phase
from tocsin.evaluate.tick import Watch, turn
from tocsin.ports import Answer, RangeAnswer, labels_of
from tocsin.spec import Slo
from tocsin.units import Duration

MINUTE = timedelta(minutes=1)
EXAMPLES = int(os.environ.get("TOCSIN_CALM", "50"))
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@pytest.fixture(autouse=True, scope="module")
def few() -> Iterator[None]:
    """One objective is asked as thousands are; windows above ten minutes are asked every four."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tick, "FEWEST", 1)
        patch.setattr(slo, "RAW_LIMIT", Duration.of(minutes=10))
        yield


def told(
    objective: Slo, series: Series, minutes: int, *, together: bool = True
) -> tuple[list[dict[Identity, Phase]], list[bool]]:
    """The phase of each open alert at each minute, and whether the objective was calm then."""
    workspace = builders.workspace(builders.service(slos=(objective,)))
    source = EngineSource(Engine(series))
    watch = Watch(workspace, interval=MINUTE, budgets_every=4 * MINUTE, together=together)
    memory, phases, calm = Memory(), list[dict[Identity, Phase]](), list[bool]()
    for minute in range(minutes + 1):
        now = datetime.fromtimestamp(minute * 60, UTC)
        sight = watch.look(source, now, memory=memory)
        assert sight.faults == ()
        calm.append(QUIET in sight.seen.values())
        alerts = {**memory.alerts, **turn(watch, sight, memory, now).alerts}
        memory = replace(memory, alerts={i: s for i, s in alerts.items() if s is not None})
        phases.append({i: s.phase for i, s in memory.alerts.items() if s.phase is not Phase.INACTIVE})
    return phases, calm


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
@given(objectives(COUNTERS))
def test_same_alerts(cell: Objective) -> None:
    """At every minute, for any counters with births, resets and gaps."""
    cell = replace(cell, divided=False)
    one, other = (told(cell.slo, cell.series, cell.minutes, together=how)[0] for how in (True, False))
    assert one == other


def counters(bad: Callable[[int], int], until: int = 60) -> Series:
    """A hundred good requests a minute, and as many bad ones as *bad* says of it."""
    own = {"__name__": "requests_total", "job": "shop", "instance": "a"}
    counts = accumulate(bad(minute) for minute in range(until))
    return {
        labels_of({**own, "code": "200"}): [(minute * 60_000, 100.0 * minute) for minute in range(until)],
        labels_of({**own, "code": "500"}): [(minute * 60_000, float(count)) for minute, count in enumerate(counts)],
    }


def test_calm_objectives_are_seen_whole_when_something_is_due() -> None:
    """Every fourth minute, that is."""
    _, calm = told(builders.slo(), counters(lambda _: 0), 40)
    assert calm[3:] == [minute % 4 != 0 for minute in range(3, 41)]


def test_an_open_alert_is_seen_whole_until_it_is_closed() -> None:
    """From the first minute above a threshold on: those who are told of it read the numbers of now."""
    phases, calm = told(builders.slo(), counters(lambda minute: 20 * (20 <= minute < 25)), 59)
    open_ = [minute for minute, found in enumerate(phases) if found]
    assert open_
    assert not any(calm[minute + 1] for minute in open_[:-1])
    assert any(calm[3 : open_[0]])


def test_traffic_that_stops_is_not_calm() -> None:
    """As soon as five minutes have none: somebody has to find out whether that is usual."""
    _, calm = told(builders.slo(), counters(lambda _: 0, until=30), 59)
    assert any(calm[20:30])
    assert not any(calm[36:])


def test_what_is_no_number_proves_nothing() -> None:
    """Counters that are NaN, or infinite."""
    for value in (nan, inf):
        series = {labels: [(at, value) for at, _ in samples] for labels, samples in counters(lambda _: 0).items()}
        assert not any(told(builders.slo(), series, 30)[1])


def test_a_look_that_saw_nothing_is_not_shown_afterwards() -> None:
    """Also where no alert remembers that it was blind, as in an evaluator that stands by."""
    source = EngineSource(Engine(counters(lambda _: 0)))
    watch = Watch(
        builders.workspace(builders.service(slos=(builders.slo(),))),
        interval=MINUTE,
        budgets_every=8 * MINUTE,
        together=True,
    )
    states = []
    for minute in range(30, 36):
        now, away = datetime.fromtimestamp(minute * 60, UTC), minute == 32
        seen = watch.look(Away() if away else source, now, memory=Memory())
        states.append(seen.slos[0].reason)
    assert "away" in states[2]
    assert "away" not in states[3]


class Away:
    """A metric source that does not answer."""

    def instant(self, query: str, at: datetime) -> Answer:
        """Nor does it now."""
        raise SourceUnreachableError(f"away {query[:0]}{at:%H}")

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Nor over time."""
        raise SourceUnreachableError(f"away {query[:0]}{start}{end}{step}")

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Nor for samples."""
        raise SourceUnreachableError(f"away {selector[:0]}{start}{end}")
