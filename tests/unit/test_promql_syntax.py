"""The PromQL parser: verdicts as promtool's, places that are right, and no text that ends it."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from ci.promql_corpora import disagreements, refused
from hypothesis import given
from hypothesis import strategies as st
from tests.promql_texts import INVALID, LINES, NEWER, VALID

from tocsin.promql_syntax import (
    FUNCTIONS,
    LONGEST,
    Aggregation,
    Binary,
    Expr,
    Fault,
    Limit,
    RangeSelector,
    Selector,
    Version,
    canonical,
    children,
    lex,
    nodes,
    parse,
    read,
)

PIECES = st.sampled_from(
    ["rate", "sum", "by", "(", ")", "{", "}", "[", "]", "x", 'a="b"', "=", "==", ">", "%", "80", "5m", "5x", '"', "'",
     "`", "#", "\n", " ", "and", "&&", "é", "值", "$", "@", "-", "offset", "bool", ".", ",", "\x00", "\ud800", "on",
     "group_left", "fill(0)", "anchored", ":", "^", '=~"a|b"', "step()", "0x", "1_0", "Inf", "\\", "topk", "start()"]
)  # fmt: skip
"""Words of PromQL, right and wrong, to be put together in any way."""

ATOMS = st.sampled_from(["up", 'x{a="1",b!~"c"}', "1", "-2", "vector(1)", "rate(x[5m])", "y offset 5m @ end()"])
RIGHT = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda e: f"({e})"),
        inner.map(lambda e: f"-{e}"),
        st.tuples(inner, st.sampled_from(["+", "*", "^", "/", "> bool", "% on (b, a)"]), inner).map(" ".join),
        inner.map(lambda e: f"sum by (b, a) (vector(0) + {e})"),
        inner.map(lambda e: f"max_over_time((vector(0) + {e})[1h:90s])"),
    ),
    max_leaves=12,
)
"""Texts that are right, but for types."""


def lines(table: str) -> list[str]:
    """The texts of a table."""
    return table.strip().split("\n")


def newer() -> list[tuple[Version, str]]:
    """What newer versions understand, with the version."""
    rows = [line.partition(" ") for line in lines(NEWER)]
    return [(Version.of(version), text) for version, _, text in rows]


def good(text: str) -> Expr:
    """The tree of a text that is right."""
    tree = parse(text)
    assert not isinstance(tree, Fault), (text, tree)
    return tree


@pytest.mark.real
def test_promtool_judges_alike() -> None:
    """Each text of the tables is what its table says, by promtool's word and by ours."""
    right = [*lines(VALID), *LINES]
    wrong = [*lines(INVALID), *(text for _, text in newer())]
    said = refused([*right, *wrong])

    assert [text for text in right if text in said] == []
    assert [text for text in wrong if text not in said] == []
    assert list(disagreements([*right, *wrong], said, Version(2, 42))) == []


@pytest.mark.parametrize("text", lines(VALID))
def test_right_texts_need_nothing_new(text: str) -> None:
    """What 2.42 understands is understood, and only what 3.0 removed has a mark."""
    good(text)

    assert [each.what for each in read(text).features if each.until is None] == []


@pytest.mark.parametrize(("since", "text"), newer())
def test_newer_texts_say_what_they_need(since: Version, text: str) -> None:
    """What newer versions added is understood, and marked with its version and its place."""
    good(text)
    features = read(text).features

    assert max(each.since for each in features) == since
    assert all(0 <= each.start < each.end <= len(text) for each in features)


