"""Questions that web requests ask of the metric source: on threads of their own, few at a time, none for long.

A slow source must cost only those who ask it: health, readiness, page and metrics use other threads.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 8
"""Questions asked at a time, over all requests."""
SHARE = 4
"""Of them for one request, so that a long list leaves room for others."""
MOST = 32
"""Requests that may ask or wait for their turn; one more is refused at once."""
PATIENCE = 10.0
"""Seconds for one request in all."""


class BusyError(Exception):
    """Too many requests ask the metric source already."""


class Askers:
    """Threads that ask; to be closed after use. Everything but the questions runs in the event loop."""

    def __init__(self, threads: int = THREADS, most: int = MOST, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._most = most
        self._under_way = 0
        self._pool = ThreadPoolExecutor(threads, "question")

    async def ask(self, questions: Iterable[Callable[[], T]]) -> list[T | None]:
        """Give the answers in order, None for what did not come in time.

        Raises BusyError at once where too many ask, and what a question raises: then the others are not waited for.
        """
        if self._under_way >= self._most:
            raise BusyError
        self._under_way += 1
        turns = asyncio.Semaphore(SHARE)
        tasks = [asyncio.create_task(self._one(question, turns)) for question in questions]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=self.patience, return_when=asyncio.FIRST_EXCEPTION)
            return [task.result() if task.done() else None for task in tasks]
        finally:
            self._under_way -= 1
            for task in tasks:
                task.cancel()  # what no thread has begun is never asked
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, question: Callable[[], T], turns: asyncio.Semaphore) -> T:
        async with turns:
            return await asyncio.get_running_loop().run_in_executor(self._pool, question)

    def close(self) -> None:
        """Wait for the questions under way; what waits is not asked any more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
