"""A level shift on a real Prometheus: evaluated, replayed tick by tick, and drawn."""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from tocsin.adapters.embedded import Embedded, embedded
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.cli.backtest import command as backtest
from tocsin.cli.evaluate import command as evaluate
from tocsin.definitions import read_definitions
from tocsin.evaluate.memory import Commit, Memory, remembered
from tocsin.evaluate.model import EventKind
from tocsin.evaluate.tick import Watch, turn
from tocsin.ports import CURVE
from tocsin.service.links import graphs_of

pytestmark = pytest.mark.real
START = datetime(2026, 10, 1, 0, 7, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHIFT, LAST = 20 * 60, 26 * 60
DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: team
metrics: {depth: {type: gauge, labels: [q]}}
alerts:
  Shifted:
    level_shift: {series: 'depth{job="shop"}', history: 12h, after: 30m}
    for: 10m
    severity: critical
    summary: "{{ labels.q }} is {{ value }} deep"
    runbook: https://runbooks.example.org/depth
  Whole: {all_of: [Shifted], severity: warning, summary: both}
"""


def samples() -> Iterator[str]:
    """Three queues, a sample a minute: one moves to another level, one has spikes, one is young."""
    chance = random.Random(1)
    yield "# TYPE depth gauge\n"
    for queue, first in (("moves", 0), ("spikes", 0), ("young", LAST - 90)):
        for minute in range(first, LAST + 1):
            value = chance.gauss(100, 5)
            value += 40 if queue == "moves" and minute >= SHIFT else 0
            value += 900 if queue == "spikes" and minute % 60 < 12 else 0
            at = int((START + minute * MINUTE).timestamp())
            yield f'depth{{job="shop",q="{queue}"}} {value:.3f} {at}\n'
    yield "# EOF\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Embedded]]:
    """Definitions, and a server with the history."""
    folder = tmp_path_factory.mktemp("levels")
    (folder / "shop.yaml").write_text(DEFINITIONS)
    (folder / "history.om").write_text("".join(samples()))
    with embedded(folder / "history.om") as running:
        yield str(folder / "shop.yaml"), running


def told(command: Any, world: tuple[str, Embedded], *more: str) -> dict[str, Any]:
    """What a command prints."""
    result = CliRunner().invoke(command, [world[0], "--prometheus", world[1].url, "--format", "json", *more])
    assert result.exception is None, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def at(minute: int) -> str:
    """A time as the commands take it."""
    return str(int((START + minute * MINUTE).timestamp()))


def test_it_is_evaluated(world: tuple[str, Embedded]) -> None:
    """After the shift one row fires, with what is made of it; spikes and a young row do not."""
    found = told(evaluate, world, "--at", at(SHIFT + 40))["alerts"]

    assert [(alert["ref"], alert["state"]) for alert in found] == [("shop/Shifted", "firing"), ("shop/Whole", "firing")]
    assert found[0]["summary"] == "moves is 141 deep"


def test_it_is_replayed_as_it_is_evaluated(world: tuple[str, Embedded]) -> None:
    """A back-test fires in the minute in which an evaluator that looks each minute fires."""
    found = told(backtest, world, "--from", at(15 * 60), "--to", at(LAST))
    fired = {
        episode["ref"]: (datetime.fromisoformat(episode["fired_at"]) - START) / MINUTE - SHIFT
        for episode in found["after"]["episodes"]
    }
    watch, memory, seen = Watch(read_definitions([world[0]]).workspace, interval=MINUTE), Memory(), dict[str, float]()
    blind = set()
    with closing(PrometheusSource(world[1].url, deadline=60)) as source:
        for minute in (*range(SHIFT + 5, SHIFT + 35), LAST):
            now = START + minute * MINUTE
            turned = turn(watch, watch.look(source, now, memory=memory, ranges=99), memory, now)
            memory = remembered(memory, Commit(now, turned.alerts, turned.views))
            for identity, event in turned.events:
                if event.kind is EventKind.FIRED:
                    seen[identity.rule] = minute - SHIFT
                if event.kind is EventKind.BLIND:
                    blind.add(dict(identity.labels).get("q"))

    assert fired.keys() == seen.keys() == {"shop/Shifted", "shop/Whole"}
    assert fired == {rule: pytest.approx(minute, abs=1) for rule, minute in seen.items()}
    assert 12 <= seen["shop/Shifted"] - 10 <= 18
    assert blind == {"young"}


def test_it_is_drawn(world: tuple[str, Embedded]) -> None:
    """The value after the shift, and what was usual before it."""
    graph = graphs_of(read_definitions([world[0]]).workspace)["shop/Shifted"]
    with closing(PrometheusSource(world[1].url, deadline=60)) as source:
        answer = source.instant(graph.expression, START + (SHIFT + 60) * MINUTE)
    drawn = {dict(row.labels)[CURVE]: row.value for row in answer.rows if ("q", "moves") in row.labels}

    assert drawn == {"value": pytest.approx(140, abs=20), "usual": pytest.approx(100, abs=3)}
