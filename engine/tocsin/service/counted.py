"""What becomes of the questions that a metric source is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from tocsin.errors import QuestionTooLongError, SourceError, SourceUnreachableError
from tocsin.ports import Answer, MetricSource, RangeAnswer

T = TypeVar("T", Answer, RangeAnswer)
CLASSES = ("answered", "partial", "unreachable", "too_long", "refused")
"""All outcomes; *refused* is all that the source says of one question and that would not be said of another."""


class CountedSource:
    """A MetricSource that tells the class of each answer to *count*."""

    def __init__(self, source: MetricSource, count: Callable[[str], object]) -> None:
        self._source = source
        self._count = count

    def instant(self, query: str, at: datetime) -> Answer:
        """Ask the source."""
        return self._told(lambda: self._source.instant(query, at))

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Ask the source."""
        return self._told(lambda: self._source.range(query, start, end, step))

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Ask the source."""
        return self._told(lambda: self._source.raw(selector, start, end))

    def _told(self, ask: Callable[[], T]) -> T:
        try:
            answer = ask()
        except SourceError as error:
            self._count(_class(error))
            raise
        self._count("partial" if answer.partial else "answered")
        return answer


def _class(error: SourceError) -> str:
    if isinstance(error, SourceUnreachableError):
        return "unreachable"
    return "too_long" if isinstance(error, QuestionTooLongError) else "refused"
