"""Contracts measured as their products' terms say: the reference table's rows L1 to L6, and laws of all methods."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts import END, MINUTE, START, contract, errors, exclusion, measure, run, tiers, total

from tocsin.evaluate.measures import METHODS, Interval, Mark, audit
from tocsin.evaluate.model import Truth
from tocsin.evaluate.sla import credit, judge
from tocsin.spec import Exclusion, Measure

D = Decimal
MONTH = 31 * 1440
EC2 = tiers(("0.9999", "0.10"), ("0.99", "0.30"), ("0.95", "1"))
S3 = tiers(("0.999", "0.10"), ("0.99", "0.25"), ("0.95", "1"))
VERTEX = tiers(("0.999", "0.10"), ("0.99", "0.25"), ("0.95", "0.50"))


# --- the reference table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "owed"), [(4, "0"), (5, "0.10"), (446, "0.10"), (447, "0.30"), (2232, "0.30"), (2233, "1")]
)
def test_l1_ec2_minutes(down: int, owed: str) -> None:
    """L1: EC2's regional contract in a month of 31 days; 2,232 minutes down are exactly 95 %, and not below it."""
    got = total(run([0.0] * down + [1.0] * (MONTH - down)), measure("minutes")).uptime()

    assert got == 1 - Fraction(down, MONTH)
    assert credit(got, EC2) == D(owed)


@pytest.mark.parametrize(
    ("down", "uptime", "owed"), [(8, "99.91039", "0"), (9, "99.89919", "0.10"), (10, "99.88799", "0.10")]
)
def test_l2_s3_interval_mean(down: int, uptime: str, owed: str) -> None:
    """L2: S3 in a month of 31 days, 8,928 intervals of five minutes, some of which fail wholly."""
    how = measure("interval-mean", interval="5m")
    got = total(run([0.0] * down + [1.0] * (8_928 - down), 5 * MINUTE), how).uptime()

    assert got is not None
    assert float(100 * got) == pytest.approx(float(uptime), abs=1e-5)
    assert credit(got, S3) == D(owed)


@pytest.mark.parametrize("rest", [1.0, None])
def test_l3_s3_empty_intervals(rest: float | None) -> None:
    """L3: two intervals fail wholly and ten by 5 %; the others are good or empty, which is the same to S3."""
    how = measure("interval-mean", interval="5m")
    got = total(run([0.0] * 2 + [0.95] * 10 + [rest] * 8_916, 5 * MINUTE), how).uptime()

    assert got is not None
    assert float(100 * got) == pytest.approx(99.9719982079, abs=1e-9)
    assert credit(got, S3) == 0


@pytest.mark.parametrize(
    ("method", "uptime", "breached"),
    [("deployed-minutes", 99.8611111, True), ("minutes", 99.9551971, False)],
)
def test_l4_azure_deployed_minutes(method: str, uptime: float, breached: bool) -> None:
    """L4: 20 minutes down in ten days of deployment break 99.9 %, and would not if all 31 days counted."""
    deployed = 10 * 1440
    ones = run([0.0] * 20 + [1.0] * (deployed - 20) + [None] * (MONTH - deployed))
    ones = [replace(one, deployed=number < deployed) for number, one in enumerate(ones)]
    sight = judge(contract(measure(method)), START, END, ones)

    assert 100 * (sight.status.uptime or 0) == pytest.approx(uptime, abs=1e-7)
    assert sight.status.breached is breached


@pytest.mark.parametrize(
    ("minutes", "down"),
    [
        ((12, 15, 20, 11, 9), 0),
        ((12, 15, 20, 11, 13), 5),
        ((50,) * 4 + (0,) + (50,) * 7, 7),
        ((12, 15, 10, 11, 13), 0),
        ((10,) * 60, 0),
    ],
)
def test_l5_datastore_downtime_periods(minutes: tuple[float, ...], down: int) -> None:
    """L5: Google's Datastore counts five minutes in a row above 10 %; exactly 10 % is not above it."""
    how = measure("downtime-periods", errors_above="0.1", at_least="5m")
    got = total(run([*errors(*minutes), *[1.0] * (MONTH - len(minutes))]), how)

    assert got.down() == down * 60_000


@pytest.mark.parametrize("method", ["minutes", "downtime-periods", "deployed-minutes", "interval-mean"])
@pytest.mark.parametrize(
    ("treat", "uptime"), [("none", 0.9986111111), ("good", 0.9995370370), ("remove", 0.9995357474)]
)
def test_l6_exclusions(method: str, treat: str, uptime: float) -> None:
    """L6: 30 days, 60 minutes down of which 40 in a maintenance of 120 minutes; the same to each method."""
    ratios = [1.0] * 43_200
    ratios[1000:1060] = [0.0] * 60
    agreed = () if treat == "none" else (exclusion(1020, 1140, treat),)
    got = total(run(ratios), measure(method), agreed).uptime()

    assert float(got or 0) == pytest.approx(uptime, abs=1e-10)


