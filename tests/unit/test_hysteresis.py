"""Thresholds with hysteresis: where an alert begins, where it ends, and that rules and evaluator agree."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from tests.oracle import ask, firing, groups_of
from tests.reading import places, read
from tests.worlds import FIRED, RESOLVED, START, World, seconds

from tocsin.evaluate.model import EventKind
from tocsin.ports import Row

VALUES = [50, 81, 82, 75, 79, 70, 69, 75, 79, 80, 81, 72, 60]
"""Minute by minute: above 80 from minute 1, on the way down until minute 6 (69), and again from minute 10."""
ALERT = "alerts: {{Full: {{value: used, above: 80, clear_below: 70, severity: warning, {more}}}}}"


def world(more: str, values: Sequence[float]) -> World:
    """An evaluator that looks once a minute."""
    workspace, findings = read("Service", ALERT.format(more=more), "shop")
    assert findings == ()
    there = World(workspace)
    there.source.add({"__name__": "used", "disk": "a"}, ((START + seconds(60 * i), v) for i, v in enumerate(values)))
    there.run(0, 60 * (len(values) - 1), 60)
    return there


def rules(more: str, values: dict[str, list[float]]) -> dict[str, list[int]]:
    """The minutes at which Prometheus has the alert firing, by disk."""
    longest = max(len(points) for points in values.values())
    series = {f'used{{disk="{disk}",severity="x"}}': points for disk, points in values.items()}
    found = ask(
        groups_of(ALERT.format(more=more)), series, [(firing("Full"), 60 * minute) for minute in range(longest)]
    )
    return {
        disk: [minute for minute, rows in enumerate(found) if any(("disk", disk) in labels for labels in rows)]
        for disk in values
    }


@pytest.mark.real
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("for: 0s", [1, 2, 3, 4, 5, 10, 11]),
        ("for: 1m", [2, 3, 4, 5]),
        ("for: 2m", []),
        ("for: 0s, keep_firing_for: 2m", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ],
)
def test_rules_and_evaluator_agree(more: str, expected: list[int]) -> None:
    """The alert begins above 80, for as long as `for` says, and ends below 70.

    With `keep_firing_for` the alert still fires at minute 7, when 75 is between both bounds: it is kept again.
    """
    there = world(more, VALUES)
    told = [(round(second / 60), kind) for second, kind in there.told("shop/Full")]
    begin = [minute for minute, kind in told if kind is FIRED]
    end = [minute for minute, kind in told if kind is RESOLVED]
    open_ = [minute for minute in range(len(VALUES)) if sum(b <= minute for b in begin) > sum(e <= minute for e in end)]

    assert (expected, expected) == (rules(more, {"a": [float(v) for v in VALUES]})["a"], open_)


@pytest.mark.real
def test_each_instance_has_its_own_state() -> None:
    """Of two disks between the bounds the one that fired is kept; a label that the rule sets is no bar."""
    assert rules("for: 0s", {"a": [90, 75, 75, 60], "b": [75, 75, 90, 75]}) == {"a": [0, 1, 2], "b": [2, 3]}


@pytest.mark.real
def test_below_works_the_other_way_round() -> None:
    """An alert that began below 10 ends above 20."""
    text = "alerts: {Low: {value: 'free # bytes', below: 10, clear_above: 20, severity: info}}"
    found = ask(groups_of(text), {"free": "9 15 20 21 15"}, [(firing("Low"), 60 * minute) for minute in range(5)])

    assert [bool(rows) for rows in found] == [True, True, True, False, False]


@pytest.mark.real
@pytest.mark.parametrize(
    ("more", "gap", "expected"),
    [
        ("for: 3m", 1, list(range(4, 16))),
        ("for: 3m", 4, list(range(4, 16))),
        ("for: 3m, on_missing: resolve", 1, list(range(4, 8))),
        ("for: 3m", 7, list(range(4, 13))),
    ],
)
def test_failed_scrapes_do_not_end_it(more: str, gap: int, expected: list[int]) -> None:
    """Between the bounds a value that is missing for less than five minutes is what it was, unless told otherwise.

    Longer than that Prometheus' alert ends, and the value between the bounds does not begin it anew.
    """
    values = [50, *[90] * 5, *[75] * 2, *[None] * gap, *[75] * (8 - gap), 60, 60]
    series = {
        'used{disk="a"}': " ".join(
            "stale" if v is None and values[n - 1] is not None else "_" if v is None else str(v)
            for n, v in enumerate(values)
        )
    }
    found = ask(groups_of(ALERT.format(more=more)), series, [(firing("Full"), 60 * n) for n in range(len(values))])

    assert [minute for minute, rows in enumerate(found) if rows] == expected


@pytest.mark.parametrize("gap", [1, 4, 7])
def test_the_evaluator_keeps_it_as_well(gap: int) -> None:
    """It is blind for as long as there is no value, however long, and nobody is told that it ended."""
    workspace, _ = read("Service", ALERT.format(more="for: 0s"), "shop")
    there = World(workspace)
    values = [50, 90, 75, *[None] * gap, 75, 75, 60]
    points = [(START + seconds(60 * n), v) for n, v in enumerate(values) if v is not None]
    there.source.add({"__name__": "used", "disk": "a"}, iter(points))
    there.run(0, 60 * (len(values) - 1), 60)

    assert [(round(second / 60), kind) for second, kind in there.told("shop/Full")] == [
        (1, FIRED),
        (len(values) - 1, RESOLVED),
    ]


@pytest.mark.real
def test_on_missing_fire_is_one_alert_without_labels() -> None:
    """Not even those of the selector's matchers, so that rules and evaluator tell of one alert."""
    text = "alerts: {Low: {value: 'free{job=\"shop\"}', below: 10, on_missing: fire, severity: info}}"
    [rows] = ask(groups_of(text), {"other": "1x5"}, [(firing("Low"), 300)])
    [labels] = rows

    assert "job" not in dict(labels)


