"""Questions that answer later than a look can wait: one that is slow holds up its own alert, and no other.

Every look begins every question, waits for them as long as its spread says, and decides with what has been answered.
What has not goes on being asked, and is not asked a second time meanwhile. From then on it is asked *aside*: the look
does not wait for it at all, and takes the answer that came since the last one, if that is fresh. So a question that
takes longer than a look waits is answered one look late each time, and one that hangs is blind, as it has to be. The
first time that it is late its answer to the last look, which was in time, stands in: so a busy moment blinds nobody.

After `AGAIN` such looks in a row, one of which nothing failed, the look waits for it once more.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from tocsin.evaluate.asking import Asker

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

AGAIN = 20
"""Looks: five minutes of the default interval."""
Ask = Callable[[Asker], T]
Jobs = list[Callable[[], None]]


@dataclass(slots=True)
class Asking(Generic[T]):
    """One question being asked at the instant of its *asker*; *looks* counts those in a row that did not wait."""

    asker: Asker
    looks: int = 0
    answer: T | None = None
    done: bool = False
    told: int = 0
    """Failures of its asker that the look that began it has told."""

    def run(self, ask: Ask[T]) -> None:
        """Ask, in whatever thread; the answer is there before it is said to be."""
        try:
            self.answer = ask(self.asker)
        finally:
            self.done = True

    @property
    def failures(self) -> list[str]:
        """What went wrong since."""
        return self.asker.failures[self.told :]


@dataclass(slots=True)
class Answers(Generic[K, T]):
    """What a look has: an answer by question, the questions that are *waited* for, and *failures* that came late."""

    found: Mapping[K, T]
    waited: tuple[K, ...]
    failures: tuple[str, ...]


@dataclass(slots=True)
class Roll(Generic[K, T]):
    """The questions of one kind, over looks."""

    late: dict[K, Asking[T]] = field(default_factory=dict)
    """Begun by earlier looks; of some the answer has come since."""
    begun: dict[K, Asking[T]] = field(default_factory=dict)
    """By the look under way."""
    last: dict[K, tuple[datetime, T]] = field(default_factory=dict)
    """What was answered in time at the last look, if nothing failed in it."""

    def begin(self, asker: Asker, asks: Mapping[K, Ask[T]]) -> tuple[Jobs, Jobs]:
        """What has to run now: those that the look waits for, and those aside."""
        prompt: Jobs = []
        aside: Jobs = []
        self.late = {name: asking for name, asking in self.late.items() if name in asks}
        self.begun = {}
        for name, ask in asks.items():
            before = self.late.get(name)
            if before is None or _again(before):
                asking = self.begun[name] = Asking[T](asker, before.looks if before else 0)
                prompt.append(partial(asking.run, ask))
            elif before.done:
                asking = self.begun[name] = Asking[T](Asker(asker.source, asker.at, ranges=asker.ranges), before.looks)
                aside.append(partial(asking.run, ask))
        return prompt, aside

    def end(self, asker: Asker, fresh: timedelta) -> Answers[K, T]:
        """What is known now: what was answered in time, or late but no longer ago than *fresh*."""
        found: dict[K, T] = {}
        failures: list[str] = []
        last, self.last = self.last, {}
        for name, asking in self.begun.items():
            before = self.late.pop(name, None)
            if not asking.done:
                asking.looks += 1
                asking.told = len(asker.failures) if asking.asker is asker else 0
                self.late[name] = asking
                if before is None and name in last and asker.at - last[name][0] <= fresh:
                    found[name] = last[name][1]
                if before is None or not before.done or asker.at - before.asker.at > fresh:
                    continue
                asking = before  # noqa: PLW2901  # the last answer stands in
            if asking.answer is not None:
                found[name] = asking.answer
                if asking.asker.at == asker.at and not asker.failures:
                    self.last[name] = asker.at, asking.answer
            if asking.asker is not asker:
                failures += asking.failures
        waited = tuple(name for name in self.late if name not in found)
        return Answers(found, waited, tuple(failures))

    def inherit(self, before: "Roll[K, T]", same: Callable[[K], bool]) -> None:
        """After a reload, take over what is being asked for questions that are still the *same*."""
        self.late = {name: asking for name, asking in before.late.items() if same(name)}


def _again(before: Asking[T]) -> bool:
    return before.done and not before.failures and before.looks % AGAIN == 0
