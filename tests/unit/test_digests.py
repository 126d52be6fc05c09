"""Digests: what is not urgent is told together at its time, each time once, and never by a page."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.alerts import NOON, channel, notifications, route, seconds, view
from tests.talks import Talk, closed

from tocsin.adapters.outbox import folded
from tocsin.notify.hours import digest_due
from tocsin.spec import Digest
from tocsin.units import Duration
from tocsin_notifiers.subjects import subject

HOUR = 3_600
ONE_O_CLOCK = Digest(at=13 * 60)


def talk(digest: Digest = ONE_O_CLOCK) -> Talk:
    """A conversation by digest."""
    return Talk(notifications(channel("email"), replace(route("email", group_by=()), digest=digest)))


def notes(one: Talk) -> list[str]:
    """What the messages say of themselves."""
    return [note for message in one.sent for note in message.notes]


def test_what_fired_and_what_ended_is_told_together() -> None:
    """Nothing before its time, also not the end of the last one; an alert that did both is in it once."""
    one = talk()
    before = [
        *one.tick(0, view("a"), view("b")),
        *one.tick(600, view("a"), closed("b", 600)),
        *one.tick(HOUR - 1, view("a"), view("c")),
    ]

    assert before == []
    assert one.tick(HOUR, view("a"), view("c")) == [("email", "fire", ("a", "c", "b"))]
    assert notes(one) == ["a digest: 2 new, 1 came and went"]
    assert one.tick(HOUR + 1, view("a"), view("c")) == []


def test_the_next_one_tells_the_news_only() -> None:
    """A day later: what ended since, with how much still fires; without news there is none."""
    one = talk()
    day = 24 * HOUR
    one.tick(0, view("a"), view("b"))
    one.tick(HOUR, view("a"), view("b"))
    quiet = one.tick(HOUR + day, view("a"), view("b"))
    ended = one.tick(HOUR + day + 60, view("a"), closed("b", HOUR + day + 60))
    later = one.tick(HOUR + 2 * day, view("a"))

    assert (quiet, ended, later) == ([], [], [("email", "resolve", ("b",))])
    assert notes(one)[-1] == "a digest: 1 told of before ended, 1 told of before still firing"
    assert one.sent[0].dedup_key != one.sent[1].dedup_key


def test_a_digest_that_was_missed_comes_late() -> None:
    """An evaluator that was down at its time sends it when it is back."""
    one = talk()
    one.tick(0, view("a"))

    assert one.tick(2 * HOUR, view("a")) == [("email", "fire", ("a",))]


def test_nothing_is_left_of_what_was_told_and_is_over() -> None:
    """Its conversation ends with it."""
    one = talk()
    one.tick(0, view("a"))
    one.tick(60, closed("a", 60))
    said = one.tick(HOUR)

    assert (said, one.groups) == ([("email", "resolve", ("a",))], {})
    assert notes(one) == ["a digest: 1 came and went"]


def test_a_digest_of_ends_only_is_what_it_is() -> None:
    """No end that comes alone, as there never was a message before it; its subject says that it is a digest."""
    one = talk()
    one.tick(0, view("a"))
    one.tick(60, closed("a", 60))
    one.tick(HOUR)
    (sent,) = one.sent

    assert folded([sent], reached=False).notes == ("a digest: 1 came and went",)
    assert subject(sent) == "[DIGEST] be-camera/uptime burns its error budget (critical)"


def test_every_so_often() -> None:
    """So long after the first alert, and then after the last digest."""
    one = talk(Digest(every=Duration.of(hours=1)))
    first = [one.tick(at, view("a")) for at in (60, HOUR, HOUR + 60)]
    then = [one.tick(at, view("a"), view("b")) for at in (HOUR + 120, 2 * HOUR + 60)]

    assert first == [[], [], [("email", "fire", ("a",))]]
    assert then == [[], [("email", "fire", ("b",))]]


@pytest.mark.parametrize(
    ("digest", "news", "due"),
    [
        (Digest(9 * 60, (), "Europe/Paris"), "2026-11-27T08:00:00+00:00", "2026-11-28T08:00:00+00:00"),
        (Digest(9 * 60, (), "Europe/Paris"), "2026-11-27T07:59:59+00:00", "2026-11-27T08:00:00+00:00"),
        (Digest(9 * 60, (1,), "UTC"), "2026-11-27T08:00:00+00:00", "2026-11-30T09:00:00+00:00"),
        (Digest(150, (), "Europe/Berlin"), "2026-03-28T12:00:00+00:00", "2026-03-29T01:30:00+00:00"),
        (Digest(150, (), "Europe/Berlin"), "2026-10-24T12:00:00+00:00", "2026-10-25T00:30:00+00:00"),
        (Digest(150, (), "Europe/Berlin"), "2026-10-25T00:45:00+00:00", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_it_comes_once_a_day_by_the_local_clock(digest: Digest, news: str, due: str) -> None:
    """Also on days on which its time is skipped or comes twice."""
    assert digest_due(digest, datetime.fromisoformat(news), None).isoformat() == due


def test_a_clock_that_went_back_delays_nothing() -> None:
    """What was seen in the future is seen now."""
    one = talk()
    one.tick(5 * HOUR, view("a"))

    assert one.tick(0, view("a")) == []
    assert one.tick(HOUR, view("a")) == [("email", "fire", ("a",))]
    assert NOON + seconds(HOUR) == one.sent[0].evaluated_at == NOON + timedelta(hours=1)
