"""What an answer means, and when a message goes out again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts import NOON, message, text

from tocsin.ports import Action, Delivery, Notification, Outcome
from tocsin_notifiers.retry import (
    LONGEST_DELAY,
    LONGEST_RETRY_AFTER,
    MOST_UNKNOWNS,
    backoff,
    http_outcome,
    patience,
    retry_after,
    retry_at,
    smtp_outcome,
)

PAGE = message()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.SENT),
        (202, Outcome.SENT),
        (301, Outcome.REJECTED),
        (307, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (401, Outcome.REJECTED),
        (404, Outcome.REJECTED),
        (408, Outcome.RETRY),
        (425, Outcome.RETRY),
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
    ],
)
def test_http_statuses(status: int, outcome: Outcome) -> None:
    """Overload and server errors pass; every other refusal stays, redirects included."""
    assert http_outcome(status) is outcome


@pytest.mark.parametrize(
    ("code", "outcome"),
    [(250, "sent"), (354, "sent"), (421, "retry"), (451, "retry"), (530, "retry"), (535, "retry"), (550, "rejected")],
)
def test_smtp_codes(code: int, outcome: str) -> None:
    """4yz is worth another attempt, 5yz is not, but where it is our login that does not suit."""
    assert smtp_outcome(code) == outcome


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", 30),
        (" 0 ", 0),
        ("Mon, 23 Nov 2026 12:01:30 GMT", 90),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("999999999999999999999", 3_600),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("١٢", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, wait: int | None) -> None:
    """Seconds or a date, at most an hour; nonsense counts as not said."""
    assert retry_after(header, NOON) == (None if wait is None else timedelta(seconds=wait))


@given(st.text(max_size=40))
def test_retry_after_survives_any_text(header: str) -> None:
    """A receiver can write anything into its header."""
    wait = retry_after(header, NOON)

    assert wait is None or timedelta() <= wait <= LONGEST_RETRY_AFTER


def test_the_ceiling_of_the_backoff_doubles_from_one_second_to_five_minutes() -> None:
    """With the largest jitter the waits are 1, 2, 4 … seconds and stay at 300."""
    waits = [backoff(attempt, lambda: 1.0).total_seconds() for attempt in range(1, 12)]

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_backoff_is_never_longer_than_five_minutes(attempts: int, jitter: float) -> None:
    """Nor negative, however often something was tried."""
    assert timedelta() <= backoff(attempts, lambda: jitter) <= LONGEST_DELAY


def again(
    delivery: Delivery,
    told: Notification = PAGE,
    *,
    after: timedelta = timedelta(),
    unknowns: int = 0,
    idempotent: bool = False,
    random: float = 1.0,
) -> timedelta | None:
    """How long the first retry of *told* waits, *after* it was first due; None when it is dead."""
    now = NOON + after
    at = retry_at(
        delivery,
        attempts=1,
        unknowns=unknowns,
        until=NOON + patience(told),
        idempotent=idempotent,
        now=now,
        random=lambda: random,
    )
    return None if at is None else at - now


def test_a_refusal_and_a_success_end_it() -> None:
    """Neither is tried again."""
    assert again(Delivery(Outcome.SENT)) is None
    assert again(Delivery(Outcome.REJECTED)) is None


def test_the_receivers_wish_counts_if_it_is_longer() -> None:
    """Retry-After lengthens the wait and never shortens it."""
    assert again(Delivery(Outcome.RETRY, retry_after=timedelta(seconds=30))) == timedelta(seconds=30)
    assert again(Delivery(Outcome.RETRY, retry_after=timedelta())) == timedelta(seconds=1)


def test_after_the_deadline_a_message_is_dead() -> None:
    """A day later nobody wants the page any more."""
    assert again(Delivery(Outcome.RETRY), after=timedelta(hours=24)) is None
    assert again(Delivery(Outcome.RETRY), after=timedelta(hours=24, seconds=-2)) is not None


@pytest.mark.parametrize(
    ("told", "hours"),
    [
        (message("slack", Action.RESOLVE), 24),
        (message("slack", Action.REPEAT), 1),
        (message("slack", Action.REPEAT, text("b"), text("a", resolved=NOON)), 24),
    ],
    ids=["over", "reminder", "one is over, one is open"],
)
def test_whoever_waits_to_hear_of_an_end_is_not_given_up_like_a_reminder(told: Notification, hours: int) -> None:
    """What closes an alert is tried for a day, also where others are still open; a mere reminder for an hour."""
    late = timedelta(hours=hours)

    assert again(Delivery(Outcome.RETRY), told, after=late) is None
    assert again(Delivery(Outcome.RETRY), told, after=late - timedelta(seconds=2)) is not None


def test_what_may_have_arrived_is_repeated_a_few_times_at_most() -> None:
    """A channel that shows every copy gets few, the last one after half an hour; one that joins them is tried on."""
    unknown = Delivery(Outcome.UNKNOWN)
    longest = [again(unknown, unknowns=n) for n in range(MOST_UNKNOWNS - 1)]
    least = [again(unknown, unknowns=n, random=0.0) for n in range(MOST_UNKNOWNS - 1)]

    assert longest == [timedelta(seconds=each) for each in (30, 120, 480, 1_920)]
    assert least == [timedelta(seconds=each) for each in (0, 30, 120, 480)]
    assert again(unknown, unknowns=MOST_UNKNOWNS - 1) is None
    assert again(unknown, unknowns=MOST_UNKNOWNS - 1, idempotent=True) == timedelta(seconds=1)
