"""Single steps of the alert state machine that people ask about."""

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.evaluate.model import AlertState, EventKind, Phase, Sample, Timing, Truth
from tocsin.evaluate.state import step
from tocsin.units import Duration

START = datetime(2026, 11, 1, tzinfo=UTC)
T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


def play(
    looks: list[tuple[int, Truth]], for_: str = "0s", keep: str = "0s", stride: int = 60
) -> list[tuple[int, EventKind]]:
    """Step at seconds after the start; the events with their seconds."""
    state = AlertState(Timing(Duration.parse(for_), Duration.parse(keep)))
    happened = []
    for second, truth in looks:
        now = START + timedelta(seconds=second)
        state, events = step(state, Sample(truth), now, timedelta(seconds=stride))
        happened += [(second, event.kind) for event in events]
    return happened


def test_fires_at_once_without_for() -> None:
    """Without `for`, the first true look fires."""
    happened = play([(0, T), (15, F)])

    assert happened == [(0, EventKind.PENDING), (0, EventKind.FIRED), (15, EventKind.RESOLVED)]


def test_for_counts_like_prometheus() -> None:
    """An alert fires at the look at which the condition has been true for `for`, both ends counted."""
    happened = play([(second, T) for second in range(0, 76, 15)], for_="1m")

    assert happened == [(0, EventKind.PENDING), (60, EventKind.FIRED)]


def test_one_false_look_starts_for_anew() -> None:
    """`for` needs an unbroken condition."""
    happened = play([(0, T), (30, T), (45, F), (60, T), (90, T), (119, T), (120, T)], for_="1m")

    assert happened == [
        (0, EventKind.PENDING),
        (45, EventKind.DROPPED),
        (60, EventKind.PENDING),
        (120, EventKind.FIRED),
    ]


def test_blind_time_is_not_counted() -> None:
    """Ten blind minutes are no part of a `for` of one minute; what was observed before still counts."""
    looks = [(0, T), (30, T), *((s, U) for s in range(45, 645, 15)), (645, T), (660, T), (675, T)]

    assert play(looks, for_="1m") == [
        (0, EventKind.PENDING),
        (45, EventKind.BLIND),
        (645, EventKind.SIGHTED),
        (675, EventKind.FIRED),
    ]


def test_a_source_that_fails_every_second_time_delays_nothing() -> None:
    """A blind look between two that saw the condition is bridged: else the alert would be pending for ever."""
    looks = [(15 * n, U if n % 2 else T) for n in range(6)]
    fired = [second for second, kind in play(looks, for_="1m") if kind is EventKind.FIRED]

    assert fired == [60]


def test_blindness_never_resolves() -> None:
    """What fires keeps firing while nobody can look, and resolves once afterwards."""
    happened = play([(0, T), *((s, U) for s in range(15, 3_600, 15)), (3_600, F)])

    assert [kind for _, kind in happened] == [
        EventKind.PENDING,
        EventKind.FIRED,
        EventKind.BLIND,
        EventKind.SIGHTED,
        EventKind.RESOLVED,
    ]


@pytest.mark.parametrize("jump", [3_600, -3_600, 86_400 * 365])
def test_a_clock_jump_is_no_evidence(jump: int) -> None:
    """A jump of the wall clock adds at most one stride to `for`, so it cannot make an alert fire by itself."""
    happened = play([(0, T), (15, T), (15 + jump, T)], for_="10m", stride=30)

    assert happened == [(0, EventKind.PENDING)]


def test_keep_firing_bridges_a_dip() -> None:
    """A condition that returns within keep_firing_for continues the same episode."""
    happened = play([(0, T), (15, F), (30, F), (45, T), (60, F), (90, F), (120, F)], keep="1m")

    assert happened == [(0, EventKind.PENDING), (0, EventKind.FIRED), (120, EventKind.RESOLVED)]


def test_episodes_are_numbered() -> None:
    """Each page has its own number, so a late message of the first cannot reopen the second."""
    state = AlertState(Timing(Duration(0), Duration(0)))
    numbers = []
    for second, truth in enumerate([T, F, T, F, T]):
        state, events = step(state, Sample(truth), START + timedelta(seconds=second))
        numbers += [event.episode for event in events if event.kind is EventKind.FIRED]

    assert numbers == [1, 2, 3]
    assert Phase.FIRING is state.phase


def test_facts_survive_blindness() -> None:
    """A blind alert shows what was last seen, and why nobody sees more."""
    state = AlertState(Timing(Duration(0), Duration(0)))
    state, _ = step(state, Sample(T, 43.2, "burns", (("burn rate", "43.2x"),)), START)
    state, _ = step(state, Sample(U, reason="connection refused"), START + timedelta(seconds=15))

    assert (state.value, state.facts, state.reason) == (43.2, (("burn rate", "43.2x"),), "connection refused")
