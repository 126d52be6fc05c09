"""Anomalies: a seasonal baseline on made-up data, judged by promtool: noise, a spike, a level shift, an old outage.

A season is two hours here, so that three of them and what happens in a fourth are some hundred minutes; the rules are
those of a week, with other windows.
"""

import math
import random
from functools import cache

import pytest
from tests.oracle import ask, firing, groups_of
from tests.reading import codes, document, read, together
from tests.worlds import BLIND, FIRED, RESOLVED, World

from tocsin.evaluate.anomalies import question
from tocsin.plan import plan
from tocsin.plan.anomaly import expression, interval_of, learning, pictured, remembered, smoothing
from tocsin.ports import Labels, Row, labels_of
from tocsin.spec import AlertRule, Anomaly

TEXT = """
    alerts:
      Odd:
        anomaly: {series: sum by (case) (x), season: 2h, direction: both}
        for: 2m
        severity: warning
"""
SEASON = 120
"""Minutes."""
LENGTH = 8 * SEASON
EVENT = 5 * SEASON + 30
"""When something happens: in the sixth season, near the top of the wave."""
CASES = ("clean", "spike", "outage", "shift", "growth", "flat")


def wave(case: str, minute: int, chance: random.Random) -> float:
    """Requests per second of one case: a wave with noise, and what happens to it."""
    value = 100 + 50 * math.sin(2 * math.pi * minute / SEASON) + chance.gauss(0, 2)
    if case == "spike" and EVENT <= minute < EVENT + 10:
        return value + 60
    if case == "outage" and EVENT <= minute < EVENT + 20:
        return 0.0
    if case == "shift" and minute >= EVENT:
        return value + 60
    if case == "growth":
        return value * (1 + 0.05 * minute / SEASON)
    return 10.0 if case == "flat" else value


@cache
def fired() -> dict[str, list[int]]:
    """The minutes at which each case fires."""
    series = {}
    for seed, case in enumerate(CASES):
        chance = random.Random(seed)
        series[f'x{{case="{case}",pod="1"}}'] = [wave(case, minute, chance) for minute in range(LENGTH)]
    found = ask(groups_of(TEXT), series, [(firing("Odd"), 60 * minute) for minute in range(LENGTH)])
    return {
        case: [minute for minute, rows in enumerate(found) if any(("case", case) in labels for labels in rows)]
        for case in CASES
    }


@pytest.mark.real
@pytest.mark.xdist_group("anomaly")
class TestRules:
    """What promtool makes of the recorded baseline."""

    @pytest.mark.parametrize("case", ["clean", "growth", "flat"])
    def test_normal_life_is_silent(self, case: str) -> None:
        """Noise around the wave, growth of five percent a season, and a line without any noise: nothing to tell."""
        assert fired()[case] == []

    def test_a_spike_fires(self) -> None:
        """It is told of after `for`, and is over with it; the next seasons do not expect it."""
        assert fired()["spike"] == list(range(EVENT + 2, EVENT + 10))

    def test_an_outage_fires_once(self) -> None:
        """It fires while it lasts, and has no echo at the same time of the next seasons."""
        assert fired()["outage"] == list(range(EVENT + 2, EVENT + 20))

    def test_a_shift_becomes_normal(self) -> None:
        """A new level is told of for about a quarter of a season and is then the new normal."""
        minutes = fired()["shift"]

        assert minutes[0] == EVENT + 2
        assert SEASON * 0.2 < len(minutes) < SEASON * 0.3
        assert minutes == list(range(minutes[0], minutes[-1] + 1))

    def test_a_baseline_of_one_season_would_echo(self) -> None:
        """Comparing with last season alone, as plain week-over-week rules do, calls the end of an outage unusual."""
        chance = random.Random(2)
        series = {"x": [wave("outage", minute, chance) for minute in range(LENGTH)]}
        naive = "abs(x - x offset 2h) > 0.5 * x offset 2h"
        found = ask((), series, [(naive, 60 * (EVENT + SEASON + minute)) for minute in range(20)])

        assert all(found)

    def test_it_learns_in_silence(self) -> None:
        """Before two seasons and a quarter nothing fires, whatever happens."""
        chance = random.Random(0)
        points = [wave("clean", minute, chance) for minute in range(3 * SEASON)]
        points[200:210] = [500.0] * 10
        points[264:268] = [500.0] * 4
        points[300:310] = [500.0] * 10
        found = ask(groups_of(TEXT), {"x": points}, [(firing("Odd"), 60 * m) for m in range(240, 320)])
        minutes = [240 + number for number, rows in enumerate(found) if rows]

        assert str(learning(condition())) == "4h30m"
        assert minutes == list(range(302, 310))

    @pytest.mark.parametrize("direction", ["both", "above", "below"])
    def test_what_is_drawn_is_what_is_judged(self, direction: str) -> None:
        """The value is beyond a bound of the picture exactly where the condition of the alert is met."""
        text, series = TEXT.replace("both", direction), {}
        for seed, case in enumerate(CASES):
            chance = random.Random(seed)
            series[f'x{{case="{case}"}}'] = [wave(case, minute, chance) for minute in range(LENGTH)]
        echo = range(EVENT + SEASON, EVENT + SEASON + 24, 4)
        times = [60 * minute for minute in (*range(EVENT - 6, EVENT + 30, 4), *echo)]
        curves_of, met = pictured(alert(text), condition(text)), expression(alert(text), condition(text))
        asked = [*curves_of.values(), met]
        found = ask(groups_of(text), series, [(each, at) for at in times for each in asked])
        judged = set()
        for at in range(0, len(found), len(asked)):
            together = found[at : at + len(asked)]
            *drawn, unusual = [{dict(key)["case"]: value for key, value in rows.items()} for rows in together]
            shown = {case: {name: rows[case] for name, rows in zip(curves_of, drawn, strict=True)} for case in CASES}
            firing = set(unusual)
            for case, curves in shown.items():
                sides = {"both": 2, "above": 1, "below": 1}[direction]
                assert len(curves) == 2 + sides
                high = curves["value"] > curves.get("unusual above", math.inf)
                low = curves["value"] < curves.get("unusual below", -math.inf)
                assert (high or low) == (case in firing), (case, curves)
                judged |= {(case, high, low)}

        assert {(case, False, False) for case in CASES} <= judged
        assert (("spike", True, False) in judged) == (direction != "below")
        assert (("outage", False, True) in judged) == (direction != "above")


