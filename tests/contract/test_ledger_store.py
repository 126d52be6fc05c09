"""What the ledger's storage promises: the same again is nothing new, a restatement leaves a trail, nothing is lost.

Runs on SQLite; on PostgreSQL, too, where TOCSIN_TEST_DATABASE names an empty database that may be filled.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.alerts import NOON, seconds
from tests.databases import DATABASE, wiped
from tests.days import FIRST, day_of, days

from tocsin.adapters.database import writing
from tocsin.adapters.ledger_store import LedgerStore, Written
from tocsin.adapters.store import SqlStore
from tocsin.adapters.tables import LEDGER
from tocsin.diagnostics import Span
from tocsin.errors import StoreError
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.evaluate.memory import Commit
from tocsin.ledger.budgets import budgets, rolling
from tocsin.ledger.exact import Ratios
from tocsin.ledger.grain import settle
from tocsin.ledger.methods import Occurrences
from tocsin.ledger.model import Day
from tocsin.ledger.series import Series, grid, load
from tocsin.spec import Exclusion

REF = "be-camera/uptime"
LATER = NOON + seconds(60)
ALWAYS = (date(2020, 1, 1), date(2030, 1, 1))
SECOND = FIRST + timedelta(days=1)


@pytest.fixture
def ledger(where: str) -> Iterator[LedgerStore]:
    """An empty ledger that keeps three versions."""
    ledger = LedgerStore(where, keep_versions=3)
    wipe(ledger, where)
    yield ledger
    ledger.close()


def wipe(ledger: LedgerStore, where: str) -> None:
    """Make a database that outlives the test as good as new."""
    if where == DATABASE:
        with writing(ledger._engine) as connection:
            wiped(connection)


def held(ledger: LedgerStore, *refs: str) -> list[Day]:
    """All that holds."""
    return list(ledger.read(refs or (REF,), *ALWAYS))


def sums(days: list[Day]) -> list[tuple[str, date, int, float, float]]:
    """Days in short."""
    return [(d.ref, d.day, d.version, float(d.total.sum()), float(d.bad.sum())) for d in days]


def spoil(ledger: LedgerStore, chunk: bytes, ref: str = REF) -> None:
    """Write something else in place of chunks, as a fault of a disk or of another release would."""
    with writing(ledger._engine) as connection:
        connection.execute(LEDGER.update().where(LEDGER.c.ref == ref).values(chunk=chunk))


def test_what_was_written_is_read(ledger: LedgerStore, where: str) -> None:
    """Bit for bit, also in another process's connection."""
    day = day_of(np.arange(1440) / 7, np.arange(1440) / 700, seen=(3, 1000))
    ledger.write([day], NOON)
    other = LedgerStore(where)
    (found,) = held(other)
    other.close()

    assert (found.ref, found.day, found.step, found.version) == (REF, FIRST, 60, 1)
    assert found.total.tobytes() == day.total.tobytes()
    assert found.bad.tobytes() == day.bad.tobytes()
    assert found.covered.tobytes() == day.covered.tobytes()


def test_many_objectives_are_read_at_once(ledger: LedgerStore) -> None:
    """By reference and day, the ones that were asked for, in half-open ranges of days."""
    refs = [f"s{number:03}/uptime" for number in range(250)]
    ledger.write([day_of(ref=ref, day=day) for day in (FIRST, SECOND) for ref in refs], NOON)
    asked = [ref for ref in refs if ref != "s007/uptime"]
    found = list(ledger.read(reversed([*asked, "unknown/uptime"]), FIRST, SECOND))

    assert [(day.ref, day.day) for day in found] == [(ref, FIRST) for ref in asked]
    assert [day.day for day in ledger.read(refs[:1], FIRST, date(2026, 3, 3))] == [FIRST, SECOND]


def test_the_same_again_adds_nothing(ledger: LedgerStore) -> None:
    """However often, and whatever version the days carry."""
    first = ledger.write([day_of(), day_of(day=SECOND)], NOON)
    again = ledger.write([replace(day_of(), version=7), day_of(day=SECOND)], LATER)

    assert (first, again) == (Written(stated=2), Written())
    assert [(s.version, s.written_at) for s in ledger.statements(REF, FIRST)] == [(1, NOON)]


