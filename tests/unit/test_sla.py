"""Contracts: calendar months, interval means, exclusions, credits, breach."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.budget import allowed_downtime
from tocsin.evaluate.calendar import midnight, month
from tocsin.evaluate.measures import Interval, Tally, excluded, interval_mean, tally
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import SlaStatus, Truth
from tocsin.evaluate.sla import credit, judge
from tocsin.evaluate.tick import Watch, turn
from tocsin.ports import Row, labels_of
from tocsin.spec import CreditTier, Exclusion, Measure, Sla
from tocsin.spec.service import PromQl
from tocsin.units import Duration
from tocsin.workspace import Workspace

D = Decimal
START = datetime(2026, 10, 1, tzinfo=UTC)
FIVE = timedelta(minutes=5)
DAY = 86_400.0
S3 = (("0.999", "0.10"), ("0.99", "0.25"), ("0.95", "1"))


def tiers(*pairs: tuple[str, str]) -> tuple[CreditTier, ...]:
    """(below, credit) pairs."""
    return tuple(CreditTier(D(below), D(owed), builders.SPAN) for below, owed in pairs)


def contract(
    *, empty: str = "good", exclusions: tuple[Exclusion, ...] = (), zone: str = "UTC", target: str = "0.999"
) -> Sla:
    """S3's contract: five-minute intervals, three tiers."""
    return Sla(
        name="gold",
        title="",
        customer="ACME",
        covers="shop/uptime",
        covers_span=builders.SPAN,
        target=D(target),
        calendar="month",
        timezone=zone,
        measure=Measure("interval-mean", Duration.of(minutes=5), empty),
        exclusions=exclusions,
        credits=tiers(*S3),
        notify=("email",),
        span=builders.SPAN,
    )


def intervals(ratios: Sequence[float | None]) -> list[Interval]:
    """Five minutes each, from the start of the month."""
    return [Interval(START + i * FIVE, START + (i + 1) * FIVE, good) for i, good in enumerate(ratios)]


def mean(ones: Sequence[Interval], empty: str, exclusions: tuple[Exclusion, ...] = ()) -> Tally:
    """Interval mean, as S3's contract has it."""
    return tally(interval_mean.marks(ones, Measure("interval-mean", Duration.of(minutes=5), empty)), exclusions)


def exclusion(start: float, end: float, treat: str) -> Exclusion:
    """From and to minutes after the start."""
    first, last = (START + timedelta(minutes=minute) for minute in (start, end))
    return Exclusion(first, last, "agreed", treat, builders.SPAN)


