"""A parser's message to words, a place and a hint: one function per kind of message."""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from tocsin.promql_faults.fault import Fault
from tocsin.promql_faults.tokens import CLOSERS, Token, tokens

FUNCTIONS = """
    abs absent absent_over_time acos acosh asin asinh atan atanh avg avg_over_time bottomk ceil changes clamp clamp_max
    clamp_min cos cosh count count_over_time count_values day_of_month day_of_week day_of_year days_in_month deg delta
    deriv exp floor group histogram_avg histogram_count histogram_fraction histogram_quantile histogram_stddev
    histogram_stdvar histogram_sum holt_winters hour idelta increase irate label_join label_replace last_over_time ln
    log10 log2 mad_over_time max max_over_time min min_over_time minute month pi predict_linear present_over_time
    quantile quantile_over_time rad rate resets round scalar sgn sin sinh sort sort_desc sqrt stddev stddev_over_time
    stdvar stdvar_over_time sum sum_over_time tan tanh time timestamp topk vector year
"""
"""Functions and aggregations of Prometheus, for `did you mean`."""


def explain(text: str, said: str, offset: int | None = None) -> Fault:
    """Turn a parser's words, and its position if it has one, into a fault with a place and a hint."""
    lexed = tokens(text)
    for pattern, rule in _RULES:
        if match := pattern.search(said):
            fault = rule(lexed, match)
            if fault is not None:
                return _placed(fault, lexed, offset, keep=rule in _KEEP_PLACE)
    likely = _likely(lexed)
    if said == "invalid promql query":  # all that promql-parser says of a plain mistake
        return likely or Fault("this is not valid PromQL", 0, len(text))
    plain = _placed(Fault(_QUOTED.sub(r"'\1'", " ".join(said.split())), 0, len(text)), lexed, offset)
    return likely if likely and (likely.start, likely.end) == (plain.start, plain.end) else plain


def _placed(fault: Fault, lexed: tuple[Token, ...], offset: int | None, *, keep: bool = False) -> Fault:
    """Move *fault* to the token at *offset*; behind the last token, to the last token."""
    if offset is None or not lexed or (keep and fault.end > fault.start):
        return fault
    at = next((token for token in lexed if token.start <= offset < token.end), None)
    at = at or next((token for token in lexed if token.start >= offset), lexed[-1])
    return replace(fault, start=at.start, end=at.end)


# --- one function per kind of message ----------------------------------------------------------------------

_QUOTED = re.compile(r'"([^"]*)"')
_Rule = Callable[[tuple[Token, ...], re.Match[str]], Fault | None]