@pytest.mark.parametrize("text", lines(INVALID))
def test_wrong_texts_have_a_place_and_words(text: str) -> None:
    """Each fault is inside the text and told in one line, in small letters, without a full stop."""
    fault = parse(text)
    if not isinstance(fault, Fault):  # what 2.42 refuses and newer versions do not
        assert read(text).features
        return

    assert 0 <= fault.start <= fault.end <= len(text)
    assert fault.message.strip()
    assert "\n" not in fault.message
    assert not fault.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "message", "covered", "hint"),
    [
        ("sum(rate(x[5m])", "this '(' is never closed", "(", None),
        ("sum by (job (rate(x[5m]))", "unexpected '(' in this list of labels", "(", "close the list with ) first"),
        ("up = 0", "unexpected '='", "=", "compare with =="),
        ("rat(foo[5m])", "unknown function rat()", "rat", "did you mean rate()?"),
        ("Rate(foo[5m])", "unknown function Rate()", "Rate", "did you mean rate()?"),
        ("rate(foo[5m)", "unexpected ')' inside brackets", ")", "close the range: [5m]"),
        ("foo{a=b}", "unexpected 'b' where a string is wanted", "b", "put the label's value into quotes: \"b\""),
        ("sum by job (x)", "unexpected 'job'", "job", "here stands a list of labels in brackets, such as (job)"),
        ("summ by (x) (y)", "unexpected 'by' after 'summ'", "by", "did you mean sum?"),
        ("sum(x) byy (z)", "unexpected 'byy' after ')'", "byy", "did you mean by?"),
        ("a b", "unexpected 'b' after 'a'", "b", None),
        ("quantile(0.9 foo)", "unexpected 'foo' after '0.9'", "foo", None),
        ("rate(sum(x))", "rate() needs a range vector, not an instant vector", "sum(x)",
         "write the range behind the selector inside, or [5m:] here for a subquery"),
        ("abs(x, y)", "abs() takes 1 argument, not 2", "y", None),
        ("1 == 1", "two numbers are compared by == bool", "==", "write == bool"),
        ('x{a=~"b", c=~"("}', "not a regular expression: a ( is never closed", '"("', None),
        ('x{a="\\d"}', "a string knows no escape \\d", "\\d", "write \\\\d, or put the text into backticks"),
        ("x offset 5m[5m]", "offset stands behind the range, not before it", "[5m]", "write [5m] offset …"),
        ("sum(x) offset 5m", "offset stands behind a selector, a range or a subquery only", "offset",
         "write it behind each selector inside: metric offset …"),
        ("sum(x)[5m]", "a range stands behind a selector only", "[5m]", "a subquery has a colon: [5m:] or [5m:1m]"),
        ("{}", "the selector chooses every series there is", "{}", 'name a metric, or one label: {job="shop"}'),
        ("x[$__rate_interval]", "unexpected '$' inside brackets", "$",
         "there are no variables here; write the value"),
    ],
)  # fmt: skip
def test_faults(text: str, message: str, covered: str, hint: str | None) -> None:
    """The common mistakes, in our words."""
    fault = parse(text)

    assert isinstance(fault, Fault)
    assert (fault.message, text[fault.start : fault.end], fault.hint) == (message, covered, hint)


def test_places() -> None:
    """Everything in an expression knows where it stands."""
    text = 'sum by (job, a) (rate(x{b="é", c=~"d"}[5m] offset 1h)) >= on (job) group_left (z) 2 * y'
    tree = good(text)
    assert isinstance(tree, Binary)
    assert isinstance(tree.left, Aggregation)
    selector = next(node for node in nodes(tree) if isinstance(node, Selector))
    ranged = next(node for node in nodes(tree) if isinstance(node, RangeSelector))

    def at(place: object) -> str:
        return text[place.start : place.end]  # type: ignore[attr-defined]

    assert at(tree) == text
    assert text[tree.op_start : tree.op_end] == ">="
    assert tree.matching is not None
    assert at(tree.matching) == "on (job) group_left (z)"
    assert at(tree.left.grouping) == "by (job, a)"
    assert [at(label) for label in tree.left.grouping.labels] == ["job", "a"]  # type: ignore[union-attr]
    assert at(selector) == 'x{b="é", c=~"d"}'
    assert [(at(m), at(m.label), at(m.value)) for m in selector.matchers] == [
        ('b="é"', "b", '"é"'),
        ('c=~"d"', "c", '"d"'),
    ]
    assert at(ranged) == 'x{b="é", c=~"d"}[5m] offset 1h'
    assert (at(ranged.range), ranged.range.seconds) == ("5m", 300)


def test_comments_are_kept() -> None:
    """Comments are no part of the tree, but known with their places; a `#` in a string begins none."""
    reading = read('up{a="#"} # why\n# and\n  == 0')

    assert [comment.text for comment in reading.comments] == ["# why", "# and"]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("sum(up) BY (b, a)", "sum by(a,b) (  up ) # why"),
        ("(((up)))", "up"),
        ("x{a='1', b=\"2\"}", 'x{b=`2`, a="1",}'),
        ('{__name__="x", a="1"}', 'x{a="1"}'),
        ('{"x", a="1"}', 'x{a="1"}'),
        ("x[60m]", "x[1h]"),
        ("x[90s:1m30s]", "x[1m30s:90s]"),
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("1e3 < x", "1000 < x"),
        ("a / on (x, y) b", "a / on (y, x) b"),
        ("a and b", "a and ignoring () b"),
        ("x offset 0s", "x"),
        ("+up", "up"),
    ],
)
def test_same_meaning(text: str, same: str) -> None:
    """Blanks, comments, needless brackets and the order of matchers and labels mean nothing."""
    assert canonical(good(text)) == canonical(good(same))


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a - (b - c)", "a - b - c"),
        ("(-1) ^ 2", "-1 ^ 2"),
        ("2 ^ 3 ^ 2", "(2 ^ 3) ^ 2"),
        ("a / b", "b / a"),
        ("a > b", "a > bool b"),
        ("a and b", "a and on () b"),
        ("x offset 5m", "x offset -5m"),
        ('x{a="1"}', 'x{a=~"1"}'),
        ("rate(x[5m])", "rate(x[5m:])"),
        ("sum by (a) (x)", "sum without (a) (x)"),
        ("sum(x)", "sum without () (x)"),
        ("x @ 1", "x"),
        ("-x", "x"),
    ],
)
def test_other_meaning(text: str, other: str) -> None:
    """What is not the same has not the same spelling."""
    assert canonical(good(text)) != canonical(good(other))


