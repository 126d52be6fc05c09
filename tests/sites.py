"""The application with a client, over a store of its own and a source whose answers the test decides."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from tests import snapshots
from tests.snapshots import NOW

from tocsin.adapters.store import SqlStore
from tocsin.errors import SourceError
from tocsin.evaluate.memory import Commit
from tocsin.ports import Answer, RangeAnswer, RangeRow, Row
from tocsin.service.api import Desk
from tocsin.service.app import create_app
from tocsin.service.askers import Askers
from tocsin.service.board import Board
from tocsin.service.delivery import Worker
from tocsin.service.telemetry import Telemetry

T = TypeVar("T")


@dataclass
class FixedClock:
    """Stands still."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Return *at*."""
        return self.at


@dataclass
class Source:
    """Answers each query with the number whose key is part of it, and remembers what it was asked."""

    numbers: dict[str, float] = field(default_factory=dict)
    points: tuple[tuple[float, float], ...] = ()
    error: SourceError | None = None
    partial: bool = False
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    inside: int = 0
    peak: int = 0
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Answer at once; a closed gate holds every question up."""
        self.gate.set()

    def instant(self, query: str, at: datetime) -> Answer:
        """Give the number, or no row."""
        self._pass(query)
        if self.error is not None:
            raise self.error
        rows = tuple(Row((), number) for key, number in self.numbers.items() if key in query)
        return Answer(rows[:1], at, partial=self.partial)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Give the points."""
        self._pass(query)
        if self.error is not None:
            raise self.error
        return RangeAnswer((RangeRow((), self.points),) if self.points else (), partial=self.partial)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Give the points."""
        return self.range(selector, start, end, timedelta(seconds=1))

    def _pass(self, query: str) -> None:
        with self.lock:
            self.asked.append(query)
            self.inside += 1
            self.peak = max(self.peak, self.inside)
        time.sleep(self.delay)
        self.gate.wait(30)
        with self.lock:
            self.inside -= 1


def together(app: FastAPI, script: Callable[[httpx.AsyncClient], Awaitable[T]]) -> T:
    """Run *script* with a client of *app*."""

    async def run() -> T:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://tocsin.test") as client:
            return await script(client)

    return asyncio.run(run())


@dataclass
class Site:
    """A client of the application, and what stands behind it."""

    app: FastAPI
    board: Board
    store: SqlStore
    source: Source
    clock: FixedClock
    telemetry: Telemetry
    workers: list[Worker]

    def together(self, script: Callable[[httpx.AsyncClient], Awaitable[T]]) -> T:
        """Run *script* with a client: several requests at a time."""
        return together(self.app, script)

    def ask(self, path: str, params: Mapping[str, str] | None = None, method: str = "GET") -> httpx.Response:
        """Send one request to the application."""
        return self.together(lambda client: client.request(method, path, params=params))

    def get(self, path: str, expected: int = 200, **params: str) -> Any:
        """Parse the JSON answer to *path*."""
        answer = self.ask(path, params)

        assert expected == answer.status_code, answer.text
        return answer.json()


@contextmanager
def standing(path: Path, patience: float = 10.0) -> Iterator[Site]:
    """A service in trouble, with two resolved alerts in its history."""
    source, clock, telemetry = Source(), FixedClock(), Telemetry("0.1.0")
    with ExitStack() as stack:
        store = stack.enter_context(closing(SqlStore(str(path / "state.db"))))
        store.commit(Commit(NOW, views=snapshots.resolved()))
        board = Board(snapshots.standing(snapshots.troubled()))
        workers: list[Worker] = []
        telemetry.watch(board, store, clock, lambda _: tuple(workers))
        askers = stack.enter_context(closing(Askers(patience=patience)))
        desk = Desk(board, store, source, clock, lambda _: tuple(workers), askers)
        app = create_app(desk, telemetry, version="0.1.0")
        stack.callback(source.gate.set)
        yield Site(app, board, store, source, clock, telemetry, workers)
