"""What is learnt from PromQL: comparisons to take apart, selectors that must have rows."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.evaluate.expression import Comparison, Reading, read
from tocsin.evaluate.witness import selectors
from tocsin.ports import Labels, labels_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queue > 100", Comparison("queue", ">", 100)),
        ("100 < queue", Comparison("queue", ">", 100)),
        ("(queue >= 1e3)", Comparison("queue", ">=", 1000)),
        ("queue == -1", Comparison("queue", "==", -1)),
        ("-(2) != queue", Comparison("queue", "!=", -2)),
        ("a / b > 0.5", Comparison("a / b", ">", 0.5)),
        (r'up{job=~"a\\.b"} < 1', Comparison(r'up{job=~"a\\.b"}', "<", 1)),
        (r"up{job=~`a\.b`} < 1", Comparison(r'up{job=~"a\\.b"}', "<", 1)),
        ("max_over_time(q[5m:]) > 1", Comparison("max_over_time(q[5m:])", ">", 1)),
        ("up == 0 # it is down", Comparison("up", "==", 0)),
        ("a @ -5 > 1", Comparison("a @ -5", ">", 1)),
        ("a > bool 1", None),
        ("a > b", None),
        ("a > 1 and b", None),
        ("a > 1 or b > 1", None),
        ("absent(a)", None),
        ("a", None),
    ],
)
def test_comparisons(text: str, expected: Comparison | None) -> None:
    """A comparison with a number on one side at the top can be taken apart; nothing else can."""
    assert read(text).comparison == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 1 and b{x='y'} < 2", ("a", 'b{x="y"}')),
        ("rate(a[5m]) > b", ("a", "b")),
        ("a unless b", ("a",)),
        ("a or b", ("a", "b")),
        ("a > 1 or absent(c) or b", ("a", "b")),
        ("absent(a)", ()),
        ("absent_over_time(a[5m])", ()),
        ("a and absent(b)", ("a",)),
        ("sum by (x) (a) > on (x) group_left avg(b offset 5m)", ("a", "b offset 5m")),
        ("quantile_over_time(0.9, a[1h:5m]) > b", ("a", "b")),
        ("-a > -b", ("a", "b")),
        ("vector(1) > vector(0)", ()),
        ("a > a", ("a",)),
    ],
)
def test_selectors(text: str, expected: tuple[str, ...]) -> None:
    """Selectors whose absence would explain an empty answer."""
    need = read(text).need
    assert need is not None
    assert selectors(need) == expected


def labels(**values: str) -> Labels:
    """Shorter."""
    return labels_of(values)


A, B = labels(job="x", pod="a"), labels(job="x", pod="b")


@pytest.mark.parametrize(
    ("text", "instance", "series", "expected"),
    [
        ("a > b", A, {"a": (A,), "b": (A,)}, True),
        ("a > b", A, {"a": (A,), "b": (B,)}, False),
        ("a > on (pod) group_left b", A, {"a": (A,), "b": (labels(job="y", pod="a"),)}, True),
        ("a > on (pod) group_left b", A, {"a": (A,), "b": (labels(job="y", pod="b"),)}, False),
        ("a > on (pod) group_left b", A, {"a": (labels(job="y", pod="a"),), "b": (A,)}, False),
        ("a * on (pod) group_left (node) b > c", labels(pod="a", node="n"), {"a": (A,), "b": (A,), "c": (A,)}, True),
        ("a > on (pod) group_right b", A, {"a": (labels(job="y", pod="a"),), "b": (A,)}, True),
        ("a > ignoring (job) b", labels(pod="a"), {"a": (A,), "b": (labels(job="y", pod="a"),)}, True),
        ("a and on (pod) b", A, {"a": (A,), "b": (labels(job="y", pod="a"),)}, True),
        ("a and b", A, {"a": (A,), "b": (labels(job="y", pod="a"),)}, False),
        ("a unless b", A, {"a": (A,)}, True),
        ("sum by (pod) (a) > sum by (pod) (b)", labels(pod="a"), {"a": (A,), "b": (A,)}, True),
        ("sum without (job) (a) > b", labels(pod="a"), {"a": (A,), "b": (A,)}, True),
        ("a > on () group_left sum(b)", A, {"a": (A,), "b": (B,)}, True),
        ("a > scalar(b)", A, {"a": (A,), "b": (labels(pod="c"),)}, True),
        ("topk(3, a) > b", A, {"a": (B,), "b": (A,)}, False),
        ('count_values("pod", a) > 3 and on () b', A, {"a": (labels(job="x", pod="q"),), "b": (B,)}, True),
        ('label_replace(a, "pod", "$1", "x", "(.*)") > b', A, {"a": (B,), "b": (A,)}, True),
        ("a > 1 or b > 2", A, {"a": (A,), "b": ()}, False),
        ("a > 1 or b > 2", A, {"a": (), "b": (A,)}, False),
        ("a > 1 or b > 2", A, {"a": (A,), "b": (A,)}, True),
        ("a > 1 or b > 2", A, {"a": (A,), "b": (B,)}, False),
        ('a{job="x"} > 1 or b{job="y"} > 2', A, {'a{job="x"}': (A,)}, True),
        ('a{job="x"} > 1 or b{job="y"} > 2', A, {'b{job="y"}': (labels(job="y", pod="a"),)}, False),
        ('sum by (pod) (a{job="x"}) or b{job="y"}', A, {'a{job="x"}': (A,)}, True),
        ('c * on (pod) a{job="x"} or b', labels(pod="a"), {"c": (A,), 'a{job="x"}': (A,), "b": (A,)}, True),
        ("a == 0 or absent(a)", labels(job="x"), {"a": (A,)}, True),
        ("a == 0 or absent(a)", A, {"a": (B,)}, False),
        ("sum(a) or vector(0)", (), {"a": (A,)}, True),
        ("absent(a)", A, {}, True),
        ('b{job="y"} or a{job="z"}', A, {'b{job="y"}': (A,), 'a{job="z"}': (A,)}, False),
    ],
)
def test_witnesses(text: str, instance: Labels, series: Mapping[str, tuple[Labels, ...]], expected: bool) -> None:
    """An instance is gone for good if the series that could have produced it are still there, and only then."""
    need = read(text).need
    assert need is not None
    assert need.there(instance, series) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", False),
        ("a / b", False),
        ("sum by (x) (rate(a[5m]))", False),
        ("sum(a > bool 1)", False),
        ("count(up == 0)", True),
        ("-(a > 1)", True),
        ("max_over_time((a > 1)[5m:])", True),
        ("absent(a)", True),
        ("sum(a and b)", True),
        ("topk(3, a)", True),
        ('count_values("v", a)', True),
        ("clamp(a unless b, 0, 1)", True),
        ("a or b", True),
    ],
)
def test_what_drops_rows(text: str, expected: bool) -> None:
    """Comparisons, sets, `absent` and choices end rows whose series go on; arithmetic does not."""
    assert read(text).drops is expected


@pytest.mark.parametrize(
    "text",
    [
        "sum(",
        "",
        "(" * 10_000,
        "a+" * 10_000 + "a",
        "a+" * 1_900 + "a",
        "a OR " * 10_000 + "a",
        "-" * 10_000 + "a",
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    """Nonsense and what is too long to be read prove nothing."""
    assert read(text) == Reading(None, None, asks=text.strip())


@given(st.text(max_size=80))
def test_never_raises(text: str) -> None:
    """Any text is read or not, without an exception."""
    read(text)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_mirrored_comparisons_agree(value: float, bound: float) -> None:
    """`v > b` and `b < v` are one condition, as for Python."""
    for text, mirrored, expected in ((">", "<", value > bound), ("<=", ">=", value <= bound)):
        straight, turned = read(f"m {text} {bound!r}").comparison, read(f"{bound!r} {mirrored} m").comparison
        assert straight is not None
        assert straight == turned
        assert straight.holds(value) is expected
