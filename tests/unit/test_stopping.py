"""A stop in the middle of an evaluation: what is under way is broken off, and nothing of it counts."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes import FakeSource

from tocsin.errors import SourceUnreachableError
from tocsin.ports import Answer
from tocsin.service.stopping import Orders, StoppableSource, Stopped, passed_on

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


class Hanging(FakeSource):
    """Answers nothing until it is aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.aborted = threading.Event()

    def instant(self, query: str, at: datetime) -> Answer:
        """Wait."""
        self.entered.set()
        self.aborted.wait(30)
        raise SourceUnreachableError("broken off")


def test_a_source_answers_until_it_is_stopped() -> None:
    """Failures stay failures; after the stop there is neither an answer nor a failure."""
    inner = FakeSource()
    source = StoppableSource(inner, lambda: None)

    assert source.instant("1", NOW).rows[0].value == 1.0

    inner.down = "connection refused"
    with pytest.raises(SourceUnreachableError):
        source.instant("1", NOW)
    source.stop()
    with pytest.raises(Stopped):
        source.range("1", NOW, NOW, timedelta(seconds=1))

    assert len(inner.asked) == 2


def test_a_stop_passes_every_handler_of_errors() -> None:
    """An error would make alerts blind, and be logged as a bug of a tick."""
    source = Hanging()
    stoppable = StoppableSource(source, source.aborted.set)
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda q: stoppable.instant(q, NOW), ["a", "b", "c", "d"])
        assert source.entered.wait(10)
        stoppable.stop()
        with pytest.raises(Stopped):
            list(answers)

    assert not issubclass(Stopped, Exception)


@pytest.fixture
def heard() -> Orders:
    """What signal handlers say."""
    return queue.SimpleQueue()


def test_orders_arrive_in_order_and_a_stop_is_told_first(heard: Orders) -> None:
    """Whoever gets the order can rely on the evaluation having been given up."""
    told: list[str] = []
    with passed_on(heard, lambda: told.append("given up")) as orders:
        heard.put("reload")
        first = orders.get(timeout=10), list(told)
        heard.put("stop")
        second = orders.get(timeout=10), list(told)

    assert (first, second) == (("reload", []), ("stop", ["given up"]))
