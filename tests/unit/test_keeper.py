"""The keeper of the ledger: what it does next, what failures cost, and what becomes of old days."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.builders import SPAN, service, slo
from tests.days import day_of
from tests.fakes import FakeSource, HandClock

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.definitions import read_definitions
from tocsin.errors import SourceUnreachableError, UnavailableError
from tocsin.ports import Labels
from tocsin.service.keeper import IDLE, Keeper
from tocsin.sli import RatioSli
from tocsin.spec import Exclusion, LedgerSettings, Slo
from tocsin.units import Duration
from tocsin.workspace import Source, Workspace, read_workspace

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
GOOD, OTHER = RatioSli(total_events="good", bad_events="bad"), RatioSli(total_events="other", bad_events="worse")
SETTINGS = LedgerSettings(queries_per_minute=10**9, fine=Duration.of(days=30), keep=Duration.of(days=90))


def workspace(*names: str) -> Workspace:
    """Objectives over three days by name; those whose name begins with o count something else."""
    slos = tuple(slo(name, sli=OTHER if name.startswith("o") else GOOD, window="3d") for name in names)
    return Workspace(services=(service(slos=slos),))


def traffic() -> FakeSource:
    """Ten events a minute for six days, each tenth of them bad."""
    source = FakeSource()
    minutes = range(-6 * 1440, 3 * 1440)
    for name, each in (("good", 10), ("bad", 1), ("other", 10), ("worse", 1)):
        labels = {"__name__": name, "instance": "a", "job": "j"}
        source.add(labels, ((NOON + timedelta(minutes=n), (n + 6 * 1440) * float(each)) for n in minutes))
    return source


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LedgerStore]:
    """An empty ledger."""
    with closing(LedgerStore(str(tmp_path / "state.db"))) as one:
        yield one


def work(keeper: Keeper) -> list[float]:
    """Do all there is to do."""
    rests = []
    while (rest := keeper.piece()) != IDLE:
        rests.append(rest)
    return rests


def test_days_that_run_come_first_and_then_the_newest(store: LedgerStore) -> None:
    """A budget needs what is new for longest, so it is counted first, and each day counts what happened in it."""
    keeper, order = Keeper(workspace("a", "b"), traffic(), store, HandClock(NOON), SETTINGS), []
    while keeper.piece() != IDLE:
        held = store.written(["shop/a", "shop/b"], date(2026, 1, 1), date(2027, 1, 1))
        order += [key for key in held if key not in order]

    assert [day.day for _, day in order] == [10, 10, 9, 9, 8, 8, 7, 7]
    assert keeper.pending == 0
    (day,) = store.read(["shop/a"], date(2026, 3, 9), date(2026, 3, 10))
    assert (day.total.sum(), day.bad.sum()) == (14_400, 1_440)
    assert day.covered.all()


def test_nothing_is_counted_twice_or_asked_again(store: LedgerStore) -> None:
    """Another process goes on where the last one was: closed days are not asked for, the day that runs is."""
    work(Keeper(workspace("a"), traffic(), store, HandClock(NOON), SETTINGS))
    source = traffic()
    again = Keeper(workspace("a"), source, store, HandClock(NOON), SETTINGS)
    work(again)

    assert len(source.asked) == 2 * 4  # eighteen hours in requests of six, for all and for bad events
    assert again.standing(workspace("a").services[0].slos[0], (), NOON) is not None


def test_a_day_that_was_counted_as_it_ran_is_closed_like_any_other(store: LedgerStore) -> None:
    """Counted for good it is what it was already: it counts as closed, for the next process and for reports."""
    source, clock = traffic(), HandClock(NOON + timedelta(hours=11, minutes=50))
    keeper = Keeper(workspace("a"), source, store, clock, SETTINGS)
    for _ in range(18):
        work(keeper)
        clock.at += timedelta(minutes=5)
    source.asked.clear()
    work(Keeper(workspace("a"), source, store, clock, SETTINGS))
    closed = store.closed("shop/a", date(2026, 3, 1), date(2026, 4, 1))

    assert sorted(day.day for day in closed) == [7, 8, 9, 10]
    assert [one.version for one in store.statements("shop/a", NOON.date())] == [1]
    assert len(source.asked) == 2 * 2  # seven hours of the day that runs


def test_a_reload_keeps_what_is_known(store: LedgerStore) -> None:
    """What is still the same is read from the store, what is new is counted at once, and what went is gone."""
    source = traffic()
    keeper = Keeper(workspace("a", "b"), source, store, HandClock(NOON), SETTINGS)
    work(keeper)
    source.asked.clear()
    keeper.follow(workspace("a", "o"))
    work(keeper)
    slos = {one.name: one for one in workspace("a", "b", "o").services[0].slos}

    assert set(source.asked) == {"other", "worse"}
    assert [keeper.standing(slos[name], (), NOON) is not None for name in ("a", "b", "o")] == [True, False, True]


def test_a_renamed_objective_keeps_its_days(store: LedgerStore) -> None:
    """What was counted under its former name counts on, though the source has forgotten it; not without `formerly`."""
    source, (plain,) = traffic(), workspace("a").services[0].slos
    work(Keeper(workspace("a"), source, store, HandClock(NOON), SETTINGS))
    before = Keeper(workspace("a"), FakeSource(), store, HandClock(NOON), SETTINGS)
    work(before)
    other = replace(workspace("b").services[0].slos[0], formerly=())
    forgotten = Keeper(Workspace(services=(service(slos=(other,)),)), FakeSource(), store, HandClock(NOON), SETTINGS)
    work(forgotten)
    renamed = replace(plain, name="c", formerly=("shop/a",))
    after = Keeper(Workspace(services=(service(slos=(renamed,)),)), FakeSource(), store, HandClock(NOON), SETTINGS)
    work(after)
    was, now = before.standing(plain, (), NOON), after.standing(renamed, (), NOON)
    nothing = forgotten.standing(other, (), NOON)

    assert was is not None
    assert now is not None
    assert (now.total, now.bad) == (was.total, was.bad) != (0, 0)
    assert nothing is None or nothing.total == 0


def test_a_name_that_is_in_use_gives_nothing_away(store: LedgerStore) -> None:
    """While there is an objective of that name, its days are its own."""
    work(Keeper(workspace("a"), traffic(), store, HandClock(NOON), SETTINGS))
    plain, other = workspace("a", "b").services[0].slos
    both = Workspace(services=(service(slos=(plain, replace(other, formerly=("shop/a",)))),))
    work(Keeper(both, FakeSource(), store, HandClock(NOON), SETTINGS))

    assert sum(day.total.sum() for day in store.read(["shop/a"], date(2026, 3, 7), date(2026, 3, 11))) > 0
    assert sum(day.total.sum() for day in store.read(["shop/b"], date(2026, 3, 7), date(2026, 3, 11))) == 0


def test_a_store_that_is_away_is_read_again(store: LedgerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an objective was read from comes back, and nothing is counted anew for that."""
    work(Keeper(workspace("a"), traffic(), store, HandClock(NOON), SETTINGS))
    source = traffic()
    keeper = Keeper(workspace("a"), source, store, HandClock(NOON), SETTINGS)
    with monkeypatch.context() as patch:
        patch.setattr(store, "written", failing)
        with pytest.raises(UnavailableError):
            keeper.piece()
    work(keeper)

    assert len(source.asked) == 2 * 4
    assert keeper.standing(workspace("a").services[0].slos[0], (), NOON) is not None


