"""The threads that ask a metric source: a look waits for questions while they are prompt, and for none that is slow."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

Job = Callable[[], None]

ASKERS = 8
"""Questions asked of the metric source at a time."""
MORE = 8
"""So many more begin in place of questions that are slow: they hold no lane."""
ASIDE = 4
"""Slow questions asked at a time."""
PATIENCE = timedelta(seconds=2)
"""So long a question may take until the look goes on without it; less where looks follow each other fast."""
SHARE = 4
"""A look waits for a quarter of the interval at most."""


@dataclass(slots=True)
class _Shift:
    """The jobs of one look: workers take them by themselves, for ten thousand would take long to be handed out."""

    run: Callable[[Job], None]
    jobs: deque[Job]
    begun: dict[int, float] = field(default_factory=dict)
    """When each worker that is busy began with its job."""
    error: BaseException | None = None

    def work(self, worker: int) -> None:
        """Take jobs until there are none; whoever has taken one is said to be busy before it is gone from the rest."""
        try:
            while True:
                self.begun[worker] = time.monotonic()
                try:
                    job = self.jobs.popleft()
                except IndexError:
                    return
                self.run(job)
        except BaseException as error:
            self.error = error
            raise
        finally:
            del self.begun[worker]


class Lanes:
    """Threads that are shared by all looks of a process; to be closed, which waits for what is under way."""

    def __init__(self, interval: timedelta, patience: timedelta = PATIENCE) -> None:
        self._patience = min(patience, interval / SHARE).total_seconds()
        self._pool = ThreadPoolExecutor(ASKERS + MORE, "ask")
        self._aside = ThreadPoolExecutor(ASIDE, "ask-aside")

    def spread(self, run: Callable[[Job], None], jobs: Iterable[Job]) -> Iterable[None]:
        """Run all *jobs*; returns when each has begun, and has ended or has taken longer than is waited for.

        What one of them raises is raised here.
        """
        shift = _Shift(run, deque(jobs))
        hired = min(ASKERS, len(shift.jobs))
        working: set[Future[None]] = {self._pool.submit(shift.work, worker) for worker in range(hired)}
        while working:
            rest, busy, now = bool(shift.jobs), dict(shift.begun), time.monotonic()  # in this order
            prompt = [at for at in busy.values() if now - at < self._patience]
            if not rest and not prompt:
                break
            while rest and hired < ASKERS + min(len(busy) - len(prompt), MORE):
                working.add(self._pool.submit(shift.work, hired))
                hired += 1
            _, working = wait(working, min(prompt, default=now) + self._patience - now, FIRST_COMPLETED)
        if shift.error is not None:
            raise shift.error
        return ()

    def aside(self, run: Callable[[Job], None], jobs: Iterable[Job]) -> Iterable[None]:
        """Begin *jobs*, and wait for none."""
        for job in jobs:
            self._aside.submit(run, job)
        return ()

    def __enter__(self) -> Self:
        """Nothing is begun yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self._pool.shutdown()
        self._aside.shutdown()
