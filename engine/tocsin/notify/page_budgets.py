"""How many pages people got, and how many are bearable; pure. None is held back: a page too many beats one too few.

A page is a critical alert of which people are told. It counts when a message opens it, reminders do not, and pages that
follow each other within `TOGETHER` wake people once and count once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.evaluate.words import span
from tocsin.ports import Action, AlertText, Notification
from tocsin.spec import Notifications, PageBudget

TOGETHER = timedelta(minutes=5)
"""As long as a route waits between two messages."""
PAGE = "critical"


@dataclass(frozen=True, slots=True)
class Told:
    """That *channel* opened the episode *dedup_key* at *at*."""

    channel: str
    dedup_key: str
    at: datetime
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Spending:
    """What was spent of *budget* in the stretch of time that ends now, or at *at*."""

    budget: PageBudget
    pages: int
    at: datetime

    @property
    def over(self) -> bool:
        """Whether there were more than are bearable."""
        return self.pages > self.budget.pages.count

    @property
    def remaining(self) -> float:
        """The part that is left, below zero where there were more than are bearable."""
        return 1 - self.pages / self.budget.pages.count

    @property
    def words(self) -> str:
        """What is to be said of it."""
        allowed = self.budget.pages
        if not self.over:
            return f"{self.pages} of {allowed.count} pages in {span(allowed.per)}"
        seen = f"{self.pages} pages in {span(allowed.per)}, bearable are {allowed.count}"
        return f"page budget {self.budget.name} is overspent: {seen}"


@dataclass(slots=True)
class Pages:
    """The pages of the last weeks, each once for each channel."""

    told: dict[tuple[str, str], Told] = field(default_factory=dict)

    def add(self, messages: Iterable[Notification]) -> tuple[Told, ...]:
        """Those that *messages* open and that were not known."""
        fresh = [
            Told(message.channel, text.dedup_key, message.evaluated_at, dict(text.labels))
            for message in messages
            for text in message.alerts
            if opens(message, text) and (message.channel, text.dedup_key) not in self.told
        ]
        self.told |= {(one.channel, one.dedup_key): one for one in fresh}
        return tuple(fresh)

    def forget(self, before: datetime) -> None:
        """Drop what no budget asks for any more."""
        if any(one.at < before for one in self.told.values()):
            self.told = {key: one for key, one in self.told.items() if one.at >= before}

    def spending(self, budget: PageBudget, now: datetime) -> Spending:
        """How much of *budget* the stretch until *now* has spent."""
        times = [at for at in self._times(budget) if now - budget.pages.per < at <= now]
        return Spending(budget, len(followed(times)), now)

    def worst(self, budget: PageBudget) -> Spending | None:
        """The stretch with the most pages; None without any."""
        times, best = self._times(budget), None
        for now in times:
            found = Spending(budget, len(followed(t for t in times if now - budget.pages.per < t <= now)), now)
            if best is None or found.pages > best.pages:
                best = found
        return best

    def _times(self, budget: PageBudget) -> list[datetime]:
        first: dict[str, datetime] = {}
        for one in self.told.values():
            if budget.asks(one.channel, one.labels):
                first[one.dedup_key] = min(one.at, first.get(one.dedup_key, one.at))
        return sorted(first.values())


def opens(message: Notification, text: AlertText) -> bool:
    """Whether *message* pages for *text*."""
    return message.action is Action.FIRE and text.severity == PAGE and text.resolved_at is None


def budgets_of(documents: Iterable[Notifications]) -> tuple[PageBudget, ...]:
    """All of them."""
    return tuple(budget for document in documents for budget in document.page_budgets)


def noted(
    outbox: Iterable[Notification], pages: Pages, budgets: Iterable[PageBudget], now: datetime
) -> tuple[Notification, ...]:
    """The *outbox*, counted; a message with a page that is one too many says so."""
    messages = tuple(outbox)
    budgets = tuple(budgets)
    fresh = {(one.channel, one.dedup_key): one for one in pages.add(messages)}
    spendings = [spent for budget in budgets if (spent := pages.spending(budget, now)).over] if fresh else []
    return tuple(_noted(message, fresh, spendings) for message in messages)


def _noted(message: Notification, fresh: Mapping[tuple[str, str], Told], spendings: Iterable[Spending]) -> Notification:
    mine = [one for text in message.alerts if (one := fresh.get((message.channel, text.dedup_key))) is not None]
    notes = [spent.words for spent in spendings if any(spent.budget.asks(one.channel, one.labels) for one in mine)]
    return replace(message, notes=(*message.notes, *notes)) if notes else message


def followed(times: Iterable[datetime], gap: timedelta = TOGETHER) -> list[datetime]:
    """The first of those that follow each other, in order, no more than *gap* apart: people were woken so often."""
    found: list[datetime] = []
    last: datetime | None = None
    for at in times:
        if last is None or at - last > gap:
            found.append(at)
        last = at
    return found