def alert(text: str = TEXT) -> AlertRule:
    """The first alert of a document."""
    workspace, findings = read("Service", text, "shop")
    assert findings == ()
    return workspace.services[0].alerts[0]


def condition(text: str = TEXT) -> Anomaly:
    """Its condition."""
    found = alert(text).condition
    assert isinstance(found, Anomaly)
    return found


@pytest.mark.parametrize(
    ("season", "expected"),
    [
        ("1w", ("2m", "3h30m", "15d18h", "14d1h45m")),
        ("1d", ("1m", "30m", "2d6h", "2d15m")),
        ("4w", ("4m", "14h", "63d", "56d7h")),
    ],
)
def test_windows_follow_from_the_season(season: str, expected: tuple[str, ...]) -> None:
    """Recording interval, width of the same time, time to learn, and how long samples have to be kept."""
    found = condition(TEXT.replace("2h", season))

    assert tuple(map(str, (interval_of(found), smoothing(found), learning(found), remembered(found)))) == expected


def test_the_baseline_has_a_group_of_its_own() -> None:
    """With its own interval and a note; the alert stands in it, or in the group that it names."""
    [group] = groups_of(TEXT)
    named = groups_of(TEXT.replace("for: 2m", "group: g"))

    assert (group.name, str(group.interval), len(group.rules)) == ("anomaly:shop/Odd", "1m", 10)
    assert group.note.startswith("Odd is silent until 4h30m are recorded")
    assert [(each.name, len(each.rules)) for each in named] == [("g", 1), ("anomaly:shop/Odd", 9)]


def test_a_season_beyond_retention_is_told_of() -> None:
    """Samples of two seasons have to be kept, or the alert would never speak."""
    platform = document("Platform", "prometheus: {retention: 14d}", "p")
    workspace, misread = together(document("Service", TEXT.replace("2h", "1w"), "shop"), platform)
    assert misread == ()

    assert codes(plan(workspace)[1]) == ["alert/season"]


class TestEvaluator:
    """`tocsin serve` asks for what is recorded."""

    def world(self) -> tuple[World, list[Row]]:
        """A world with scripted recordings."""
        workspace, findings = read("Service", TEXT, "shop")
        assert findings == ()
        there, rows = World(workspace), list[Row]()
        there.source.scripts[question(workspace.services[0].alerts[0])] = lambda at: tuple(rows)
        return there, rows

    def rows(self, *scores: float) -> list[Row]:
        """What is recorded for one case."""

        def labels(name: str, **more: str) -> Labels:
            return labels_of({"__name__": name, "alert": "Odd", "service": "shop", "case": "a", **more})

        found = [Row(labels("anomaly:score", season=str(n)), score) for n, score in enumerate(scores, start=1)]
        return [*found, Row(labels("anomaly:value"), 80.0), Row(labels("anomaly:expected"), 120.0)]

    def test_two_seasons_have_to_agree(self) -> None:
        """One season that disagrees changes nothing, one alone does not fire, nor do two on different sides."""
        there, rows = self.world()
        for second, scores in ((0, (-9, 9, 0)), (15, (-4, -9, 1)), (150, (-4, -9, 1)), (165, (-4, 1, 1))):
            rows[:] = self.rows(*scores)
            there.tick(second)
        assert there.told("shop/Odd") == []

        for tick in range(20):
            rows[:] = self.rows(-4, -9, 1)
            there.tick(200 + 15 * tick)
        view = there.view("shop/Odd")
        rows[:] = self.rows(1, 1, 1)
        there.tick(515)

        assert there.told("shop/Odd") == [(320, FIRED), (515, RESOLVED)]
        assert (view.reason, dict(view.facts)["deviations"]) == ("80, 120 is usual now", "4 (unusual from 3)")

    def test_no_baseline_is_said(self) -> None:
        """Rules that are not loaded, or still learn, make it blind and not healthy."""
        there, _ = self.world()
        there.tick(0)
        [state] = [state for identity, state in there.memory.alerts.items() if identity.rule == "shop/Odd"]

        assert there.told("shop/Odd", (FIRED, BLIND)) == [(0, BLIND)]
        assert state.reason == "no baseline is recorded: the rules are not loaded, or still learn (4h30m)"
