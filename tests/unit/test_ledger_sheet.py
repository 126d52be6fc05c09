"""The sheet of running sums that `tocsin serve` looks budgets up in, and the pace at which it is filled."""

from datetime import timedelta

import numpy as np
import pytest
from tests.days import FIRST, day_of
from tests.fakes import FakeSource

from tocsin.ledger.methods import Occurrences
from tocsin.ledger.model import DAY, midnight
from tocsin.ledger.restating import still_seen
from tocsin.ledger.sheet import Sheet
from tocsin.service.pacing import PacedSource

HOUR = 3600
START = midnight(FIRST)
NOW = START + 3 * DAY + 10 * HOUR + 17 * 60
WINDOW = 2 * DAY


def written(now: int = NOW) -> Sheet:
    """Four days of ten events a minute, with two bad ones in each minute of the second day's tenth hour."""
    sheet = Sheet.ruled(now, [now - WINDOW], 60)
    for number in range(4):
        bad = np.zeros(1440)
        if number == 1:
            bad[600:660] = 2.0
        day = day_of(10.0, bad, day=FIRST + timedelta(days=number), seen=(0, 1440 if number < 3 else 617))
        sheet.state("a", Occurrences().units(day))
    return sheet


def test_any_minute_of_the_hour_begins_a_window() -> None:
    """Where windows begin lines are as close as minutes, so no event is counted in part."""
    sheet = written()
    held = [sheet.between("a", NOW - WINDOW + 60 * n, NOW) for n in range(0, 40, 13)]

    assert [one.total for one in held] == [10 * (2 * 1440 - n) for n in range(0, 40, 13)]
    assert [one.bad for one in held] == [2 * (60 - 17 - n) for n in range(0, 40, 13)]
    assert [one.seen for one in held] == [60 * (2 * 1440 - n) for n in range(0, 40, 13)]


def test_sums_stay_exact_while_hours_go_by() -> None:
    """A day later than it was ruled, after the days around the new lines were stated again, sums are the same."""
    sheet, days = written(), {}
    for number in range(4):
        bad = np.zeros(1440)
        if number == 1:
            bad[600:660] = 2.0
        seen = (0, 1440 if number < 3 else 617)
        days[FIRST + timedelta(days=number)] = day_of(10.0, bad, day=FIRST + timedelta(days=number), seen=seen)
    for hours in range(1, 8):
        now = NOW - 7 * HOUR + hours * HOUR
        for day in sheet.rule(now, [now - WINDOW]):
            sheet.state("a", Occurrences().units(days[day]))
        held, expected = sheet.between("a", now - WINDOW, now), now - max(START, now - WINDOW)
        assert held.seen == expected
        assert held.total == 10 * expected / 60


def test_many_objectives_find_room() -> None:
    """Columns come as objectives do, and one that nobody knows holds nothing."""
    sheet = written()
    for number in range(40):
        sheet.state(f"b{number}", Occurrences().units(day_of(float(number), day=FIRST + timedelta(days=2))))

    assert sheet.between("b39", NOW - WINDOW, NOW).total == 39 * 1440
    assert sheet.between("a", NOW - WINDOW, NOW).total == 10 * 2 * 1440
    assert sheet.between("nobody", NOW - WINDOW, NOW) == (0.0, 0.0, 0.0)
    assert sheet.first_seen("nobody", NOW - WINDOW) is None


def test_a_young_objective_is_known_since_it_was_seen() -> None:
    """What was not there could not be seen: coverage begins with the first look."""
    sheet = Sheet.ruled(NOW, [NOW - WINDOW], 60)
    sheet.state("a", Occurrences().units(day_of(10.0, day=FIRST + timedelta(days=3), seen=(300, 617))))

    assert sheet.first_seen("a", NOW - WINDOW) == START + 3 * DAY + 300 * 60
    assert sheet.first_seen("a", NOW - 60) == NOW - 60


def test_what_leaves_a_window_is_known_by_hours() -> None:
    """The bad hour lies at the window's begin, so it leaves first."""
    leaving = written().leaving("a", NOW - WINDOW, NOW)

    assert len(leaving) == 48
    assert leaving[0] == pytest.approx(2 * 43)
    assert sum(leaving) == pytest.approx(2 * 43)


def test_what_was_seen_is_not_unlearned() -> None:
    """A source that has lost the morning says nothing of it, and the noon is taken from what it says now."""
    held, new = day_of(10.0, 1.0, seen=(0, 700)), day_of(7.0, 2.0, seen=(600, 900))
    both = still_seen(held, new)

    assert both.covered.sum() == 900
    assert (both.total[599], both.total[600], both.bad[599], both.bad[600]) == (10.0, 7.0, 1.0, 2.0)
    assert still_seen(held, day_of(7.0)).total.sum() == 7 * 1440
    assert still_seen(day_of(600.0, step=3600), day_of(1.0, seen=(0, 10))).step == 3600


def test_no_more_questions_go_out_than_agreed() -> None:
    """Ten seconds' worth of them at once, and the others one by one."""
    waited: list[float] = []
    paced = PacedSource(FakeSource(), 60, waited.append)
    for _ in range(15):
        paced._turn()

    assert len(waited) == 5
    assert waited[-1] == pytest.approx(5, abs=0.5)
