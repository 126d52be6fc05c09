"""Journeys: combining slices, missing members, burn alerts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.asking import MARK
from tocsin.evaluate.forecast import of_slices
from tocsin.evaluate.journey import Composite, combine, composite, judge, members
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Truth
from tocsin.evaluate.slices import Slices
from tocsin.evaluate.tick import Watch, turn
from tocsin.ports import RangeAnswer, RangeRow, labels_of
from tocsin.spec import Combine, Journey, JourneySlo, Missing
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.workspace import Workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0
SLICE = Duration.of(minutes=5)
A = [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]
B = [1, 0, 0, 1, 1, 1, 1, 1, 1, 1]
C = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0]


def member(name: str) -> Member:
    """A leaf."""
    return Member(f"{name}/up", builders.SPAN)


def series(*parts: Member | Combine) -> Combine:
    """All are needed."""
    return Combine("series", parts, tuple(Decimal(1) for _ in parts), builders.SPAN)


def weighted(**weights: str) -> Combine:
    """Some matter more."""
    return Combine(
        "weighted", tuple(member(n) for n in weights), tuple(Decimal(w) for w in weights.values()), builders.SPAN
    )


def journey(node: Combine, *, after: str = "0s", count_as: str = "bad", target: str = "0.995") -> JourneySlo:
    """A journey objective over 30 days in slices of five minutes."""
    return JourneySlo(
        journey="counting",
        name="end-to-end",
        target=Decimal(target),
        window=Duration.of(days=30),
        slice=SLICE,
        combine=node,
        missing=Missing(Duration.parse(after), count_as),
        page=("email",),
        description="",
        span=builders.SPAN,
    )


def mean(node: Combine, **slices: list[int]) -> float:
    """The journey's SLI over the given slices."""
    ratios = {f"{name}/up": {k: float(v) for k, v in enumerate(values)} for name, values in slices.items()}
    slo = journey(node)
    sli = judge(slo, composite(slo, ratios, SLICE, 0, 10), ratios, "").status.sli
    assert sli is not None
    return sli


def test_series_per_slice() -> None:
    """Ten slices: 0.7 for two members and 0.6 for three, where averages would say 0.64 and 0.576."""
    assert mean(series(member("a"), member("b")), a=A, b=B) == pytest.approx(0.7)
    assert mean(series(member("a"), member("b"), member("c")), a=A, b=B, c=C) == pytest.approx(0.6)


def test_weighted_per_slice() -> None:
    """Weights 1, 2, 1 of the same: 0.825."""
    assert mean(weighted(a="1", b="2", c="1"), a=A, b=B, c=C) == pytest.approx(0.825)


def test_nested() -> None:
    """A tree is combined from its leaves; each SLO below it is a member once."""
    tree = series(member("a"), weighted(b="3", c="1"), member("a"))

    assert combine(tree, {"a/up": 0.9, "b/up": 1.0, "c/up": 0.6}) == pytest.approx(0.9 * 0.9 * 0.9)
    assert members(tree) == ("a/up", "b/up", "c/up")


@pytest.mark.parametrize(("count_as", "expected"), [("ignore", 0.9972), ("good", 0.99825), ("bad", 0.62325)])
def test_missing_member(count_as: str, expected: float) -> None:
    """Weights 1, 4, 3 with the third missing: left out, good, bad."""
    slo = journey(weighted(a="1", b="4", c="3"), count_as=count_as)
    whole = composite(slo, {"a/up": {0: 0.99}, "b/up": {0: 0.999}}, SLICE, 0, 1)

    assert list(whole.values) == pytest.approx([expected])
    assert whole.filled == (1,)


def test_idle_is_left_out() -> None:
    """In parallel an idle standby does not hide an outage, in series it makes none; where all are idle, all is well."""
    ratios = {"a/up": {0: 1.0, 1: 0.0, 3: 0.0}, "b/up": {0: 1.0}}
    idle = {"a/up": {2}, "b/up": {1, 2, 3}}
    for node, expected in (
        (series(member("a"), member("b")), (1.0, 0.0, 1.0, 0.0)),
        (Combine("parallel", (member("a"), member("b")), (), builders.SPAN), (1.0, 0.0, 1.0, 0.0)),
    ):
        whole = composite(journey(node), ratios, SLICE, 0, 4, idle=idle)

        assert (whole.values, whole.filled, whole.idle) == (expected, (0,) * 4, (False, False, True, False))


