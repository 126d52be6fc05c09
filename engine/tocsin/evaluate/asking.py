"""Asking a metric source during one look: failures become values, and a dead source is not asked again and again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.errors import QuestionTooLongError, SourceError, SourceUnreachableError
from tocsin.ports import Answer, MetricSource, RangeAnswer

MARK = "tocsin_part"
PATIENCE = 3
"""Questions in a row that the source may leave unanswered before the rest of the look is not asked."""
PIECE = 5_000
"""Letters of a question that any source takes, also where each rate is written with more (`adapters/metricsql.py`)."""
RANGES = 16
"""Range queries of one look: history is read over several looks, so no tick waits for it."""


def labelled(parts: Mapping[str, str]) -> str:
    """Ask several expressions without labels in one query; *parts* maps names to expressions."""
    return "\nor\n".join(f'label_replace({part}, "{MARK}", "{name}", "", "")' for name, part in parts.items())


def parts_of(answer: Answer) -> Mapping[str, float]:
    """Read such rows back, by name."""
    return {dict(row.labels).get(MARK, ""): row.value for row in answer.rows}


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows; *reason* says why in words. What is *too_long* may be asked in pieces."""

    reason: str
    too_long: bool = False


@dataclass(slots=True)
class Asker:
    """One look at one source; every instant query is asked at exactly *at*, so that answers fit together."""

    source: MetricSource
    at: datetime
    failures: list[str] = field(default_factory=list)
    unreachable: str | None = None
    misses: int = 0
    ranges: int = RANGES
    """Range queries that this look may still spend."""
    ahead: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What was asked ahead, by the names of questions and of their parts (`tocsin.evaluate.together`)."""

    def instant(self, query: str) -> Answer | Unanswered:
        """The rows now, or why there are none to be had; a partial answer is an answer, marked as such."""
        return self.later(query, self.at)

    def later(self, query: str, at: datetime) -> Answer | Unanswered:
        """The same at another instant than now."""
        if self.unreachable is not None:
            return Unanswered(self.unreachable)
        try:
            answer = self.source.instant(query, at)
        except SourceError as error:
            return self._failed(error)
        self.misses = 0
        if answer.partial:
            self.failures.append(_partial(answer.warnings))
        return answer

    def complete(self, query: str) -> Answer | Unanswered:
        """The rows now, all of them: a partial answer counts as none, where a sum of parts would be wrong."""
        answer = self.instant(query)
        if isinstance(answer, Answer) and answer.partial:
            return Unanswered("; ".join(("partial answer", *answer.warnings)))
        return answer

    def parts(self, query: str, apart: Callable[[], Mapping[str, str]]) -> Mapping[str, float] | Unanswered:
        """The values of a query of several parts (`labelled`), all of them, by name.

        A source that takes no question of that length is asked for some of the parts at a time, as *apart* writes them.
        """
        answer = self.complete(query)
        if not isinstance(answer, Unanswered):
            return parts_of(answer)
        if not answer.too_long:
            return answer
        self.failures.remove(answer.reason)
        found: dict[str, float] = {}
        for piece in _pieces(apart()):
            answer = self.complete(labelled(piece))
            if isinstance(answer, Unanswered):
                return answer
            found |= parts_of(answer)
        return found

    def still_failing(self, reason: str) -> None:
        """A question that failed before and is not repeated yet still is a failure of this look."""
        self.failures.append(reason)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer | Unanswered:
        """The series over time; a partial answer counts as none, for slices are remembered."""
        if self.unreachable is not None:
            return Unanswered(self.unreachable)
        try:
            answer = self.source.range(query, start, end, step)
        except SourceError as error:
            return self._failed(error)
        self.misses = 0
        if answer.partial:
            self.failures.append(_partial(answer.warnings))
            return Unanswered(self.failures[-1])
        return answer

    def spare_range(self) -> bool:
        """Take one of the look's range queries, if any is left."""
        self.ranges -= 1
        return self.ranges >= 0

    def _failed(self, error: SourceError) -> Unanswered:
        reason = str(error)
        self.failures.append(reason)
        if isinstance(error, SourceUnreachableError):
            self.misses += 1
            if self.misses >= PATIENCE:
                self.unreachable = reason
        else:
            self.misses = 0
        return Unanswered(reason, too_long=isinstance(error, QuestionTooLongError))


def _pieces(parts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The *parts*, no more than `PIECE` letters at a time, each whole."""
    piece: dict[str, str] = {}
    for name, text in parts.items():
        if piece and sum(map(len, piece.values())) + len(text) > PIECE:
            yield piece
            piece = {}
        piece[name] = text
    yield piece


def _partial(warnings: tuple[str, ...]) -> str:
    return f"partial answer: {warnings[0]}" if warnings else "partial answer"
