"""Two weeks of a service with office hours: what compiled rules, the back-test and the evaluator make of its pauses."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from tests import builders
from tests.e2e.test_traffic_absent import FIRES, STEP, TOTAL, chosen
from tests.ruletests import Row, counter, judge

from tocsin.adapters.embedded import embedded
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.backtest.replay import replay
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.traffic import Counted, SloReplay
from tocsin.cli.backtest import command
from tocsin.evaluate import burn
from tocsin.evaluate.absence import Absence
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.model import Truth
from tocsin.ledger.arrays import Floats
from tocsin.ledger.counts import Counts

pytestmark = pytest.mark.real
DAY = 1440
"""Minutes."""
DAYS = 14
EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday; promtool's clock begins at 0, and asks for no weekday
PER_MINUTE = 600.0
PERIOD = timedelta(minutes=1)


def clock(day: int, hour: int, minute: int = 0) -> int:
    """The minute of a time of a day; day 0 is a Monday."""
    return day * DAY + hour * 60 + minute


OUTAGES = (range(clock(3, 10), clock(3, 11)), range(clock(8, 10), clock(8, 11)), range(clock(9, 8), clock(9, 11)))
"""An hour in the first week, one in the second, and a morning without a beginning."""


def office(minute: int) -> bool:
    """Traffic on working days from eight to six, but for the outages."""
    working = minute // DAY % 7 < 5 and clock(0, 8) <= minute % DAY < clock(0, 18)
    return working and not any(minute in outage for outage in OUTAGES)


EVENTS = np.array([PER_MINUTE if office(minute) else 0.0 for minute in range(DAYS * DAY)])


def replayed(events: Floats, step: timedelta = PERIOD, *, every: bool = False) -> list[tuple[int, int]]:
    """From which minute to which TrafficAbsent fires in the back-test; *every* tick is asked, or those that matter."""
    slo = builders.slo()
    start = int(EPOCH.timestamp()) // 60
    counts = Counts.apart(start, 60, events, np.zeros(len(events)), np.full(len(events), 60.0))
    ticks = Ticks.between(EPOCH, EPOCH + len(events) * PERIOD, step)
    member = SloReplay.of(slo, {(): counts}, ticks)
    if every:
        member.due[:] = True
    rules = {rule.id: rule for rule in burn.rules(builders.service(slos=(slo,)), slo)}
    episodes = replay([(member, tuple(rules))], rules, {}, (), ticks).episodes
    return [
        ((one.fired_at - EPOCH) // PERIOD, ((one.resolved_at or ticks.end) - EPOCH) // PERIOD)
        for one in episodes
        if one.rule == burn.no_traffic_id(slo)
    ]


def test_evenings_are_silent_and_outages_are_told() -> None:
    """Each outage is told a quarter of an hour after its beginning, the missing morning half an hour later still."""
    found = replayed(EVENTS)

    assert [fired // DAY for fired, _ in found] == [3, 8, 9]
    assert [fired - outage.start for (fired, _), outage in zip(found, OUTAGES, strict=True)] == [15, 15, 41]
    assert all(0 < resolved - outage.stop <= 12 for (_, resolved), outage in zip(found, OUTAGES, strict=True))


def test_ticks_that_are_left_out_change_nothing() -> None:
    """Whatever traffic does, the ticks that a back-test asks are those at which something may change."""
    chance = np.random.default_rng(7)
    for _ in range(2):
        hours = chance.choice([0.0, 0.0, 0.4, 20.0, 900.0], size=10 * 24)
        events = np.repeat(hours, 60) * (chance.random(10 * DAY) < 0.5)

        found = replayed(events, 4 * PERIOD)
        assert found
        assert found == replayed(events, 4 * PERIOD, every=True)


def test_rules_say_the_same(tmp_path: Path) -> None:
    """For two weekends and the days between promtool's rules fire where the back-test does, to twelve minutes.

    Rules are evaluated each four minutes here, as often as they record what is usual; the back-test looks each minute.
    """
    every, steps = STEP // 60, 13 * DAY * 60 // STEP
    found = replayed(EVENTS)
    changes = [minute for episode in found for minute in episode]
    rows = [
        Row(FIRES, step, 1 if any(fired <= step * every < over for fired, over in found) else None)
        for step in range(2, steps, 3)
        if all(abs(step * every - minute) > 12 for minute in changes)
    ]
    assert sum(row.value is not None for row in rows) > 12
    events = [float(some) for some in EVENTS[: 13 * DAY].reshape(-1, every).sum(axis=1)]

    assert judge(tmp_path, chosen(builders.slo()), {TOTAL: counter(events)}, rows, STEP) == ""


# --- a real Prometheus ---------------------------------------------------------------------------------------

START = datetime(2026, 10, 5, tzinfo=UTC)
DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: team
slis: {availability: {ratio: {bad: 'hits_total{code="500"}', total: hits_total}}}
slos: {uptime: {sli: availability, target: 99.9%, window: 30d}}
"""


