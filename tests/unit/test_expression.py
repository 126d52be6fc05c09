"""What is learnt from PromQL: comparisons to take apart, selectors that must have rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.evaluate.expression import Comparison, Reading, read


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
        ("a or b", ()),
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
    assert read(text).selectors == expected


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
        "a @ -5 > 1",
    ],
)
def test_what_cannot_be_read(text: str) -> None:
    """Nonsense, what would crash the parser, and what it would misread prove nothing."""
    assert read(text) == Reading(None, None)


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
