"""The life of one alert as a pure function: `step(state, sample, now) -> (state, events)`.

Phases: inactive -> pending -> firing -> recovering -> inactive. Blindness lies over any phase and changes none.

- TRUE starts the `for` clock; when the condition has been *observed* true for that long, the alert fires.
- FALSE drops a pending alert at once, and resolves a firing one when it has been observed false for
  `keep_firing_for`. The first TRUE in between makes it fire again, as the same episode.
- UNKNOWN means that nobody could look. It never fires, never resolves and never drops; both clocks stand still.

A clock counts only the time between two looks that saw the same, and at most *stride* of it: a suspended machine, a
restart or a wall clock that jumps by an hour is not an hour of evidence, and a clock that runs backward counts nothing.
Looks that saw nothing in between are bridged where the whole gap is at most *stride* (else a source that fails every
second time would keep an alert pending for ever), and a longer blindness counts nothing. The number of the episode
grows when the alert fires, so a late message can never reopen an old one.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from tocsin.evaluate.model import AlertEvent, AlertState, EventKind, Phase, Sample, Truth

STRIDE = timedelta(minutes=1)
OPEN = frozenset({Phase.FIRING, Phase.RECOVERING})
"""The phases in which people see the alert firing."""


def step(
    state: AlertState, sample: Sample, now: datetime, stride: timedelta = STRIDE
) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    """Let one alert see one *sample*; *stride* is the longest gap between two looks that counts as observed."""
    if sample.kept is not None and state.phase in OPEN:
        sample = sample.kept
    if sample.truth is Truth.UNKNOWN:
        return _blinded(state, sample, now)
    seen, events = _sighted(state, sample, now, stride)
    if sample.truth is Truth.TRUE:
        after, more = _true(seen, sample, now, stride)
    else:
        after, more = _false(seen, sample, now, stride)
    return after, events + more


def resolve(state: AlertState, reason: str, now: datetime) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    """Close the alert by decision instead of evidence, for instance because its rule was removed."""
    if state.phase in OPEN:
        return _resolved(replace(state, blind_since=None), reason, state.value, now)
    if state.phase is Phase.PENDING:
        return _dropped(replace(state, blind_since=None), reason, state.value, now)
    return replace(state, blind_since=None), ()


def _blinded(state: AlertState, sample: Sample, now: datetime) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    if state.blind_since is not None:
        return replace(state, reason=sample.reason), ()
    event = AlertEvent(EventKind.BLIND, now, state.episode, sample.reason, state.value)
    return replace(state, blind_since=now, reason=sample.reason), (event,)


def _sighted(
    state: AlertState, sample: Sample, now: datetime, stride: timedelta
) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    if state.blind_since is None:
        return state, ()
    event = AlertEvent(EventKind.SIGHTED, now, state.episode, sample.reason, sample.value)
    short = state.stepped_at is not None and now - state.stepped_at <= stride
    # What happened in a longer gap is unknown, so this look starts a new stretch.
    return replace(state, blind_since=None, stepped_at=state.stepped_at if short else None), (event,)


def _true(
    state: AlertState, sample: Sample, now: datetime, stride: timedelta
) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    told = _told(state, sample, now)
    if state.phase is Phase.FIRING:
        return replace(told, held=timedelta()), ()
    if state.phase is Phase.RECOVERING:
        return replace(told, phase=Phase.FIRING, held=timedelta()), ()
    events: tuple[AlertEvent, ...] = ()
    if state.phase is Phase.PENDING:
        told = replace(told, held=state.held + _observed(state, now, stride))
    else:
        told = replace(told, phase=Phase.PENDING, held=timedelta(), active_at=now, key="")
        events = (AlertEvent(EventKind.PENDING, now, state.episode + 1, sample.reason, sample.value),)
    if told.held < state.timing.for_.timedelta and not sample.at_once:
        return told, events
    episode = state.episode + 1
    at = _not_before(now, told.active_at)
    fired = replace(told, phase=Phase.FIRING, episode=episode, held=timedelta(), fired_at=at, resolved_at=None)
    return fired, (*events, AlertEvent(EventKind.FIRED, at, episode, sample.reason, sample.value))


def _false(
    state: AlertState, sample: Sample, now: datetime, stride: timedelta
) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    if state.phase is Phase.INACTIVE:
        return state, ()
    told = _told(state, sample, now)
    if state.phase is Phase.PENDING:
        return _dropped(told, sample.reason, sample.value, now)
    if state.phase is Phase.FIRING:
        told = replace(told, phase=Phase.RECOVERING, held=timedelta())
    else:
        told = replace(told, held=state.held + _observed(state, now, stride))
    if told.held < state.timing.keep_firing_for.timedelta:
        return told, ()
    return _resolved(told, sample.reason, sample.value, now)


def _told(state: AlertState, sample: Sample, now: datetime) -> AlertState:
    return replace(state, stepped_at=now, value=sample.value, reason=sample.reason, facts=sample.facts)


def _observed(state: AlertState, now: datetime, stride: timedelta) -> timedelta:
    if state.stepped_at is None:
        return timedelta()
    return min(max(now - state.stepped_at, timedelta()), stride)


def _resolved(
    state: AlertState, reason: str, value: float | None, now: datetime
) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    at = _not_before(now, state.fired_at)
    event = AlertEvent(EventKind.RESOLVED, at, state.episode, reason, value)
    after = replace(state, phase=Phase.INACTIVE, held=timedelta(), stepped_at=None, resolved_at=at, reason=reason)
    return after, (event,)


def _dropped(
    state: AlertState, reason: str, value: float | None, now: datetime
) -> tuple[AlertState, tuple[AlertEvent, ...]]:
    event = AlertEvent(EventKind.DROPPED, now, state.episode + 1, reason, value)
    after = replace(state, phase=Phase.INACTIVE, held=timedelta(), stepped_at=None, active_at=None, reason=reason)
    return after, (event,)


def _not_before(now: datetime, earlier: datetime | None) -> datetime:
    """A clock that ran backward must not give an episode a negative length."""
    return now if earlier is None else max(now, earlier)