def test_a_missing_value_is_blind_between_the_bounds() -> None:
    """A series that ends neither keeps the alert for a reason nor ends it."""
    there = world("for: 0s", [90.0, 75.0])
    there.run(600, 660)

    assert (there.told("shop/Full"), there.blind("shop/Full")) == ([(0, FIRED)], ["a"])


TWO = """alerts:
  Stuck:
    value: '2 * (errors > bool 5) + on (queue) (backlog >= bool 2)'
    above: 1
    clear_below: 1
    severity: warning
"""
ERRORS = [0, 9, 9, 1, 1, 1, 1, 9, 1]
BACKLOG = [0, 1, 5, 5, 3, 1, 5, 0, 0]
_BOTH = (("errors", ERRORS), ("backlog", BACKLOG))


@pytest.mark.real
def test_an_end_that_another_value_decides() -> None:
    """One number says begin (2, 3), hold (1) and end (0): errors begin it, and only a short backlog ends it."""
    series = {f'{name}{{queue="a"}}': [float(v) for v in values] for name, values in _BOTH}
    found = ask(groups_of(TWO), series, [(firing("Stuck"), 60 * minute) for minute in range(len(ERRORS))])

    assert [minute for minute, rows in enumerate(found) if rows] == [1, 2, 3, 4, 7]


def test_an_end_that_another_value_decides_is_no_end_while_nobody_knows_it() -> None:
    """The evaluator does the same, and while one of the two is missing it neither ends nor begins."""
    workspace, findings = read("Service", TWO, "shop")
    values = [2 * (e > 5) + (b >= 2) for e, b in zip(ERRORS, BACKLOG, strict=True)]
    asked = "2 * (errors > bool 5) + on (queue) (backlog >= bool 2)"

    def told(missing: set[int]) -> list[tuple[float, EventKind]]:
        there = World(workspace)

        def rows(at: datetime) -> tuple[Row, ...]:
            minute = int((at - START).total_seconds() // 60)
            return () if minute in missing else (Row((("queue", "a"),), float(values[minute])),)

        there.source.scripts[asked] = rows
        there.run(0, 60 * (len(values) - 1), 60)
        return there.told("shop/Stuck")

    assert findings == ()
    assert told(set()) == [(60, FIRED), (300, RESOLVED), (420, FIRED), (480, RESOLVED)]
    assert told({5, 6, 7, 8}) == [(60, FIRED)]


def test_people_read_why_it_stays() -> None:
    """The reason and the facts name the bound at which it ends."""
    view = world("for: 0s", [90.0, 75.0]).view("shop/Full")

    assert (view.reason, dict(view.facts)["threshold"]) == ("75 is not < 70 yet", "> 80, until < 70")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{value: x, above: 80, clear_below: 90, severity: info}", [(4, 48, "alert/hysteresis")]),
        ("{value: x, above: 80, clear_above: 70, severity: info}", [(4, 10, "alert/condition")]),
        ("{expr: x > 1, clear_below: 70, severity: info}", [(4, 10, "alert/condition")]),
        ("{absent: x, above: 70, severity: info}", [(4, 10, "alert/condition")]),
        ("{absent: x, expr: x, severity: info}", [(4, 10, "alert/condition")]),
        ("{value: x, above: 80, clear_below: 80, severity: info}", []),
    ],
)
def test_mistakes(text: str, expected: list[tuple[int, int, str]]) -> None:
    """A bound on the wrong side would end the alert where it begins."""
    _, findings = read("Service", f"alerts: {{A: {text}}}")

    assert places(findings) == expected
