"""Eight ways in which generated SLO rules are known to be wrong, each shown to be right with ours.

Numbers are those of section 0 of the study of other generators: a mean of ratios instead of events, one idle slice that
poisons a period, a service that never had an error, a target that disappears, an objective too loose for its tiers, one
failed request of few, operands that never join, and siblings that are mixed.
"""

from decimal import Decimal
from pathlib import Path

import pytest
from tests import builders
from tests.ruletests import Row, counter, firing, groups_of, judge, near

from tocsin.plan import plan
from tocsin.sli import LatencySli, RatioSli

pytestmark = pytest.mark.real

GOOD, BAD = 'requests_total{job="shop",code="200"}', 'requests_total{job="shop",code="500"}'
LEFT, RATIO = "sum(slo:error_budget:remaining_ratio)", "sum(slo:bad:increase2d) / sum(slo:total:increase2d)"


@pytest.mark.parametrize(("day", "night"), [((6000, 0.0), (60, 0.05)), ((60, 0.0), (6000, 0.05))], ids=["day", "night"])
def test_1_uneven_traffic(tmp_path: Path, day: tuple[int, float], night: tuple[int, float]) -> None:
    """A busy clean day and a quiet night with 5 % of errors: the budget is that of the events, to 0.1 %.

    A mean of five-minute ratios says 2.5 % in both cases; true are 0.049 % and 4.95 %.
    """
    steps = 12 * 24 * 2 + 30
    half = [day if step // 144 % 2 == 0 else night for step in range(steps)]
    events = [rate * 5 for rate, _ in half]
    bad = [rate * 5 * share for rate, share in half]
    good = [rate - lost for rate, lost in zip(events, bad, strict=True)]
    last = range(steps - 576, steps)
    true = sum(bad[step] for step in last) / sum(events[step] for step in last)
    at = steps - 1

    assert (
        judge(
            tmp_path,
            groups_of(builders.slo(target="0.99", window="2d")),
            {GOOD: counter(good), BAD: counter(bad)},
            [
                Row(near(RATIO, true, 0.001 * true), at, 1),
                Row(near(LEFT, 1 - true / 0.01, 0.002), at, 1),
            ],
            300,
        )
        == ""
    )


def test_2_an_idle_slice(tmp_path: Path) -> None:
    """A quarter of an hour without any request leaves the budget as it was, and nothing is ever NaN."""
    events = [0 if 200 <= minute < 215 else 60 for minute in range(400)]
    rows = [Row(LEFT, at, 1) for at in range(120, 400, 7)]
    rows.append(Row('count(sum({__name__=~"slo:.*"}) >= 0)', 210, 1))

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter(events), BAD: counter([0] * 400)}, rows) == ""


def test_3_never_an_error(tmp_path: Path) -> None:
    """A service that has no error series at all has a whole budget, and an error ratio of 0."""
    rows = [Row("sum(slo:bad:rate1h)", 90, 0), Row(LEFT, 90, 1), Row("sum(slo:bad:increase30d)", 90, 0)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter([60] * 100)}, rows) == ""


def test_4_disappearance(tmp_path: Path) -> None:
    """A target that is gone is told after a quarter of an hour, for most of a day; one that never was is none."""
    day = 320  # steps for which it was there: nothing is missed before a day is known
    gone = [12 * 5 if step < day else None for step in range(day + 360)]
    absent = 'count(ALERTS{alertname="TrafficAbsent",alertstate="firing"})'
    at = (*range(-10, 2), 4, 40, 240, 278, 300, 340)
    rows = [Row(absent, day + step, 1 if 4 <= step <= 278 else None) for step in at]
    quiet = tmp_path / "quiet"
    quiet.mkdir()

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter(gone)}, rows, 300) == ""
    assert judge(quiet, groups_of(builders.slo()), {"up": [1] * 60}, [Row(absent, at, None) for at in range(60)]) == ""


def test_5_a_loose_objective(tmp_path: Path) -> None:
    """At 90 % the page of 14.4 times can never fire: it is refused with a plan that can, and the other comes first."""
    slo = builders.slo(target="0.9")
    _, findings = plan(builders.workspace(builders.service(slos=(slo,))))
    outage = [0 if minute <= 420 else 60 for minute in range(700)]
    well = [60 if minute <= 420 else 0 for minute in range(700)]
    rows = [*firing("steady", range(637, 700), range(421, 700, 6)), *firing("fast", [], range(421, 700, 20))]

    assert [finding.code for finding in findings] == ["slo/infeasible-tier"]
    assert "budget: 1.38%" in (findings[0].hint or "")
    assert judge(tmp_path, groups_of(slo), {GOOD: counter(well), BAD: counter(outage)}, rows) == ""


def test_6_one_failed_request(tmp_path: Path) -> None:
    """At one request a minute a single failure is 1.7 % of an hour and pages nobody; a third within the hour does."""
    failures = {200, 260, 500, 520, 540}
    bad = [int(minute in failures) for minute in range(600)]
    good = [1 - lost for lost in bad]
    rows = [
        *firing("fast", [], [*range(195, 330, 3), *range(495, 540, 3)]),
        Row('count(count_over_time(ALERTS{tier="fast",alertstate="firing"}[1h]))', 570, 1),
    ]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter(good), BAD: counter(bad)}, rows) == ""


def test_7_operands_join(tmp_path: Path) -> None:
    """Half of all requests fail for three hours: each of the four alerts fires, in the minute of the model."""
    bad = [300 if minute > 420 else 0 for minute in range(620)]
    good = [600 - lost for lost in bad]
    first = {"fast": 422, "steady": 425}
    rows = [row for tier, at in first.items() for row in firing(tier, range(at, 620), range(418, 620))]
    rows += [row for tier in ("slow", "trickle") for row in firing(tier, range(600, 620), range(600, 620))]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter(good), BAD: counter(bad)}, rows) == ""


def test_8_siblings_are_not_mixed(tmp_path: Path) -> None:
    """Availability and latency of one histogram: 50 % of errors, 1 % slow; each objective sees its own."""
    slos = (
        builders.slo("answers", sli=RatioSli("seconds_count", 'seconds_count{code="500"}')),
        builders.slo("speed", sli=LatencySli("seconds", Decimal("0.5"))),
    )
    series = {
        'seconds_count{code="200"}': counter([100] * 200),
        'seconds_count{code="500"}': counter([100] * 200),
        'seconds_bucket{code="200",le="0.5"}': counter([98] * 200),
        'seconds_bucket{code="500",le="0.5"}': counter([100] * 200),
    }
    rows = [
        Row(near(f'sum(slo:bad:{name}{{slo="{slo}"}}) / sum(slo:total:{name}{{slo="{slo}"}})', ratio, 1e-9), 190, 1)
        for slo, ratio in (("answers", 0.5), ("speed", 0.01))
        for name in ("rate5m", "rate1h", "rate1d", "rate3d", "increase30d")
    ]

    assert judge(tmp_path, groups_of(*slos), series, rows) == ""
