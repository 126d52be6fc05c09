"""Somebody has taken up an alert: nobody is reminded of it and nothing escalates, until it is over.

It holds for one episode: what fires again is news. The end is told as ever. Receivers with incidents of their own are
told who has it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from tocsin.evaluate.model import Acknowledgement, AlertView

LONGEST = 500
"""Characters of a name or a comment."""


class AcknowledgementStore(Protocol):
    """Durable acknowledgements by the key of the episode; each method is one transaction, from any thread."""

    def all(self) -> Mapping[str, Acknowledgement]:
        """Everything that is remembered."""
        ...

    def put(self, dedup_key: str, acknowledgement: Acknowledgement) -> None:
        """Add one; the first word counts."""
        ...

    def withdraw(self, dedup_key: str) -> None:
        """Remove one."""
        ...

    def forget(self, before: datetime) -> None:
        """Remove those that are older."""
        ...


def seen_to(views: Iterable[AlertView], known: Mapping[str, Acknowledgement]) -> tuple[AlertView, ...]:
    """The *views* with who has taken them up."""
    if not known:
        return tuple(views)
    return tuple(
        replace(view, acknowledged=known[view.dedup_key]) if view.dedup_key in known else view for view in views
    )
