"""What an answer means, and when to try again; pure, the randomness comes in as an argument."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from tocsin.ports import Action, Delivery, Notification, Outcome

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
LONGEST_RETRY_AFTER = timedelta(hours=1)
"""A receiver may ask for more, but a page must not wait longer."""

FIRST_DELAY_UNKNOWN = timedelta(seconds=30)
GROWTH_UNKNOWN = 4
"""Times longer that each wait may be than the one before: a receiver that hangs for ten minutes gets one later."""
MOST_UNKNOWNS = 5
"""How often a message that may have arrived each time is sent to a receiver that would show every copy."""

PATIENCE = timedelta(hours=24)
"""How long a message is tried that tells of something new: an alert that fires, or one that is over."""
PATIENCE_WITH_REMINDERS = timedelta(hours=1)
"""A reminder that comes late is no use; the next one follows."""

_RETRIED = frozenset({408, 425, 429})
_ABOUT_US = frozenset({530, 534, 535, 538})
"""SMTP replies about our login and its encryption, not the message (RFC 3207, RFC 4954): worth another attempt."""


def http_outcome(status: int) -> Outcome:
    """Read an HTTP status: overload and server errors pass, every other refusal stays.

    >>> http_outcome(202).value, http_outcome(429).value, http_outcome(503).value, http_outcome(404).value
    ('sent', 'retry', 'retry', 'rejected')
    """
    if 200 <= status < 300:
        return Outcome.SENT
    return Outcome.RETRY if status in _RETRIED or status >= 500 else Outcome.REJECTED


def smtp_outcome(code: int) -> Outcome:
    """Read an SMTP reply code: 4yz is transient, 5yz permanent (RFC 5321, section 4.2.1), but for what is about us."""
    if 200 <= code < 400:
        return Outcome.SENT
    return Outcome.REJECTED if code >= 500 and code not in _ABOUT_US else Outcome.RETRY


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header, in seconds or as a date; nonsense is None, too much is capped.

    >>> retry_after("30", datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    datetime.timedelta(seconds=30)
    """
    if value is None:
        return None
    text = value.strip()
    try:
        in_seconds = text.isascii() and text.isdigit()
        # Nine digits are thirty years; more would not fit into a timedelta.
        wait = timedelta(seconds=int(text[:9])) if in_seconds else parsedate_to_datetime(text) - now
    except (ValueError, TypeError):
        return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


def backoff(attempts: int, random: Callable[[], float]) -> timedelta:
    """Full jitter: a random part of a ceiling that doubles from a second up to five minutes.

    *attempts* counts from 1; *random* returns a number in [0, 1).
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(max(attempts, 1) - 1, 20))
    wait: timedelta = ceiling * random()
    return wait


def patience(notification: Notification) -> timedelta:
    """How long it is tried: a REPEAT that also closes an alert is no mere reminder, for nobody says it again."""
    news = notification.action is not Action.REPEAT or any(text.resolved_at for text in notification.alerts)
    return PATIENCE if news else PATIENCE_WITH_REMINDERS


def retry_at(
    delivery: Delivery,
    *,
    attempts: int,
    unknowns: int,
    until: datetime,
    idempotent: bool,
    now: datetime,
    random: Callable[[], float],
) -> datetime | None:
    """When to try again, not later than *until*; None when the message is dead (or sent).

    *unknowns* counts the earlier attempts that may have arrived. A receiver that shows every copy gets at most
    `MOST_UNKNOWNS` of them, further apart.
    """
    if delivery.outcome in {Outcome.SENT, Outcome.REJECTED}:
        return None
    if delivery.outcome is Outcome.UNKNOWN and not idempotent:
        if unknowns + 1 >= MOST_UNKNOWNS:
            return None
        ceiling = FIRST_DELAY_UNKNOWN * GROWTH_UNKNOWN**unknowns
        floor = ceiling / GROWTH_UNKNOWN if unknowns else timedelta()
        wait = floor + (ceiling - floor) * random()
    else:
        wait = backoff(attempts, random)
    if delivery.retry_after is not None:
        wait = max(wait, min(delivery.retry_after, LONGEST_RETRY_AFTER))
    at = now + wait
    return at if at <= until else None
