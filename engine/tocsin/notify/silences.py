"""Silences: for a while, alerts with certain labels open and repeat no messages.

The semantics are Alertmanager's, so that `amtool silence` finds what it expects: a silence is pending, active or
expired by the clock alone; it is never deleted but ended; one that is changed in whom it matches is ended and made
anew under another id. https://prometheus.io/docs/alerting/latest/alertmanager/#silences
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from tocsin.matchers import LabelMatcher, Matchers, fulfilled

KEPT = timedelta(hours=120)
"""How long a silence is remembered after its end, as in Alertmanager (`data.retention`)."""

SilenceState = Literal["pending", "active", "expired"]


class SilenceStore(Protocol):
    """Durable silences; every method is one transaction and safe to call from several threads."""

    def all(self) -> "tuple[Silence, ...]":
        """Every silence that is remembered, ended ones for `KEPT`."""
        ...

    def put(self, silences: "Iterable[Silence]", now: datetime) -> None:
        """Add or replace by id."""
        ...


class SilenceError(ValueError):
    """A silence that cannot be."""


@dataclass(frozen=True, slots=True)
class Silence:
    """From *starts_at* until before *ends_at* alerts that fulfil all *matchers* are silenced."""

    id: str
    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime

    def state(self, now: datetime) -> SilenceState:
        """Where it stands; what somebody has begun or ended is so, also when the clock was set back since."""
        at = max(now, self.updated_at)
        if at < self.starts_at:
            return "pending"
        return "active" if at < self.ends_at else "expired"

    def mutes(self, labels: Mapping[str, str], now: datetime) -> bool:
        """Whether an alert with *labels* is silenced by it now."""
        return self.state(now) == "active" and fulfilled(self.matchers, labels)


def asked(wanted: Silence, known: Silence | None, fresh_id: str, now: datetime) -> tuple[Silence, ...]:
    """What has to be stored where *wanted* is asked for and *known* has its id; the last one is the answer.

    Raises SilenceError for one that would silence everything, or nothing.
    """
    starts = max(wanted.starts_at, now) if known is None else wanted.starts_at
    checked(replace(wanted, starts_at=min(starts, wanted.ends_at)), now)
    if known is not None and _editable(known, wanted, now):
        return (replace(wanted, starts_at=_kept_start(known, wanted, now), updated_at=now),)
    made = replace(wanted, id=fresh_id, starts_at=max(wanted.starts_at, now), updated_at=now)
    if known is None or known.state(now) == "expired":
        return (made,)
    return (ended(known, now), made)


def ended(silence: Silence, now: datetime) -> Silence:
    """End it now; one that has not begun never begins.

    Raises SilenceError where it has ended already.
    """
    state = silence.state(now)
    if state == "expired":
        raise SilenceError(f"silence {silence.id} already expired")
    return replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)


def checked(silence: Silence, now: datetime) -> None:
    """Refuse what cannot mean anything."""
    if not silence.matchers:
        raise SilenceError("at least one matcher required")
    if all(matcher.holds({}) for matcher in silence.matchers):
        raise SilenceError("at least one matcher must not match the empty string")
    if silence.ends_at <= now:
        raise SilenceError("end time can't be in the past")
    if silence.ends_at <= silence.starts_at:
        raise SilenceError("start time must be before end time")


def _editable(known: Silence, wanted: Silence, now: datetime) -> bool:
    """Alertmanager's rule: who is matched stays; an active silence keeps its start, a pending one may move it."""
    if _whom(known) != _whom(wanted):
        return False
    match known.state(now):
        case "active":
            return _kept_start(known, wanted, now) == known.starts_at
        case "pending":
            return wanted.starts_at >= now
        case _:
            return False


def _kept_start(known: Silence, wanted: Silence, now: datetime) -> datetime:
    """A start that is sent back with less precision than it was stored is the same start."""
    same = abs(known.starts_at - wanted.starts_at) < timedelta(seconds=1)
    return known.starts_at if known.state(now) == "active" and same else wanted.starts_at


def _whom(silence: Silence) -> list[LabelMatcher]:
    return sorted(silence.matchers)
