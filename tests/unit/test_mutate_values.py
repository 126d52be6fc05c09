"""Values that decide nothing: what is said to be one changes nothing, over any series."""

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import QUARTER

from tocsin.mutate.edits import edits
from tocsin.mutate.values import only_rows, silent, ties
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Aggregation, Binary, Fault, Selector, nodes, parse
from tocsin.proofs.steady import Steady, Vector, steady

ROWS = [
    "0 * sum by (id) (a)",
    "max by (id) (a) * 0 + sum(b)",
    "count(max by (id) (a) / max by (id) (b))",
    "sum by (id) (a) and abs(max by (id) (b) - 3)",
    "sum by (id) (a) unless max by (id) (b) > 3",
    "count(sum by (id) (a) > 3)",
    "0 * (sum by (id) (a) > bool 3)",
]
TIES = ["a <= b or b", "(a < b or b) > 2", "a <= on (id) b or b", "a <= b or a", "a <= bool b or b"]
GUARDS = [
    '1 - (sum(a{job="y"}) or 0 * sum(a)) / sum(a) < 0.9',
    '(sum(a{job="y"}) or 0 * sum(a)) / sum(a) > 0.1',
    '(sum(a{job="y"}) or 0 * sum(a)) / sum(a) >= 0',
    '0.1 < (sum(a{job="y"}) or sum(a) * 0) / sum(a) and b',
    'sum(sum by (id) (a{job="y"}) or 0 * sum by (id) (a)) > 1',
]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("count_over_time((max(a) / max(b))[4h:2m]) > 3", True),
        ("predict_linear(max(a)[4h:2m], 0) * 0", True),
        ("count_over_time((max(a) > 3)[4h:2m]) > 3", False),
        ("count_over_time(topk(1, max by (x) (a))[4h:2m]) > 3", False),
        ("avg_over_time(max(a)[4h:2m]) > 3", False),
        ("max(a) and b", False),
    ],
)
def test_aggregations_that_only_give_rows_are_left_alone(text: str, left: bool) -> None:
    """As long as nothing between them and the count decides by their values."""
    assert ("max becomes min" not in {edit.words for edit in edits(text)}) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [("a < b or b", True), ("(a < b or b) > 1", True), ("a < b or a", False), ("a < b", False),
     ("a < on (x) b or b", False), ("a < bool b or b", False)],
)  # fmt: skip
def test_a_boundary_that_or_makes_good_is_not_moved(text: str, left: bool) -> None:
    """Where both are equal, one stands for the other."""
    assert ("< becomes <=" not in {edit.words for edit in edits(text)}) == left


@pytest.mark.parametrize(("text", "left"), list(zip(GUARDS, [True, True, False, True, False], strict=True)))
def test_what_no_comparison_lets_through_is_left_alone(text: str, left: bool) -> None:
    """A guard of 0 errors makes a row that is not low enough, or not high enough, whatever it is made of."""
    tree = parse(text)
    assert not isinstance(tree, Fault)
    assert bool(silent(tree)) == left


def test_a_count_is_a_whole_number() -> None:
    """Its bound is moved only where another whole number passes then, or one less does."""
    tighter = "the threshold 2 becomes 1.33333333333"
    assert tighter not in {edit.words for edit in edits("count(a) >= 2")}
    assert tighter not in {edit.words for edit in edits("2 <= count(a)")}
    assert tighter in {edit.words for edit in edits("count(a) > 2")}
    assert tighter in {edit.words for edit in edits("a >= 2")}


def combinations() -> list[tuple[str, Labels]]:
    """Every series of two metrics with any of two values of two labels."""
    return [
        (name, labels_of({"job": job, "id": number})) for job, number in itertools.product("xy", "12") for name in "ab"
    ]


@pytest.mark.parametrize("text", [*ROWS, *TIES, *GUARDS])
@settings(max_examples=QUARTER)
@given(data=st.data())
def test_what_decides_nothing_changes_nothing(text: str, data: st.DataObject) -> None:
    """Whatever series there are, the expression with such an edit has the same rows."""
    some = data.draw(st.lists(st.sampled_from(combinations()), unique=True, min_size=1))
    series = [Steady(name, labels, data.draw(st.sampled_from([0.0, 1.0, 5.0]))) for name, labels in some]
    tree = parse(text)
    assert not isinstance(tree, Fault)
    rows, tied, unheard = only_rows(tree), ties(tree), silent(tree)
    for node in nodes(tree):
        changed = []
        if isinstance(node, Aggregation) and id(node) in rows | unheard:
            changed = [(node.start, node.start + len(node.op), new) for new in ("avg", "min", "max", "sum")]
        elif isinstance(node, Binary) and id(node) in tied:
            changed = [(node.op_start, node.op_end, {"<": "<=", "<=": "<"}[node.op])]
        elif isinstance(node, Selector) and id(node) in unheard:
            changed = [(node.start, node.end, new) for new in ("b", 'a{job!="y"}')]
        for start, end, new in changed:
            other = parse(text[:start] + new + text[end:])
            assert not isinstance(other, Fault)
            assert same(steady(other, series), steady(tree, series)), new


def same(one: Vector | float, other: Vector | float) -> bool:
    """Rows that are equal, NaN included."""
    pair = [sorted(each.items()) if isinstance(each, Mapping) else each for each in (one, other)]
    return repr(pair[0]) == repr(pair[1])
