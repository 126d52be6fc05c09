"""What is said of a token that cannot stand where it stands, and what to write instead."""

import difflib

from tocsin.promql_syntax.fault import Fault
from tocsin.promql_syntax.functions import AGGREGATIONS, FUNCTIONS
from tocsin.promql_syntax.lexer import END, KEYWORDS, Lexed
from tocsin.promql_syntax.literals import bad_number

_CLOSERS = {")": "(", "]": "[", "}": "{"}
_INSIDE = {"{": " inside braces", "[": " inside brackets"}
_BINARY = frozenset({"*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", "and", "or", "unless", "atan2"})
_HINTS = {
    "&": "write `and`",
    "&&": "write `and`",
    "|": "write `or`",
    "||": "write `or`",
    "=": "compare with ==",
    "!": "compare with != or write `unless`",
    "$": "there are no variables here; write the value",
    ".": "a metric name holds letters, digits, _ and :",
    "=~": 'a regular expression stands between braces: {label=~"a|b"}',
    "!~": 'a regular expression stands between braces: {label!~"a|b"}',
    "%": "write a percentage as a fraction (0.8), or use `above: 80%` beside `value:`",
}  # fmt: skip


def unexpected(lexed: Lexed, at: int, wanted: str) -> Fault:
    """The fault of the token at *at*, where *wanted* was to stand."""
    kind, start, end = lexed.kinds[at], lexed.starts[at], lexed.ends[at]
    text = lexed.text[start:end]
    around = _bracket(lexed, at)
    if kind is END:
        if around is not None:
            return Fault(f"this {lexed.text[around]!r} is never closed", around, around + 1)
        return nothing_follows(lexed, at - 1)
    if text[:1] in {'"', "'", "`"} and kind == "bad":
        return Fault(f"the string that begins here has no closing {text[0]}", start, start + 1)
    inside = lexed.text[around] if around is not None else ""
    if kind == "bad" and text[:1].isdigit() and inside != "{":
        return bad_number(text, start).fault
    if text in _CLOSERS and inside != _CLOSERS[text] and (inside in {"", "("}):
        return Fault(f"this {text!r} closes nothing", start, end)
    if inside == "{":
        return _in_braces(text, start, end, wanted)
    if inside == "[":
        return _in_brackets(text, start, end)
    return _elsewhere(lexed, at, wanted)


def nothing_follows(lexed: Lexed, at: int) -> Fault:
    """The fault of an operator at the end."""
    start, end = lexed.starts[at], lexed.ends[at]
    text = lexed.text[start:end]
    return _percentage(start, end) if text == "%" else Fault(f"nothing follows {text!r}", start, end)


def unknown_function(lexed: Lexed, at: int) -> Fault:
    """The fault of a function that there is not."""
    start, end = lexed.starts[at], lexed.ends[at]
    name = lexed.text[start:end]
    known = [*FUNCTIONS, *AGGREGATIONS]
    close = [name.lower()] if name.lower() in known else difflib.get_close_matches(name, known, n=1)
    if not close and name in KEYWORDS:
        return Fault(f"unexpected {name!r}", start, end)
    return Fault(f"unknown function {name}()", start, end, f"did you mean {close[0]}()?" if close else None)


def _bracket(lexed: Lexed, at: int) -> int | None:
    """Where the innermost bracket opens that is open before the token at *at*."""
    opened: list[int] = []
    for kind, start in zip(lexed.kinds[:at], lexed.starts, strict=False):
        if kind in {"(", "[", "{"}:
            opened.append(start)
        elif kind in _CLOSERS and opened:
            opened.pop()
    return opened[-1] if opened else None


def _in_braces(text: str, start: int, end: int, wanted: str) -> Fault:
    if wanted == "a string" and text not in {",", "}", "="}:
        return Fault(
            f"unexpected {text!r} where a string is wanted", start, end, f'put the label\'s value into quotes: "{text}"'
        )
    hint = f"here stands {wanted}"
    if text == "==":
        hint = "compare a label with ="
    return Fault(f"unexpected {text!r} inside braces", start, end, hint)


def _in_brackets(text: str, start: int, end: int) -> Fault:
    hint = "close the range: [5m]" if text in _CLOSERS else "write a duration without spaces, such as [5m]"
    if text.startswith("$"):
        hint = "there are no variables here; write the value"
    return Fault(f"unexpected {text!r} inside brackets", start, end, hint)


def _elsewhere(lexed: Lexed, at: int, wanted: str) -> Fault:
    kind, start, end = lexed.kinds[at], lexed.starts[at], lexed.ends[at]
    text = lexed.text[start:end]
    before = lexed.text[lexed.starts[at - 1] : lexed.ends[at - 1]] if at else ""
    if before == "%":
        return _percentage(lexed.starts[at - 1], lexed.ends[at - 1])
    if "list of labels" in wanted and before not in {"by", "without", "on", "ignoring"}:
        return Fault(f"unexpected {text!r} in this list of labels", start, end, "close the list with ) first")
    if wanted and not wanted.startswith("'") and "behind this argument" not in wanted:
        return Fault(f"unexpected {text!r}", start, end, f"here stands {wanted}")
    if not at and kind in _BINARY:
        return Fault(f"nothing stands before {text!r}", start, end)
    if hint := _HINTS.get(text):
        return Fault(f"unexpected {text!r}", start, end, hint)
    if before and kind in {"word", "metric", "number", "duration", "string", "(", "{", *KEYWORDS}:
        near = KEYWORDS if len(text) > 2 else ()
        close = difflib.get_close_matches(text.lower(), near, n=1) if kind == "word" else []
        if lexed.kinds[at - 1] == "word" and not close and kind != "word":
            close = difflib.get_close_matches(before.lower(), KEYWORDS, n=1)
        return Fault(
            f"unexpected {text!r} after {before!r}", start, end, f"did you mean {close[0]}?" if close else None
        )
    return Fault(f"unexpected {text!r}" + (f" after {before!r}" if before else ""), start, end)


def _percentage(start: int, end: int) -> Fault:
    return Fault("unexpected '%'", start, end, _HINTS["%"])
