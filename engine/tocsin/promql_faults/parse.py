"""promql-parser, within limits, and positions as Prometheus counts them."""

import json

import promql_parser

from tocsin.promql_faults.explain import explain
from tocsin.promql_faults.fault import Fault
from tocsin.promql_faults.tokens import tokens

LONGEST = 20_000
"""Characters that are parsed at all."""

DEEPEST = 100
"""Brackets inside each other; 10,000 of them end promql-parser in a segmentation fault."""

MOST_OPERATORS = 1_000
"""Binary and unary operators; a chain of 10,000 ends the process as well."""


def beyond_limits(text: str) -> Fault | None:
    """Why *text* is not parsed at all: what no person writes can end the process that parses it."""
    if len(text) > LONGEST:
        return Fault(f"the expression has {len(text)} characters; more than {LONGEST} are not read", 0, len(text))
    lexed = tokens(text)
    if deep := next((t for t in lexed if len(t.depth) >= DEEPEST), None):
        return Fault(f"more than {DEEPEST} brackets inside each other are not read", deep.start, deep.end)
    if sum(token.binary for token in lexed) > MOST_OPERATORS:
        return Fault(f"more than {MOST_OPERATORS} operators in one expression are not read", 0, len(text))
    return None


def parse(text: str) -> promql_parser.Expr | Fault:
    """Parse with promql-parser, within limits that keep it from ending the process."""
    if fault := beyond_limits(text):
        return fault
    try:
        return promql_parser.parse(_without_raw_strings(text))
    except ValueError as error:
        return explain(text, str(error))
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's panic is no Exception
            raise
        return Fault("the parser gives up on this expression", 0, len(text))


def _without_raw_strings(text: str) -> str:
    r"""Rewrite strings in backticks, which promql-parser unescapes although nothing in them is an escape.

    >>> print(_without_raw_strings(r'a{b=~`\d"`}'))
    a{b=~"\\d\""}
    """
    for token in reversed(tokens(text)):
        if token.kind == "string" and token.text.startswith("`"):
            text = text[: token.start] + json.dumps(token.text[1:-1], ensure_ascii=False) + text[token.end :]
    return text


def byte_offset(text: str, line: int, column: int) -> int:
    """Map Prometheus' line and column (from 1, in UTF-8 bytes) to an offset in characters.

    >>> byte_offset('a{b="é"} + x', 1, 13)
    11
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return len(text)
    before = sum(len(each) + 1 for each in lines[: line - 1])
    encoded = lines[line - 1].encode("utf-8", "replace")
    return before + len(encoded[: max(column - 1, 0)].decode("utf-8", "ignore"))
