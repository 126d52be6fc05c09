"""What is said never to have a row has none in Prometheus, and what may have one is not said to."""

import random
from collections.abc import Sequence

import pytest
from tests.oracle import ask

from tocsin.promql_syntax import Fault, canonical, never, parse

DEAD = [
    "x > 5 and x < 2",
    "(5 < x) and ((x)) <= 5",
    "x >= 5 and x < 5",
    "x > 5 < 2",
    "x == 1 == 2",
    "x == 1 and x != 1",
    "x > 5 unless x > 2",
    "x unless x",
    "x > 5 unless on (job) x > 3",
    "x > 5 unless on () x > 5",
    "x > 5 unless ignoring (instance) x",
    "x > 5 and x > 6 and x < 6",
    "(x > bool 5) == 1 and x < 2",
    "(x > bool 5) == 0 and x > 7",
    "(x > bool 5) > 0 unless x > 4",
    "x < 2 and (x <= bool 2) != 1",
    "x > NaN",
    "x == NaN",
    "NaN < x",
    "x > +Inf",
    "up == 2",
    "absent(x) == 0",
    "count(x) < 1",
    "count(x) == 0 or group(x) > 1",
    'x{job="a"} and x{job="b"}',
    'x{job="a",instance="1"} * on (job) x{job="b",instance="1"}',
    'x{job="a"} and on (job) x{job!~"a|c"}',
    'x{job=""} / x{job!=""}',
    'x{job="a"} and sum(x)',
    "up and sum(x)",
    'sum by (job) (x{job="a"}) / sum by (job) (x{job="b"})',
    'x{job="a",job="b"}',
    'x{job="a",job=~"b.*"}',
    'x{job!~".*"}',
    "rate(x_total[2m]) < 0",
    "sum(rate(x_total[2m])) / sum(rate(x_total[2m])) > 5",
    "sum by (job) (x) > 5 and on (job) sum by (job) (x) < 2",
    "sum(x > 5 < 2)",
    "abs(x > 5 and x < 2) + 1",
    "label_replace(x > 5 < 2, 'a', 'b', '', '')",
    'absent_over_time(x{job="a",job="b"}[5m]) and x{job="a",job="b"}',
]

ALIVE = [
    "x > 5 and x < 8",
    "x > 2 unless x > 6",
    "x >= 7 and x <= 7",
    "x > 5 and on () x < 2",
    "x > 5 and ignoring (instance) x < 2",
    "x > 5 and on (job) x < 2",
    '{job="a"} > 5 and {job="a"} < 2',
    "x > 5 or x < 2",
    "x > 5 unless on (instance) x > 7",
    "x > 5 unless on (__name__) (x > bool 3) == 1",
    "x != x",
    "x != NaN",
    'x{job="a"} and ignoring (job, instance) x{job="b"}',
    'x{job="a"} and on () x{job="b"}',
    'label_replace(x{job="a",instance="2"}, "job", "b", "", "") and x{job="b"}',
    'sum by (job) (x{job="a"}) + on () sum by (job) (x{job="b"})',
    'x{job="a"} or x{job="b"}',
    'absent(x{job="q"}) and on (job) label_replace(sum(x), "job", "q", "", "")',
    'absent_over_time(x{job="q"}[5m]) and label_replace(sum(x), "job", "q", "", "")',
    'absent(x{job="a",job="b"})',
    'vector(1) unless x{job="a",job="b"}',
    'x unless on (job) x{job="a"}',
    'sum(x) / sum(x_total) unless x{job="a",job="b"}',
    "(x > bool 5) == 1 and x > 5",
    "(x > bool 5) == 0 and x < 2",
    'x{job=~"a|b",job="a"}',
    "rate(minus[2m]) < 0",
    "absent(z) != scalar(absent(x))",
    "vector(scalar(absent(x))) != 1",
    'absent(x{job="q",job!="z"}) and on (job) sum(x)',
    "x == 1 unless x == 1 > 1",
    "(x != bool 5) == 0 and x == 5",
    "up - 1 < 0 and up == 0",
    "up and on (job) sum by (job) (x)",
    "count(x) >= 1",
    "sum by (job, zone) (x) / sum by (job) (x)",
]

