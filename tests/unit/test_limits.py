"""How much a channel is asked to take, what becomes of a storm, and where messages go that it does not take."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts import NOON, channel, message, notifications, seconds, text

from tocsin.evaluate.memory import Fallback, Letter, OutboxDepth
from tocsin.notify.fallback import DEADLINES, deadline, diverted, fallbacks
from tocsin.notify.limits import PATIENCE, Breaker, BreakerState, Window
from tocsin.notify.storm import together
from tocsin.ports import HEARTBEAT, Action, Rate
from tocsin.service.delivery import Worker, cut_off, reaching_nobody
from tocsin.units import UnitError, parse_rate

# --- rate --------------------------------------------------------------------------------------------------


@given(
    st.integers(1, 5),
    st.integers(1, 20),
    st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=40),
)
def test_no_stretch_of_time_has_more_than_the_rate(count: int, per: int, gaps: list[float]) -> None:
    """Wherever the stretch begins: whoever asks and waits as told keeps within it."""
    window, now, sent = Window(Rate(count, seconds(per))), NOON, []
    for gap in gaps:
        now = max(now + seconds(gap), window.free_at(now + seconds(gap)))
        window = window.noted(now)
        sent.append(now)

    assert all(sum(at <= other < at + seconds(per) for other in sent) <= count for at in sent)


def test_without_a_rate_nothing_waits() -> None:
    """Email has none by default."""
    assert Window(None).noted(NOON).free_at(NOON) == NOON


def test_a_clock_that_was_set_back_does_not_stop_a_channel() -> None:
    """What was sent in the future is not waited for."""
    window = Window(Rate(1, seconds(60))).noted(NOON + timedelta(hours=1))

    assert window.free_at(NOON) == NOON
    assert window.noted(NOON).free_at(NOON) == NOON + seconds(60)


@pytest.mark.parametrize(
    ("written", "rate"),
    [("20/m", Rate(20, timedelta(minutes=1))), ("1/s", Rate(1, seconds(1))), ("30/5m", Rate(30, seconds(300)))],
)
def test_rates_are_so_many_in_a_time(written: str, rate: Rate) -> None:
    """As people write them."""
    assert parse_rate(written) == rate


@pytest.mark.parametrize(
    "written", ["20", "/m", "0/m", "-1/m", "1.5/m", "5/", "5/2h", "5/0s", "\u0665/m", "99999/s", "5/x"]
)
def test_what_is_no_rate_is_refused(written: str) -> None:
    """Nothing in a time, parts of messages, and times of nothing."""
    with pytest.raises(UnitError):
        parse_rate(written)


# --- breaker -----------------------------------------------------------------------------------------------


def test_the_breaker_opens_after_some_failures_and_closes_with_a_success() -> None:
    """Open, half-open once its time is over, and open again for longer when the probe fails."""
    breaker, now = Breaker(), NOON
    for _ in range(PATIENCE - 1):
        breaker = breaker.failed(now, seconds)
        assert breaker.state(now) is BreakerState.CLOSED
    breaker = breaker.failed(now, seconds)

    assert breaker.state(now) is breaker.state(now + seconds(PATIENCE - 1)) is BreakerState.OPEN
    assert breaker.state(now + seconds(PATIENCE)) is BreakerState.HALF_OPEN
    assert breaker.failed(now, seconds).until == now + seconds(PATIENCE + 1)
    assert breaker.worked() == Breaker()


@pytest.mark.parametrize(
    ("failing", "working", "expected"),
    [((), (), False), (("slack",), ("email",), False), (("slack", "email"), (), True)],
)
@pytest.mark.parametrize("heartbeat", [False, True])
def test_cut_off_is_who_has_no_channel_that_works(
    failing: tuple[str, ...], working: tuple[str, ...], expected: bool, heartbeat: bool
) -> None:
    """The heartbeat tells nobody of an alert, so it is none; without channels nobody expects to be told."""
    workers = [Worker(name, breaker=BreakerState.HALF_OPEN) for name in failing]
    workers += [Worker(name) for name in (*working, *[HEARTBEAT] * heartbeat)]

    assert cut_off(workers) is expected


@pytest.mark.parametrize(
    ("failing", "working", "waiting", "sent", "expected"),
    [
        (("slack",), ("email",), ("slack",), None, ("slack",)),
        (("slack",), ("email",), ("slack",), -1, ("slack",)),
        (("slack",), ("email",), ("slack",), 1, ()),
        (("slack",), ("email",), ("slack", "email"), None, ()),
        (("slack",), ("email",), (), None, ()),
        (("slack", HEARTBEAT), (), (HEARTBEAT,), None, ()),
    ],
)
def test_who_reaches_nobody(
    failing: tuple[str, ...],
    working: tuple[str, ...],
    waiting: tuple[str, ...],
    sent: float | None,
    expected: tuple[str, ...],
) -> None:
    """A channel that has nothing to say proves nothing; what was sent since is proof of a way out."""
    workers = [Worker(name, breaker=BreakerState.OPEN) for name in failing] + [Worker(name) for name in working]
    depths = [OutboxDepth(name, int(name in waiting), NOON, 0) for name in (*failing, *working)]
    letters = [] if sent is None else [Letter("email", "k", "fire", "sent", (), NOON, NOON + seconds(sent), 1, "")]

    assert reaching_nobody(workers, depths, lambda: letters) == expected


@pytest.mark.parametrize(("ana", "nobody"), [(BreakerState.CLOSED, ()), (BreakerState.OPEN, ("email",))])
def test_a_channel_reaches_nobody_when_none_of_its_recipients_takes_anything(
    ana: BreakerState, nobody: tuple[str, ...]
) -> None:
    """One full mailbox of two is no reason to give the lease away."""
    workers = [
        Worker("email", breaker=ana, recipient="ana"),
        Worker("email", breaker=BreakerState.OPEN, recipient="bo"),
    ]

    assert reaching_nobody(workers, [OutboxDepth("email", 1, NOON, 0)], lambda: ()) == nobody


# --- storms ------------------------------------------------------------------------------------------------


def test_a_storm_tells_of_every_alert_the_worst_first() -> None:
    """With how many of each kind there are; one that is in two conversations is told once, in its latest words."""
    mild = text("mild", severity="info", title="A")
    over = text("over", severity="critical", title="B", resolved=NOON)
    bad = text("bad", severity="critical", title="C")
    messages = [
        message("slack", Action.FIRE, mild, bad, key="1"),
        message("slack", Action.RESOLVE, over, key="2", seq=4),
        message("slack", Action.FIRE, replace(bad, summary="worse"), key="3", at=NOON - seconds(60)),
    ]
    joined = together(messages)

    assert [alert.dedup_key for alert in joined.alerts] == ["bad", "mild", "over"]
    assert joined.alerts[0].summary == "worse"
    assert (joined.action, joined.channel, joined.evaluated_at) == (Action.FIRE, "slack", NOON - seconds(60))
    assert joined.notes == ("a storm: 3 messages in one, 1 critical firing, 1 info firing, 1 resolved",)
    assert together(messages[::-1]).dedup_key == joined.dedup_key != together(messages[:2]).dedup_key


def test_a_storm_says_what_is_to_be_said_of_all() -> None:
    """Such as that they may be repeats, or why they are here; what is to be said of one of them is left out."""
    notes = (("may be a repeat",), ("flapped twice", "may be a repeat"))
    messages = [replace(message("slack", key=str(n)), notes=each) for n, each in enumerate(notes)]

    assert together(messages).notes[1:] == ("may be a repeat",)


def test_a_storm_of_ends_is_an_end() -> None:
    """Nothing fires any more."""
    over = [message("slack", Action.RESOLVE, key=str(n)) for n in range(3)]

    assert together(over).action is Action.RESOLVE


# --- fallback ----------------------------------------------------------------------------------------------


def test_fallbacks_are_those_of_the_definitions() -> None:
    """With whether each alert is an incident of its own there."""
    spec = notifications(
        replace(channel("slack", "slack"), fallback="pagerduty"),
        replace(channel("pagerduty", "pagerduty"), fallback="email"),
        channel("email"),
    )

    assert fallbacks(spec) == {"slack": Fallback("pagerduty", alone=True), "pagerduty": Fallback("email", alone=False)}


def test_a_group_message_stays_one_message_elsewhere() -> None:
    """With a line that says why it is there, and no receipt of a receiver that never had it."""
    (copy,) = diverted(replace(message("slack", key="g", seq=3), receipt="C1:2"), Fallback("email"), "HTTP 404")

    assert (copy.channel, copy.dedup_key, copy.seq, copy.notes) == ("email", "g", 3, ("HTTP 404",))
    assert copy.receipt == ""


def test_a_group_message_becomes_incidents_where_each_alert_has_one() -> None:
    """By the keys that these alerts have there anyway; a reminder opens nothing."""
    both = (text("a"), text("b", resolved=NOON))
    fire = diverted(message("slack", Action.FIRE, *both, seq=7), Fallback("pagerduty", alone=True), "why")
    reminder = diverted(message("slack", Action.REPEAT, *both), Fallback("pagerduty", alone=True), "why")

    assert [(m.dedup_key, m.action, m.seq) for m in fire] == [("a", Action.FIRE, 0), ("b", Action.RESOLVE, 1)]
    assert [m.dedup_key for m in reminder] == ["b"]


def test_what_is_muted_is_no_incident_elsewhere() -> None:
    """Somebody has acknowledged it, or silenced it; it stood there because people know of it. Its end closes it."""
    known = text("known", facts=(("muted", "acknowledged by ana"),), muted=True)
    over = replace(known, dedup_key="over", resolved_at=NOON)
    fire = diverted(message("slack", Action.FIRE, text("new"), known, over), Fallback("pagerduty", alone=True), "why")
    (whole,) = diverted(message("slack", Action.FIRE, text("new"), known), Fallback("email"), "why")

    assert [(m.dedup_key, m.action) for m in fire] == [("new", Action.FIRE), ("over", Action.RESOLVE)]
    assert [each.dedup_key for each in whole.alerts] == ["new", "known"]


def test_the_more_severe_the_sooner_it_goes_elsewhere() -> None:
    """And what has no severity of ours does not wait for ever."""
    assert list(DEADLINES) == sorted(DEADLINES)
    assert deadline(0) == timedelta(minutes=5)
    assert deadline(99) == DEADLINES[-1]
