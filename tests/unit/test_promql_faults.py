"""What promtool says about a text, told in our words at our places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_promql_syntax import PIECES

from tocsin.promql_syntax import Fault, beyond_limits, byte_offset, explained, parse


@given(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=30), st.integers(0, 60))
def test_any_words_are_explained(text: str, said: str, offset: int) -> None:
    """Promtool may say anything about any place; the fault stays inside the text."""
    for words in (said, 'expected type range vector in call to function "rate", got instant vector', "unclosed left"):
        fault = explained(text, words, offset)

        assert 0 <= fault.start <= fault.end <= len(text)


def test_what_only_promtool_refuses_is_told_in_its_words() -> None:
    """A fault that we do not know is told as promtool does, at the token where it saw it."""
    assert explained("up + down", 'no such "thing"\n here', 5) == Fault("no such 'thing' here", 5, 9)
    assert explained("up + down", "nothing", 99) == Fault("nothing", 5, 9)
    assert explained("up", "nothing") == Fault("nothing", 0, 2)


def test_limits_are_no_faults() -> None:
    """A text that is not read for its size is left to promtool."""
    assert beyond_limits("(" * 200 + "a" + ")" * 200) is not None
    assert beyond_limits("a" * 30_000) is not None
    assert beyond_limits("rate(x[5m])") is None
    assert beyond_limits("rate(x[5m]") is None


@given(st.text(max_size=40), st.integers(-2, 60), st.integers(-2, 60))
def test_positions_of_prometheus_are_mapped_into_the_text(text: str, line: int, column: int) -> None:
    """A line or column that does not exist is no reason to fail."""
    assert 0 <= byte_offset(text, line, column) <= len(text)


def test_columns_of_prometheus_count_bytes() -> None:
    """Prometheus says column 15 for what is the twelfth character of the line."""
    assert byte_offset('x\na{b="é"} 值 y', 2, 11) == 2 + 9
    assert 'x\na{b="é"} 值 y'[byte_offset('x\na{b="é"} 值 y', 2, 15)] == "y"


@pytest.mark.parametrize(
    ("text", "promtool", "offset"),
    [
        ("sum(rate(x[5m])", "unclosed left parenthesis", 15),
        ("up = 0", 'unexpected "="', 3),
        ("foo > 80%", "unexpected end of input", 9),
        ("rate(foo)", 'expected type range vector in call to function "rate", got instant vector', 5),
        ("rat(foo[5m])", 'unknown function with name "rat"', 0),
        ("rate(foo[5m)", 'unexpected ")" in subquery or range, expected ":" or "]"', 11),
        ("foo{a=b}", 'unexpected identifier "b" in label matching, expected string', 6),
    ],
)
def test_both_opinions_are_told_alike(text: str, promtool: str, offset: int) -> None:
    """A fault reads the same, whether promtool is there or not."""
    assert explained(text, promtool, offset) == parse(text)
