"""Slices of time: the reference vectors in compiled rules, and the evaluator counts what the rules count."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import nan

import pytest
from tests import builders
from tests.backfilled import backfilled
from tests.oracle import ask
from tests.ruletests import counter, groups_of

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.model import SloStatus
from tocsin.evaluate.tick import Watch
from tocsin.plan import RecordingRule, RuleGroup
from tocsin.plan.budget import budget_group
from tocsin.plan.objective import Objective
from tocsin.plan.series import BORN, TO_THE_HOUR
from tocsin.promql import matchers
from tocsin.sli import RatioSli, SlicedSli
from tocsin.sli.slices import EMPTY
from tocsin.spec import Slo
from tocsin.spec.service import NoTraffic
from tocsin.units import Duration
from tocsin.windows import WORKBOOK

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

MINUTE = Duration.of(minutes=1)
QUIET = NoTraffic(alert=False, for_=MINUTE, reason="not what is tested")
GOOD, BAD = 'requests_total{job="shop",code="200"}', 'requests_total{job="shop",code="500"}'
HOUR, DAY, WEEK = 60, 1_440, 10_080
START = datetime(2026, 11, 20, tzinfo=UTC)
"""When both are asked: a full hour, one period and an hour after the first sample."""
FAILS = (100, 200, 300, 401, 720)
"""Minutes in which one event of ten fails; the last one ends with an hour."""
STANDS = range(500, 530)
"""Minutes in which the counter stands still."""
GONE = range(600, 629)
"""Minutes without a sample: thirty slices lack an end."""


def objective(
    name: str, period: str, target: str = "0.95", slice_target: str | None = "0.95", empty: str = "ignore"
) -> Slo:
    """An objective in slices of a minute."""
    sliced = SlicedSli(builders.AVAILABILITY, MINUTE, Decimal(slice_target) if slice_target else None, empty)
    slo = builders.slo(name, target=target, window=period, tiers=WORKBOOK[:1], no_traffic=QUIET)
    return replace(slo, sli=sliced)


def recorded(*slos: Slo, left: bool = False) -> tuple[tuple[RuleGroup, ...], Mapping[str, str]]:
    """What a budget reads, as groups, and the budget's own expressions: to ask them once takes promtool seconds.

    What is *left* reads two of those, and since when the service is known.
    """
    needed = {"slo:bad:now", "slo:total:now", "slo:bad:rate1h", "slo:total:rate1h"}
    needed |= {"slo:total:rate5m", BORN} if left else set()
    groups = [g for g in groups_of(*slos) if g.name.startswith("slo:")]
    kept = tuple(replace(g, rules=tuple(r for r in g.rules if getattr(r, "record", "") in needed)) for g in groups)
    asked: dict[str, str] = {}
    for slo in slos:
        known: dict[str, str] = {}
        for rule in budget_group(Objective(slo, slo.tiers, (), None)).rules:
            assert isinstance(rule, RecordingRule)
            text = rule.expr
            for name, value in rule.labels:
                text = f'label_replace({text}, "{name}", "{value}", "", "")'
            for other, meant in known.items():
                read = other + matchers(rule.labels)
                text = text.replace(f"{read}[{slo.window}]", f"({meant})[{slo.window}:1h]")
                text = text.replace(f"last_over_time({read}[{TO_THE_HOUR}])", meant).replace(read, meant)
            known[rule.record] = text
            asked[f"{rule.record} {slo.name}"] = text
    return kept, asked


def story(minutes: int) -> Mapping[str, list[float | None]]:
    """Ten requests a minute, five bad minutes and sixty empty slices."""
    bad = [1.0 if at in FAILS else 0.0 for at in range(minutes + 1)]
    good = [0.0 if at in STANDS else 10 - lost for at, lost in enumerate(bad)]
    return {
        name: [None if at in GONE else n for at, n in enumerate(counter(events))]
        for name, events in ((GOOD, good), (BAD, bad))
    }


WEEKLY = tuple(objective(f"whole-{empty}", "7d", "0.9995", "0.95", empty) for empty in EMPTY)
DAILY = tuple(objective(f"ratio-{empty}", "1d", "0.995", None, empty) for empty in EMPTY)
COUNTED = {
    "whole-good": (5, 10_080),
    "whole-ignore": (5, 10_020),
    "whole-bad": (65, 10_080),
    "ratio-good": (0.5, 1_440),
    "ratio-ignore": (0.5, 1_380),
    "ratio-bad": (60.5, 1_440),
}
"""Bad slices and all."""


@pytest.fixture(scope="module")
def compiled() -> Mapping[str, list[float]]:
    """Bad slices, all slices (and in a day what is left) by objective, as the compiled rules record them."""
    found: dict[str, list[float]] = {}
    for slos, minutes, names in (
        (WEEKLY, WEEK + HOUR, ("slo:bad:increase7d", "slo:total:increase7d")),
        (DAILY, DAY + HOUR, ("slo:bad:increase1d", "slo:total:increase1d", "slo:error_budget:remaining_ratio")),
    ):
        groups, budget = recorded(*slos, left=slos is DAILY)
        asked = [(budget[f"{name} {slo.name}"], minutes * 60) for slo in slos for name in names]
        values = [value for rows in ask(groups, story(minutes), asked) for value in rows.values()]
        assert len(values) == len(asked)
        found |= {slo.name: values[len(names) * at :][: len(names)] for at, slo in enumerate(slos)}
    return {name: [bad / 60, total / 60, *more] for name, (bad, total, *more) in found.items()}


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize(("slice_target", "bad"), [("0.95", 2), (None, 0.2)])
def test_a_slice_that_is_no_number_poisons_no_window(empty: str, slice_target: str | None, bad: float) -> None:
    """A counter of errors that is NaN at one scrape, in the hour in which two other minutes are bad."""
    sli = RatioSli('hits_total{job="shop"}', bad_events='errors_total{job="shop"}')
    sliced = SlicedSli(sli, MINUTE, Decimal(slice_target) if slice_target else None, empty)
    slo = replace(objective("one", "1d"), sli=sliced)
    errors = counter([1.0 if at in {80, 90} else 0.0 for at in range(HOUR * 2)])
    errors[85] = nan
    series = {'hits_total{job="shop"}': counter([10.0] * HOUR * 2), 'errors_total{job="shop"}': errors}
    asked = [(f'slo:{name}{{slo="one"}}', 6_000) for name in ("bad:rate1h", "total:rate1h")]
    found = [value for rows in ask(recorded(slo)[0], series, asked) for value in rows.values()]

    assert [60 * each for each in found] == pytest.approx([bad, 60])


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, SloStatus]:
    """The same samples in a real Prometheus, seen by the evaluator at the same instant."""
    found: dict[str, SloStatus] = {}
    for slos, minutes in ((WEEKLY, WEEK + HOUR), (DAILY, DAY + HOUR)):
        first = (START - timedelta(minutes=minutes)).timestamp()
        lines = ["# TYPE requests counter"]
        for name, samples in story(minutes).items():
            lines += [f"{name} {n:g} {first + 60 * at:.0f}" for at, n in enumerate(samples) if n is not None]
        text = "\n".join([*lines, "# EOF", ""])
        watch = Watch(builders.workspace(builders.service(slos=slos)))
        folder = tmp_path_factory.mktemp("prometheus")
        with backfilled(folder, text) as url, closing(PrometheusSource(url, deadline=60)) as source:
            sight = watch.look(source, START)
        assert sight.questions == ()
        found |= {status.name: status for status in sight.slos}
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [("whole-good", 0.9995039683), ("whole-ignore", 0.9995009980), ("whole-bad", 0.9935515873)],
)
def test_empty_slices(compiled: Mapping[str, list[float]], name: str, expected: float) -> None:
    """Row T4: 10,080 slices, 5 of them bad and 60 empty, half of those without a counter."""
    bad, total = compiled[name]

    assert 1 - bad / total == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", COUNTED)
def test_rules_count_every_slice_once(compiled: Mapping[str, list[float]], name: str) -> None:
    """Empty slices are ignored, good or bad as the objective says, and no slice is counted twice; so the budget."""
    (bad, total), found = COUNTED[name], compiled[name]

    assert found[:2] == pytest.approx([bad, total], abs=1e-6)
    assert found[2:] == pytest.approx([1 - bad / total / 0.005] if name.startswith("ratio") else [], abs=1e-6)


@pytest.mark.parametrize("name", COUNTED)
def test_the_evaluator_counts_the_same(evaluated: Mapping[str, SloStatus], name: str) -> None:
    """Bad slices, all slices and what is left are the rules' numbers."""
    (bad, total), status = COUNTED[name], evaluated[name]

    assert (status.used, status.total) == pytest.approx((bad, total), abs=1e-6)
    assert status.remaining == pytest.approx(1 - bad / total / float(1 - status.target), abs=1e-6)


