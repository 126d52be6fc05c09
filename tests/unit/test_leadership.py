"""Who leads: by what the lease says, and for how long it says nothing."""

from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.alerts import NOON, message

from tocsin.adapters.lease import SqlLease
from tocsin.adapters.store import SqlStore
from tocsin.errors import FencedError, UnavailableError
from tocsin.evaluate.fitness import Fitness, fitness
from tocsin.evaluate.leadership import Held, Others, Role, answered, unanswered
from tocsin.evaluate.memory import Commit
from tocsin.ports import SourceHealth
from tocsin.service.leadership import Leadership

LENGTH = timedelta(seconds=15)


def test_what_the_lease_says_counts() -> None:
    """Ours with its token, or somebody's."""
    assert answered(Held(7), 1.0) == Role(leads=True, token=7)
    assert answered(Others("b"), 1.0) == Role(holder="b", reason="b leads")


def test_who_leads_goes_on_without_the_store() -> None:
    """For ever: evaluation and pages do not depend on the database."""
    role = unanswered(answered(Held(7), 0.0), "refused", 9_999.0, LENGTH)

    assert (role.leads, role.token, role.open) == (True, 7, False)


def test_who_follows_leads_after_a_while_without_the_store() -> None:
    """Whoever leads may be well or not: after the patience, a page too many is better than none."""
    role = answered(Others("b"), 0.0)
    early = unanswered(role, "refused", 14.0, LENGTH)
    late = unanswered(early, "refused", 15.0, LENGTH)

    assert (early.leads, late.leads, late.open) == (False, True, True)
    assert answered(Others("b"), 16.0).leads is False


def test_a_lapsed_lease_is_remembered_as_such_while_it_is_ours() -> None:
    """The renewals between two evaluations do not hide that somebody else may have led up to then."""
    taken = answered(Held(7, lapsed=True), 1.0, answered(Others("b"), 0.0))
    renewed = answered(Held(7), 2.0, taken)

    assert (taken.lapsed, renewed.lapsed, answered(Held(8), 3.0, renewed).lapsed) == (True, True, False)
    assert taken == renewed