def test_a_day_that_goes_on_is_no_restatement(ledger: LedgerStore) -> None:
    """It grows in its row, over gaps, too."""
    ledger.write([day_of(seen=(0, 600))], NOON)
    grown = ledger.write([day_of(seen=(0, 700))], LATER)
    gap = day_of(seen=(0, 700))
    gap.covered[900:], gap.total[900:] = True, 5.0
    ledger.write([gap], LATER)
    (found,) = held(ledger)

    assert (grown, found.version, int(found.covered.sum())) == (Written(grown=1), 1, 700 + 540)
    assert [s.version for s in ledger.statements(REF, FIRST)] == [1]


@pytest.mark.parametrize(("slices", "more", "restated"), [(600, 1.0, 0), (599, 2.5, 0), (598, 1.0, 1), (600, -1.0, 1)])
def test_the_last_slices_of_a_day_may_gain(ledger: LedgerStore, slices: int, more: float, restated: int) -> None:
    """One was still running, one lay between two scrapes; what is taken away, or comes earlier, is a correction."""
    ledger.write([day_of(seen=(0, 600))], NOON)
    later = day_of(seen=(0, 601))
    later.total[slices - 1] += more

    assert len(ledger.write([later], LATER).restated) == restated


def test_a_restatement_leaves_a_trail(ledger: LedgerStore) -> None:
    """Late data is one version more; the one before stays readable and says until when it held."""
    ledger.write([day_of(10, 0)], NOON)
    written = ledger.write([day_of(10, 1)], LATER)
    old, new = ledger.statements(REF, FIRST)
    before, now = ledger.version(REF, FIRST, 1), ledger.version(REF, FIRST, 2)

    assert written == Written(restated=((REF, FIRST),))
    assert (old.written_at, old.superseded_at, new.written_at, new.superseded_at) == (NOON, LATER, LATER, None)
    assert before is not None
    assert now is not None
    assert sums([before, now]) == [(REF, FIRST, 1, 14_400.0, 0.0), (REF, FIRST, 2, 14_400.0, 1_440.0)]
    assert sums(held(ledger)) == sums([now])
    assert ledger.version(REF, FIRST, 3) is None


def test_a_back_fill_is_a_restatement(ledger: LedgerStore) -> None:
    """What nobody had looked at, between slices that somebody had."""
    ledger.write([day_of(seen=(600, 700))], NOON)

    assert ledger.write([day_of(seen=(0, 700))], LATER).restated == ((REF, FIRST),)


def test_a_trail_has_a_limit(ledger: LedgerStore) -> None:
    """The oldest versions go; numbers go on."""
    for errors in range(6):
        ledger.write([day_of(10, errors)], NOON + seconds(errors))

    assert [s.version for s in ledger.statements(REF, FIRST)] == [4, 5, 6]
    assert [s.superseded_at is None for s in ledger.statements(REF, FIRST)] == [False, False, True]


def test_an_old_value_that_comes_back_is_a_version(ledger: LedgerStore) -> None:
    """It is compared with what holds, not with what ever held."""
    for errors in (1, 2, 1):
        ledger.write([day_of(10, errors)], NOON)

    assert sums(held(ledger)) == [(REF, FIRST, 3, 14_400.0, 1_440.0)]


def test_of_two_statements_in_one_write_the_last_counts(ledger: LedgerStore) -> None:
    """As if they had come one after the other, without the trail."""
    ledger.write([day_of(10, 1), day_of(10, 2)], NOON)

    assert sums(held(ledger)) == [(REF, FIRST, 1, 14_400.0, 2_880.0)]


def test_old_days_take_longer_slices(ledger: LedgerStore) -> None:
    """Sums and the version stay; the trail goes; younger days and other objectives are left alone."""
    ledger.write([day_of(10, 1)], NOON)
    everything = [day_of(10, 2), day_of(day=SECOND), day_of(ref="mysql/up")]
    ledger.write(everything, NOON)
    count = ledger.compact({REF: 3600}, FIRST, SECOND)
    found = held(ledger, REF, "mysql/up")

    assert (count, ledger.compact({REF: 3600}, FIRST, SECOND)) == (1, 0)
    assert [(day.ref, day.day, day.step, day.version) for day in found] == [
        (REF, FIRST, 3600, 2),
        (REF, SECOND, 60, 1),
        ("mysql/up", FIRST, 60, 1),
    ]
    assert found[0].bad.tolist() == [120.0] * 24
    assert [(s.version, s.step) for s in ledger.statements(REF, FIRST)] == [(2, 3600)]


