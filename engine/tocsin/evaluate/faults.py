"""A bug that shows in one rule is that rule's: all others are still watched."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Faults:
    """What went wrong unexpectedly, by what it happened to; several threads may add to it."""

    found: dict[str, str] = field(default_factory=dict)

    def attempt(self, what: str, work: Callable[[], T], instead: Callable[[str], T]) -> T:
        """Do *work* for *what*; after an exception give what *instead* makes of the reason in words."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001  (whatever it is, it must not stop the other rules)
            self.found[what] = f"{what}: {_words(error)}"
            return instead(f"it cannot be evaluated, this is a fault of Tocsin: {_words(error)}")

    @property
    def texts(self) -> tuple[str, ...]:
        """One line for each."""
        return tuple(self.found.values())


def _words(error: Exception) -> str:
    """What was raised and where, on one line."""
    [*_, last] = traceback.extract_tb(error.__traceback__) or [None]
    place = f" ({last.filename.rpartition('/')[2]}:{last.lineno})" if last is not None else ""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300] + place