def divided(*by: str) -> Slo:
    """The objective a, by labels."""
    (plain,) = workspace("a").services[0].slos
    return replace(plain, sli=replace(GOOD, by=by))


def routes() -> FakeSource:
    """Two events a minute of /pay, three of /cart of which one is bad, and five of no route of which two are bad."""
    source = FakeSource()
    minutes = range(-6 * 1440, 3 * 1440)
    for route, good, bad in (("/pay", 2, 0), ("/cart", 3, 1), ("", 5, 2)):
        for name, each in (("good", good), ("bad", bad)):
            labels = {"__name__": name, "instance": "a", "job": "j"} | ({"route": route} if route else {})
            source.add(labels, ((NOON + timedelta(minutes=n), (n + 6 * 1440) * float(each)) for n in minutes))
    return source


def counted(keeper: Keeper, slo: Slo, *groups: Labels) -> list[tuple[float, float] | None]:
    """All events and bad ones, per minute of three days."""
    found = [keeper.standing(slo, group, NOON) for group in groups]
    return [None if one is None else (round(one.total / 4320, 1), round(one.bad / 4320, 1)) for one in found]


PAY, CART = (("route", "/pay"),), (("route", "/cart"),)


def test_the_group_without_labels_is_not_the_whole(store: LedgerStore) -> None:
    """Each group has days of its own, and all of them together, too, for this process and the next one."""
    slo = divided("route")
    works = Workspace(services=(service(slos=(slo,)),))
    for source in (routes(), FakeSource()):
        keeper = Keeper(works, source, store, HandClock(NOON), SETTINGS)
        work(keeper)
        assert counted(keeper, slo, PAY, CART, ()) == [(2, 0), (3, 1), (5, 2)]
    (whole,) = store.read(["shop/a"], date(2026, 3, 9), date(2026, 3, 10))

    assert (whole.total.sum(), whole.bad.sum()) == (10 * 1440, 3 * 1440)