def samples() -> Iterator[str]:
    """A counter that is scraped each minute."""
    yield "# TYPE hits counter\n"
    for minute, value in enumerate(np.cumsum(EVENTS)):
        yield f'hits_total{{code="200"}} {value:.0f} {(START + minute * PERIOD).timestamp():.0f}\n'
    yield "# EOF\n"


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of samples."""
    file = tmp_path_factory.mktemp("office") / "office.om"
    file.write_text("".join(samples()))
    return file


def test_backtest(metrics: Path, tmp_path: Path) -> None:
    """`tocsin backtest` on two weeks of samples: the three outages, and no evening, night or weekend."""
    (tmp_path / "shop.yaml").write_text(DEFINITIONS)
    result = CliRunner().invoke(command, [str(tmp_path), "--metrics", str(metrics), "--format", "json"])
    told = [one for one in json.loads(result.stdout)["after"]["episodes"] if one["ref"] == "shop/uptime:no-traffic"]
    fired = [(datetime.fromisoformat(one["fired_at"]) - START) // PERIOD for one in told]

    assert len(fired) == len(OUTAGES)
    assert all(14 <= minute - outage.start <= 18 for minute, outage in zip(fired[:2], OUTAGES, strict=False))
    assert 38 <= fired[2] - OUTAGES[2].start <= 44


def test_a_server_is_asked_the_same(metrics: Path) -> None:
    """What the evaluator asks a Prometheus of former days is what the back-test counts, and so is its verdict."""
    slo = builders.slo()
    total = "hits_total"
    slo = replace(slo, sli=replace(builders.AVAILABILITY, total_events=total, bad_events='hits_total{code="500"}'))
    start = int(START.timestamp()) // 60
    counts = Counts.apart(start, 60, EVENTS, np.zeros(len(EVENTS)), np.full(len(EVENTS), 60.0))
    member = SloReplay.of(slo, {(): counts}, Ticks.between(START, START + PERIOD))
    times = [
        (0, 18, 30),
        (1, 7, 40),
        (3, 10, 30),
        (5, 9, 0),
        (6, 12, 0),
        (7, 7, 30),
        (8, 10, 30),
        (9, 9, 0),
        (9, 21, 0),
    ]
    truths = []
    with embedded(metrics) as running, closing(PrometheusSource(running.url)) as server:
        for time in times:
            now = START + clock(*time) * PERIOD
            asked = []
            for source in (server, Counted.of(slo, member.groups)):
                one = Absence(slo, timedelta())
                truths.append(one.look(Asker(source, now), 0.0).truth)
                asked.append([each or 0.0 for each in (one.past.mean, one.past.week, one.past.day)])
            assert asked[0] == pytest.approx(asked[1], rel=0.1, abs=0.4), time
    told = [truth is Truth.TRUE for truth in truths]

    assert told[::2] == told[1::2]
    assert [time for time, fires in zip(times, told[::2], strict=True) if fires] == [
        (3, 10, 30),
        (8, 10, 30),
        (9, 9, 0),
    ]