def test_the_budget_of_a_week(evaluated: Mapping[str, SloStatus]) -> None:
    """Row T2: a week at 99.95 % allows 5.04 minutes."""
    assert evaluated["whole-good"].allowed == pytest.approx(5.04, abs=1e-9)


@pytest.mark.parametrize(("days", "allowed"), [(2, 144), pytest.param(14, 1008, marks=pytest.mark.soak)])
def test_the_budget_of_days(days: int, allowed: float) -> None:
    """Row T2: of two weeks of minutes at 95 % 1,008 may be bad, and where every twentieth is, nothing is left."""
    minutes, slo = days * DAY + HOUR, objective("two", f"{days}d")
    bad = [10.0 if at % 20 == 1 else 0.0 for at in range(minutes + 1)]
    series = {GOOD: counter([10 - n for n in bad]), BAD: counter(bad)}
    groups, budget = recorded(slo, left=True)
    names = (f"slo:total:increase{days}d", "slo:error_budget:remaining_ratio")
    total, left = (budget[f"{name} two"] for name in names)

    found = ask(groups, series, [(f"({total}) / 60 * 0.05", minutes * 60), (f"1 + ({left})", minutes * 60)])

    assert [value for rows in found for value in rows.values()] == pytest.approx([allowed, 1], abs=1e-6)


