"""Measures of a back-test: the worked example (row F2), the closed forms, and what must never change them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.backtest.detection import Alert, Cost, Detection, Incident, Stretch, detection, merged
from tocsin.units import Duration
from tocsin.windows import WORKBOOK, budget_spent, detection_time, reset_time

START = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = Duration.of(days=30)
DAY = timedelta(days=1)


def minutes(count: float) -> timedelta:
    """A length of time."""
    return timedelta(minutes=count)


def incident(start: float, end: float, spent: float) -> Incident:
    """By minutes after the start of history."""
    return Incident(START + minutes(start), START + minutes(end), spent)


def alert(start: float, end: float) -> Alert:
    """By minutes after the start of history."""
    return Alert(START + minutes(start), START + minutes(end))


INCIDENTS = [incident(0, 60, 0.30), incident(200, 210, 0.08), incident(400, 401, 0.01)]
ALERTS = [alert(5, 65), alert(100, 105), alert(205, 215)]


def after(got: Detection) -> list[timedelta | None]:
    """Detection times."""
    return [found.after for found in got.incidents]


def test_the_worked_example() -> None:
    """F2: two of three alerts are true, both significant incidents are found, each after five minutes."""
    got = detection(INCIDENTS, ALERTS, DAY)

    assert got.precision == pytest.approx(2 / 3)
    assert got.recall == 1.0
    assert after(got) == [minutes(5), minutes(5)]
    assert [found.spent for found in got.incidents] == pytest.approx([0.30 * 5 / 60, 0.04])
    assert [found.reset for found in got.incidents] == [minutes(5), minutes(5)]
    assert (got.outside, got.per_week) == (minutes(5), 21)


def test_an_incident_that_nobody_told_of() -> None:
    """It counts against recall, and there is nothing to say about its alert."""
    got = detection(INCIDENTS, ALERTS[:2], DAY)

    assert (got.recall, got.precision) == (0.5, 0.5)
    assert [(f.alerts, f.after, f.spent, f.reset, f.flaps) for f in got.incidents[1:]] == [(0, None, None, None, 0)]


def test_no_alert_and_no_incident() -> None:
    """Without alerts there is no precision, without incidents no recall; neither is 0 nor 1."""
    quiet, idle = detection(INCIDENTS, [], DAY), detection([], ALERTS, DAY)

    assert (quiet.precision, quiet.recall, quiet.per_week, quiet.outside) == (None, 0.0, 0, minutes(0))
    assert (idle.precision, idle.recall, idle.per_week, idle.outside) == (0.0, None, 21, minutes(75))


@pytest.mark.parametrize(("spent", "counts"), [(0.02, 1), (0.0199, 0)])
def test_what_is_significant(spent: float, counts: int) -> None:
    """Two percent of the budget are; an alert about less is one too many."""
    got = detection([incident(0, 10, spent)], [alert(1, 11)], DAY)

    assert (len(got.incidents), got.true) == (counts, counts)


@pytest.mark.parametrize(("start", "true"), [(15, 1), (15.1, 0)])
def test_grace(start: float, true: int) -> None:
    """An alert may come until five minutes after the end of an incident."""
    got = detection([incident(0, 10, 0.1)], [alert(start, 30)], DAY)

    assert (got.true, got.recall) == (true, true)
    assert got.outside == minutes(15 if true else 14.9)


def test_an_alert_that_fired_before() -> None:
    """It is true from the start of the incident on, and cost nothing."""
    [found] = detection([incident(10, 20, 0.1)], [alert(0, 15)], DAY).incidents

    assert (found.after, found.spent, found.reset) == (minutes(0), 0.0, minutes(-5))


def test_flapping() -> None:
    """Three alerts of one incident are two flaps, all true; those that begin shortly after each other are one page."""
    alerts = [alert(2, 4), alert(6, 9), alert(12, 20)]
    got = detection([incident(0, 18, 0.1)], alerts, 7 * DAY)

    assert (got.incidents[0].flaps, got.precision, got.per_week) == (2, 1.0, 3)
    assert got.incidents[0].reset == minutes(2)
    assert [detection([], alerts, 7 * DAY, together=minutes(n)).per_week for n in (3, 4, 6)] == [3, 2, 1]


def test_two_alerts_at_once_for_nothing() -> None:
    """Somebody was bothered for fifteen minutes, not for twenty; and was woken twice."""
    got = detection([], [alert(0, 10), alert(5, 15)], 7 * DAY)

    assert (got.alerts, got.outside, got.per_week) == (2, minutes(15), 2)


def test_a_long_alert_hides_no_other_page() -> None:
    """One fires all week; each of ten others woke people."""
    alerts = [alert(0, 10_000), *(alert(60 * n, 60 * n + 5) for n in range(1, 11))]

    assert detection([], alerts, 7 * DAY, together=minutes(5)).per_week == 11


def test_one_alert_over_two_incidents() -> None:
    """It finds both, and is one alert."""
    got = detection([incident(0, 10, 0.1), incident(20, 30, 0.1)], [alert(5, 25)], DAY)

    assert (got.precision, got.recall, after(got)) == (1.0, 1.0, [minutes(5), minutes(0)])


def test_a_budget_that_is_spent_unevenly() -> None:
    """Who knows what was spent when, says so."""
    got = detection([incident(0, 10, 0.1)], [alert(5, 15)], DAY, spent_until=lambda one, *_: Cost(one.spent * 0.9))

    assert got.incidents[0].spent == pytest.approx(0.09)


def test_an_incident_of_a_moment() -> None:
    """Its whole cost is spent at once."""
    [found] = detection([incident(3, 3, 0.5)], [alert(3, 4)], DAY).incidents

    assert (found.after, found.spent) == (minutes(0), 0.5)


@pytest.mark.parametrize(("errors", "length"), [("0.15", 10), ("1", 5), ("0.5", 10), ("0.02", 60)])
def test_closed_forms(errors: str, length: int) -> None:
    """A step incident told of by the fast tier: found after D, 2 % of the budget spent, over after R(5m)."""
    fast, target = WORKBOOK[0], Decimal("0.999")
    threshold = fast.threshold(MONTH, target)
    fires, clears = detection_time(60, threshold, Fraction(errors)), reset_time(5, threshold, Fraction(errors))
    assert fires is not None
    assert clears is not None
    spent = float(budget_spent(length * 60, Fraction(errors), target, MONTH.seconds))

    [found] = detection([incident(0, length, spent)], [alert(float(fires), length + float(clears))], DAY).incidents
    assert found.after == minutes(float(fires))
    assert found.reset == minutes(float(clears))
    assert found.spent == pytest.approx(0.02)


def test_what_cannot_be() -> None:
    """Nothing ends before it starts, and no history has no week."""
    with pytest.raises(ValueError, match="before it starts"):
        alert(2, 1)
    with pytest.raises(ValueError, match="no history"):
        detection([], [], minutes(0))


# --- properties ---------------------------------------------------------------------------------------------------

spans = st.tuples(st.integers(0, 500), st.integers(0, 60)).map(lambda pair: (pair[0], pair[0] + pair[1]))
some_alerts = st.lists(spans.map(lambda span: alert(*span)), max_size=8)
some_incidents = st.lists(
    st.tuples(spans, st.floats(0.0, 0.5)).map(lambda one: incident(one[0][0], one[0][1], one[1])),
    min_size=1,
    max_size=5,
)


@given(some_incidents, some_alerts)
def test_order_does_not_matter(incidents: list[Incident], alerts: list[Alert]) -> None:
    """Alerts and incidents are sorted here."""
    assert detection(incidents[::-1], alerts[::-1], DAY).true == detection(incidents, alerts, DAY).true
    assert detection(incidents, alerts[::-1], DAY).outside == detection(incidents, alerts, DAY).outside


@given(some_incidents, some_alerts)
def test_measures_are_fractions_and_times_of_what_happened(incidents: list[Incident], alerts: list[Alert]) -> None:
    """Nothing is found before it began, costs more than all of it, or fires outside for longer than it fired."""
    got = detection(incidents, alerts, DAY)

    assert 0 <= (got.precision or 0) <= 1
    assert 0 <= (got.recall or 0) <= 1
    assert minutes(0) <= got.outside <= sum((one.end - one.start for one in alerts), start=minutes(0))
    for found in got.incidents:
        assert (found.after is None) == (found.alerts == 0)
        assert found.after is None or found.after >= minutes(0)
        assert found.spent is None or 0 <= found.spent <= found.incident.spent


@given(some_incidents, some_alerts)
def test_a_false_alert_costs_precision_and_nothing_else(incidents: list[Incident], alerts: list[Alert]) -> None:
    """An alert a day later finds nothing."""
    before = detection(incidents, alerts, DAY)
    worse = detection(incidents, [*alerts, alert(2_000, 2_010)], DAY)

    assert (worse.incidents, worse.true, worse.alerts) == (before.incidents, before.true, before.alerts + 1)
    assert worse.outside == before.outside + minutes(10)
    assert worse.per_week == before.per_week + 7


@given(some_incidents)
def test_perfect_alerts(incidents: list[Incident]) -> None:
    """Who fires exactly with every incident finds all at once, and is never wrong."""
    significant = [replace(one, spent=0.5) for one in incidents]
    got = detection(significant, [Alert(one.start, one.end) for one in significant], DAY)

    assert (got.precision, got.recall, got.outside) == (1.0, 1.0, minutes(0))
    assert {found.after for found in got.incidents} == {minutes(0)}


@given(some_alerts, st.integers(0, 30))
def test_merged_alerts_are_apart(alerts: list[Alert], gap: int) -> None:
    """What is left is further apart than the gap, and covers every alert."""
    whole = merged(alerts, minutes(gap))

    assert all(later.start - sooner.end > minutes(gap) for sooner, later in pairwise(whole))
    assert all(any(one.start <= a.start and a.end <= one.end for one in whole) for a in alerts)
    assert merged(whole, minutes(gap)) == whole
    assert {type(one) for one in whole} <= {Stretch}