SERIES = {
    'x{job="a",instance="1"}': "7+0x10",
    'x{job="a",instance="2"}': "1+0x10",
    'x{job="b",instance="1"}': "5+0x10",
    'x{job="b",instance="2"}': "1+0x10",
    'x{job="a",instance="3"}': "NaN NaN NaN NaN NaN NaN NaN NaN NaN NaN",
    'y{job="a",instance="2"}': "7+0x10",
    'y{job="b",instance="1"}': "2+0x10",
    'x_total{job="a",instance="1"}': "0+60x10",
    'minus{job="a",instance="1"}': "-5 -3 -5 -3 -5 -3 -5 -3 -5 -3",
    'up{job="a",instance="1"}': "1+0x10",
    'up{job="b",instance="1"}': "0+0x10",
}


def cause(text: str) -> object:
    """Why a text that is right never has a row."""
    tree = parse(text)
    assert not isinstance(tree, Fault), tree
    return never(tree)


def rows(texts: Sequence[str]) -> list[bool]:
    """Whether Prometheus has a row for each; a value makes no difference, not even that of the row for nothing."""
    found = ask([], SERIES, [(f"count({text}) + 1", 300) for text in texts])
    return [bool(each) for each in found]


def test_dead() -> None:
    """Each is known to be empty, and promtool has no row for it."""
    assert [text for text in DEAD if cause(text) is None] == []
    assert [text for text, some in zip(DEAD, rows(DEAD), strict=True) if some] == []


def test_alive() -> None:
    """None is said to be empty; promtool has rows for each."""
    assert [text for text in ALIVE if cause(text) is not None] == []
    assert [text for text, some in zip(ALIVE, rows(ALIVE), strict=True) if not some] == []


@pytest.mark.parametrize("seed", range(4))
def test_random(seed: int) -> None:
    """Of random expressions, none that is said to be empty has a row in promtool; many are, and many are not."""
    chance = random.Random(seed)
    texts = list(dict.fromkeys(_text(chance, 3) for _ in range(400)))
    dead = [text for text in texts if cause(text) is not None]

    assert [text for text, some in zip(dead, rows(dead), strict=True) if some] == []
    assert 30 < len(dead) < len(texts) - 30


def _text(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.1:
        matcher = chance.choice(["", '{job="a"}', '{job="b"}', '{job=~"a|b"}', '{job!="a"}', '{job="a",instance="1"}'])
        return chance.choice(["x", "x", "x", "y", "up"]) + matcher
    inner = _text(chance, depth - 1)
    match chance.randrange(9):
        case 0 | 1 | 2:
            op = chance.choice(["<", ">", "<=", ">=", "==", "!="])
            bound = chance.choice(["1", "2", "5", "7", "NaN"])
            answer = chance.choice(["", "", "bool "])
            return f"({inner} {op} {answer}{bound})" if chance.random() < 0.7 else f"({bound} {op} {answer}{inner})"
        case 3 | 4 | 5:
            how = chance.choice(
                [
                    "",
                    "",
                    "on (job, instance) ",
                    "on (job) ",
                    "on (zone) ",
                    "ignoring (zone) ",
                    "ignoring (job) ",
                    "on () ",
                ]
            )
            other = inner if chance.random() < 0.3 else _text(chance, depth - 1)
            return f"({inner} {chance.choice(['and', 'unless', 'or'])} {how}{other})"
        case 6:
            return f"sum by ({chance.choice(['job', 'instance', 'job, instance', 'zone', ''])}) ({inner})"
        case 7:
            return f'label_replace({inner}, "zone", "{chance.choice("abc")}", "instance", "1")'
        case _:
            return chance.choice([f"absent({inner})", f"count({inner})", f"-{inner}", f"sort({inner})"])


def test_spelling_does_not_matter() -> None:
    """The canonical spelling of an empty expression is as empty."""
    for text in DEAD:
        tree = parse(text)
        assert not isinstance(tree, Fault)
        assert cause(canonical(tree)) is not None, text
