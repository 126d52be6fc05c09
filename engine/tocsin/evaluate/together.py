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
from functools import partial
from itertools import count
from typing import NamedTuple

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.asking import MARK, labelled
from tocsin.ports import Answer, MetricSource

MOST = 48
"""Objectives of one request: five hundred expressions, a third of a megabyte of text."""
FEW = 48
"""Where long windows are read."""
FEW_AT_LEAST = 12
"""Objectives of one request where so few make no more than a hundred: before Prometheus 3 a long union takes the square
of its length."""
RECENT = 5
"""Looks of which texts are kept: what is due once a minute is due in every fourth of them."""
FEWEST = 25
"""Objectives below which there is nothing to be gained."""
GROWING = 40
"""Requests without failure after which more is put into one again; and looks for which a bad question stays alone."""

Run = Callable[[Callable[[Callable[[], None]], None], Iterable[Callable[[], None]]], Iterable[None]]


class Wanted(NamedTuple):
    """A question that may be asked: its name, and what writes the expressions of which it is made, by name.

    They are written when somebody asks: all texts of ten thousand objectives are a hundred megabytes.
    """

    name: str
    parts: Callable[[], Mapping[str, str]]

    @property
    def query(self) -> str:
        """What is asked where it is asked alone."""
        return labelled(self.parts())


@dataclass(slots=True)
class _Look:
    """What became of the requests of one look; several threads append to it."""

    source: MetricSource
    at: datetime
    texts: Mapping[tuple[str, ...], str]
    found: list[tuple[str, Mapping[str, float]]] = field(default_factory=list)
    well: list[int] = field(default_factory=list)
    slow: list[int] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def run(self, chunk: Sequence[Wanted]) -> None:
        """Ask for all of *chunk*, and say that it is done."""
        self.ask(chunk)
        self.ended.append(len(chunk))

    def ask(self, chunk: Sequence[Wanted]) -> None:
        """Ask for all of *chunk*; where the server refuses, find out whose fault it is."""
        key = tuple(one.name for one in chunk)
        try:
            answer = self.source.instant(self.texts.get(key) or union(chunk), self.at)
        except SourceUnreachableError:  # too much at once, or dead: whoever asks alone will tell
            self.slow.append(len(chunk))
            return
        except SourceError:
            if len(chunk) == 1:
                self.bad.append(chunk[0].name)
                return
            middle, bad = len(chunk) // 2, len(self.bad)
            self.ask(chunk[:middle])
            self.ask(chunk[middle:])
            if len(self.bad) == bad:  # each part is fine: it was too much for one request
                self.slow.append(len(chunk))
            return
        if not answer.partial:
            self.well.append(len(chunk))
            self.found.extend(zip(key, cut(answer, len(chunk)), strict=True))


@dataclass(slots=True)
class Together:
    """Asks ahead; remembers which questions spoil a request, and how large one may be."""

    most: int = MOST
    alike: bool = True
    """Whether the questions of the next look are mostly those of this one, so that their texts are kept."""
    size: int = field(init=False)
    went_well: int = 0
    alone: dict[str, int] = field(default_factory=dict)
    """For how many looks a question is not asked together with others."""
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)
    """Of the requests of the last looks, those of the last one last."""

    def __post_init__(self) -> None:
        self.size = self.most

    def ask(
        self, source: MetricSource, at: datetime, wanted: Iterable[Sequence[Wanted]], spread: Run
    ) -> Mapping[str, Mapping[str, float]]:
        """The values by name of as many questions as could be answered, by their names.

        Those of one objective go in one request: there are no more of these where it has more windows.
        """
        self.alone = {name: looks - 1 for name, looks in self.alone.items() if looks > 1}
        kept = [[one for one in some if one.name not in self.alone] for some in wanted] if self.alone else wanted
        groups = [some for some in kept if some]
        chunks = [
            [one for some in groups[start : start + self.size] for one in some]
            for start in range(0, len(groups), self.size)
        ]
        keys = [tuple(one.name for one in chunk) for chunk in chunks]
        if self.alike:
            for key, chunk in zip(keys, chunks, strict=True):
                self.texts[key] = self.texts.pop(key, "") or union(chunk)
            for key in list(self.texts)[: -RECENT * len(keys)]:
                del self.texts[key]
        look = _Look(source, at, self.texts)
        for _ in spread(_run, [partial(look.run, chunk) for chunk in chunks]):
            pass
        if len(look.ended) < len(chunks):  # nobody waits for the rest
            look.slow.append(self.size)
        self._learn(look)
        return dict(look.found)

    def _learn(self, look: _Look) -> None:
        self.alone |= dict.fromkeys(look.bad, GROWING)
        self.went_well += len(look.well)
        if look.slow:
            self.size, self.went_well = max(self.size // 2, 1), 0
        elif self.went_well >= GROWING and self.size < self.most:
            self.size, self.went_well = min(2 * self.size, self.most), 0


def size_for(objectives: int, most: int) -> int:
    """How many to put into one request of so many in all, *most* at most.

    >>> size_for(100, MOST), size_for(2_000, MOST), size_for(10_000, MOST)
    (12, 20, 48)
    """
    return min(most, max(FEW_AT_LEAST, objectives // 100))


def union(questions: Sequence[Wanted]) -> str:
    """All expressions of all questions, each marked with the number of its question and its name.

    >>> print(union([Wanted("", lambda: {"a": "x", "b": "y"}), Wanted("", lambda: {"a": "z"})]))
    ((label_replace(x, "tocsin_part", "0:a", "", "")
    or
    label_replace(y, "tocsin_part", "0:b", "", ""))
    or
    label_replace(z, "tocsin_part", "1:a", "", ""))
    """
    level = [
        f'label_replace({text}, "{MARK}", "{number}:{name}", "", "")'
        for number, one in zip(count(), questions, strict=False)
        for name, text in one.parts().items()
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
