"""What is read out of PromQL trees: labels that rows may have, values that they can have, parts of a whole."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.promql_texts import VALID

from tocsin.promql_syntax import Binary, Expr, Fault, Share, bare, bounds, constant, flow, never_joined, parse, share


def good(text: str) -> Expr:
    """The tree of a text that is right."""
    tree = parse(text)
    assert not isinstance(tree, Fault), tree
    return tree


@pytest.mark.parametrize(
    ("text", "has", "lacks"),
    [
        ("x", {"job", "anything"}, set()),
        ('x{zone=""}', {"job"}, {"zone"}),
        ("sum(x)", set(), {"job", "instance"}),
        ("sum by (job) (x)", {"job"}, {"instance"}),
        ("sum without (job) (x)", {"instance"}, {"job"}),
        ("topk(3, sum by (job) (x))", {"job"}, {"instance"}),
        ('count_values("v", sum by (job) (x))', {"v"}, {"job"}),
        ("sum by (job) (sum by (instance) (x))", set(), {"job", "instance"}),
        ("x * on (job) y", {"job"}, {"instance"}),
        ("x * ignoring (job) y", {"instance"}, {"job"}),
        ("sum by (job) (x) * on (job) group_left (node) y", {"job", "node"}, {"instance"}),
        ("y * on (job) group_right (node) sum by (job) (x)", {"job", "node"}, {"instance"}),
        ("sum by (job) (x) or sum by (node) (y)", {"job", "node"}, {"instance"}),
        ("x unless sum(y)", {"job"}, set()),
        ("2 * sum by (job) (x)", {"job"}, {"instance"}),
        ('absent(x{job="a"})', {"job"}, {"instance"}),
        ("absent(sum(x))", set(), {"job"}),
        ('label_replace(sum(x), "node", "$1", "a", "(.*)")', {"node"}, {"job"}),
        ("histogram_quantile(0.9, sum by (job, le) (rate(x_bucket[5m])))", {"job"}, {"le", "instance"}),
        ("vector(1)", set(), {"job"}),
        ("time()", set(), {"job"}),
        ("-sum by (job) (x)", {"job"}, {"instance"}),
    ],
)
def test_labels(text: str, has: set[str], lacks: set[str]) -> None:
    """Aggregations and joins drop labels; functions keep them or write new ones."""
    found = flow(good(text))

    assert [label for label in has if not found.may_have(label)] == []
    assert [label for label in lacks if found.may_have(label)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", (3, 3)),
        ("-(2 * 3) + 1", (-5, -5)),
        ("10 / 4", (2.5, 2.5)),
        ("up", (0, 1)),
        ("1 - up", (0, 1)),
        ("sum(up)", (0, inf)),
        ("avg(up)", (0, 1)),
        ("count(x)", (1, inf)),
        ("-count(x)", (-inf, -1)),
        ("rate(x[5m])", (0, inf)),
        ("delta(x[5m])", (-inf, inf)),
        ("avg_over_time(up[5m]) * 100", (0, 100)),
        ("clamp_max(rate(x[5m]), 5)", (0, 5)),
        ("clamp_min(x, 1)", (1, inf)),
        ("count(x) or vector(0)", (0, inf)),
        ("x > bool 5", (0, 1)),
        ("up > 0", (0, 1)),
        ("0.5 < up", (0, 1)),
        ("rate(x[5m]) / rate(y[5m])", (0, inf)),
        ("sum(rate(x{a='b'}[5m])) / sum(rate(x[5m]))", (0, 1)),
        ("x / y", (-inf, inf)),
        ("up / 2", (0, 0.5)),
        ("rate(x[5m]) * 0", (0, 0)),
        ("hour() - 24", (-24, -1)),
        ("Inf - Inf", (-inf, inf)),
    ],
)
def test_values(text: str, expected: tuple[float, float]) -> None:
    """Values are as narrow as they can be known, and never narrower."""
    assert bounds(good(text)) == expected


def test_constants() -> None:
    """A number may be calculated; a vector is none."""
    assert constant(good("5 * 60")) == 300
    assert constant(good("vector(1)")) is None
    assert constant(good("time()")) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("sum(x{a='1'})", "sum(x)", Share.PART),
        ("sum(rate(x{a='1',b='2'}[5m]))", "sum by (c) (rate(x{b='2'}[5m]))", Share.PART),
        ("sum(x{a='404'})", "sum(x{a=~'4..'})", Share.PART),
        ("sum(x{a='404'})", "sum(x{a!~'4..'})", Share.BEYOND),
        ("sum(x)", "sum(x{a='1'})", Share.BEYOND),
        ("sum(x{a=~'5..'})", "sum(x{a!='404'})", Share.UNKNOWN),
        ("sum(x)", "sum(y)", Share.UNKNOWN),
        ("sum(rate(x[5m]))", "sum(rate(x[1m]))", Share.UNKNOWN),
        ("sum(rate(x[5m] offset 1h))", "sum(rate(x[5m]))", Share.UNKNOWN),
        ("avg(x)", "avg(x)", Share.UNKNOWN),
        ("x", "x", Share.UNKNOWN),
    ],
)
def test_shares(one: str, other: str, expected: Share) -> None:
    """A count with more conditions on the same metric, over the same time, is a part."""
    assert share(good(one), good(other))[0] is expected


@pytest.mark.parametrize("text", ["+".join(["a"] * 990), " and ".join(["sum(a)"] * 990), "-".join(["1"] * 990)])
def test_long_chains(text: str) -> None:
    """What is too long to be followed says nothing, and ends nothing."""
    tree = bare(good(text))
    assert isinstance(tree, Binary)
    low, high = bounds(tree)
    flow(tree)
    never_joined(tree)

    assert low <= high


@given(st.sampled_from(VALID.strip().split("\n")))
def test_every_right_text_can_be_read(text: str) -> None:
    """Values have an order, and joins are judged, in every text."""
    tree = good(text)
    low, high = bounds(tree)
    flow(tree)
    if isinstance(tree, Binary):
        never_joined(tree)

    assert low <= high or low != low  # noqa: PLR0124 -- NaN
