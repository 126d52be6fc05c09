"""What a store says, or what it said last: one that fails takes nothing away, and no tick with it."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from tocsin.errors import TocsinError

log = logging.getLogger(__name__)
T = TypeVar("T")


class LastKnown(Generic[T]):
    """Reads *what* by *read*, for the first time at once; one that fails later, or answers again, is logged once.

    Without a first answer nothing is known that could hold on, so its failure is raised.
    """

    def __init__(self, what: str, read: Callable[[], T]) -> None:
        self._what = what
        self._read = read
        self._known = read()
        self._failing = False

    @property
    def failing(self) -> bool:
        """Whether the store did not answer the last time."""
        return self._failing

    def now(self) -> T:
        """As of now; while the store does not answer, as of when it last did."""
        try:
            self._known = self._read()
        except TocsinError as error:
            if not self._failing:
                log.warning("%s cannot be read, what is known holds on", self._what, extra={"error": str(error)})
            self._failing = True
        else:
            if self._failing:
                log.info("%s can be read again", self._what)
            self._failing = False
        return self._known
