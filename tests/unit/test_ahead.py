"""Ranges that are read ahead: the same answers, and few questions."""

import random
from datetime import timedelta

from tests.fakes import FakeSource
from tests.worlds import START, seconds

from tocsin.backtest.ahead import Ahead
from tocsin.ports import Row

STEP = timedelta(seconds=20)
HERE, LATE = (("q", "a"),), (("q", "b"),)


def source() -> FakeSource:
    """Two series, one of which has gaps and begins later."""
    made = FakeSource()
    made.scripts["x"] = lambda at: (
        Row(HERE, at.timestamp()),
        *((Row(LATE, -at.timestamp()),) if at > START + seconds(7200) and at.timestamp() % 60 else ()),
    )
    return made


def test_answers_are_those_of_the_source() -> None:
    """Whatever is asked in whatever order, also backward, beyond what was read, and at other instants."""
    chance, plain, ahead = random.Random(1), source(), Ahead(source())
    for _ in range(60):
        start = START + chance.randrange(0, 9000) * STEP + seconds(chance.choice((0, 0, 0, 7)))
        end = start + chance.randrange(0, 90) * STEP
        assert ahead.range("x", start, end, STEP) == plain.range("x", start, end, STEP)


def test_a_day_is_one_question() -> None:
    """A window that moves on with each tick is asked for once a day."""
    asked = source()
    ahead = Ahead(asked)
    for minute in range(2 * 1440 - 90):
        start = START + timedelta(minutes=minute)
        ahead.range("x", start, start + 29 * STEP, STEP)

    assert len(asked.asked) == 2