# --- calendar ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "zone", "hours", "minutes"),
    [
        ("2026-03-15", "Europe/Berlin", 743, "44.58"),
        ("2026-03-15", "America/New_York", 743, "44.58"),
        ("2026-10-15", "Europe/Berlin", 745, "44.7"),
        ("2026-11-15", "America/New_York", 721, "43.26"),
        ("2026-03-15", "UTC", 744, "44.64"),
        ("2027-02-15", "UTC", 672, "40.32"),
        ("2028-02-15", "UTC", 696, "41.76"),
        ("2026-11-15", "Asia/Ho_Chi_Minh", 720, "43.2"),
    ],
)
def test_length_of_a_month(at: str, zone: str, hours: int, minutes: str) -> None:
    """Months with a clock change are an hour shorter or longer, and so is their budget."""
    start, end = month(datetime.fromisoformat(at).replace(tzinfo=UTC), ZoneInfo(zone))
    length = Duration((end - start) // timedelta(milliseconds=1))

    assert (end - start) == timedelta(hours=hours)
    assert allowed_downtime(D("0.999"), length) == Fraction(D(minutes)) * 60


@pytest.mark.parametrize(("day", "slices"), [(date(2026, 10, 4), 282), (date(2026, 4, 5), 294)])
def test_half_hour_clock_change(day: date, slices: int) -> None:
    """Lord Howe Island moves its clocks by half an hour: 23.5 and 24.5 hours."""
    zone = ZoneInfo("Australia/Lord_Howe")

    assert (midnight(day + timedelta(days=1), zone) - midnight(day, zone)) // FIVE == slices


def test_month_bounds_are_half_open() -> None:
    """The last instant of October in Ho Chi Minh City is 16:59:59.999 UTC; the next one is November."""
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    boundary = datetime(2026, 10, 31, 17, tzinfo=UTC)

    assert month(boundary - timedelta(milliseconds=1), zone)[1] == boundary
    assert month(boundary, zone)[0] == boundary


def test_december_is_followed_by_january() -> None:
    """The year turns."""
    start, end = month(datetime(2026, 12, 31, tzinfo=UTC), ZoneInfo("UTC"))

    assert (start, end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


# --- arithmetic --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("down", "uptime", "owed"),
    [(8, "99.91039", "0"), (9, "99.89919", "0.10"), (10, "99.88799", "0.10")],
)
def test_interval_mean(down: int, uptime: str, owed: str) -> None:
    """S3, 31 days of 8,928 intervals: eight that fail wholly are free, nine cost 10 %."""
    got = mean(intervals([0.0] * down + [1.0] * (8_928 - down)), "good").uptime()

    assert got is not None
    assert 100 * float(got) == pytest.approx(float(uptime), abs=1e-5)
    assert credit(got, tiers(*S3)) == D(owed)


def test_partly_bad_intervals() -> None:
    """Two intervals at 100 % errors and ten at 5 %, the rest empty: 99.9719982079 %, nothing owed."""
    got = mean(intervals([0.0] * 2 + [0.95] * 10 + [None] * 8_916), "good").uptime()

    assert got is not None
    assert 100 * float(got) == pytest.approx(99.9719982079, abs=1e-9)
    assert credit(got, tiers(*S3)) == 0


@pytest.mark.parametrize(("empty", "uptime"), [("good", 0.9995039683), ("ignore", 0.9995009980), ("bad", 0.9935515873)])
def test_empty_intervals(empty: str, uptime: float) -> None:
    """10,080 slices, 5 bad, 60 empty, by the contract's rule for empty ones."""
    got = mean(intervals([0.0] * 5 + [None] * 60 + [1.0] * 10_015), empty)

    assert float(got.uptime() or 0) == pytest.approx(uptime, abs=1e-9)
    assert got.empty == 60
    assert got.counted == (10_020 if empty == "ignore" else 10_080)


@pytest.mark.parametrize(
    ("treat", "uptime"), [("none", 0.9986111111), ("good", 0.9995370370), ("remove", 0.9995357474)]
)
def test_exclusions(treat: str, uptime: float) -> None:
    """30 days, 60 min down of which 40 in a maintenance of 120 min: forgiven, removed, or neither."""
    ratios = [1.0] * 8_640
    ratios[100:112] = [0.0] * 12
    agreed = () if treat == "none" else (exclusion(520, 640, treat),)

    got = mean(intervals(ratios), "good", agreed).uptime()
    assert float(got or 0) == pytest.approx(uptime, abs=1e-9)


def test_exclusion_within_an_interval() -> None:
    """A removed minute takes a fifth of its interval's weight; an overlap is removed once, and `remove` wins."""
    agreed = (exclusion(1, 2, "remove"), exclusion(1, 3, "good"), exclusion(1.5, 2, "remove"))

    assert excluded(START, START + FIVE, agreed) == (60_000, 60_000)
    assert mean(intervals([0.0]), "good", agreed).uptime() == Fraction(1, 4)


@pytest.mark.parametrize(
    ("uptime", "owed"),
    [
        ("1", "0"),
        ("0.999", "0"),
        ("0.9989999999", "0.10"),
        ("0.99", "0.10"),
        ("0.95", "0.25"),
        ("0.9499", "1"),
        ("0", "1"),
    ],
)
def test_credit_tiers_are_half_open(uptime: str, owed: str) -> None:
    """Exactly 95 % is not below 95 %."""
    assert credit(Fraction(D(uptime)), tiers(*S3)) == D(owed)


@pytest.mark.parametrize("parts", [3, 7, 9, 13])
@pytest.mark.parametrize(("more", "uptime", "owed"), [(0, "0.95", "0.25"), (1, "0.949999", "1")])
def test_thirds_do_not_make_a_credit(parts: int, more: int, uptime: str, owed: str) -> None:
    """Of 8,640 intervals 432 are lost in parts: exactly 95 %; with a thousandth of one more it is below."""
    part = [1 / parts] * (parts * (432 // (parts - 1)))
    rest = [0.0] * (432 % (parts - 1)) + [1 - 0.001 * more]
    found = mean(intervals([*part, *rest, *[1.0] * (8640 - len(part) - len(rest))]), "good").uptime()

    assert found is not None
    assert Fraction(int(found * 10**6), 10**6) == Fraction(uptime)
    assert credit(found, tiers(*S3)) == D(owed)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=60), st.integers(0, 300), st.integers(0, 300))
def test_tally_is_a_mean(ratios: list[float | None], start: int, length: int) -> None:
    """Uptime lies between 0 and 1; forgiving never lowers it, and counting empty as bad never raises it."""
    ones = intervals(ratios)
    good, bad = mean(ones, "good").uptime(), mean(ones, "bad").uptime()
    forgiven = mean(ones, "bad", (exclusion(start, start + length, "good"),)).uptime()

    if good is None or bad is None or forgiven is None:
        assert not ratios
        return
    assert 0 <= bad <= good <= 1
    assert bad <= forgiven <= 1


# --- breach ------------------------------------------------------------------------------------------------


def test_one_bad_interval_early_in_the_month() -> None:
    """The status says what would be owed now; the alert waits until the target is out of reach."""
    end = START + timedelta(days=31)
    early = judge(contract(), START, end, intervals([1.0] * 5 + [0.0]))
    lost = judge(contract(), START, end, intervals([1.0] * 5 + [0.0] * 9))

    assert (early.status.breached, early.status.credit, early.sample.truth) == (True, D(1), Truth.FALSE)
    assert (lost.status.breached, lost.sample.truth) == (True, Truth.TRUE)


def test_nothing_measured() -> None:
    """Without intervals nothing is promised and nothing broken."""
    sight = judge(contract(empty="ignore"), START, START + timedelta(days=31), intervals([None]))

    assert (sight.status.uptime, sight.status.breached, sight.sample.truth) == (None, None, Truth.UNKNOWN)


class World:
    """One contract over one service, ticking."""

    def __init__(self, sla: Sla, *stretches: Stretch) -> None:
        slo = replace(builders.slo(sli=TrafficSli("shop")), tiers=())
        self.watch = Watch(Workspace(services=(builders.service(slos=(slo,)),), slas=(sla,)))
        self.source = FakeSource(traffic={"shop": Traffic(START, stretches)})
        self.memory = Memory()

    def tick(self, at: datetime) -> SlaStatus:
        """The contract's status."""
        turned = turn(self.watch, self.watch.look(self.source, at, memory=self.memory), self.memory, at)
        alerts = {i: s for i, s in {**self.memory.alerts, **turned.alerts}.items() if s is not None}
        self.memory = replace(self.memory, alerts=alerts)
        self.open = [v for v in turned.views if v.identity.rule == "sla:gold" and v.resolved_at is None]
        [status] = turned.snapshot.slas
        return status


def test_month_in_its_zone() -> None:
    """The contract's month begins at midnight in Ho Chi Minh City, seven hours before that of UTC."""
    there = World(contract(zone="Asia/Ho_Chi_Minh"), Stretch(-40 * DAY, 40 * DAY, 10))
    status = there.tick(START + timedelta(days=10))

    assert status.start == START - timedelta(hours=7)
    assert status.end - status.start == timedelta(days=31)
    assert (status.uptime, status.intervals, status.breached, status.credit) == (1.0, 10 * 288 + 84, False, D(0))


def test_breach_alert_lasts_until_the_month_ends() -> None:
    """An outage of 50 minutes breaks 99.9 % of October; the alert stays until November begins."""
    there = World(contract(), Stretch(-40 * DAY, 0, 10), Stretch(0, 3_000, 10, 1.0), Stretch(3_000, 60 * DAY, 10))
    late = there.tick(START + timedelta(days=30))
    assert (late.breached, late.credit, len(there.open)) == (True, D("0.10"), 1)
    assert dict(there.open[0].facts)["best possible by the end"] == "99.8879%"
    assert there.open[0].notify == ("email",)

    november = there.tick(START + timedelta(days=31, minutes=5, seconds=10))
    assert (november.uptime, november.breached, there.open) == (1.0, False, [])


def test_a_contract_whose_counters_never_answer() -> None:
    """A misspelt selector: the evaluator says that nothing is known, and why, where `empty: good` would say 100 %."""
    status = World(contract()).tick(START + timedelta(days=10))

    assert (status.uptime, status.breached, status.credit, status.coverage) == (None, None, None, 0.0)
    assert status.reason.startswith("no event of it was ever seen")


def test_blind_contract() -> None:
    """Without answers nothing is claimed, and an open alert stays open."""
    there = World(contract(), Stretch(-40 * DAY, 0, 10), Stretch(0, 3_000, 10, 1.0), Stretch(3_000, 60 * DAY, 10))
    there.source.down = "connection refused"
    status = there.tick(START + timedelta(days=2))
    assert (status.uptime, status.reason) == (None, "connection refused")

    there.source.down = ""
    there.tick(START + timedelta(days=2, seconds=15))
    there.source.down = "connection refused"
    there.tick(START + timedelta(days=31, minutes=6))
    assert len(there.open) == 1


def gone(count: int, rest: Sequence[float | None]) -> list[Interval]:
    """Intervals of which the first *count* were seen by nobody."""
    return [replace(one, seen=n >= count) for n, one in enumerate(intervals([*[None] * count, *rest]))]


MONTH = START + timedelta(days=31)


def test_what_nobody_saw_is_not_good() -> None:
    """A source that lost its first weeks neither ends the breach nor makes the period look well."""
    told = judge(contract(), START, MONTH, intervals([0.0] * 9 + [1.0] * 20), floor=0.9)
    wiped = judge(contract(), START, MONTH, gone(9, [1.0] * 20), floor=0.9)

    assert told.sample.truth is Truth.TRUE
    assert wiped.sample.truth is Truth.UNKNOWN
    assert (wiped.status.breached, wiped.status.credit, wiped.status.coverage) == (None, None, 20 / 29)
    assert wiped.status.reason == (
        "only 68.9% of the period was seen, less than 90%; "
        "if it was not in force before 2026-10-01 00:45 UTC, exclude that time"
    )


def test_a_gap_is_no_time_before_a_contract() -> None:
    """What lies between other intervals was seen by nobody for another reason, such as scrapes that are too rare."""
    ones = [replace(one, seen=not 5 <= n < 15) for n, one in enumerate(intervals([1.0] * 30))]
    rare = [replace(one, seen=n % 10 == 9) for n, one in enumerate(intervals([1.0] * 30))]

    assert "in force" not in judge(contract(), START, MONTH, rare, floor=0.9).status.reason
    assert judge(contract(), START, MONTH, ones, floor=0.9).status.reason == (
        "only 66.6% of the period was seen, less than 90%"
    )


def test_a_contract_that_begins_within_a_period() -> None:
    """The time before is excluded, so that nobody needs to have seen it."""
    begins = (exclusion(0, 45, "remove"),)
    sight = judge(contract(exclusions=begins), START, MONTH, gone(9, [1.0] * 20), floor=0.9)

    assert (sight.sample.truth, sight.status.breached, sight.status.coverage) == (Truth.FALSE, False, 1.0)


@pytest.mark.parametrize("known", [0, 40])
def test_a_contract_that_is_over_ends_its_alert(known: int) -> None:
    """Where all of a period is excluded there is nothing to be blind about, be there measurements or none."""
    ended = (exclusion(0, 31 * 1_440, "remove"),)
    sight = judge(contract(exclusions=ended), START, MONTH, intervals([0.0] * known), floor=0.9)

    assert (sight.sample.truth, sight.status.breached) == (Truth.FALSE, None)
    assert sight.status.reason == "all of this period is excluded"


def test_an_empty_start_that_was_seen_is_empty() -> None:
    """No events last night is what the contract says about empty intervals, as long as counters were there."""
    sight = judge(contract(), START, MONTH, intervals([None] * 9 + [1.0] * 20), floor=0.9)

    assert (sight.sample.truth, sight.status.uptime, sight.status.empty) == (Truth.FALSE, 1.0, 9)


@pytest.mark.parametrize("empty", ["good", "bad", "ignore"])
def test_what_is_known_can_still_prove_a_breach(empty: str) -> None:
    """Nine bad intervals lose the month even if all that nobody saw was perfect; what is owed is still not known."""
    sla = contract()
    sla = replace(sla, measure=replace(sla.measure, empty=empty))
    lost, open_yet = (judge(sla, START, MONTH, gone(9, [0.0] * bad), floor=0.9) for bad in (9, 8))

    assert (lost.sample.truth, lost.status.breached, lost.status.credit) == (Truth.TRUE, True, None)
    assert (open_yet.sample.truth, open_yet.status.breached) == (Truth.UNKNOWN, None)


# --- other methods, ticking ----------------------------------------------------------------------------------


def by_minutes(measure: Measure) -> Sla:
    """The contract, measured another way."""
    return replace(contract(), measure=measure)


def present(there: World, expression: str, when: Callable[[datetime], bool]) -> None:
    """Let *expression* have a value at some times."""
    union = f'label_replace(0 * (count((\n{expression}\n) != 0) > bool 0), "tocsin_part", "bad:1m", "", "")'
    whole = f'label_replace(count((\n{expression}\n) != 0) > bool 0, "tocsin_part", "total:1m", "", "")'

    def answer(at: datetime) -> tuple[Row, ...]:
        marks = (("bad:1m", 0.0), ("total:1m", 1.0)) if when(at) else ()
        return tuple(Row(labels_of({"tocsin_part": mark}), value) for mark, value in marks)

    there.source.scripts[f"{union}\nor\n{whole}"] = answer


def test_deployed_by_an_expression() -> None:
    """Where the expression has no row the service was not deployed: ten days of October are all there is."""
    measure = Measure("deployed-minutes", Duration.of(minutes=1), "good", deployed=PromQl("there", builders.SPAN))
    there = World(
        by_minutes(measure), Stretch(-40 * DAY, 0, 10), Stretch(0, 1_200, 10, 1.0), Stretch(1_200, 40 * DAY, 10)
    )
    present(there, "there", lambda at: at <= START + timedelta(days=10))
    for _ in range(4):  # history is read over several looks
        status = there.tick(START + timedelta(days=20))

    assert status.uptime == pytest.approx(1 - 20 / 14_400)
    assert status.intervals == 14_400
    assert status.breached is True


def test_deployed_by_its_counter() -> None:
    """Before the counter exists nothing was deployed; while it stands still, the service is only idle."""
    measure = Measure("deployed-minutes", Duration.of(minutes=1), "good")
    there = World(by_minutes(measure), Stretch(5 * DAY, 6 * DAY, 10), Stretch(8 * DAY, 8 * DAY + 600, 10, 1.0))
    for _ in range(4):
        status = there.tick(START + timedelta(days=10))

    assert (status.intervals, status.empty) == (5 * 1_440, 4 * 1_440 - 10)
    assert status.uptime == pytest.approx(1 - 10 / 7_200)


@pytest.mark.parametrize(("kept", "coverage", "breached"), [(0, 1.0, True), (7, 0.3, None)])
@pytest.mark.parametrize("said", [True, False])
def test_a_wiped_source_is_no_time_without_a_deployment(
    kept: int, coverage: float, breached: bool | None, *, said: bool
) -> None:
    """That nothing was deployed is known as long as the source scraped anything; before, nobody knows."""
    deployed = PromQl("there", builders.SPAN) if said else None
    measure = Measure("deployed-minutes", Duration.of(minutes=1), "good", deployed=deployed)
    there = World(by_minutes(measure), Stretch(8 * DAY, 8 * DAY + 600, 10, 1.0), Stretch(8 * DAY + 600, 40 * DAY, 10))
    present(there, "there", lambda at: at > START + timedelta(days=8))
    present(there, "count(up)", lambda at: at > START + timedelta(days=kept))
    for _ in range(6):
        status = there.tick(START + timedelta(days=10))

    assert status.coverage == pytest.approx(coverage, abs=1e-3)
    assert (status.intervals, status.breached) == (2 * 1_440, breached)


def test_events_are_counted_where_somebody_asks() -> None:
    """A contract with a minimum of events knows how many there were; another does not ask."""
    few = replace(contract().measure, minimum_events=2_000_000)
    there, other = (
        World(by_minutes(measure), Stretch(-40 * DAY, 0, 10), Stretch(0, 9_000, 10, 1.0), Stretch(9_000, 40 * DAY, 10))
        for measure in (few, contract().measure)
    )
    early, late = (there.tick(START + timedelta(days=day)) for day in (1, 3))

    assert (early.events, early.breached, early.credit) == (864_000.0, False, D(0))
    assert early.reason == "not enough events: 864000 of 2000000"
    assert (late.events, late.breached, late.credit) == (2_592_000.0, True, D("0.25"))
    assert other.tick(START + timedelta(days=1)).events is None


def test_exclusions_leave_a_trail() -> None:
    """The status says of each exclusion what it took out, and how much of that had been downtime."""
    agreed = (exclusion(0, 60, "remove"), exclusion(100, 110, "good"), exclusion(-600, -500, "good"))
    sight = judge(contract(exclusions=agreed), START, START + timedelta(days=31), intervals([0.0] * 6 + [1.0] * 30))

    told = [(one.removed, one.forgiven, int(one.spared)) for one in sight.status.exclusions]
    assert told == [(3_600_000, 0, 1_800_000), (0, 600_000, 0), (0, 0, 0)]