@dataclass
class Book:
    """A lease that answers what the test says."""

    answers: list[Held | Others | UnavailableError] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    fit: str = ""
    """Who may be given it."""

    def acquire(self, holder: str, length: timedelta) -> Held | Others:
        """Give the next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, UnavailableError):
            raise answer
        return answer

    def offer(self, holder: str, length: timedelta) -> None:
        """Note who."""
        self.offered.append(holder)

    def pass_on(self, holder: str, length: timedelta) -> str:
        """Say who gets it."""
        return self.fit

    def release(self, holder: str) -> None:
        """Note who."""
        self.released.append(holder)


def test_a_lease_is_given_away_only_by_who_has_it() -> None:
    """A follower that stops leaves the leader alone."""
    for answer, released in ((Held(1), ["a"]), (Others("b"), [])):
        book = Book([answer])
        one = Leadership(book, LENGTH, "a")
        one.ask()
        one.stop()
        assert book.released == released


def test_a_store_that_fails_at_the_start_does_not_make_everybody_lead_at_once() -> None:
    """Patience counts from the start of the process."""
    clock = [100.0]
    one = Leadership(Book([UnavailableError("refused")] * 3), LENGTH, "a", lambda: clock[0])

    leads = []
    for at in (100.0, 129.0, 130.0):
        clock[0] = at
        leads.append(one.ask().leads)
    assert leads == [False, False, True]


class TestUnfit:
    """One that leads and can do no good gives the lease to one that can, and to such a one only."""

    BLIND = Fitness(fault="its metric source has not answered", rest=10 * LENGTH)

    def test_it_is_given_only_to_one_that_is_fit(self, caplog: pytest.LogCaptureFixture) -> None:
        """Where nobody is, the blind one leads on."""
        book = Book([Held(1), Held(1), Others("b"), Others("b"), Others("c")])
        one = Leadership(book, LENGTH, "a")
        one.judged(self.BLIND)
        assert one.ask().leads
        book.fit = "b"

        why = "b leads, for this one gave the lease away: its metric source has not answered"
        assert [one.ask().reason for _ in range(4)] == [why, why, why, "c leads"]
        gave = [record for record in caplog.records if "gives the lease away" in record.message]
        assert [getattr(record, "why", "") for record in gave] == [self.BLIND.fault]

    def test_who_sees_keeps_it(self) -> None:
        """Whoever else may be fit."""
        one = Leadership(Book([Held(1)], fit="b"), LENGTH, "a")
        one.judged(Fitness(fit=True))

        assert one.ask().leads

    def test_who_stands_by_asks_for_it_only_while_it_is_fit(self) -> None:
        """Neither blind, nor with an evaluation that does not end."""
        clock = [0.0]
        book = Book([Others("b")] * 4)
        one = Leadership(book, LENGTH, "a", lambda: clock[0])
        one.ask()
        one.judged(Fitness())
        one.ask()
        assert book.offered == []
        one.judged(Fitness(fit=True))
        one.ask()
        clock[0] = 4 * LENGTH.total_seconds()
        one.ask()
        assert book.offered == ["a"]

    def test_who_gave_it_away_rests(self) -> None:
        """So that it does not go to and fro, also where both see now and then."""
        clock = [0.0]
        book = Book([Held(1), *[Others("b")] * 2], fit="b")
        one = Leadership(book, LENGTH, "a", lambda: clock[0])
        one.judged(self.BLIND)
        one.ask()
        for at in (9, 10):
            clock[0] = at * LENGTH.total_seconds()
            one.judged(Fitness(fit=True))
            one.ask()
            assert book.offered == ["a"] * (at - 9)

    def test_fitness(self) -> None:
        """Three looks in a row, in both directions; one that fails now and then is neither unfit nor fit."""

        def judged(looks: str, *cut_off: str) -> Fitness:
            health = None
            for number, look in enumerate(looks):
                failures = (health.failures if health else 0) + 1 if look == "x" else 0
                same = health is not None and health.ok == (look == "o")
                health = SourceHealth(
                    look == "o", health.since if health and same else NOON + number * LENGTH, "", failures
                )
            return fitness(health, NOON + (len(looks) - 1) * LENGTH, LENGTH, cut_off)

        assert [judged(looks).fit for looks in ("", "o", "oo", "ooo", "xxooo", "oooxo")] == [False] * 3 + [True] * 2 + [
            False
        ]
        assert [bool(judged(looks).fault) for looks in ("x", "xx", "xxx", "xxo", "xoxox")] == [
            False,
            False,
            True,
            False,
            False,
        ]
        assert judged("xxx").fault == "its metric source has not answered since 2026-11-23 12:00:00 UTC"
        assert judged("ooo", "slack", "email") == Fitness(
            fault="it reaches nobody: email, slack only fail", rest=timedelta(hours=1)
        )


class TestOnSqlite:
    """A lock of the file system is the lease: all evaluators are on one host."""

    @pytest.fixture
    def state(self, tmp_path: Path) -> str:
        """A path."""
        return str(tmp_path / "state.db")

    def test_one_holds_it_until_it_ends(self, state: str) -> None:
        """A restart takes it at once, under another token."""
        first, second = SqlLease(state), SqlLease(state)
        held = first.acquire("a", LENGTH)
        assert isinstance(held, Held)
        assert first.acquire("a", LENGTH) == held
        assert second.acquire("b", LENGTH) == Others("a")
        second.offer("b", LENGTH)
        assert first.pass_on("a", LENGTH) == ""  # the lock is a process's own: both are on one host
        first.close()  # as the end of the process does

        assert second.acquire("b", LENGTH) == Held(held.token + 1)
        second.close()

    def test_the_lock_tells_who_leads_when_the_database_does_not(self, state: str) -> None:
        """Who stands by never leads beside a process that lives, whatever the disk does."""
        first, second = SqlLease(state), SqlLease(state)
        assert isinstance(first.acquire("a", LENGTH), Held)
        with second._engine.begin() as connection:
            connection.execute(text("DROP TABLE leases"))

        assert second.acquire("b", LENGTH) == Others("another process on this host")
        first.close()
        with pytest.raises(UnavailableError, match="no such table"):
            second.acquire("b", LENGTH)
        second.close()

    def test_an_earlier_holder_is_fenced_off(self, state: str) -> None:
        """It can neither store nor take messages; what it had sent it may still say."""
        with closing(SqlStore(state)) as old, closing(SqlStore(state)) as new:
            first, second = SqlLease(state), SqlLease(state)
            held = first.acquire("a", LENGTH)
            assert isinstance(held, Held)
            old.fence = held.token
            old.commit(Commit(NOON, outbox=(message(), message(key="other"))))
            (parcel,) = old.lease("email", NOON, NOON + LENGTH, 1)
            first.release("a")
            taken = second.acquire("b", LENGTH)
            assert isinstance(taken, Held)
            new.fence = taken.token

            with pytest.raises(FencedError, match="b has taken over"):
                old.commit(Commit(NOON))
            with pytest.raises(FencedError):
                old.lease("email", NOON, NOON + LENGTH, 1)
            new.commit(Commit(NOON))
            assert [p.id for p in new.lease("email", NOON, NOON + LENGTH, 9)] != [parcel.id]
            first.close()
            second.close()
