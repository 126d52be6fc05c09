"""The page budgets of one process: what was told before is in the outbox, so counting goes on after a restart."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.errors import TocsinError
from tocsin.notify.page_budgets import Pages, Spending, budgets_of, noted
from tocsin.ports import Notification
from tocsin.spec import Notifications

log = logging.getLogger(__name__)


class FireStore(Protocol):
    """Where messages are kept that opened something critical."""

    def fires(self, since: datetime) -> Sequence[Notification]:
        """Those since then, in order."""
        ...


class Paged:
    """Counts pages; a store that fails costs what was told by others, and holds no page back."""

    def __init__(self, store: FireStore) -> None:
        self._store = store
        self.pages = Pages()
        self._length = timedelta()
        self._failing = False

    def forget(self) -> None:
        """Read the outbox again before the next page: another evaluator may have led meanwhile."""
        self._length = timedelta()

    def noted(
        self, outbox: tuple[Notification, ...], documents: Iterable[Notifications], now: datetime
    ) -> tuple[Notification, ...]:
        """The *outbox*, counted; a page that is one too many says so."""
        budgets = budgets_of(documents)
        if not budgets:
            return outbox
        self._catch_up(max(budget.pages.per for budget in budgets), now)
        return noted(outbox, self.pages, budgets, now)

    def spending(self, documents: Iterable[Notifications], now: datetime) -> tuple[Spending, ...]:
        """How much of each budget is spent."""
        budgets = budgets_of(documents)
        if budgets:
            self._catch_up(max(budget.pages.per for budget in budgets), now)
        return tuple(self.pages.spending(budget, now) for budget in budgets)

    def _catch_up(self, length: timedelta, now: datetime) -> None:
        """Know of all that was told for the longest budget."""
        if length > self._length:
            try:
                self.pages.add(self._store.fires(now - length))
            except TocsinError as error:
                if not self._failing:
                    log.warning("earlier pages cannot be read, and do not count", extra={"error": str(error)})
                self._failing = True
            else:
                self._length, self._failing = length, False
        self.pages.forget(now - length)