def test_idle_and_gone_are_told_apart() -> None:
    """After an idle slice a member that is gone is what `missing` says; an answer of 0 events is idle, none is gone."""
    book = Slices(builders.slo(), SLICE)
    rows = tuple(RangeRow(labels_of({MARK: f"{kind}:5m"}), ((300.0, 0.0),)) for kind in ("bad", "total"))

    assert book._read(RangeAnswer(rows)) == {0: None}
    slo = journey(series(member("a"), member("b")))
    assert composite(slo, {"a/up": {0: 1.0, 1: 1.0}}, SLICE, 0, 2, idle={"b/up": {0}}).values == (1.0, 0.0)


def test_missing_is_patient() -> None:
    """Within `after`, a member keeps its last value; then it counts as configured."""
    slo = journey(series(member("a"), member("b")), after="10m", count_as="bad")
    ratios = {"a/up": dict.fromkeys(range(6), 1.0), "b/up": {0: 0.5}}

    assert composite(slo, ratios, SLICE, 0, 6).values == (0.5, 0.5, 0.5, 0.0, 0.0, 0.0)


def test_a_source_that_did_not_run_is_no_missing_member() -> None:
    """Slices without the source, and the first ones after it, do not count; members that stay away are missing then."""
    slo = journey(series(member("a"), member("b")), after="5m", count_as="bad")
    back = {0: 1.0, 1: 1.0, **dict.fromkeys(range(6, 10), 1.0)}
    asleep = {2, 3, 4}

    def values(b: dict[int, float]) -> tuple[float | None, ...]:
        return composite(slo, {"a/up": back, "b/up": b}, SLICE, 0, 10, asleep=asleep).values

    assert values(back) == (1.0, 1.0, 1.0, None, None, None, 1.0, 1.0, 1.0, 1.0)
    assert values({0: 1.0, 1: 1.0}) == (1.0, 1.0, 1.0, None, None, None, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("count_as", ["good", "bad", "ignore"])
def test_little_that_was_seen_is_no_journey(count_as: str) -> None:
    """Four weeks in which nobody saw any member are neither good nor bad; the alert sees the hours it looks at."""
    slo = journey(series(member("a"), member("b")), count_as=count_as)
    back = {0: 1.0, **dict.fromkeys(range(18, 24), 1.0)}
    ratios = {"a/up": back, "b/up": back}
    whole = composite(slo, ratios, SLICE, 0, 24)
    enough, little = (judge(slo, whole, ratios, "", floor) for floor in (7 / 24, 0.9))

    assert enough.status.coverage == little.status.coverage == 7 / 24
    assert enough.status.sli is not None
    assert (little.status.sli, little.status.remaining) == (None, None)
    assert little.status.reason == "only 29.1% of the window was seen, less than 90%"
    assert little.sample.truth is enough.sample.truth


def test_a_member_that_is_gone_was_not_looked_past() -> None:
    """One that was seen is enough: what the others count as is the journey's own word."""
    slo = journey(series(member("a"), member("b")), count_as="bad")
    ratios = {"a/up": dict.fromkeys(range(4), 1.0), "b/up": {0: 1.0}}

    assert composite(slo, ratios, SLICE, 0, 4).coverage == 1.0


def test_before_the_first_event() -> None:
    """A young journey is not bad for the time before it was born, nor for that before a member joined it."""
    slo = journey(series(member("a"), member("b")))
    ratios = {"a/up": dict.fromkeys(range(7, 12), 1.0), "b/up": {9: 1.0, 11: 0.5}}

    assert composite(slo, ratios, SLICE, 0, 12).values == (1.0, 1.0, 1.0, 0.0, 0.5)
    assert composite(slo, {**ratios, "b/up": {}}, SLICE, 0, 12).values == (0.0,) * 5, "one that never came is missing"


def test_a_member_that_was_there_before_the_window_is_gone_in_it() -> None:
    """What was known before the first slice says that it is not new."""
    slo = journey(series(member("a"), member("b")))
    ratios = {"a/up": dict.fromkeys(range(12), 1.0), "b/up": {3: 1.0, 8: 1.0}}

    assert composite(slo, ratios, SLICE, 5, 9).values == (0.0, 0.0, 0.0, 1.0)


def test_a_member_that_joins_leaves_the_past_as_it_was() -> None:
    """It was deployed half an hour ago: twenty-nine days without it were no outage."""
    there = Platform(journey(series(member("a"), member("b")), after="5m"))
    there.source.traffic["b"] = Traffic(START, (Stretch(-1_800, 40 * DAY, 10),))
    there.tick(0)
    there.tick(15)

    assert (there.status.state, there.status.remaining, there.status.missing) == ("healthy", 1.0, 0)


def test_nothing_to_combine() -> None:
    """Where all members are left out, the slice does not count."""
    assert combine(series(member("a"), member("b")), {"a/up": None}) is None
    assert combine(weighted(a="1"), {}) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_series_lies_between_the_bounds_for_any_dependence(values: list[float]) -> None:
    """Neither better than the worst member nor worse than the sum of all shortfalls."""
    names = [f"m{i}" for i in range(len(values))]
    got = combine(series(*(member(n) for n in names)), {f"{n}/up": v for n, v in zip(names, values, strict=True)})

    assert got is not None
    assert max(0.0, sum(values) - len(values) + 1) - 1e-9 <= got <= min(values) + 1e-9


class Platform:
    """Two services, a journey over both, and a source with exact traffic."""

    def __init__(self, slo: JourneySlo) -> None:
        slos = [replace(builders.slo("up", service=name, sli=TrafficSli(name)), tiers=()) for name in ("a", "b")]
        services = tuple(builders.service(one.service, slos=(one,)) for one in slos)
        path = Journey("counting", "", "", "", (slo,), builders.SPAN)
        self.watch = Watch(Workspace(services=services, journeys=(path,)))
        self.source = FakeSource()
        self.memory = Memory()
        for name in ("a", "b"):
            self.source.traffic[name] = Traffic(START, (Stretch(-40 * DAY, 40 * DAY, 10),))

    def tick(self, second: float) -> tuple[str, bool]:
        """State of the journey, and whether its alert is open."""
        now = START + timedelta(seconds=second)
        turned = turn(self.watch, self.watch.look(self.source, now, memory=self.memory), self.memory, now)
        alerts = {i: s for i, s in {**self.memory.alerts, **turned.alerts}.items() if s is not None}
        self.memory = replace(self.memory, alerts=alerts)
        [status] = turned.snapshot.journeys
        self.status = status
        rules = [
            view for view in turned.views if view.identity.rule == "counting/end-to-end:burn" and not view.resolved_at
        ]
        self.views = rules
        return status.state, bool(rules)


def test_a_healthy_journey() -> None:
    """Thirty days of slices are read, newest first, over a few looks at most; then the SLI is known."""
    there = Platform(journey(series(member("a"), member("b"))))
    there.tick(0)
    there.tick(15)

    assert (there.status.state, there.status.sli, there.status.remaining) == ("healthy", 1.0, 1.0)
    assert (there.status.slices, there.status.missing) == (8_640, 0)
    assert there.status.members == (("a/up", 1.0), ("b/up", 1.0))


def test_members_over_the_window_of_the_journey() -> None:
    """Slices that a contract over a month asked for, too, do not count in a journey over a week."""
    slo = replace(journey(series(member("a"), member("b"))), window=Duration.of(days=7))
    week = slo.window.milliseconds // SLICE.milliseconds
    ratios = {"a/up": dict.fromkeys(range(4 * week), 1.0), "b/up": dict.fromkeys(range(3 * week), 0.0)}
    ratios["b/up"] |= dict.fromkeys(range(3 * week, 4 * week), 0.99)
    status = judge(slo, composite(slo, ratios, SLICE, 3 * week, 4 * week), ratios, "").status

    assert status.slices == week
    assert status.sli == pytest.approx(0.99)
    assert dict(status.members) == {"a/up": 1.0, "b/up": pytest.approx(0.99)}


def test_only_new_slices_are_asked_for() -> None:
    """Between two slices nothing is asked; afterwards one request for each member."""
    there = Platform(journey(series(member("a"), member("b"))))
    for second in (0, 15, 30):
        there.tick(second)
    asked = len([q for q in there.source.asked if "[5m]:increase" in q])
    there.tick(45)
    assert asked == len([q for q in there.source.asked if "[5m]:increase" in q])

    there.tick(300)
    assert asked + 2 == len([q for q in there.source.asked if "[5m]:increase" in q])


def test_burn_pages_and_resolves() -> None:
    """An outage of one member in series pages after its first whole slice, names the member, and resolves.

    Three bad slices of five minutes are 4.2 % of six hours, so the steady tier holds until its 30 minutes are clean.
    """
    there = Platform(journey(series(member("a"), member("b"))))
    there.source.traffic["b"].stretches = (
        Stretch(-40 * DAY, 0, 10),
        Stretch(0, 900, 10, 1.0),
        Stretch(900, 40 * DAY, 10),
    )
    opened = {}
    for second in range(-30, 3_000, 15):
        opened[second] = there.tick(second)[1]
        if second == 900:
            [view] = there.views
            facts = dict(view.facts)

    firing = [second for second, is_open in opened.items() if is_open]
    assert (firing[0], firing[-1]) == (300, 2_685)
    assert facts["worst member"] == "b/up at 75% over 1h"
    assert facts["broken by"] == "b/up 100%"
    assert facts["burn rate"] == "50x over 1h, 200x over 5m (pages at 14.4x)"
    assert view.notify == ("email",)


def test_a_page_tells_when_the_budget_is_spent() -> None:
    """What was bad in slices that leave the window comes back.

    The budget is 5 hours in 30 days. An outage of 3 hours begins to leave the window, 10 minutes of a new one are in
    it: 1 h 50 m are left, and in the next three hours as much comes back as is spent.
    """
    target = round(1 - Decimal(5) / (30 * 24), 6)
    there = Platform(journey(series(member("a"), member("b")), target=str(target)))
    month = 30 * DAY
    there.source.traffic["b"].stretches = (
        Stretch(-40 * DAY, -month + 600, 10),
        Stretch(-month + 600, -month + 600 + 3 * 3_600, 10, 1.0),
        Stretch(-month + 600 + 3 * 3_600, 0, 10),
        Stretch(0, DAY, 10, 1.0),
    )
    for second in range(-30, 615, 15):
        there.tick(second)
    facts = dict(there.views[0].facts)

    assert facts["budget exhausted in"] == "4h 49m at 144x"


@given(
    st.lists(st.one_of(st.none(), st.sampled_from([0.0, 0.5, 0.9, 1.0])), min_size=1, max_size=20),
    st.integers(1, 60),
)
def test_the_end_of_a_journey_by_counting(values: list[float | None], twentieths: int) -> None:
    """Slice by slice: before the one that is told some budget is left, and after it none.

    Slices that do not count make room for others, so that the budget of a young journey grows.
    """
    slo = replace(journey(series(member("a"))), window=Duration.of(minutes=100), target=Decimal("0.75"))
    burn, window = twentieths / 20 + 0.01, 20

    def left(some: list[float | None]) -> float:
        counted = [value for value in some if value is not None]
        return 0.25 * len(counted) - sum(1 - value for value in counted)

    assume(any(value is not None for value in values))
    newest: list[float | None] = [*values, *[1 - burn / 4] * window]
    after = [left(newest[: len(values) + k][-window:]) for k in range(window + 1)]
    assume(min(abs(each) for each in after) > 1e-9)
    lasts = of_slices(slo, values, after[0] / left([1.0 for value in values if value is not None]), burn)

    if lasts is None:
        assert min(after) > 0
    else:
        first = next(k for k, each in enumerate(after) if each < 0)
        assert max(first - 1, 0) <= lasts.milliseconds / SLICE.milliseconds <= first


def test_a_weighted_journey_bends() -> None:
    """A member of small weight that is down does not page a weighted journey as a series would."""
    there = Platform(journey(weighted(a="99", b="1"), target="0.999"))
    there.source.traffic["b"].stretches = (Stretch(-40 * DAY, 0, 10), Stretch(0, 40 * DAY, 10, 1.0))
    states = [there.tick(second) for second in range(0, 3_600, 60)]

    assert not any(is_open for _, is_open in states)


def test_blind_journey() -> None:
    """Without an answer a journey is unknown, and its open alert stays open."""
    there = Platform(journey(series(member("a"), member("b"))))
    there.source.traffic["b"].stretches = (Stretch(-40 * DAY, 0, 10), Stretch(0, 900, 10, 1.0), Stretch(900, DAY, 10))
    for second in range(0, 615, 15):
        there.tick(second)
    there.source.down = "connection refused"
    for second in range(615, 3_600, 15):
        state, is_open = there.tick(second)

    assert (state, is_open, there.status.reason) == ("unknown", True, "connection refused")
    there.source.down = ""
    assert there.tick(3_600) == ("healthy", False)


def test_slices_too_long_for_a_page() -> None:
    """A journey in slices of two hours has no burn-rate alert, and says so instead of looking healthy."""
    slo = replace(journey(series(member("a"))), slice=Duration.of(hours=2))
    sight = judge(slo, composite(slo, {"a/up": {0: 1.0}}, slo.slice, 0, 1), {"a/up": {0: 1.0}}, "")

    assert sight.sample.truth is Truth.UNKNOWN
    assert "too long" in sight.sample.reason


def test_a_divided_member_counts_as_a_whole() -> None:
    """An SLO by route has a row for each route; the journey passes through all of them, so events add up."""
    book = Slices(builders.slo(), SLICE)
    rows = tuple(
        RangeRow(labels_of({MARK: f"{kind}:5m", "route": route}), ((300.0, value),))
        for kind, route, value in (("bad", "/a", 1.0), ("total", "/a", 10.0), ("bad", "/b", 0.0), ("total", "/b", 30.0))
    )

    assert book._read(RangeAnswer(rows)) == {0: 0.975}


# --- contributions -------------------------------------------------------------------------------------------


def _whole(node: Combine, **ratios: list[float]) -> Composite:
    """Slices of members, all known."""
    slo = journey(node)
    known = {f"{name}/up": dict(enumerate(some)) for name, some in ratios.items()}
    return composite(slo, known, slo.slice, 0, len(next(iter(ratios.values()))))


def test_contributions_add_up_where_outages_do_not_meet() -> None:
    """Three slices are lost to one member and one to the other."""
    whole = _whole(series(member("a"), member("b")), a=[1, 0, 1, 1, 1], b=[0, 1, 0, 0, 1])
    found = dict(whole.contributions(5))
    assert list(found) == ["b/up", "a/up"]
    assert list(found.values()) == pytest.approx([0.75, 0.25])
    assert whole.contributions(1) == ()


def test_members_that_were_down_together_share_it() -> None:
    """Of a series none of them alone would have helped, of two parallel ones either would: each has a half."""
    down, both = {"a": [1.0, 0.0], "b": [1.0, 0.0]}, (member("a"), member("b"))
    for node in (series(*both), Combine("parallel", both, (), builders.SPAN)):
        assert _whole(node, **down).contributions(2) == (("a/up", 0.5), ("b/up", 0.5))


def test_a_share_is_the_mean_over_all_orders() -> None:
    """Three members of which two are needed: a alone is out in one slice, all in another; Shapley's values by hand."""
    node = Combine("k_of_n", (member("a"), member("b"), member("c")), (), builders.SPAN, 2)
    whole = _whole(node, a=[0.0, 0.0, 0.0, 1.0], b=[1.0, 0.0, 0.0, 1.0], c=[1.0, 1.0, 0.0, 1.0])

    # slice 1 is no loss, slice 2 is half a's and half b's, slice 3 a third of each
    shares = dict(whole.contributions(4))
    assert shares == pytest.approx({"a/up": 5 / 12, "b/up": 5 / 12, "c/up": 2 / 12})


NAMES = "abcde"
TREES = (
    series(*map(member, NAMES)),
    Combine("parallel", tuple(map(member, NAMES)), (), builders.SPAN),
    Combine("k_of_n", tuple(map(member, NAMES)), (), builders.SPAN, 3),
    weighted(a="1", b="4", c="3", d="1", e="2"),
    Combine("worst_of", tuple(map(member, NAMES)), (), builders.SPAN),
    series(Combine("parallel", (member("a"), member("b")), (), builders.SPAN), member("c"), weighted(d="1", e="3")),
)


@given(
    st.sampled_from(TREES),
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 0.999, 1.0])] * 5), min_size=1, max_size=8),
)
def test_contributions_add_up_to_the_burn(node: Combine, slices: list[tuple[float, ...]]) -> None:
    """Whatever the tree, and however outages meet."""
    whole = _whole(node, **dict(zip(NAMES, map(list, zip(*slices, strict=True)), strict=True)))
    shares = whole.contributions(len(slices))

    assert all(0 < share <= 1 + 1e-9 for _, share in shares)
    lost = any(v is not None and v < 1 for v in whole.values)
    assert sum(share for _, share in shares) == pytest.approx(1 if lost else 0, abs=1e-6)


@pytest.mark.parametrize(
    "node", [weighted(a="1", b="1"), Combine("parallel", (member("a"), member("b")), (), builders.SPAN)]
)
def test_an_idle_member_broke_nothing(node: Combine) -> None:
    """One that counted no events in the outage of another was not bad; good, it would have helped."""
    ratios = {"a/up": {0: 1.0, 1: 0.0}, "b/up": {0: 1.0}}
    whole = composite(journey(node), ratios, SLICE, 0, 2, idle={"b/up": {1}})

    assert whole.contributions(2) == (("a/up", 1.0),)
