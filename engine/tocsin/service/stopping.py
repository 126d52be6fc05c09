"""Being told to stop or to reload, also amid an evaluation that waits for a slow metric source."""

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType

from tocsin.errors import SourceError
from tocsin.ports import Answer, MetricSource, RangeAnswer

Orders = queue.SimpleQueue[str]


class Stopped(BaseException):
    """An evaluation was given up because the process stops; like KeyboardInterrupt it passes all handlers of errors."""


class StoppableSource:
    """A MetricSource until `stop()`: then *abort* breaks off what is under way, and every question raises Stopped.

    A SourceError instead would be an answer: all alerts would become blind.
    """

    def __init__(self, source: MetricSource, abort: Callable[[], None]) -> None:
        self._source = source
        self._abort = abort
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ask nothing any more; to be called from a thread, for a signal handler might interrupt a lock's owner."""
        self._stopped.set()
        self._abort()

    def instant(self, query: str, at: datetime) -> Answer:
        """Ask the source."""
        with self._unless_stopped():
            return self._source.instant(query, at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Ask the source."""
        with self._unless_stopped():
            return self._source.range(query, start, end, step)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Ask the source."""
        with self._unless_stopped():
            return self._source.raw(selector, start, end)

    @contextmanager
    def _unless_stopped(self) -> Iterator[None]:
        if self._stopped.is_set():
            raise Stopped
        try:
            yield
        except SourceError:
            if self._stopped.is_set():
                raise Stopped from None
            raise


@contextmanager
def signals() -> Iterator[Orders]:
    """Turn signals into orders; SimpleQueue.put may be called from a handler, an Event may not."""
    heard: Orders = queue.SimpleQueue()

    def order(word: str) -> Callable[[int, FrameType | None], None]:
        return lambda _number, _frame: heard.put(word)

    words = {signal.SIGTERM: "stop", signal.SIGINT: "stop", signal.SIGHUP: "reload"}
    before = {number: signal.signal(number, order(word)) for number, word in words.items()}
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def passed_on(heard: Orders, on_stop: Callable[[], None]) -> Iterator[Orders]:
    """Pass orders on from a thread of its own; *on_stop* is called before a `stop` is passed on."""
    orders: Orders = queue.SimpleQueue()

    def run() -> None:
        while word := heard.get():
            if word == "stop":
                on_stop()
            orders.put(word)

    thread = threading.Thread(target=run, name="orders", daemon=True)
    thread.start()
    try:
        yield orders
    finally:
        heard.put("")
        thread.join()
