"""Questions that are asked together are answered as if each had been asked alone, and fail alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests import builders

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.asking import MARK
from tocsin.evaluate.tick import Watch
from tocsin.evaluate.together import MOST, Together, Wanted, union
from tocsin.ports import Answer, RangeAnswer, Row
from tocsin.units import Duration
from tocsin.windows import WORKBOOK

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Instants:
    """A metric source of instants alone."""

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Nobody asks for it."""
        raise NotImplementedError

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Nobody asks for it."""
        raise NotImplementedError


class Source(Instants):
    """Answers each marked expression with the number that it is; refuses what holds a word, or too much at once."""

    def __init__(self, refused: str = "nothing", most: int = 10_000, *, partial: bool = False) -> None:
        self.refused, self.most, self.partial = refused, most, partial
        self.asked: list[str] = []

    def instant(self, query: str, at: datetime) -> Answer:
        """Read the marks."""
        self.asked.append(query)
        if self.refused in query:
            raise SourceError("many-to-many")
        if query.count(MARK) > self.most:
            raise SourceUnreachableError("timed out")
        cut = [piece.split(f', "{MARK}", "') for piece in query.split("label_replace(")[1:]]
        rows = [Row(((MARK, mark.split('"')[0]),), float(text)) for text, mark in cut]
        return Answer(tuple(rows), at, self.partial)


def wanted(count: int) -> list[list[Wanted]]:
    """Questions of two parts."""
    return [[Wanted(f"q{n}", partial(dict, {"bad:5m": f"{n}", "total:5m": f"{n + 1000}"}))] for n in range(count)]


def test_each_gets_its_own_answer() -> None:
    """A hundred questions are three requests, and everybody finds what is theirs."""
    source, together = Source(), Together()
    found = together.ask(source, NOW, wanted(100), map)

    assert len(source.asked) == -(-100 // MOST)
    assert found == {f"q{n}": {"bad:5m": n, "total:5m": n + 1000} for n in range(100)}
    assert together.ask(source, NOW, wanted(100), map) == found


def test_a_bad_question_is_found_and_left_alone() -> None:
    """What the server refuses spoils no other, and the next look does not ask it together with others again."""
    source, together = Source(refused="(17,"), Together()
    found = together.ask(source, NOW, wanted(60), map)
    assert found.keys() == {f"q{n}" for n in range(60) if n != 17}

    source.asked.clear()
    assert together.ask(source, NOW, wanted(60), map).keys() == found.keys()
    assert len(source.asked) == 2


def test_requests_become_smaller_where_a_server_takes_too_long_and_grow_again() -> None:
    """A request that is not answered in time is halved for the next look; the rest is asked alone meanwhile."""
    source, together = Source(most=60), Together()
    assert together.ask(source, NOW, wanted(96), map) == {}
    assert together.ask(source, NOW, wanted(96), map).keys() == {f"q{n}" for n in range(96)}

    source.most = 10_000
    for _ in range(30):
        together.ask(source, NOW, wanted(96), map)
    assert together.size == MOST


def test_partial_answers_are_none() -> None:
    """Nobody can tell whose part is missing."""
    assert Together().ask(Source(partial=True), NOW, wanted(60), map) == {}


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 64])
def test_the_tree_is_balanced(parts: int) -> None:
    """`or` costs the square of a chain's length."""
    text = union([Wanted("", lambda: {f"p{n}": "x" for n in range(parts)})])
    depth = deepest = 0
    for character in text.replace("label_replace(", "[").replace('"")', "]"):
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    assert deepest <= max(parts - 1, 0).bit_length()
    assert text.count(MARK) == parts


class Server(Instants):
    """Gives rates for every mark, and counts the requests; *together* says whether it takes long questions."""

    def __init__(self, *, together: bool) -> None:
        self.together = together
        self.asked = 0

    def instant(self, query: str, at: datetime) -> Answer:
        """Read the marks."""
        self.asked += 1
        marks = [piece.split('"')[0] for piece in query.split(f'"{MARK}", "')[1:]]
        if not self.together and any(mark[0].isdigit() for mark in marks):
            raise SourceUnreachableError("timed out")
        rows = [Row(((MARK, mark),), 0.002 if "bad" in mark else 7.0) for mark in marks]
        return Answer(tuple(rows or [Row((), at.timestamp() - 86_400)]), at)


def test_a_look_sees_the_same_with_fewer_questions() -> None:
    """Rates are those of a look that asks each objective alone, and so they are where the server refuses.

    Budgets are, too, but not all of them are counted anew in the same look.
    """
    slos = tuple(builders.slo(name=f"slo-{n}", target="0.999") for n in range(60))
    workspace = builders.workspace(builders.service(slos=slos))
    alone, asks, refuses = Server(together=True), Server(together=True), Server(together=False)
    plain, batched, refused = (Watch(workspace, together=how) for how in (False, True, True))
    asked = []
    for look in range(5):
        now = NOW + timedelta(seconds=15 * look)
        before = alone.asked, asks.asked
        expected = plain.look(alone, now)
        found = batched.look(asks, now)
        assert found.slos == refused.look(refuses, now).slos
        assert [slo.burns for slo in found.slos] == [slo.burns for slo in expected.slos]
        assert look or found.slos == expected.slos
        asked.append((alone.asked - before[0], asks.asked - before[1]))
    assert all(few < many / 6 for many, few in asked[1:4])


def test_more_windows_are_no_more_requests() -> None:
    """One tier, four, or eight with windows of up to five days: each look asks as often."""
    more = tuple(
        replace(tier, name=f"more {tier.name}", long=Duration(tier.long.milliseconds * 5 // 3)) for tier in WORKBOOK
    )
    asked = set()
    for tiers in (WORKBOOK[:1], WORKBOOK, (*WORKBOOK, *more)):
        slos = tuple(builders.slo(name=f"slo-{n}", target="0.999", tiers=tiers) for n in range(60))
        server, watch = Server(together=True), Watch(builders.workspace(builders.service(slos=slos)), together=True)
        looks = []
        for number in range(9):
            before = server.asked
            sight = watch.look(server, NOW + timedelta(seconds=15 * number))
            looks.append(server.asked - before)
        assert {len(slo.burns) for slo in sight.slos} == {len(tiers)}
        asked.add(tuple(looks))

    [looks_alike] = asked
    assert max(looks_alike[1:]) < len(slos)