def run_marks(ratios: list[float]) -> list[Mark]:
    """Minutes as they would count without exclusions."""
    return METHODS["minutes"](run(ratios), measure("minutes"), ())


# --- partial minutes, periods, minimum of events --------------------------------------------------------------


@pytest.mark.parametrize(("partial", "seconds"), [("continuous", 10), ("up", 0), ("down", 60)])
@pytest.mark.parametrize("method", ["minutes", "downtime-periods"])
def test_ten_seconds_of_outage(method: str, partial: str, seconds: int) -> None:
    """An outage of 10 s is 10 s, nothing, or a minute, as the contract says of partial minutes."""
    ratios = [1.0] * 8 + [0.0] + [1.0] * 9
    how = measure(method, interval="10s", partial_minute=partial, at_least="1m")
    if method == "downtime-periods" and partial == "continuous":
        seconds = 0  # shorter than a minute, so no downtime period
    got = total(run(ratios, timedelta(seconds=10)), how)

    assert got.down() == seconds * 1000


def test_a_period_across_minutes() -> None:
    """Six minutes from half past: continuous they are a downtime period of 6 min, of whole minutes one of 5."""
    ratios = [1.0] * 3 + [0.0] * 36 + [1.0] * 3
    how = measure("downtime-periods", interval="10s", at_least="5m")

    assert total(run(ratios, timedelta(seconds=10)), how).down() == 360_000
    assert total(run(ratios, timedelta(seconds=10)), replace(how, partial_minute="up")).down() == 300_000
    assert total(run(ratios, timedelta(seconds=10)), replace(how, partial_minute="down")).down() == 420_000


def test_an_exclusion_ends_a_downtime_period() -> None:
    """Of eleven minutes down three in the middle are excluded: what is left on each side is too short to count."""
    how = measure("downtime-periods", at_least="5m")
    ratios = [0.0] * 11 + [1.0] * 29

    assert total(run(ratios), how).down() == 11 * 60_000
    assert total(run(ratios), how, (exclusion(4, 7),)).down() == 0
    assert total(run(ratios), how, (exclusion(6, 9),)).down() == 6 * 60_000
    assert total(run(ratios), how, (exclusion(4.5, 5.5),)).down() == 10 * 60_000


@pytest.mark.parametrize(("events", "enough"), [(1999, False), (2000, True)])
def test_minimum_of_events(events: int, enough: bool) -> None:
    """Vertex AI Search asks for 2,000 requests in the period: with fewer nothing is broken and nothing owed."""
    how = measure("downtime-periods", errors_above="0.1", at_least="10m", minimum_events=2000)
    ones = run([0.0] * 100, events=events / 100)
    sight = judge(contract(how, target="0.999", credits=VERTEX), START, END, ones)

    assert sight.status.uptime == 0.0
    assert (sight.status.breached, sight.status.credit) == ((True, D("0.50")) if enough else (False, D(0)))
    assert sight.sample.truth is (Truth.TRUE if enough else Truth.FALSE)
    assert sight.status.reason == ("" if enough else "not enough events: 1999 of 2000")


def test_a_gap_ends_a_downtime_period() -> None:
    """Three minutes down on each side of minutes that are not there are not six in a row."""
    how = measure("downtime-periods", at_least="5m")
    ones = run([0.0] * 9 + [1.0])

    assert total(ones, how).down() == 9 * 60_000
    assert total([*ones[:3], *ones[6:]], how).down() == 0


@pytest.mark.parametrize("turn", [1, -1])
def test_remove_wins_wherever_it_stands(turn: int) -> None:
    """Two exclusions of the same time, in either order: it leaves the period, and only that one took it."""
    agreed = (exclusion(0, 2, "good"), exclusion(1, 3, "remove"))[::turn]
    got = total(run([0.0] * 4), measure("minutes"), agreed)
    trail = {one.exclusion.treat: (one.removed, one.forgiven) for one in audit(run_marks([0.0] * 4), agreed)}

    assert (got.weight, int(got.down())) == (2 * 60_000, 60_000)
    assert trail == {"good": (0, 60_000), "remove": (120_000, 0)}


def test_what_does_not_count_cannot_be_removed() -> None:
    """An interval without events that is ignored is not in the period; an exclusion of it removes nothing."""
    how = measure("minutes", empty="ignore")
    [taken] = audit(METHODS["minutes"](run([None, None, 0.0]), how, ()), (exclusion(0, 3),))

    assert (taken.removed, int(taken.spared)) == (60_000, 60_000)