def test_a_renamed_objective_keeps_its_groups(store: LedgerStore) -> None:
    """All of them, and nothing is counted anew, though the source has forgotten all."""
    slo, source = divided("route"), FakeSource()
    work(Keeper(Workspace(services=(service(slos=(slo,)),)), routes(), store, HandClock(NOON), SETTINGS))
    renamed = replace(slo, name="c", formerly=("shop/a",))
    keeper = Keeper(Workspace(services=(service(slos=(renamed,)),)), source, store, HandClock(NOON), SETTINGS)
    work(keeper)

    assert counted(keeper, renamed, PAY, CART, ()) == [(2, 0), (3, 1), (5, 2)]
    assert len(source.asked) == 2 * 4  # the day that runs


def test_groups_are_those_that_are_held(store: LedgerStore) -> None:
    """Also those whose series are gone, which are looked at while others are; not those that left the window."""
    source, slo = routes(), divided("route")
    old, late = ({"__name__": "good", "instance": "b", "job": "j", "route": route} for route in ("/old", "/late"))
    source.add(old, ((NOON - timedelta(days=4, minutes=n), 900.0 - n) for n in range(600, 0, -1)))
    source.add(late, ((NOON - timedelta(days=2, minutes=n), 900.0 - n) for n in range(600, 0, -1)))
    keeper = Keeper(Workspace(services=(service(slos=(slo,)),)), source, store, HandClock(NOON), SETTINGS)
    work(keeper)
    gone, whole = (keeper.standing(slo, group, NOON) for group in ((("route", "/late"),), PAY))

    assert list(keeper.groups(slo, NOON)) == [(), CART, (("route", "/late"),), PAY]
    assert list(keeper.groups(slo, NOON, lately=timedelta(days=1))) == [(), CART, PAY]
    assert gone is not None
    assert whole is not None
    assert gone.coverage == pytest.approx(whole.coverage, abs=1e-3)
    assert gone.total == pytest.approx(599, abs=1)


def test_days_that_were_counted_by_other_labels_are_counted_anew(store: LedgerStore) -> None:
    """What was held under the old names takes no part: neither the whole for a group, nor half a division."""
    work(Keeper(workspace("a"), routes(), store, HandClock(NOON), SETTINGS))
    for by, groups in ((("route",), [PAY, ()]), (("instance", "route"), [(("instance", "a"), *PAY), PAY])):
        slo = divided(*by)
        keeper = Keeper(Workspace(services=(service(slos=(slo,)),)), routes(), store, HandClock(NOON), SETTINGS)
        work(keeper)
        assert counted(keeper, slo, *groups) == ([(2, 0), (5, 2)] if by == ("route",) else [(2, 0), None])


