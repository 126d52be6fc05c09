"""Alerts that a series is gone."""

import pytest
from tests.oracle import ask, firing, groups_of
from tests.reading import read
from tests.worlds import BLIND, FIRED, RESOLVED, World

from tocsin.plan.selectors import one_value_each
from tocsin.ports import Row

UP = 'up{job="db",instance=~"a|b"}'
TEXT = f"alerts: {{Gone: {{absent: '{UP}', for: 1m, severity: critical}}}}"
ONE, OTHER = (f'absent(up{{job="db",instance="{name}"}})' for name in "ab")


@pytest.mark.real
def test_each_value_is_told_of() -> None:
    """The labels of equality matchers, and each value of a list, say what is gone, once it is out of sight."""
    series = {'up{job="db",instance="a"}': "1 _x8", 'up{job="db",instance="b"}': "1x9"}
    found = ask(groups_of(TEXT), series, [(firing("Gone"), 60 * minute) for minute in range(9)])

    assert [[dict(row)["instance"] for row in rows] for rows in found] == [[]] * 7 + [["a"], ["a"]]


@pytest.mark.real
def test_after_a_stale_marker() -> None:
    """A target that goes away is missing at once, and fires after `for`."""
    series = {'up{job="db",instance="a"}': "1 1 stale _x3 1", 'up{job="db",instance="b"}': "1x7"}
    found = ask(groups_of(TEXT), series, [(firing("Gone"), 60 * minute) for minute in range(7)])

    assert [[dict(row)["instance"] for row in rows] for rows in found] == [[], [], [], ["a"], ["a"], ["a"], []]


def test_lists_of_values() -> None:
    """Only lists of plain values are split, never a pattern, and never a text inside a value."""
    assert one_value_each('up{a="x=~\\"b|c\\"",d=~"e|f",g=~"h.*|i"}') == (
        'up{a="x=~\\"b|c\\"",d="e",g=~"h.*|i"}',
        'up{a="x=~\\"b|c\\"",d="f",g=~"h.*|i"}',
    )
    assert one_value_each("up{x='y,a=~\"b|c\"'}") == ("up{x='y,a=~\"b|c\"'}",)
    assert len(one_value_each(f'up{{a=~"{"|".join(map(str, range(200)))}"}}')) == 1


class TestEvaluator:
    """The same, asked by `tocsin serve`."""

    def world(self) -> World:
        """A world whose answers to the question are scripted."""
        workspace, findings = read("Service", TEXT, "shop")
        assert findings == ()
        return World(workspace)

    def test_fires_and_resolves(self) -> None:
        """A row says that it is missing, no row that it is there."""
        there = self.world()
        question = f"{ONE}\nor {OTHER}"
        gone = [Row((("instance", "a"), ("job", "db")), 1.0)]
        there.source.scripts[question] = lambda at: tuple(gone)
        there.run(0, 60)
        gone.clear()
        there.run(75, 90)

        assert there.told("shop/Gone") == [(60, FIRED), (75, RESOLVED)]

    def test_blind_when_nobody_can_look(self) -> None:
        """A source that does not answer resolves nothing."""
        there = self.world()
        gone = Row((("instance", "a"), ("job", "db")), 1.0)
        there.source.scripts[f"{ONE}\nor {OTHER}"] = lambda at: (gone,)
        there.run(0, 60)
        there.source.down = "refused"
        there.run(75, 90)

        assert there.told("shop/Gone", (FIRED, RESOLVED, BLIND)) == [(60, FIRED), (75, BLIND)]
