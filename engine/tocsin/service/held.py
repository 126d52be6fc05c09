"""What people ask for while the store is away: held in memory, and stored when it is back."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from tocsin.errors import TocsinError

log = logging.getLogger(__name__)
T = TypeVar("T")


class Held(Generic[T]):
    """Of *what*, by name; *put* stores one. Whoever uses it from several threads holds a lock."""

    def __init__(self, what: str, put: Callable[[str, T], None]) -> None:
        self._what = what
        self._put = put
        self.items: dict[str, T] = {}

    def keep(self, name: str, item: T, why: TocsinError) -> None:
        """Hold one, *why* it cannot be stored now; a later one of the same name takes its place."""
        log.warning("%s are held in memory", self._what, extra={"id": name, "error": str(why)})
        self.items[name] = item

    def stored(self) -> bool:
        """Store all; whether anything was."""
        if not self.items:
            return False
        try:
            for name, item in self.items.items():
                self._put(name, item)
        except TocsinError:
            return False
        log.info("%s that were held in memory are stored", self._what, extra={"count": len(self.items)})
        self.items.clear()
        return True