def test_what_was_compacted_can_be_counted_again(ledger: LedgerStore) -> None:
    """The same minutes are nothing new; others are a restatement, in minutes."""
    ledger.write([day_of(10, 1)], NOON)
    ledger.compact({REF: 3600}, FIRST, SECOND)
    same = ledger.write([day_of(10, 1)], LATER)
    other = ledger.write([day_of(10, 2)], LATER)

    assert (same, other.restated, held(ledger)[0].step) == (Written(), ((REF, FIRST),), 60)


def test_longer_slices_never_blur_what_was_seen(ledger: LedgerStore) -> None:
    """A day with a gap that is no whole number of hours stays as it is."""
    ledger.write([day_of(seen=(0, 90)), day_of(day=SECOND, seen=(60, 180))], NOON)
    count = ledger.compact({REF: 3600}, FIRST, date(2026, 3, 4))

    assert (count, [day.step for day in held(ledger)]) == (1, [60, 3600])
    assert [int(day.covered.sum()) * day.step for day in held(ledger)] == [5_400, 7_200]


def test_days_are_forgotten(ledger: LedgerStore) -> None:
    """In all versions, before a date."""
    ledger.write([day_of(10, 1), day_of(day=SECOND)], NOON)
    ledger.write([day_of(10, 2)], NOON)
    count = ledger.prune(SECOND)

    assert (count, [day.day for day in held(ledger)], ledger.statements(REF, FIRST)) == (2, [SECOND], ())


@pytest.mark.parametrize("chunk", [b"", b"\x01", b"\x02abc", b"no chunk at all"])
def test_a_broken_chunk_is_named(ledger: LedgerStore, chunk: bytes) -> None:
    """By objective, day and version, in one line."""
    ledger.write([day_of()], NOON)
    spoil(ledger, chunk)

    with pytest.raises(StoreError, match="the ledger's chunk of be-camera/uptime on 2026-03-01, version 1, cannot be"):
        held(ledger)
    with pytest.raises(StoreError, match="version 1, cannot be read"):
        ledger.version(REF, FIRST, 1)


def test_a_broken_chunk_holds_up_no_other(where: str) -> None:
    """It is told about, and the other objectives are read and compacted."""
    told: list[StoreError] = []
    ledger = LedgerStore(where, on_broken=told.append)
    wipe(ledger, where)
    ledger.write([day_of(), day_of(ref="mysql/up")], NOON)
    spoil(ledger, b"\x01no")
    found = held(ledger, REF, "mysql/up")
    compacted = ledger.compact({REF: 3600, "mysql/up": 3600}, FIRST, SECOND)
    ledger.close()

    assert ([day.ref for day in found], compacted, len(told)) == (["mysql/up"], 1, 2)


def test_a_new_statement_mends_a_broken_chunk(ledger: LedgerStore) -> None:
    """The broken one is in the trail; the day is readable."""
    ledger.write([day_of()], NOON)
    spoil(ledger, b"\x01no")
    ledger.write([day_of()], LATER)

    assert sums(held(ledger)) == [(REF, FIRST, 2, 14_400.0, 0.0)]