@pytest.mark.parametrize("counted", ["bad", "good"])
@pytest.mark.parametrize("target", ["0.9", "0.95", "0.99", "0.995", "0.999", "0.9999"])
def test_exactly_the_target_is_good(target: str, counted: str) -> None:
    """Row T5: with exactly as many bad events as a slice may have it is good, with one more it is bad."""
    every = 10_000 * 7
    allowed = int(every * (1 - Decimal(target)))
    fails = [0, 0, 0, allowed, 0, 0, allowed + 1, 0, 0]
    series = {GOOD: counter([every - n for n in fails], 1e5), BAD: counter(list(fails), 1e5)}
    sli = builders.AVAILABILITY
    if counted == "good":
        sli = RatioSli(sli.total_events, good_events=GOOD)
    slo = replace(objective("exact", "7d"), sli=SlicedSli(sli, MINUTE, Decimal(target)))

    found = ask(recorded(slo)[0], series, [("slo:bad:now", 60 * at) for at in (3, 6)])

    assert [list(rows.values()) for rows in found] == [[0], [1]]


def test_a_group_whose_counter_is_gone() -> None:
    """Divided by labels, an empty slice counts as bad while its counter stands; where it is gone it is ignored."""
    sli = replace(builders.AVAILABILITY, by=("route",))
    slo = replace(objective("routes", "7d"), sli=SlicedSli(sli, MINUTE, Decimal("0.95"), "bad"))
    stands = counter([10] * 10 + [0] * 10)
    gone = counter([*[10] * 10, *[None] * 10])
    series = {'requests_total{job="shop",code="200",route="/a"}': stands}
    series['requests_total{job="shop",code="200",route="/b"}'] = gone

    [rows] = ask(recorded(slo)[0], series, [("slo:bad:now", 15 * 60)])

    assert {dict(labels)["route"]: value for labels, value in rows.items()} == {"/a": 1}
