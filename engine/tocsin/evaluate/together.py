"""Many questions in one request: ten thousand objectives need two hundred of them at each look, and not ten thousand.

A question is a union of expressions, each marked with a name (`tocsin.evaluate.asking.labelled`), so questions can be
put into one union, their names in front of which stands whose they are. It is cut up again before anybody looks at it,
and whoever asks finds the answer as if it had been asked alone. What was not answered this way (the request failed, or
its answer is partial) is asked alone, and fails or succeeds alone: one bad expression blinds no other.

`or` compares each of its operands with all that stand left of it, so a long chain of them costs the square of its
length; here they are a balanced tree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from threading import Lock
from typing import NamedTuple

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.asking import MARK
from tocsin.ports import Answer, MetricSource

MOST = 48
"""Questions of one request: some 700 expressions, a quarter of a megabyte of text."""
FEW = 12
"""Of those that read long windows."""
FEWEST = 24
"""Below so many questions there is nothing to be gained."""
GROWING = 40
"""Requests without failure after which more is put into one again; and looks for which a bad question stays alone."""

Run = Callable[[Callable[[Callable[[], None]], None], Iterable[Callable[[], None]]], Iterable[None]]


class Wanted(NamedTuple):
    """A question that will be asked in this look: its text, and the expressions of which it is made, by name."""

    query: str
    parts: Mapping[str, str]


@dataclass(slots=True)
class Together:
    """Asks ahead; remembers which questions spoil a request, and how large one may be."""

    most: int = MOST
    size: int = field(init=False)
    went_well: int = 0
    alone: dict[str, int] = field(default_factory=dict)
    """For how many looks a question is not asked together with others."""
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Of the requests of the last look, which are mostly those of the next one."""
    lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.size = self.most

    def ask(
        self, source: MetricSource, at: datetime, wanted: Sequence[Wanted], spread: Run
    ) -> Mapping[str, Mapping[str, float]]:
        """The values by name of as many questions as could be answered, by their texts."""
        self.alone = {query: looks - 1 for query, looks in self.alone.items() if looks > 1}
        wanted = [one for one in wanted if one.query not in self.alone]
        if len(wanted) < FEWEST:
            return {}
        found: dict[str, Mapping[str, float]] = {}
        size = self.size
        chunks = [wanted[start : start + size] for start in range(0, len(wanted), size)]

        before, self.texts = self.texts, {}
        for chunk in chunks:
            key = tuple(one.query for one in chunk)
            self.texts[key] = before.get(key) or union(chunk)

        def job(chunk: Sequence[Wanted]) -> Callable[[], None]:
            return lambda: self._ask(source, at, chunk, found)

        for _ in spread(_run, [job(chunk) for chunk in chunks]):
            pass
        return found

    def _ask(
        self, source: MetricSource, at: datetime, chunk: Sequence[Wanted], found: dict[str, Mapping[str, float]]
    ) -> None:
        try:
            key = tuple(one.query for one in chunk)
            answer = source.instant(self.texts.get(key) or union(chunk), at)
        except SourceUnreachableError:  # too much at once, or dead: whoever asks alone will tell
            self._shrink()
            return
        except SourceError:
            self._halve(source, at, chunk, found)
            return
        if answer.partial:
            return
        found.update(zip((one.query for one in chunk), cut(answer, len(chunk)), strict=True))
        with self.lock:
            self.went_well += 1
            if self.went_well >= GROWING and self.size < self.most:
                self.size, self.went_well = min(2 * self.size, self.most), 0

    def _halve(
        self, source: MetricSource, at: datetime, chunk: Sequence[Wanted], found: dict[str, Mapping[str, float]]
    ) -> None:
        """Find out whose fault it is; that one is asked alone for a while."""
        if len(chunk) == 1:
            with self.lock:
                self.alone[chunk[0].query] = GROWING
            return
        middle = len(chunk) // 2
        for half in (chunk[:middle], chunk[middle:]):
            self._ask(source, at, half, found)

    def _shrink(self) -> None:
        with self.lock:
            self.size, self.went_well = max(self.size // 2, 1), 0


def union(questions: Sequence[Wanted]) -> str:
    """All expressions of all questions, each marked with the number of its question and its name.

    >>> print(union([Wanted("", {"a": "x", "b": "y"}), Wanted("", {"a": "z"})]))
    ((label_replace(x, "tocsin_part", "0:a", "", "")
    or
    label_replace(y, "tocsin_part", "0:b", "", ""))
    or
    label_replace(z, "tocsin_part", "1:a", "", ""))
    """
    level = [
        f'label_replace({text}, "{MARK}", "{number}:{name}", "", "")'
        for number, one in zip(count(), questions, strict=False)
        for name, text in one.parts.items()
    ]
    while len(level) > 1:
        pairs = [f"({one}\nor\n{other})" for one, other in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(level) & ~1 :]
    return level[0] if level else "vector(1)"


def cut(answer: Answer, questions: int) -> list[dict[str, float]]:
    """What belongs to each question, by name."""
    found: list[dict[str, float]] = [{} for _ in range(questions)]
    for row in answer.rows:
        number, _, name = next(value for label, value in row.labels if label == MARK).partition(":")
        found[int(number)][name] = row.value
    return found


def _run(job: Callable[[], None]) -> None:
    job()
