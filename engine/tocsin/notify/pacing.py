"""How flapping is damped: what people were told a moment ago is not told again at once.

After a message, an alert that is no more severe than what it spoke of waits for group_interval, or as long as its route
says; what is over by then was never told. So an alert that comes and goes every few seconds makes two messages in a
group_interval, FIRE and RESOLVE, and the next one says how often it flapped meanwhile. Where the route says so, it
waits twice as long each time, until it has been quiet for as long as it waited.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tocsin.evaluate.memory import Echo, GroupKey, GroupState, Timers
from tocsin.evaluate.model import Identity
from tocsin.ports import AlertText

SEVERITIES = ("critical", "warning", "info")
_DOUBLINGS = 20
LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def severity_rank(text: AlertText) -> int:
    """0 for critical; what is unknown comes last."""
    return _rank(text.severity)


def reading_order(text: AlertText) -> tuple[bool, int, str, str]:
    """Open alerts first, the most severe first."""
    return (text.resolved_at is not None, severity_rank(text), text.title, text.dedup_key)


def hold(echo: Echo | None, wait: timedelta, longest: timedelta) -> timedelta:
    """How long what people were told holds the next message back."""
    again = min(echo.again, _DOUBLINGS) if echo else 0
    return max(wait, min(wait * (1 << again), longest))


def free_at(echo: Echo | None, text: AlertText, held: timedelta) -> datetime:
    """From when on *text* may be told: so long after the last message about something at least as severe."""
    told = echo.told if echo else ()
    return max((at + held for severity, at in told if _rank(severity) <= severity_rank(text)), default=LONG_AGO)


def echoed(echo: Echo | None, alert: Identity | None, texts: Iterable[AlertText], now: datetime, *, anew: bool) -> Echo:
    """What a message about *texts* leaves behind; *anew* says that it opens something."""
    told = dict(echo.told if echo else ()) | {text.severity: now for text in texts}
    again = echo.again + anew if echo else 0
    return Echo(alert, tuple(sorted(told.items())), now, now, again=again)


def flapped(echo: Echo, now: datetime) -> Echo:
    """Count one more episode that nobody was told of."""
    return replace(echo, flaps=echo.flaps + 1, seen_at=now)


def flap_notes(echo: Echo | None) -> tuple[str, ...]:
    """What a message says of the flapping before it."""
    if echo is None or not echo.flaps:
        return ()
    times = "once" if echo.flaps == 1 else f"{echo.flaps} times"
    return (f"flapped {times} since {echo.since:%H:%M} UTC",)


def lasting(echoes: Iterable[Echo], wait: timedelta, longest: timedelta, now: datetime) -> tuple[Echo, ...]:
    """The *echoes* that still matter."""
    return tuple(echo for echo in echoes if now < echo.seen_at + hold(echo, wait, longest))


@dataclass(frozen=True, slots=True)
class Flap:
    """What flaps in the conversation *key*: *alert*, or all of it; nobody is told of it again before *until*."""

    key: GroupKey
    alert: Identity | None
    flaps: int
    since: datetime
    until: datetime


def flapping(groups: Mapping[GroupKey, GroupState], now: datetime) -> tuple[Flap, ...]:
    """All that came back since people were told, and was over before they were told again; the most frequent first."""
    found = []
    for key, state in groups.items():
        timers = state.timers or Timers()
        for echo in state.echoes:
            until = echo.since + hold(echo, timers.flap, timers.longest)
            if echo.flaps and now < until:
                found.append(Flap(key, echo.alert, echo.flaps, echo.since, until))
    return tuple(sorted(found, key=lambda each: (-each.flaps, each.since, each.key)))


def set_back(echo: Echo, now: datetime) -> Echo:
    """Nothing of it lies in the future, also after the wall clock was set back."""
    told = tuple((severity, min(at, now)) for severity, at in echo.told)
    return replace(echo, told=told, since=min(echo.since, now), seen_at=min(echo.seen_at, now))


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