def test_what_an_earlier_version_held_of_groups(store: LedgerStore) -> None:
    """Groups with labels keep it, though the source has forgotten all; what may be the whole is nobody's."""
    slo, days = (
        divided("route"),
        [(date(2026, 3, 7) + timedelta(days=n), (0, 720 if n == 3 else 1440)) for n in range(4)],
    )
    for ref, total, bad in (('shop/a{route="/pay"}', 2.0, 0.0), ("shop/a", 5.0, 2.0)):
        store.write([day_of(total, bad, ref=ref, day=day, seen=seen) for day, seen in days], NOON)
    keeper = Keeper(Workspace(services=(service(slos=(slo,)),)), FakeSource(), store, HandClock(NOON), SETTINGS)
    work(keeper)

    assert counted(keeper, slo, PAY, ()) == [(2, 0), (0, 0)]


def failing(*_: object) -> None:
    """The database does not answer."""
    raise UnavailableError("the database does not work")


def agreed(start: datetime, hours: float, treat: str = "remove") -> Exclusion:
    """A stretch that does not count."""
    return Exclusion(start, start + timedelta(hours=hours), "agreed", treat, SPAN)


def test_exclusions_come_after_the_fact_and_go(store: LedgerStore) -> None:
    """Of ten events a minute an hour is taken out of what is held, and given back; the trail tells both."""
    clock, source = HandClock(NOON), traffic()
    keeper = Keeper(workspace("a"), source, store, clock, SETTINGS)
    (plain,) = workspace("a").services[0].slos
    yesterday, now = agreed(NOON - timedelta(days=1), 1), agreed(NOON - timedelta(hours=1), 4, "good")
    slo = replace(plain, exclusions=(yesterday, now))
    work(keeper)
    before = keeper.standing(plain, (), NOON)
    source.asked.clear()
    keeper.follow(Workspace(services=(service(slos=(slo,)),)))
    work(keeper)
    after = keeper.standing(slo, (), NOON)
    asked = list(source.asked)
    clock.at += timedelta(minutes=30)
    keeper.follow(Workspace(services=(service(slos=(replace(plain, exclusions=(now,)),)),)))
    work(keeper)
    lines = {line.start: line for line in store.trail_of_objective("shop/a")}

    assert before is not None
    assert after is not None
    assert (after.total, after.bad) == (before.total - 600, before.bad - 60 - 55)
    assert [(one.removed, one.forgiven, one.spared) for one in after.excluded] == [(600, 0, 60), (0, 550, 55)]
    assert asked == []
    assert (lines[yesterday.start].removed, lines[yesterday.start].withdrawn_at) == (600, clock.at)
    assert (lines[now.start].spared, lines[now.start].withdrawn_at) == (85, None)
    assert (lines[now.start].first_at, lines[now.start].last_at) == (NOON, clock.at)

    keeper.follow(workspace("a"))
    work(keeper)
    assert keeper.standing(slo, (), clock.at) is None  # of other definitions than those that are kept
    assert [line.withdrawn_at for line in store.trail_of_objective("shop/a")] == [clock.at, clock.at]


def test_an_objective_that_fails_holds_up_no_other(store: LedgerStore, caplog: pytest.LogCaptureFixture) -> None:
    """Its questions are put off, and told of once; when they are answered again it catches up."""
    source, clock = traffic(), HandClock(NOON)
    source.refuses["other"] = "too many samples"
    keeper = Keeper(workspace("a", "o"), source, store, clock, SETTINGS)
    work(keeper)
    slos = workspace("a", "o").services[0].slos
    before = [keeper.standing(one, (), NOON) is not None for one in slos]
    source.refuses.clear()
    clock.at += timedelta(minutes=5)
    work(keeper)

    assert before == [True, False]
    assert [keeper.standing(one, (), clock.at) is not None for one in slos] == [True, True]
    assert sum("could not be counted" in one.message for one in caplog.records) == 1


