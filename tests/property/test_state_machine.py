"""The alert state machine under any sequence of looks, clocks and settings."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tocsin.evaluate.model import AlertEvent, AlertState, EventKind, Phase, Sample, Timing, Truth
from tocsin.evaluate.state import OPEN, resolve, step
from tocsin.units import Duration

STRIDE = timedelta(seconds=30)
START = datetime(2026, 11, 1, tzinfo=UTC)


class AlertLife(RuleBasedStateMachine):
    """An own, slower account of what was observed, beside the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.events: list[tuple[AlertEvent, Truth | None]] = []
        self.streak: Truth | None = None
        self.streak_from = START
        self.observed = timedelta()
        self.seen_at: datetime | None = None
        self.blind = False
        self.blindness: list[EventKind] = []

    @initialize(for_=st.integers(0, 120), keep=st.integers(0, 120))
    def start(self, for_: int, keep: int) -> None:
        """Choose how patient the alert is."""
        self.timing = Timing(Duration.of(seconds=for_), Duration.of(seconds=keep))
        self.state = AlertState(self.timing)

    @rule(truth=st.sampled_from(Truth), gap=st.integers(1, 90))
    def look(self, truth: Truth, gap: int) -> None:
        """An ordinary look."""
        self.see(truth, timedelta(seconds=gap))

    @rule(truth=st.sampled_from([Truth.TRUE, Truth.FALSE]), times=st.integers(1, 8))
    def look_often(self, truth: Truth, times: int) -> None:
        """The same again and again, at a steady pace."""
        for _ in range(times):
            self.see(truth, timedelta(seconds=15))

    @rule(truth=st.sampled_from(Truth), gap=st.integers(-7_200, 7_200))
    def jump(self, truth: Truth, gap: int) -> None:
        """The wall clock jumps, or the machine slept."""
        self.see(truth, timedelta(seconds=gap))

    @rule()
    def remove(self) -> None:
        """The rule is deleted, and comes back."""
        was = self.state.phase
        self.state, events = resolve(self.state, "rule removed", self.now)
        self.events += [(event, None) for event in events]
        self.streak = None
        self.blindness = []

        assert [EventKind.RESOLVED] * (was in OPEN) + [EventKind.DROPPED] * (was is Phase.PENDING) == [
            event.kind for event in events
        ]

    def see(self, truth: Truth, gap: timedelta) -> None:
        """Step the machine and the account."""
        self.now += gap
        before = self.state
        self.state, events = step(before, Sample(truth, 1.0, "seen"), self.now, STRIDE)
        self.events += [(event, truth) for event in events]
        self.blindness += [event.kind for event in events if event.kind in _SIGHT]
        self.account(truth)
        kinds = {event.kind for event in events}
        if EventKind.FIRED in kinds:
            assert truth is Truth.TRUE
            assert self.observed >= self.timing.for_.timedelta
        if EventKind.RESOLVED in kinds:
            assert truth is Truth.FALSE
            assert self.observed >= self.timing.keep_firing_for.timedelta
        if truth is Truth.UNKNOWN:
            assert before.phase is self.state.phase
            assert before.held == self.state.held
            assert kinds <= {EventKind.BLIND}

    def account(self, truth: Truth) -> None:
        """How long the same truth was observed: capped gaps between looks that saw; long blindness counts nothing."""
        if truth is Truth.UNKNOWN:
            self.blind = True
            return
        gap = self.now - self.seen_at if self.seen_at is not None else timedelta()
        if truth is not self.streak:
            self.streak, self.observed = truth, timedelta()
        elif not self.blind or gap <= STRIDE:
            self.observed += min(max(gap, timedelta()), STRIDE)
        self.seen_at, self.blind = self.now, False

    @invariant()
    def every_episode_opens_once_and_closes_at_most_once(self) -> None:
        """FIRED, RESOLVED, FIRED, RESOLVED, …: never two pages, never a RESOLVED without a page."""
        told = [(event.kind, event.episode) for event, _ in self.events if event.kind in _TOLD]
        expected = [(kind, n // 2 + 1) for n, kind in enumerate([EventKind.FIRED, EventKind.RESOLVED] * len(told))]

        assert expected[: len(told)] == told

    @invariant()
    def blindness_alternates(self) -> None:
        """BLIND, SIGHTED, BLIND, …; a removed rule ends blindness without a look."""
        expected = [EventKind.BLIND, EventKind.SIGHTED] * len(self.blindness)

        assert self.blindness == expected[: len(self.blindness)]

    @invariant()
    def the_state_agrees_with_what_people_were_told(self) -> None:
        """An alert is open exactly while its last message is a page."""
        if not hasattr(self, "state"):
            return
        told = [event for event, _ in self.events if event.kind in _TOLD]
        is_open = bool(told) and told[-1].kind is EventKind.FIRED

        assert is_open is (self.state.phase in OPEN)

    @invariant()
    def time_never_runs_backward_inside_an_episode(self) -> None:
        """A clock that was set back gives no negative durations."""
        opened: dict[int, datetime] = {}
        for event, _ in self.events:
            if event.kind is EventKind.FIRED:
                opened[event.episode] = event.at
            if event.kind is EventKind.RESOLVED:
                assert event.at >= opened[event.episode]


_SIGHT = {EventKind.BLIND, EventKind.SIGHTED}
_TOLD = {EventKind.FIRED, EventKind.RESOLVED}
AlertLife.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestAlertLife = AlertLife.TestCase
