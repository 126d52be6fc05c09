"""Back-tests that begin within something: what fired before is known, and counts before."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import alerts, builders

from tocsin.backtest.detection import Incident
from tocsin.backtest.period import BEFORE, BETWEEN, Period, begun, lead
from tocsin.backtest.picture import as_svg
from tocsin.backtest.replay import Episode, Replay, replay
from tocsin.backtest.texts import as_text
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.verdict import Verdict, judge
from tocsin.evaluate.model import Sample, Timing, Truth
from tocsin.evaluate.rule import Rule, Seen, one
from tocsin.evaluate.tick import Watch
from tocsin.ledger.arrays import Bools
from tocsin.ports import Labels
from tocsin.spec import Composite, Part
from tocsin.units import Duration
from tocsin.workspace import Workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TRUTHS = {".": Truth.FALSE, "#": Truth.TRUE, "?": Truth.UNKNOWN}


class Told:
    """A member whose alert is at each minute what one letter says: true, false, unknown, or between its bounds."""

    def __init__(self, letters: str, first: int = 0) -> None:
        self.letters = letters
        self.first = START + first * MINUTE

    @property
    def due(self) -> Bools:
        """It is asked every minute."""
        return np.ones(len(self.letters), dtype=np.bool_)

    def ask(self, at: datetime, opened: Mapping[str, set[Labels]]) -> Mapping[str, Seen]:
        """What stands there."""
        letter = self.letters[(at - START) // MINUTE]
        if letter == "~":
            return {"a/b": one(Sample(Truth.FALSE, kept=Sample(Truth.TRUE)))}
        return {"a/b": one(Sample(TRUTHS[letter]))}


def rule(ref: str = "a/b", for_: int = 0, keep: int = 0) -> Rule:
    """A page that waits so many minutes."""
    return Rule(ref, "a", "critical", "A", "it is", (), Timing(Duration.of(minutes=for_), Duration.of(minutes=keep)))


def run(letters: str, since: int, for_: int = 0, keep: int = 0) -> Replay:
    """Replay all, and count from minute *since* on."""
    (document,) = alerts.notifications(alerts.channel("email"), alerts.route("email", wait=60))
    ticks = Ticks.between(START, START + (len(letters) - 1) * MINUTE)
    counted = Ticks.between(START + since * MINUTE, ticks.end)
    rules = {"a/b": rule(for_=for_, keep=keep), "a/c": rule("a/c")}
    composites = {"a/c": Composite((Part("a/b", builders.SPAN),), (), ())}
    return replay([(Told(letters), ("a/b",))], rules, composites, (document,), ticks, counted=counted)


def verdict(letters: str, since: int, *incidents: tuple[int, int], **more: int) -> Verdict:
    """What it comes to."""
    found = run(letters, since, **more)
    labelled = [Incident(START + a * MINUTE, START + b * MINUTE, 0.0, "down") for a, b in incidents]
    return judge("now", found, Period(found.ticks, found.ticks, START, START), labelled)


def minutes(episodes: Sequence[Episode], ref: str = "a/b") -> list[tuple[float, float | None, bool]]:
    """When each fired and was over, and whether it may have fired before."""
    return [
        (
            (each.fired_at - START) / MINUTE,
            None if each.resolved_at is None else (each.resolved_at - START) / MINUTE,
            each.censored,
        )
        for each in episodes
        if each.rule == ref
    ]


def test_what_fires_at_the_start_is_no_page_of_the_period() -> None:
    """It fired when it did, nobody is told of it again, and the next one counts."""
    found = verdict("..####......####..", 4)

    assert minutes(found.replay.episodes) == [(2, 6, False), (12, 16, False)]
    assert (found.pages, found.pages_already) == (2, 2), "and the one that is made of it"
    assert [message.action.value for message in found.replay.messages] == ["resolve", "fire", "resolve"]
    assert [(each.episodes, each.already, each.firing / MINUTE) for each in found.fired] == [(1, 1, 6), (1, 1, 6)]
    assert found.pages_per_week == pytest.approx(timedelta(weeks=1) / found.replay.ticks.length)


def test_a_wait_that_began_before_goes_on() -> None:
    """Five minutes are over two minutes after the start, not five; what went quiet before it does not count."""
    assert minutes(run("##.#######....", 6, for_=5).episodes) == [(8, 10, False)]
    assert run("##.#######....", 6, for_=5).pending == 0
    assert minutes(run("#######.....", 8, for_=3, keep=4).episodes) == [(3, 11, True)], "kept for four minutes"


def test_what_was_true_at_the_first_look_may_have_been_so_before() -> None:
    """So was what is made of it; what was not, fired when it did."""
    found = run("####..##", 2)

    assert minutes(found.episodes) == [(0, 4, True), (6, None, False)]
    assert minutes(found.episodes, "a/c") == [(0, 4, True), (6, None, False)]


def test_what_was_true_when_a_server_began_to_know_may_have_been_so_before() -> None:
    """Its first sample lies behind the first look."""
    ticks = Ticks.between(START, START + 9 * MINUTE)

    def censored(known: int) -> list[bool]:
        told = [(Told("???###....", first=known), ("a/b",))]
        return [each.censored for each in replay(told, {"a/b": rule()}, {}, (), ticks, known=told[0][0].first).episodes]

    assert (censored(3), censored(0)) == ([True], [False])


def test_nobody_knows_what_hovers_between_its_bounds() -> None:
    """From the first look on until it counts; once it was within, it is quiet."""
    assert [each.rule for each in run("~~~?~~", 3).hovering] == ["a/b"]
    assert run("~~.~~~", 4).hovering == ()
    assert run("~~#~~~", 4).hovering == ()
    assert "may have fired before: a/b" in as_text([verdict("~~~~", 2)])


def test_an_incident_that_began_before_is_judged_by_what_paged_then() -> None:
    """Also by what was over by then; it costs no precision, which is about the pages of the period."""
    found = verdict("..##..........##..", 8, (1, 11)).found
    assert found is not None
    (one,) = found.incidents

    assert (one.after, one.alerts, found.recall) == (MINUTE, 4, 1.0), "two alerts, twice"
    assert (found.alerts, found.true, found.precision) == (2, 2, 1.0), "within five minutes of its end"
    assert found.outside == timedelta(), "in the five minutes after it nobody is surprised"


def test_only_the_period_fires_outside_of_incidents() -> None:
    """Two of the four minutes lie in it."""
    found = verdict("..####....", 4, (8, 9)).found

    assert found is not None
    assert (found.outside, found.precision, found.recall) == (2 * MINUTE, None, 0.0)


def test_a_page_that_goes_on_is_the_same_page() -> None:
    """Within five minutes of one that fired before, it wakes nobody anew."""
    assert verdict("..###.##....", 4).pages_per_week == 0
    assert verdict("..###.......##..", 4).pages_per_week > 0


def test_people_read_what_was_there_already() -> None:
    """In figures, alerts, episodes and the picture."""
    found = verdict("####..##..........##..", 2, (0, 3))
    text = as_text([found])

    assert re.search(r"firing at the start, not counted +2 pages", text)
    assert "a/b    critical  2 (+1 already)" in text
    assert "2026-11-01 00:00 or before (already)  a/b" in text
    assert text.count("or before") == 2
    assert "2026-11-01 00:00  3m      0s" in text, "it fired when the incident began"
    drawing = as_svg([found], ())
    assert "2 firing already" in drawing
    assert drawing.count("or before for 4m") == drawing.count('<path class="critical"') == 2


def test_a_page_that_is_still_open_has_not_ended() -> None:
    """Nor has one that may have come before the first look come after so long."""
    text = as_text([verdict("..####", 0, (1, 4))])
    assert re.search(r"down  .*  3m  +1m  +-  +still fires", text)
    late = verdict("####..", 0, (-5, 2))
    assert "at most 5m" in as_text([late])


@given(
    st.text(alphabet="..##?~", min_size=2, max_size=60),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(min_value=1, max_value=59),
)
def test_the_period_is_a_part_of_the_whole(letters: str, for_: int, keep: int, since: int) -> None:
    """What is counted from some minute on is what is there when all is counted, less what was over."""
    since = min(since, len(letters) - 1)
    whole, part = run(letters, 0, for_, keep), run(letters, since, for_, keep)
    start = START + since * MINUTE

    assert part.episodes == tuple(one for one in whole.episodes if one.resolved_at is None or one.resolved_at > start)
    assert len(part.earlier) + len(part.episodes) == len(whole.episodes)
    assert part.messages == tuple(one for one in whole.messages if one.evaluated_at >= start)


def test_how_long_alerts_are_watched_before() -> None:
    """As long as any needs to fire and to be over, after its parts, and a day; a week for what has two bounds."""
    rules = {"a/b": rule(for_=30, keep=60), "a/c": rule("a/c", for_=10), "a/d": rule("a/d", for_=45)}
    composites = {"a/c": Composite((Part("a/b", builders.SPAN),), (), ())}
    alert, hysteresis = (builders.alert("Deep", value="depth", above="5", clear=clear) for clear in (None, "3"))

    assert lead((), rules, composites) == BEFORE + 100 * MINUTE
    assert lead((builders.service(alerts=(alert,)),), rules, {}) == BEFORE + 90 * MINUTE
    assert lead((builders.service(alerts=(hysteresis,)),), rules, {}) == BETWEEN + 90 * MINUTE
    assert lead((), {}, {}) == BEFORE


def test_an_objective_is_watched_as_long_as_its_alerts_are_kept() -> None:
    """Every rule of the evaluator counts."""
    watch = Watch(Workspace(services=(builders.service(slos=(builders.slo(),)),)))

    longest = max(one.timing.for_.timedelta + one.timing.keep_firing_for.timedelta for one in watch.rules.values())
    assert lead((), watch.rules, watch.combined) == BEFORE + longest
    assert longest > timedelta()


def test_incidents_that_reach_into_it_begin_it() -> None:
    """So that what paged for them is known; what was long before, or is years old, is not."""
    incidents = [
        Incident(START - a * MINUTE, START - b * MINUTE, 0.0) for a, b in ((90, 30), (60, 4), (40, -10), (10**6, 0))
    ]

    assert begun(START, incidents) == START - 60 * MINUTE
    assert begun(START, incidents[:1]) == START


def test_a_server_that_knows_nothing_of_its_beginning_says_so() -> None:
    """Figures per week are of time that was not seen, too."""
    found = run("." * 61, 0)
    period = Period(found.ticks, found.ticks, START, START + 30 * MINUTE)

    assert "nothing was seen before 2026-11-01 00:30, so 30m" in as_text([judge("now", found, period, None)])


def test_a_history_that_is_too_short_says_so() -> None:
    """It begins at its first sample, and not before."""
    ticks = Ticks.between(START, START + 10 * MINUTE)
    enough, short = (
        Period.of(ticks, START - 60 * MINUTE, first) for first in (START - 90 * MINUTE, START - 5 * MINUTE)
    )
    found = run("." * 11, 0)

    assert (len(enough.whole), enough.complete) == (71, True)
    assert (len(short.whole), short.complete) == (16, False)
    assert "alerts are watched from 2026-10-31 23:55 on" in as_text([judge("now", found, short, None)])
    assert "alerts are watched" not in as_text([judge("now", found, enough, None)])
