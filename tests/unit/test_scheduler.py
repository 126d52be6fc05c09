"""When a tick is due: aligned, once per slot, overruns skipped and counted, patient with a clock that goes back."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tocsin.service.scheduler import Due, Wait, next_step, slot_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP = timedelta(seconds=15)
NOT_IDLE = timedelta()


def at(seconds: float) -> datetime:
    """*seconds* after noon."""
    return NOON + timedelta(seconds=seconds)


def test_the_first_tick_is_at_once_for_the_slot_that_has_begun() -> None:
    """Nobody waits for a full interval after a start."""
    assert Due(NOON) == next_step(at(7), STEP, last=None, idle=NOT_IDLE, started=False)


def test_within_a_slot_it_waits_for_the_next() -> None:
    """One slot, one tick."""
    assert Wait(8.0) == next_step(at(7), STEP, last=NOON, idle=timedelta(seconds=7), started=True)


def test_an_overrun_skips_and_counts() -> None:
    """A tick that took 40 s missed two slots; it does not catch up with them."""
    assert Due(at(45), missed=2) == next_step(at(47), STEP, last=NOON, idle=NOT_IDLE, started=True)


def test_a_stop_is_no_overrun() -> None:
    """After a restart the slots of the night are not counted as missed."""
    assert Due(at(45)) == next_step(at(47), STEP, last=NOON, idle=NOT_IDLE, started=False)


def test_a_slot_committed_before_a_restart_is_not_evaluated_again() -> None:
    """A restart within a slot waits for the next one."""
    assert Wait(8.0) == next_step(at(7), STEP, last=NOON, idle=NOT_IDLE, started=False)


def test_a_clock_that_went_back_is_waited_for() -> None:
    """No instant is evaluated twice because of a correction of the clock."""
    assert isinstance(next_step(at(-3600), STEP, last=NOON, idle=1.9 * STEP, started=True), Wait)


def test_a_clock_that_stays_back_is_not_waited_for_for_long() -> None:
    """Two intervals without any evaluation are worse than a repeated instant."""
    assert Due(at(-3600), forced=True) == next_step(at(-3600), STEP, last=NOON, idle=2 * STEP, started=True)


def test_standing_still_forces_nothing() -> None:
    """The same slot again is not a clock that went back, however long the process was idle."""
    assert isinstance(next_step(at(1), STEP, last=NOON, idle=10 * STEP, started=True), Wait)


@given(
    now=st.integers(-(10**6), 10**6),
    last=st.none() | st.integers(-(10**6), 10**6),
    interval=st.integers(1, 300),
    idle=st.integers(0, 10**4),
    started=st.booleans(),
)
def test_a_step_is_always_sensible(now: int, last: int | None, interval: int, idle: int, started: bool) -> None:
    """Ticks are aligned and not in the future; a wait is positive and no longer than an interval."""
    every = timedelta(milliseconds=interval * 997)
    moment, before = NOON + timedelta(milliseconds=now), None if last is None else NOON + timedelta(milliseconds=last)
    step = next_step(moment, every, last=before, idle=timedelta(seconds=idle), started=started)

    if isinstance(step, Due):
        assert slot_of(step.at, every) == step.at
        assert moment - every < step.at <= moment
        assert step.missed >= 0
        assert before is None or step.at > before or step.forced
    else:
        assert 0 < step.seconds <= every.total_seconds()


@given(st.lists(st.integers(1, 60_000), max_size=50))
def test_every_slot_is_either_evaluated_or_counted(naps: list[int]) -> None:
    """However long each tick takes: ticks and missed slots together are all slots that began."""
    now, last, seen, first = NOON, None, 0, None
    for nap in naps:
        step = next_step(now, STEP, last=last, idle=NOT_IDLE, started=last is not None)
        if isinstance(step, Due):
            seen += 1 + step.missed
            first, last = first or step.at, step.at
        now += timedelta(milliseconds=nap)

    assert first is None or last is None or (last - first) // STEP + 1 == seen