def test_a_source_that_is_gone_is_left_alone(store: LedgerStore) -> None:
    """No other objective would fare better, so the keeper rests, and nothing is written."""
    source = traffic()
    source.down = "refused"
    keeper = Keeper(workspace("a"), source, store, HandClock(NOON), SETTINGS)

    with pytest.raises(SourceUnreachableError):
        work(keeper)
    assert store.written(["shop/a"], date(2026, 1, 1), date(2027, 1, 1)) == {}


def test_old_days_become_hours_and_then_go(store: LedgerStore) -> None:
    """Sums stay what they are; what a running period needs stays in minutes."""
    days = {name: NOON.date() - timedelta(days=age) for name, age in (("new", 2), ("old", 40), ("gone", 100))}
    store.write([day_of(10.0, 1.0, ref="shop/a", day=day) for day in days.values()], NOON)
    work(Keeper(workspace("a"), traffic(), store, HandClock(NOON), SETTINGS))
    held = {day.day: day for day in store.read(["shop/a"], date(2025, 1, 1), date(2027, 1, 1))}

    assert (held[days["new"]].step, held[days["old"]].step) == (60, 3600)
    assert (held[days["old"]].total.sum(), held[days["old"]].bad.sum()) == (14_400, 1_440)
    assert days["gone"] not in held


@pytest.mark.parametrize("contract", [False, True])
def test_days_that_a_journey_or_a_contract_over_it_is_made_of_stay_fine(contract: bool, store: LedgerStore) -> None:
    """Of an objective over three days: a journey over sixty is made of its slices, and a contract of its minutes."""
    path = (
        "---\napiVersion: tocsin/v1\nkind: Journey\nname: path\n"
        f"slos: {{all: {{target: 90%, window: {'3d' if contract else '60d'}, combine: {{series: [shop/a]}}}}}}\n"
    )
    sla = "---\napiVersion: tocsin/v1\nkind: SLA\nname: gold\ncustomer: ACME\ncovers: path/all\ntarget: 90%\n"
    shop = "apiVersion: tocsin/v1\nkind: Service\nname: shop\nslis: {ok: {ratio: {bad: bad, total: good}}}\n"
    shop += "slos: {a: {sli: ok, target: 99%, window: 3d}}\n"
    found, findings = read_workspace(
        [Source("a.yaml", shop + path + (sla + "measure: {method: minutes}\n") * contract)]
    )
    assert findings == ()
    days = [NOON.date() - timedelta(days=age) for age in (40, 70)]
    store.write([day_of(10.0, 1.0, ref="shop/a", day=day) for day in days], NOON)
    keeper = Keeper(found, traffic(), store, HandClock(NOON), SETTINGS)
    work(keeper)
    held = {day.day: day.step for day in store.read(["shop/a"], date(2025, 1, 1), date(2027, 1, 1))}

    assert [held[day] for day in days] == ([60, 60] if contract else [60, 300])
    oldest = min(day for day, step in held.items() if day not in days)
    assert (NOON.date() - oldest).days == (9 if contract else 60)


def test_settings_are_read_and_judged(tmp_path: Path) -> None:
    """What a Platform says of the ledger, and what it cannot say."""
    file = tmp_path / "platform.yaml"
    head = "apiVersion: tocsin/v1\nkind: Platform\nname: p\nledger: "
    file.write_text(head + "{every: 10m, counting: increase, coverage: 75%, keep: 2y, enabled: false}\n")
    right = read_definitions([str(file)])
    file.write_text(head + "{every: 2s, coverage: 150%, queries_per_minute: 0}\n")
    wrong = read_definitions([str(file)])

    assert right.workspace.platform is not None
    ledger = right.workspace.platform.ledger
    assert (ledger.enabled, str(ledger.every), ledger.counting, float(ledger.coverage)) == (
        False,
        "10m",
        "increase",
        0.75,
    )
    assert [one.span.line for one in wrong.errors] == [4] * len(wrong.errors)
    assert len(wrong.errors) >= 2