@pytest.mark.real
def test_canonical_texts_are_right() -> None:
    """Promtool accepts the one spelling of every right text."""
    assert refused([canonical(good(text)) for text in (*lines(VALID), *LINES)]) == {}


@given(st.one_of(RIGHT, st.sampled_from(lines(VALID))))
def test_canonical_is_stable(text: str) -> None:
    """The one spelling, read again, gives itself."""
    tree = parse(text)
    if isinstance(tree, Fault):
        return
    once = canonical(tree)

    assert canonical(good(once)) == once


@given(st.one_of(st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES, max_size=25).map("".join), st.text()))
def test_any_text_has_an_answer(text: str) -> None:
    """There is always a tree or a fault inside the text, and parts never reach beyond what they are part of."""
    tree = parse(text)
    if isinstance(tree, Fault):
        assert 0 <= tree.start <= tree.end <= len(text)
        assert tree.message
        assert "\n" not in tree.message.replace("\\n", "")
        return
    for node in nodes(tree):
        parts = children(node)
        assert node.start < node.end
        assert all(node.start <= part.start and part.end <= node.end for part in parts)
        assert all(one.end <= other.start for one, other in pairwise(parts)) or isinstance(node, Binary)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_tokens_cover_the_text(text: str) -> None:
    """Tokens and comments follow each other, and only blanks stand between them."""
    lexed = lex(text)
    found = sorted((*lexed.tokens, *lexed.comments), key=lambda token: token.start)
    between = [text[a:b] for a, b in pairwise([0, *(at for t in found for at in (t.start, t.end)), len(text)])][::2]

    assert "".join(between).strip(" \t\r\n") == ""


BOMBS: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "(" * n + "a" + ")" * n,
    "sum": lambda n: "+".join(["a"] * n),
    "signs": lambda n: "-" * n + "a",
    "calls": lambda n: "abs(" * n + "a" + ")" * n,
    "powers": lambda n: "^".join(["2"] * n),
    "words": lambda n: " and ".join(["a"] * n),
    "open brackets": lambda n: "(" * n,
    "subqueries": lambda n: "a" + "[5m:1m]" * n,
    "matchers": lambda n: "a{" + ",".join(['b="c"'] * n) + "}",
    "durations": lambda n: "a[" + "(" * n + "5m" + ")" * n + "]",
    "powers of durations": lambda n: "a[5m" + "^2" * n + "]",
    "comments": lambda n: "#\n" * n + "a",
    "regular expressions": lambda n: 'a{b=~"' + "(" * n + '"}',
}


@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("size", [90, 990, 100_000])
def test_no_text_overflows_the_stack(kind: str, size: int) -> None:
    """Neither reading nor printing a text ends in a RecursionError, however deep it is, on a deep stack as well."""
    script = (
        "import sys\n"
        "from tocsin.promql_syntax import Fault, canonical, nodes, parse\n"
        "def under(levels, text):\n"
        "    if levels: return under(levels - 1, text)\n"
        "    tree = parse(text)\n"
        "    if not isinstance(tree, Fault): canonical(tree), list(nodes(tree))\n"
        "under(200, sys.stdin.read())\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], input=BOMBS[kind](size), text=True, capture_output=True, timeout=20, check=False
    )

    assert (child.returncode, child.stderr) == (0, "")


def test_limits_are_said() -> None:
    """What is not read is not silently accepted."""
    deep, long, busy = parse("(" * 200 + "a" + ")" * 200), parse("a" * (LONGEST + 1)), parse("+".join("a" * 1100))

    assert deep == Limit("more than 100 brackets inside each other are not read", 100, 101)
    assert isinstance(long, Fault)
    assert isinstance(busy, Fault)


def test_functions_have_their_versions() -> None:
    """The table is read as it is meant."""
    assert len(FUNCTIONS) >= 90
    assert FUNCTIONS["holt_winters"].until == Version(3, 0)
    assert FUNCTIONS["first_over_time"].stable == Version(3, 14)
    assert (FUNCTIONS["label_join"].fewest, FUNCTIONS["label_join"].most) == (3, float("inf"))
    assert (FUNCTIONS["round"].fewest, FUNCTIONS["round"].most) == (1, 2)
    assert (FUNCTIONS["time"].fewest, FUNCTIONS["time"].gives) == (0, "scalar")
