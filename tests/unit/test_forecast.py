"""Forecasts: the line, its band and its guard, held against ordinary least squares and promtool."""

import random
from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean

import pytest
from tests.oracle import ask, firing, groups_of
from tests.reading import places, read
from tests.worlds import BLIND, FIRED, RESOLVED, START, World, seconds

from tocsin.plan.forecast import edge, least, step_of, when
from tocsin.ports import Row
from tocsin.spec import Forecast, Service

FULL = """
    alerts:
      DiskFull:
        forecast: {series: free, below: 0, within: 2h, history: 2h, confidence: 95%}
        severity: warning
"""


def forecast(text: str = FULL) -> Forecast:
    """The condition of the first alert of a document."""
    workspace, findings = read("Service", text, "shop")
    assert findings == ()
    condition = workspace.services[0].alerts[0].condition
    assert isinstance(condition, Forecast)
    return condition


def ordinary(values: Sequence[float], step: float, ahead: float, confidence: float) -> tuple[float, float]:
    """Prediction and half the width of its band by the textbook; the newest value is now."""
    times = [step * (i - len(values) + 1) for i in range(len(values))]
    n, mean, middle = len(values), fmean(values), fmean(times)
    sxx = sum((t - middle) ** 2 for t in times)
    slope = sum((t - middle) * (v - mean) for t, v in zip(times, values, strict=True)) / sxx
    rest = sum((v - mean - slope * (t - middle)) ** 2 for t, v in zip(times, values, strict=True))
    width = NormalDist().inv_cdf(confidence) * sqrt(rest / (n - 2)) * sqrt(1 + 1 / n + (ahead - middle) ** 2 / sxx)
    return mean + slope * (ahead - middle), width


@pytest.mark.real
def test_the_band_is_that_of_least_squares() -> None:
    """Prometheus computes the same edge of the band as the formula of the textbook."""
    chance = random.Random(7)
    values = [1000 - 3 * i + chance.gauss(0, 20) for i in range(121)]
    [rows] = ask((), {"free": values}, [(edge(forecast()), 7200)])
    [found] = rows.values()
    line, width = ordinary(values, 60, 7200, 0.95)

    assert found == pytest.approx(line + width, rel=1e-6)


def draining(start: float, per_minute: float, noise: float = 0.0, seed: int = 1) -> list[float]:
    """A value that falls steadily, for four hours."""
    chance = random.Random(seed)
    return [start - per_minute * i + chance.gauss(0, noise) for i in range(240)]


@pytest.mark.real
def test_it_fires_at_the_computed_minute() -> None:
    """From 600 down by 2 a minute, empty after 300 minutes: two hours before that are minute 180."""
    found = ask(groups_of(FULL), {"free": draining(600, 2)}, [(firing("DiskFull"), 60 * m) for m in (179, 180, 181)])
    [left] = ask((), {"free": draining(600, 2)}, [(when(forecast()), 60 * 200)])

    assert [bool(rows) for rows in found] == [False, False, True]
    assert list(left.values()) == [pytest.approx(6000)]


@pytest.mark.real
def test_confidence_waits_for_certainty() -> None:
    """With noise the same fall is believed later at 95 % than at the line's own 50 %, and a flat line never."""
    sure, bare = groups_of(FULL), groups_of(FULL.replace(", confidence: 95%", ""))
    series = {"free": draining(600, 2, noise=60)}
    asked = [(firing("DiskFull"), 60 * minute) for minute in range(120, 240)]
    late, soon = (sum(not rows for rows in ask(groups, series, asked)) for groups in (sure, bare))
    flat = ask(sure, {"free": draining(200, 0, noise=30)}, asked)

    assert soon + 5 < late
    assert not any(flat)


@pytest.mark.real
def test_too_little_history_is_silent() -> None:
    """A new series that falls fast is not believed until half of the history is there."""
    assert (str(step_of(forecast())), least(forecast())) == ("1m", 60)

    found = ask(groups_of(FULL), {"free": draining(200, 2)}, [(firing("DiskFull"), 60 * m) for m in (30, 58, 59, 60)])

    assert [bool(rows) for rows in found] == [False, False, True, True]


@pytest.mark.real
@pytest.mark.parametrize("value", ["0.95", "0.9"])
def test_beyond_the_bound_is_now(value: str) -> None:
    """A value that is flat beyond the bound fires with nothing left, and one that is flat at it does not."""
    text = "alerts: {A: {forecast: {series: 'x # y', above: 90%, history: 1h}, severity: info}}"
    [rows] = ask(groups_of(text), {'x{a="b"}': f"{value}x90"}, [(groups_of(text)[0].rules[0].expr, 5400)])

    assert list(rows.values()) == ([0] if value == "0.95" else [])


@pytest.mark.real
def test_people_read_when() -> None:
    """The annotation says in words when it will happen, as Prometheus fills it in."""
    [group] = groups_of(FULL)

    assert dict(group.rules[0].annotations)["forecast"] == (  # type: ignore[union-attr]
        "will be below 0 in {{ $value | humanizeDuration }} if it goes on as in the last 2h, with 95% confidence"
    )


class TestEvaluator:
    """The same line, asked for by `tocsin serve` over raw series."""

    def world(self, predicted: list[float], left: float | None) -> World:
        """A world whose predictions are scripted, one for each tick."""
        workspace, findings = read("Service", FULL, "shop")
        assert findings == ()
        there = World(workspace)
        row = (("disk", "a"),)
        series = {"__name__": "free", "disk": "a"}
        there.source.add(series, [(START + seconds(15 * i), 1.0) for i in range(len(predicted))])
        there.source.scripts[edge(forecast())] = lambda at: (
            Row(row, predicted[int((at - START).total_seconds()) // 15]),
        )
        there.source.scripts[when(forecast())] = lambda at: () if left is None else (Row(row, left),)
        return there

    def test_fires_and_resolves(self) -> None:
        """It fires while the prediction is beyond the bound; the value is the time that is left."""
        there = self.world([5, -5, 5], 5400)
        there.run(0, 15)
        view = there.view("shop/DiskFull")
        assert dict(view.facts)["reached"] == "in 1h 30m"

        there.tick(30)
        assert there.told("shop/DiskFull") == [(15, FIRED), (30, RESOLVED)]

    def test_too_little_history_is_blind(self) -> None:
        """Where the line would fire, and its history is too short, nobody knows."""
        there = self.world([-5, -5], None)
        there.run(0, 15)

        assert there.told("shop/DiskFull", (FIRED, BLIND)) == [(0, BLIND)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{series: x, above: 1, below: 0}", ["alert/condition"]),
        ("{series: x}", ["alert/condition"]),
        ("{series: x, above: 1, confidence: 40%}", ["alert/confidence"]),
        ("{series: x, above: 1, confidence: 100%}", ["alert/confidence"]),
        ("{series: x, below: 0, confidence: 0.99, within: 1d, history: 1w}", []),
    ],
)
def test_mistakes(text: str, expected: list[str]) -> None:
    """One bound, and a confidence that can be had."""
    workspace, findings = read("Service", f"alerts: {{A: {{forecast: {text}, severity: info}}}}")

    assert [code for _, _, code in places(findings)] == expected
    assert all(isinstance(service, Service) for service in workspace.services)