def _wrong_argument(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    wanted, function, given = (_type_name(match[1]), match[2], _type_name(match[3]))
    start, end = next(_arguments(lexed, function, bracket=wanted != "range vector"), (0, 0))
    if wanted == "range vector":
        hint = f"write a range behind the selector, such as {function}(metric[5m])"
    elif given == "range vector":
        hint = f"leave the range away, or put rate() or avg_over_time() inside {function}()"
    else:
        hint = None
    return Fault(f"{function}() needs {_article(wanted)}, not {_article(given)}", start, end, hint)


def _arguments(lexed: tuple[Token, ...], function: str, *, bracket: bool) -> Iterator[tuple[int, int]]:
    """Where the arguments of the calls of *function* stand that have (or have not) a range in them."""
    for index, token in enumerate(lexed[:-2]):
        if token.text == function and lexed[index + 1].text == "(":
            inner = []
            for each in lexed[index + 2 :]:
                if len(each.depth) <= len(token.depth):
                    break
                inner.append(each)
            if inner and any(each.text == "[" for each in inner) is bracket:
                yield inner[0].start, inner[-1].end


def _type_name(word: str) -> str:
    return {"matrix": "range vector", "vector": "instant vector"}.get(word, word)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _unknown_function(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    name = match[1]
    at = next((t for t, after in pairwise(lexed) if t.text == name and after.text == "("), None)
    close = difflib.get_close_matches(name, FUNCTIONS.split(), n=1)
    hint = f"did you mean {close[0]}()?" if close else None
    return Fault(f"unknown function {name}()", at.start if at else 0, at.end if at else 0, hint)


def _unclosed(lexed: tuple[Token, ...], _match: re.Match[str]) -> Fault | None:
    """Find the innermost bracket that nothing closes."""
    opened: list[Token] = []
    for token in lexed:
        if token.text in CLOSERS.values():
            opened.append(token)
        elif token.text in CLOSERS and opened and opened[-1].text == CLOSERS[token.text]:
            opened.pop()
    if not opened:
        return None
    return Fault(f"this {opened[-1].text!r} is never closed", opened[-1].start, opened[-1].end)


def _surplus(lexed: tuple[Token, ...], _match: re.Match[str]) -> Fault | None:
    opened: list[str] = []
    for token in lexed:
        if token.text in CLOSERS.values():
            opened.append(token.text)
        elif token.text in CLOSERS and (not opened or opened.pop() != CLOSERS[token.text]):
            return Fault(f"this {token.text!r} closes nothing", token.start, token.end)
    return None


def _open_string(lexed: tuple[Token, ...], _match: re.Match[str]) -> Fault | None:
    at = next((token for token in lexed if token.kind == "open"), None)
    return Fault(f"the string that begins here has no closing {at.text[0]}", at.start, at.start + 1) if at else None


def _bad_number(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    text = (match[1] or match[2]).strip('"')
    at = next((token for token in lexed if token.text == text), None)
    hint = "write a number and a unit out of ms, s, m, h, d, w and y, such as 5m"
    return Fault(f"{text!r} is no number or duration", at.start if at else 0, at.end if at else 0, hint)


def _bad_character(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    where, char = match[1] or "", match[2]
    inside = {"braces": "{", "brackets": "["}.get(where.removeprefix(" inside "), "")
    at = next((t for t in lexed if t.kind != "string" and t.text.startswith(char) and t.depth.endswith(inside)), None)
    hints = {
        "&": "write `and`",
        "|": "write `or`",
        "$": "there are no variables here; write the value",
        ".": "a metric name holds letters, digits, _ and :",
    }
    hint = hints.get(char)
    if inside == "{" and at and at.kind in {"number", "name"}:
        hint = 'put the label\'s value into quotes, such as {status="500"}'
    elif inside == "[":
        hint = "close the range: [5m]" if char in CLOSERS else "write a duration without spaces, such as [5m]"
    return Fault(f"unexpected {char!r}{where}", at.start if at else 0, at.end if at else 0, hint)


def _open_range(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    at = next((token for token in lexed if token.text == match[1] and token.depth.endswith("[")), None)
    hint = "close the range: [5m]" if match[1] in CLOSERS else "write a duration without spaces, such as [5m]"
    return Fault(f"unexpected {match[1]!r} inside brackets", at.start if at else 0, at.end if at else 0, hint)


def _unquoted_value(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    at = next((t for t in lexed if t.text == match[1] and t.depth.endswith("{")), None)
    hint = f'put the label\'s value into quotes: "{match[1]}"'
    return Fault(f"unexpected {match[1]!r} where a string is wanted", at.start if at else 0, at.end if at else 0, hint)


def _likely(lexed: tuple[Token, ...]) -> Fault | None:
    """Guess what a parser means that only says that something is wrong."""
    if not lexed:
        return None
    for token, after in zip(lexed, (*lexed[1:], None), strict=False):
        outside = not token.depth.endswith(("{", "["))
        if outside and token.text == "=":
            return Fault("unexpected '='", token.start, token.end, "compare with ==")
        if outside and token.text == "%" and (after is None or after.binary or after.text in CLOSERS):
            hint = "write a percentage as a fraction (0.8), or use `above: 80%` beside `value:`"
            return Fault("unexpected '%'", token.start, token.end, hint)
    last = lexed[-1]
    if last.binary:
        return Fault(f"nothing follows {last.text!r}", last.start, last.end)
    if lexed[0].binary and lexed[0].text not in {"-", "+"}:
        return Fault(f"nothing stands before {lexed[0].text!r}", lexed[0].start, lexed[0].end)
    for token, after in pairwise(lexed):
        operands = {"name", "number", "string"}
        keyword = {
            "by",
            "without",
            "on",
            "ignoring",
            "group_left",
            "group_right",
            "bool",
            "offset",
            "and",
            "or",
            "unless",
        }
        if token.kind in operands and after.kind in operands and not {token.text.lower(), after.text.lower()} & keyword:
            return Fault(f"unexpected {after.text!r} after {token.text!r}", after.start, after.end)
    return None


def _nothing(_lexed: tuple[Token, ...], _match: re.Match[str]) -> Fault:
    return Fault("the expression is empty", 0, 0)


_RULES: tuple[tuple[re.Pattern[str], _Rule], ...] = (
    (re.compile(r"expected type ([a-z ]+) in call to function ['\"](\w+)['\"], got ([a-z ]+)"), _wrong_argument),
    (re.compile(r"unknown function with name ['\"](\w+)['\"]"), _unknown_function),
    (re.compile(r"unclosed left|unexpected end of input inside|unexpected end of input in grouping"), _unclosed),
    (re.compile(r"unexpected right (?:parenthesis|brace|bracket)"), _surplus),
    (re.compile(r"unterminated (?:quoted|raw) string"), _open_string),
    (re.compile(r"bad number or duration syntax: (\S+)|not a valid duration string: (\S+)"), _bad_number),
    (re.compile(r"unexpected character( inside \w+)?(?: after '.')?: '(.)'", re.DOTALL), _bad_character),
    (re.compile(r'unexpected (?:[a-z]+ )?"([^"]+)" in subquery or range'), _open_range),
    (re.compile(r"unexpected identifier ['\"](\w+)['\"] in label matching, expected string"), _unquoted_value),
    (re.compile(r"no expression found in input"), _nothing),
)
_KEEP_PLACE: frozenset[_Rule] = frozenset({_unclosed, _surplus, _open_string, _wrong_argument})
"""Where our place says more than promtool's: the bracket that is open rather than the end of the text."""
