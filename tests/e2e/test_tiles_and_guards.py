"""Recorded tiles and guards on bad days: a server that was away, series that are born, labels that change."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests import builders
from tests.ruletests import Row, counter, firing, groups_of, judge, near

from tocsin.guards import Guards
from tocsin.plan.series import BORN
from tocsin.sli import SlicedSli
from tocsin.units import Duration

pytestmark = pytest.mark.real

GOOD, BAD = 'requests_total{job="shop",instance="1",code="200"}', 'requests_total{job="shop",instance="1",code="500"}'
DAY = 288
"""Steps of five minutes."""


def ratio(window: str) -> str:
    """The error ratio as recorded."""
    return f"sum(slo:bad:rate{window}) / sum(slo:total:rate{window})"


def gap(samples: Iterable[float | None], missing: range) -> list[float | None]:
    """The same series of a server that was away."""
    return [None if at in missing else sample for at, sample in enumerate(samples)]


@pytest.mark.parametrize(("away", "within"), [(2, 1e-3), (60, 0.05)], ids=["10m", "5h"])
def test_a_server_that_was_away(tmp_path: Path, away: int, within: float) -> None:
    """1 % of errors for two days: a day stays right while its tiles fall into a gap of ten minutes or hours."""
    steps = 2 * DAY + 80
    missing = range(DAY, DAY + away)
    good, bad = gap(counter([297] * steps), missing), gap(counter([3] * steps), missing)
    rows = [Row(near(ratio("1d"), 0.01, 0.01 * within), at, 1) for at in range(DAY + away + 13, steps, 17)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: good, BAD: bad}, rows, 300) == ""


def test_tiles_are_exact(tmp_path: Path) -> None:
    """An hour of errors counts in a day until it is a day old, and in three days until it is three."""
    steps = 4 * DAY
    bad = [100 if 300 <= at < 312 else 0 for at in range(steps)]
    good = [100 - lost for lost in bad]
    rows = [Row(near(ratio("1d"), 1 / 24, 2e-3), at, 1) for at in (313, 400, 500, 580)]
    rows += [Row(near(ratio("1d"), 0, 1e-9), at, 1) for at in (290, 620, 900)]
    rows += [Row(near(ratio("3d"), 1200 / 100 / (at + 1), 2e-3), at, 1) for at in (320, 600)]
    rows += [Row(near(ratio("3d"), 1 / 72, 1e-3), at, 1) for at in (900, 1100)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter(good), BAD: counter(bad)}, rows, 300) == ""


def test_errors_that_a_series_is_born_with(tmp_path: Path) -> None:
    """A minute of a total outage, all of whose errors are the first sample of their series, pages in that minute."""
    born = [None] * 130 + [600] * 60
    good = counter([600] * 130 + [0] + [600] * 59)
    rows = [*firing("fast", range(130, 145), range(120, 146)), Row(near("sum(slo:bad:increase30d)", 600, 15), 181, 1)]
    rows.append(Row(near("sum(slo:total:rate1h) * 3600", 36_000, 700), 150, 1))

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: good, BAD: born}, rows) == ""


@pytest.mark.parametrize(
    "story",
    ["gap", "new-target", "relabelled", "restarted", "omitted", "fills-slowly", "two-endpoints"],
    ids=lambda name: name,
)
def test_old_counters_never_look_new(tmp_path: Path, story: str) -> None:
    """A gap of scrapes, a new target, a new label, a restart, an exporter that omits everything: no error, no alert.

    Nor what a target shows in its second scrape only, or what another endpoint of it shows after an hour away.
    """
    old = 'requests_total{job="shop",instance="1",zone="a",code="%s"}'
    new = 'requests_total{job="shop",instance="2",code="%s"}'
    count, errors = [1e6 + 600 * at for at in range(300)], [5e4] * 300
    missing, later = range(150, 162), [None] * 160
    stories: dict[str, dict[str, Sequence[float | None]]] = {
        "gap": {GOOD: gap(count, missing), BAD: gap(errors, missing), "up": gap([1] * 300, missing)},
        "new-target": {
            GOOD: count,
            new % "200": [*later, *count[160:]],
            new % "500": [*later, *errors[160:]],
        },
        "relabelled": {
            GOOD: count[:160],
            BAD: errors[:160],
            old % "200": [*later, *count[160:]],
            old % "500": [*later, *errors[160:]],
        },
        "restarted": {GOOD: [*count[:160], *range(0, 600 * 140, 600)], BAD: [*errors[:160], *([None] * 140)]},
        "fills-slowly": {
            GOOD: count,
            new % "200": [*later, *count[160:]],
            new % "500": [*later, None, *errors[161:]],
        },
        "two-endpoints": {GOOD: gap(count, range(150, 220)), BAD: gap(errors, range(150, 221))},
        "omitted": {GOOD: gap(count, missing), BAD: gap(errors, missing), 'up{job="shop",instance="1"}': [1] * 300},
    }
    counted = " or ".join(f"sum(slo:bad:rate{window}) > 0" for window in ("5m", "1h", "6h"))
    rows = [Row(counted, at, None) for at in range(100, 299, 3)]

    assert judge(tmp_path, groups_of(builders.slo()), stories[story], rows) == ""


def test_a_reset_after_the_birth(tmp_path: Path) -> None:
    """Where a young series was reset, what it counted before is not forgotten: its highest value counts."""
    bad = [None] * 130 + [100, 300, 500, 50, 50, 50] + [50] * 20
    rows = [Row(near("sum(slo:bad:rate1h) * 3600", 500, 1e-6), 140, 1)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter([600] * 156), BAD: bad}, rows) == ""


def test_a_service_that_crashes_again_and_again(tmp_path: Path) -> None:
    """Its error series is born with the first crash, and each restart resets it: every error counts, and it pages."""
    good, bad = counter([600] * 200), list[float | None]([None] * 200)
    for at in range(200, 255):
        since = (at - 200) % 15 + 1
        good.append(570 * since)
        bad.append(30 * since)
    rows = [*firing("fast", range(217, 256), range(200, 256, 3))]
    rows += [Row(near("sum(slo:bad:rate1h) * 3600", 30 * (at - 200), 30 * 4), at, 1) for at in (217, 232, 247, 253)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: good, BAD: bad}, rows) == ""


def test_where_no_label_tells_targets_apart_none_is_known(tmp_path: Path) -> None:
    """Without an instance the old errors of a pod that is scraped anew, or again after an hour, are no births."""
    name = 'requests_total{job="shop",pod="%s",code="%s"}'
    series = {
        name % ("a", "200"): counter([600] * 240),
        name % ("a", "500"): counter([0] * 240),
        name % ("b", "200"): [None if at in range(70, 140) else 1e6 + 600 * at for at in range(240)],
        name % ("b", "500"): [None if at in range(70, 140) else 5e4 for at in range(240)],
    }
    rows = [Row("sum(slo:bad:rate1h) > 0", at, None) for at in range(60, 239, 3)]

    assert judge(tmp_path, groups_of(builders.slo()), series, rows) == ""


@pytest.mark.parametrize("after", [-1, 1], ids=["before", "after"])
def test_an_endpoint_is_not_known_by_another_one(tmp_path: Path, after: int) -> None:
    """Two ports of one instance, scraped at different times: one that was away for an hour brings back no errors."""
    name = 'requests_total{job="shop",instance="1",port="%d",code="%s"}'

    def scraped(samples: Sequence[float | None], quarter: int) -> list[float | None]:
        return [sample if part == quarter else None for sample in samples for part in range(4)]

    away = range(70, 145)
    old = [None if at in away else 5e4 for at in range(200)]
    series = {
        name % (1, "200"): scraped(counter([600] * 200), 2),
        name % (2, "200"): scraped([None if at in away else 1e6 + 600 * at for at in range(200)], 2 + after),
        name % (2, "500"): scraped(old, 2 + after),
    }
    rows = [Row("sum(slo:bad:rate1h) > 0", 4 * at, None) for at in range(60, 199, 3)]

    assert judge(tmp_path, groups_of(builders.slo()), series, rows, 15, 60) == ""


def test_the_budget_of_a_target_that_is_gone(tmp_path: Path) -> None:
    """Forty minutes of a total outage, and then no counter at all: the budget never looks whole again."""
    slo = replace(builders.slo(target="0.99"), window=Duration.of(hours=12))
    steps = 780
    good = [600 * at if at <= steps else 600 * steps for at in range(821)]
    bad = [0 if at <= steps else 600 * (at - steps) for at in range(821)]
    rows = [Row("sum(slo:error_budget:remaining_ratio) > -1", at, None) for at in range(812, 960, 4)]

    assert judge(tmp_path, groups_of(slo), {GOOD: good, BAD: bad}, rows) == ""


@pytest.mark.parametrize("away", [0, 8, 15])
def test_a_server_that_was_away_before_the_full_hour(tmp_path: Path, away: int) -> None:
    """The errors of an hour are in the budget although nothing was recorded in its last quarter."""
    gone = range(240 - away, 240)
    recorded = {
        f'slo:{kind}:increase1h{{service="shop",slo="uptime"}}': [
            count if at % 60 >= 40 and at % 4 == 0 and at not in gone else None
            for at in range(300)
            for count in ((600 if kind == "total" or at <= 240 else 0),)
        ]
        for kind in ("bad", "total")
    }
    groups = [
        replace(
            group, rules=tuple(rule for rule in group.rules if getattr(rule, "record", "") == "slo:bad:increase30d")
        )
        for group in groups_of(builders.slo())
    ]
    rows = [Row("sum(slo:bad:increase30d)", 292, 4 * 600.0)]

    assert judge(tmp_path, groups, recorded, rows, 60, 240) == ""


def test_a_series_that_is_born_again(tmp_path: Path) -> None:
    """A series that goes after some minutes, and comes back with new errors after more than an hour, counts again."""
    short = [60] * 4
    bad = [*[None] * 100, *short, *[None] * 71, *short, *[None] * 61]
    rows = [Row(near("sum(slo:bad:rate1h) * 3600", 60, 1e-6), at, 1) for at in (100, 130, 159, 175, 181, 200, 234)]
    rows += [Row("sum(slo:bad:rate1h) > 0", at, None) for at in (99, 161, 174, 236)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter([600] * 240), BAD: bad}, rows) == ""


def test_two_errors_are_two(tmp_path: Path) -> None:
    """A young series that goes on rising counts with what it says; nothing is guessed before its first sample."""
    bad = [None] * 66 + [1] + [2] * 10
    rows = [Row(near("sum(slo:bad:rate1h) * 3600", 2, 1e-6), at, 1) for at in (67, 68, 76)]

    assert judge(tmp_path, groups_of(builders.slo()), {GOOD: counter([2] * 77), BAD: bad}, rows) == ""


def test_a_service_that_comes_back(tmp_path: Path) -> None:
    """After more than a day away a service is born again: 2 % of errors page after 44 minutes, and not at once."""
    life, away = 90, 1500
    steps = life + away + 70
    at_home = [at < life or at >= life + away for at in range(steps)]
    bad = [12 if at > life + away else 0 for at in range(steps)]
    series = {
        GOOD: gap(counter([600 - lost for lost in bad]), range(life, life + away)),
        BAD: gap(counter(bad), range(life, life + away)),
    }
    back = life + away

    assert at_home.count(True) == life + 70
    rows = firing("fast", range(back + 45, back + 60), range(back, back + 60, 3))

    assert judge(tmp_path, groups_of(builders.slo()), series, rows) == ""


def test_evidence_by_significance(tmp_path: Path) -> None:
    """Of 60 events in an hour five are chance at 1.44 %, and six are not (exact binomial test, one in a thousand)."""
    slo = builders.slo(guards=Guards(significance=Decimal("0.001")))

    def story(count: int) -> dict[str, list[float | None]]:
        failures = {80 + 2 * number for number in range(count)}
        bad = [int(at in failures) for at in range(140)]
        return {GOOD: counter([1 - lost for lost in bad]), BAD: counter(bad)}

    for count, fires in ((4, False), (7, True)):
        folder = tmp_path / str(count)
        folder.mkdir()
        row = Row('count(count_over_time(ALERTS{tier="fast",alertstate="firing"}[2h]))', 130, 1 if fires else None)
        assert judge(folder, groups_of(slo), story(count), [row]) == ""


GOODS, TOTALS = (2, 10, 12, 13, 13, 12, 13, 13, 12, 11), (4, 10, 12, 13, 14, 15, 14, 13, 12, 11)


@pytest.mark.parametrize(
    ("target", "expected"), [("0.95", 0.6), (None, 0.9157142857)], ids=["timeslices", "ratio-timeslices"]
)
def test_slices_of_time(tmp_path: Path, target: str | None, expected: float) -> None:
    """Row T1: ten slices of uneven traffic; four of them below 95 %, 8.4 % missing in the mean."""
    sliced = SlicedSli(builders.AVAILABILITY, Duration.of(minutes=1), Decimal(target) if target else None)
    slo = replace(builders.slo(target="0.95"), sli=sliced)
    quarter = [0, 0, 0, 0]
    good, bad = [0.0], [0.0]
    for ok, every in zip(GOODS, TOTALS, strict=True):
        good += [ok / 4] * 4
        bad += [(every - ok) / 4] * 4
    series = {GOOD: counter([*good, *quarter]), BAD: counter([*bad, *quarter])}
    rows = [Row(near(f"1 - {ratio('1h')}", expected, 1e-6), 40, 1), Row("sum(slo:total:rate1h) * 60", 44, 10)]
    groups = groups_of(slo)

    assert [str(group.interval) for group in groups] == ["1m", "4m"]
    assert judge(tmp_path, groups, series, rows, 15, 60) == ""


def test_a_renamed_objective_keeps_its_history(tmp_path: Path) -> None:
    """Recorded under its old name until a day ago: with `formerly` the day, the budget and the birth go on."""
    steps = DAY + 12
    usual = {"bad": 1.0, "total": 100.0}
    old = {f"{kind}:rate{window}": rate for kind, rate in usual.items() for window in ("1h", "6h")}
    old |= {"born:timestamp_seconds": 7.0} | {f"{kind}:increase1h": rate * 3600 for kind, rate in usual.items()}
    series: dict[str, Sequence[float | None]] = {
        f'slo:{name}{{service="shop",slo="old"}}': [value] * DAY for name, value in old.items()
    }
    later = [None] * (DAY - 1)
    series[GOOD] = [*later, *counter([300 * 99] * 13)]
    series[BAD] = [*later, *counter([300] * 13)]
    series['slo:bad:rate6h{service="shop",slo="uptime"}'] = [*later, *[3.0] * 13]
    rows = [
        Row(near("sum(slo:bad:rate1d)", (3 + 3 * 1) / 4, 1e-9), steps - 1, 1),
        Row("sum(slo:born:timestamp_seconds)", steps - 1, 7),
        Row(near("sum(slo:bad:increase30d) / 3600", 25.4, 0.7), steps - 1, 1),
    ]
    slo = replace(builders.slo(), formerly=("shop/old",))
    asked = {"slo:bad:rate1d", "slo:bad:increase30d", "slo:bad:rate1h", "slo:total:rate1h", "slo:total:rate5m", BORN}
    groups = [
        replace(group, rules=tuple(rule for rule in group.rules if getattr(rule, "record", "") in asked))
        for group in groups_of(slo)
    ]

    assert judge(tmp_path, groups, series, rows, 300) == ""
