"""What is said of a PromQL text that is wrong, and that no text ends the process."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.promql_faults import Fault, beyond_limits, byte_offset, explain, parse, tokens

PIECES = st.sampled_from(
    ["rate", "sum", "by", "(", ")", "{", "}", "[", "]", "x", 'a="b"', "=", "==", ">", "%", "80", "5m", "5x", '"', "'",
     "`", "#", "\n", " ", "and", "&&", "é", "值", "$", "@", "-", "offset", "bool", ".", ",", "\x00", "\ud800"]
)  # fmt: skip
"""Words of PromQL, right and wrong, to be put together in any way."""


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_parsed_or_has_a_fault_inside_it(text: str) -> None:
    """There is always an answer, with a place inside the text and words for people."""
    result = parse(text)

    if isinstance(result, Fault):
        assert 0 <= result.start <= result.end <= len(text)
        assert result.message
        assert "\n" not in result.message


@given(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=30), st.integers(0, 60))
def test_any_words_are_explained(text: str, said: str, offset: int) -> None:
    """Promtool may say anything about any place; the fault stays inside the text."""
    for words in (said, 'expected type range vector in call to function "rate", got instant vector', "unclosed left"):
        fault = explain(text, words, offset)

        assert 0 <= fault.start <= fault.end <= len(text)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_tokens_cover_the_text_in_order(text: str) -> None:
    """Tokens do not overlap, and each is what stands at its offsets."""
    lexed = tokens(text)

    assert [token.text for token in lexed] == [text[token.start : token.end] for token in lexed]
    assert all(a.end <= b.start for a, b in pairwise(lexed))


@given(st.text(max_size=40), st.integers(-2, 60), st.integers(-2, 60))
def test_positions_of_prometheus_are_mapped_into_the_text(text: str, line: int, column: int) -> None:
    """A line or column that does not exist is no reason to fail."""
    assert 0 <= byte_offset(text, line, column) <= len(text)


def test_columns_of_prometheus_count_bytes() -> None:
    """Prometheus says column 15 for what is the twelfth character of the line."""
    assert byte_offset('x\na{b="é"} 值 y', 2, 11) == 2 + 9
    assert 'x\na{b="é"} 值 y'[byte_offset('x\na{b="é"} 值 y', 2, 15)] == "y"


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
}


@pytest.mark.parametrize("kind", BOMBS)
@pytest.mark.parametrize("size", [99, 1_000, 100_000])
def test_no_text_ends_the_process(kind: str, size: int) -> None:
    """10,000 brackets are a segmentation fault in the parser; such texts are not given to it.

    In a child, because a failure of this test would end the process that says so.
    """
    script = "import sys; from tocsin.promql_faults import parse; parse(sys.stdin.read())"
    child = subprocess.run(
        [sys.executable, "-c", script], input=BOMBS[kind](size), text=True, capture_output=True, timeout=20, check=False
    )

    assert (child.returncode, child.stderr) == (0, "")


def test_limits_are_said() -> None:
    """What is not read is not silently accepted."""
    fault = beyond_limits("(" * 200 + "a" + ")" * 200)

    assert fault is not None
    assert fault.message == "more than 100 brackets inside each other are not read"
    assert (fault.start, fault.end) == (100, 101)
    assert beyond_limits("a" * 30_000) is not None
    assert beyond_limits("rate(x[5m])") is None


@pytest.mark.parametrize(
    ("text", "parser", "promtool", "offset"),
    [
        ("sum(rate(x[5m])", "unclosed left parenthesis", "unclosed left parenthesis", 15),
        ("up = 0", "invalid promql query", 'unexpected "="', 3),
        ("foo > 80%", "invalid promql query", "unexpected end of input", 9),
        (
            "rate(foo)",
            "expected type matrix in call to function 'rate', got vector",
            'expected type range vector in call to function "rate", got instant vector',
            5,
        ),
        ("rat(foo[5m])", "unknown function with name 'rat'", 'unknown function with name "rat"', 0),
        (
            "rate(foo[5m)",
            "unexpected character inside brackets: ')'",
            'unexpected ")" in subquery or range, expected ":" or "]"',
            11,
        ),
        (
            "foo{a=b}",
            "unexpected identifier 'b' in label matching, expected string",
            'unexpected identifier "b" in label matching, expected string',
            6,
        ),
    ],
)
def test_both_opinions_are_told_alike(text: str, parser: str, promtool: str, offset: int) -> None:
    """A fault reads the same, whether promtool is there or not."""
    assert explain(text, parser) == explain(text, promtool, offset)
