"""How many pages people got, how many are bearable, and that none is held back."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.alerts import NOON, SPAN, message, notifications, seconds, text

from tocsin.adapters.store import SqlStore
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Commit
from tocsin.matchers import equal
from tocsin.notify.page_budgets import Pages, noted
from tocsin.ports import Action, Notification, Rate
from tocsin.service.paged import Paged
from tocsin.spec import Notifications, PageBudget

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def budget(count: int = 1, *, per: timedelta = DAY, channel: str | None = None, **match: str) -> PageBudget:
    """So many pages a day."""
    return PageBudget("calm", Rate(count, per), equal(match), channel, SPAN)


def page(key: str, at: datetime, channel: str = "email", severity: str = "critical") -> Notification:
    """A message that opens one alert."""
    return message(channel, Action.FIRE, text(key, severity=severity), key=key, at=at)


def spent(asked: PageBudget, now: datetime, *messages: Notification) -> int:
    """How many pages *messages* were."""
    pages = Pages()
    pages.add(messages)
    return pages.spending(asked, now).pages


class TestCounting:
    """What a page is."""

    def test_a_page_counts_once_on_all_channels(self) -> None:
        """Whichever tells of it first; a budget of one channel counts that channel's."""
        told = (page("a", NOON), page("a", NOON + HOUR, "pagerduty"), page("b", NOON + 2 * HOUR, "pagerduty"))

        assert spent(budget(), NOON + 3 * HOUR, *told) == 2
        assert spent(budget(channel="email"), NOON + 3 * HOUR, *told) == 1
        assert spent(budget(channel="pagerduty"), NOON + 3 * HOUR, *told) == 2

    def test_pages_that_follow_each_other_count_once(self) -> None:
        """Nobody is woken up twice within five minutes."""
        close = [page(str(number), NOON + number * seconds(290)) for number in range(4)]

        assert spent(budget(), NOON + HOUR, *close) == 1
        assert spent(budget(), NOON + HOUR, *close, page("z", NOON + HOUR)) == 2

    def test_what_is_no_page(self) -> None:
        """Reminders, ends, and what is less than critical."""
        told = (
            page("a", NOON, severity="warning"),
            message("email", Action.REPEAT, text("b"), at=NOON),
            message("email", Action.RESOLVE, text("c", resolved=NOON), at=NOON),
        )

        assert spent(budget(), NOON, *told) == 0

    def test_an_alert_that_is_told_on_with_others_is_no_new_page(self) -> None:
        """A message about a group names all of its alerts again."""
        later = message("email", Action.FIRE, text("a"), text("w", severity="warning"), at=NOON + HOUR)

        assert spent(budget(), NOON + HOUR, page("a", NOON), later) == 1

    def test_old_pages_do_not_count(self) -> None:
        """A budget is for any stretch of its length, ending now."""
        assert spent(budget(), NOON + DAY - HOUR, page("a", NOON)) == 1
        assert spent(budget(), NOON + DAY, page("a", NOON)) == 0

    def test_only_what_it_asks_for_counts(self) -> None:
        """By labels, as routes match them."""
        assert spent(budget(service="be-camera"), NOON, page("a", NOON)) == 1
        assert spent(budget(service="shop"), NOON, page("a", NOON)) == 0

    def test_the_worst_stretch_of_a_history(self) -> None:
        """A back-test tells it, wherever it lies."""
        pages = Pages()
        times = (0, 30, 31, 32, 80)
        pages.add(page(str(hour), NOON + hour * HOUR) for hour in times)
        worst = pages.worst(budget())

        assert worst is not None
        assert (worst.pages, worst.at, worst.over) == (3, NOON + 32 * HOUR, True)
        assert Pages().worst(budget()) is None


def test_a_page_above_the_budget_goes_out_and_says_so() -> None:
    """Every message goes out; the one too many tells it, and messages that are no page do not."""
    pages, asked = Pages(), (budget(),)
    first = noted([page("a", NOON)], pages, asked, NOON)
    later = NOON + HOUR
    second = noted([page("b", later), page("w", later, severity="warning")], pages, asked, later)

    assert [one.notes for one in first] == [()]
    assert [one.notes for one in second] == [("page budget calm is overspent: 2 pages in 1d, bearable are 1",), ()]


class TestPaged:
    """One process."""

    @pytest.fixture
    def documents(self) -> tuple[Notifications, ...]:
        """With one page a day."""
        [document] = notifications()
        return (Notifications(document.name, {}, (), SPAN, page_budgets=(budget(),)),)

    def test_a_restart_counts_on(self, tmp_path: Path, documents: tuple[Notifications, ...]) -> None:
        """What was told stands in the outbox."""
        store = SqlStore(str(tmp_path / "state.db"))
        before = Paged(store)
        store.commit(Commit(NOON, outbox=before.noted((page("a", NOON),), documents, NOON)))
        [told] = Paged(store).noted((page("b", NOON + HOUR),), documents, NOON + HOUR)
        [known] = Paged(store).spending(documents, NOON + HOUR)
        store.close()

        assert told.notes
        assert (known.pages, known.over) == (1, False)

    def test_a_store_that_fails_holds_no_page_back(
        self, documents: tuple[Notifications, ...], caplog: pytest.LogCaptureFixture
    ) -> None:
        """What this process told is counted; the failure is logged once."""

        class Failing:
            def fires(self, since: datetime) -> tuple[Notification, ...]:
                raise UnavailableError(f"nothing since {since}")

        paged = Paged(Failing())
        first = paged.noted((page("a", NOON),), documents, NOON)
        second = paged.noted((page("b", NOON + HOUR),), documents, NOON + HOUR)

        assert [len(first), len(second)] == [1, 1]
        assert second[0].notes
        assert len(caplog.records) == 1

    def test_without_budgets_nothing_is_read(self) -> None:
        """Nobody pays for what nobody asks."""

        class Forbidden:
            def fires(self, since: datetime) -> tuple[Notification, ...]:
                raise AssertionError(since)

        assert Paged(Forbidden()).noted((page("a", NOON),), notifications(), NOON) == (page("a", NOON),)