def test_an_evaluator_that_was_down_counts_what_one_counts_that_never_was(ledger: LedgerStore, where: str) -> None:
    """Three days stated every six hours, or after an outage of two of them: the same budget, to the bit."""
    random = np.random.default_rng(1)
    whole = [
        day_of(*settle(random.exponential(100, 1440), random.exponential(1, 1440)), day=FIRST + timedelta(days=k))
        for k in range(3)
    ]
    for hours in range(6, 73, 6):
        running = whole[(hours - 1) // 24]
        upto = np.arange(1440) < ((hours - 1) % 24 + 1) * 60
        so_far = replace(running, total=running.total * upto, bad=running.bad * upto, covered=running.covered & upto)
        ledger.write([so_far], NOON + seconds(hours))
    ledger.write([replace(day, ref="down/up") for day in whole[:1]], NOON)
    ledger.write([replace(day, ref="down/up") for day in reversed(whole)], LATER)
    end = whole[-1].start + 86_400
    series = Series.empty(grid(end, 3 * 86_400, 60, windows=[2 * 86_400]), 2)
    columns = {REF: 0, "down/up": 1}
    load(series, ((columns[day.ref], Occurrences().units(day)) for day in ledger.read(columns, *ALWAYS)))
    found = budgets(series, rolling(end, 2 * 86_400, 2), end, Ratios.of([Fraction(1, 100)] * 2), 0.9)

    assert found.bad[0] == found.bad[1] == sum(day.bad.sum() for day in whole[1:])
    assert found.remaining[0] == found.remaining[1]
    assert {statement.version for statement in ledger.statements(REF, FIRST)} == {1}


def test_the_ledger_lives_beside_the_evaluators_memory(ledger: LedgerStore, where: str) -> None:
    """In one database, each with its own connections, without waiting for one another for ever."""
    store = SqlStore(where)
    days = [day_of(ref=f"s{number}/up") for number in range(300)]
    writer = threading.Thread(target=ledger.write, args=(days, NOON))
    writer.start()
    for second in range(20):
        store.commit(Commit(NOON + seconds(second)))
    writer.join()
    store.close()

    assert len(held(ledger, *(day.ref for day in days))) == 300


def test_two_writers_make_one_trail(ledger: LedgerStore, where: str) -> None:
    """Both state the same day at once: one statement, and no conflict."""
    other = LedgerStore(where, keep_versions=100)
    written: list[Written] = []
    days = [day_of(ref=f"s{number}/up") for number in range(150)]
    threads = [
        threading.Thread(target=lambda ledger=one: written.append(ledger.write(days, NOON))) for one in (ledger, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert sum((one.stated for one in written), 0) == 150
    assert {day.version for day in held(ledger, *(day.ref for day in days))} == {1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(days(), min_size=1, max_size=4))
def test_what_was_said_last_holds(where: str, statements: list[Day]) -> None:
    """Whatever was said before."""
    ledger = LedgerStore(where)
    for day in statements:
        ledger.write([day], NOON)
    (found,) = held(ledger)
    ledger.close()

    assert found.total.tobytes() == statements[-1].total.tobytes()
    assert found.covered.tobytes() == statements[-1].covered.tobytes()


def test_a_day_that_was_written_late_enough_says_all(ledger: LedgerStore) -> None:
    """A day whose last change came before its end lacks its evening; what was counted an hour after it is whole."""
    end = datetime(2026, 3, 2, tzinfo=UTC)
    ledger.write([day_of(seen=(0, 700))], end - timedelta(hours=12))
    nothing = ledger.known(REF, end - timedelta(days=9), end - timedelta(days=3))
    _, before = ledger.known(REF, end - timedelta(days=1), end)
    ledger.write([day_of()], end + timedelta(hours=2))
    (whole,), after = ledger.known(REF, end - timedelta(days=1), end + timedelta(days=3))

    assert nothing == ([], end - timedelta(days=9))
    assert before == end - timedelta(hours=12, minutes=15)
    assert after == end
    assert whole.covered.all()
    assert ledger.written([REF], FIRST, SECOND) == {(REF, FIRST): end + timedelta(hours=2)}


def test_groups_of_an_objective_are_found_by_its_name(ledger: LedgerStore) -> None:
    """Those of others with a longer name, or with a wildcard of SQL in it, are not."""
    names = (
        'be-camera/uptime{a="1"}',
        'be-camera/uptime{a="2"}',
        'be-camera/uptimes{a="1"}',
        'be-camera/u_time{a="1"}',
    )
    ledger.write([day_of(ref=name) for name in (REF, *names)], NOON)

    assert ledger.parts(REF, FIRST, SECOND) == names[:2]
    assert ledger.parts("be-camera/u_time", FIRST, SECOND) == names[3:]


def test_days_go_to_the_name_of_today(ledger: LedgerStore) -> None:
    """With versions and groups; a day that the new name has already stays its own, and other names are left alone."""
    names = (REF, f'{REF}{{a="1"}}', "be-camera/uptimes", "be-camera/u_time")
    ledger.write([day_of(ref=name, day=day) for name in names for day in (FIRST, SECOND)], NOON)
    ledger.write([day_of(ref=REF, bad=7)], NOON + timedelta(hours=1))
    ledger.write([day_of(ref="be-camera/up", day=SECOND, bad=3)], NOON)
    carried = ledger.carry(REF, "be-camera/up")
    held = {(day.ref, day.day): day for day in ledger.read(["be-camera/up", *names], FIRST, SECOND + timedelta(days=1))}

    assert carried == 4
    assert ledger.carry(REF, "be-camera/up") == 0
    assert sorted(held) == [
        ("be-camera/u_time", FIRST),
        ("be-camera/u_time", SECOND),
        ("be-camera/up", FIRST),
        ("be-camera/up", SECOND),
        (REF, SECOND),
        ("be-camera/uptimes", FIRST),
        ("be-camera/uptimes", SECOND),
    ]
    assert ledger.parts("be-camera/up", FIRST, SECOND) == ('be-camera/up{a="1"}',)
    assert [one.version for one in ledger.statements("be-camera/up", FIRST)] == [1, 2]
    assert held["be-camera/up", SECOND].bad.sum() == day_of(bad=3).bad.sum()


def taken(start: datetime, *, removed: int = 0, forgiven: int = 0, spared: Fraction = Fraction(0)) -> Taken:
    """What an hour that was agreed took."""
    treat = "remove" if removed else "good"
    exclusion = Exclusion(start, start + timedelta(hours=1), "agreed", treat, Span("sla.yaml", 1, 1, 1, 1))
    return Taken(exclusion, removed, forgiven, spared)


def test_exclusions_leave_a_trail(ledger: LedgerStore) -> None:
    """The same again is nothing new, a changed figure is, and one that is withdrawn stays with its time."""
    month = datetime(2026, 3, 1, tzinfo=UTC)
    one, two = taken(month, removed=3_600_000), taken(NOON, forgiven=60_000, spared=Fraction(100_001, 2))
    more = replace(two, forgiven=3_600_000)
    changes = [ledger.record("gold", month, lines, at) for lines, at in (([one, two], NOON), ([one, two], LATER))]
    changes += [ledger.record("gold", month, lines, LATER) for lines in ([one, more], [more], [more])]
    lines = {line.start: line for line in ledger.trail("gold", month)}

    assert changes == [2, 0, 1, 1, 0]
    assert (lines[month].removed, lines[month].treat, lines[month].withdrawn_at) == (3_600_000, "remove", LATER)
    assert (lines[NOON].forgiven, lines[NOON].spared, lines[NOON].withdrawn_at) == (3_600_000, 50_000, None)
    assert (lines[NOON].first_at, lines[NOON].last_at) == (NOON, LATER)
    assert ledger.trail("silver", month) == ()


def test_exclusions_of_objectives_leave_a_trail(ledger: LedgerStore) -> None:
    """Without figures a line stays as it is; what is not agreed any more is withdrawn, and stays."""
    old, new = (taken(at, removed=1).exclusion for at in (NOON, LATER))
    first = ledger.record_objective(REF, [Excluded(old, 2.5, 0.0, 0.5), Excluded(new)], [old, new], NOON)
    later = ledger.record_objective(REF, [Excluded(new, 1.0, 0.0, 1.0)], [old, new], LATER)
    again = ledger.record_objective(REF, [Excluded(new, 1.0, 0.0, 1.0)], [old, new], LATER)
    there = ledger.with_exclusions()
    gone = ledger.record_objective(REF, [], [], LATER)
    one, two = ledger.trail_of_objective(REF)

    assert (first, later, again, gone, there, ledger.with_exclusions()) == (2, 1, 0, 2, (REF,), ())
    assert (one.removed, one.spared, one.first_at, one.last_at, one.withdrawn_at) == (2.5, 0.5, NOON, NOON, LATER)
    assert (two.removed, two.first_at, two.last_at, two.withdrawn_at) == (1.0, NOON, LATER, LATER)