# --- laws ------------------------------------------------------------------------------------------------------


HOWS = st.one_of(
    st.builds(measure, st.just("interval-mean"), empty=st.sampled_from(["good", "bad", "ignore"])),
    st.builds(
        measure,
        st.sampled_from(["minutes", "deployed-minutes", "downtime-periods"]),
        empty=st.sampled_from(["good", "bad", "ignore"]),
        errors_above=st.sampled_from([None, "0", "0.1", "0.5"]),
        at_least=st.sampled_from([None, "1m", "3m", "5m"]),
        partial_minute=st.sampled_from(["continuous", "up", "down"]),
    ),
)
RATIO = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 0.9, 0.5]), st.floats(0, 1))
RATIOS = st.lists(RATIO, max_size=40)
EXCLUSIONS = st.lists(
    st.builds(
        lambda start, length, treat: exclusion(start, start + length, treat),
        st.integers(-5, 40),
        st.integers(1, 20),
        st.sampled_from(["remove", "good"]),
    ),
    max_size=3,
).map(tuple)
STEPS = st.sampled_from([timedelta(seconds=20), MINUTE])


def _made(ratios: list[float | None], how: Measure, step: timedelta) -> tuple[list[Interval], Measure]:
    seconds = int(step.total_seconds())
    return run(ratios, step), replace(how, interval=measure(interval=f"{seconds}s").interval)


@given(RATIOS, HOWS, EXCLUSIONS, STEPS)
def test_uptime_is_a_share(
    ratios: list[float | None], how: Measure, exclusions: tuple[Exclusion, ...], step: timedelta
) -> None:
    """Uptime lies between 0 and 1, and more counts than was measured in no case."""
    ones, how = _made(ratios, how, step)
    got = total(ones, how, exclusions)
    uptime = got.uptime()

    assert uptime is None or 0 <= uptime <= 1
    assert 0 <= got.weight <= len(ones) * step.total_seconds() * 1000


@given(RATIOS, HOWS, EXCLUSIONS, STEPS, st.data())
def test_more_downtime_never_raises_uptime(
    ratios: list[float | None], how: Measure, exclusions: tuple[Exclusion, ...], step: timedelta, data: st.DataObject
) -> None:
    """Turn some measured intervals bad: uptime falls or stays."""
    worse = [data.draw(st.sampled_from([ratio, 0.0])) if ratio is not None else None for ratio in ratios]
    (ones, how), (bad, _) = _made(ratios, how, step), _made(worse, how, step)
    before, after = total(ones, how, exclusions).uptime(), total(bad, how, exclusions).uptime()

    assert (before is None) == (after is None)
    assert before is None or after is None or after <= before


@given(RATIOS, HOWS, st.integers(0, 40), st.integers(1, 20))
def test_a_removed_exclusion_is_a_shorter_period(
    ratios: list[float | None], how: Measure, start: int, length: int
) -> None:
    """Without the intervals of the window, the rest of the period comes to the same."""
    ones, window = run(ratios), exclusion(start, start + length)
    rest = [one for one in ones if one.end <= window.start or one.start >= window.end]
    got, shorter = total(ones, how, (window,)), total(rest, how)

    assert (got.weight, got.up) == (shorter.weight, shorter.up)


@given(st.lists(RATIO, max_size=20).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))), HOWS)
def test_order_does_not_matter_to_a_mean(both: tuple[list[float | None], list[float | None]], how: Measure) -> None:
    """Uptime by interval mean and by minutes depends on how many intervals were how good, not on when."""
    if how.method == "downtime-periods":
        return

    assert total(run(both[0]), how) == total(run(both[1]), how)


@given(RATIOS, HOWS, EXCLUSIONS)
def test_the_audit_trail_adds_up(ratios: list[float | None], how: Measure, exclusions: tuple[Exclusion, ...]) -> None:
    """What the exclusions removed and forgave, each moment once, is what the period lacks and what counts as up."""
    how = replace(how, empty="good") if how.empty == "ignore" else how
    ones = run(ratios)
    raw = METHODS[how.method](ones, how, ())
    trail = audit(raw, exclusions)
    before, after = total(ones, how), total(ones, how, exclusions)

    assert sum(one.removed for one in trail) == before.weight - after.weight
    assert all(0 <= one.spared <= one.removed + one.forgiven for one in trail)
    assert len(trail) == len(exclusions)
    if how.method != "downtime-periods":  # its exclusions also end periods, and so forgive what is left of them
        assert sum(one.spared for one in trail) == before.down() - after.down()
