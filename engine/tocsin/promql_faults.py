"""What is wrong with a PromQL text: in words, with a place inside the text, and what to write instead.

promql-parser gives the first opinion, in process. It knows no positions, so the place is found by its words and a
small lexer; promtool's own position, where there is one, wins.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import promql_parser

LONGEST = 20_000
"""Characters that are parsed at all."""

DEEPEST = 100
"""Brackets inside each other; 10,000 of them end promql-parser in a segmentation fault."""

MOST_OPERATORS = 1_000
"""Binary and unary operators; a chain of 10,000 ends the process as well."""

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

_LEXER = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<open>["'`].*)
    |(?P<number>(?:[0-9]+\.?|\.[0-9])[0-9a-zA-Z.]*)
    |(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<operator>==|!=|=~|!~|>=|<=|&&|\|\||[-+*/%^<>=!])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of PromQL; *kind* is string, open (a string without an end), number, name, operator or other."""

    kind: str
    text: str
    start: int
    end: int
    depth: str = ""
    """The brackets that are open here, such as `({`."""

    @property
    def binary(self) -> bool:
        """Whether it joins two operands."""
        return self.kind == "operator" or (self.kind == "name" and self.text.lower() in _WORD_OPERATORS)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the characters [start, end) of a text."""

    message: str
    start: int
    end: int
    hint: str | None = None


def tokens(text: str) -> tuple[Token, ...]:
    """Split into tokens, without white space and comments.

    >>> [t.text for t in tokens('rate(x{a="b"}[5m]) # why')]
    ['rate', '(', 'x', '{', 'a', '=', '"b"', '}', '[', '5m', ']', ')']
    """
    found: list[Token] = []
    depth = ""
    for match in _LEXER.finditer(text):
        kind = match.lastgroup or "other"
        if kind == "skip":
            continue
        if match[0] in _CLOSERS and depth.endswith(_CLOSERS[match[0]]):
            depth = depth[:-1]
        found.append(Token(kind, match[0], match.start(), match.end(), depth))
        if match[0] in _CLOSERS.values():
            depth += match[0]
    return tuple(found)


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
        return promql_parser.parse(text)
    except ValueError as error:
        return explain(text, str(error))
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's panic is no Exception
            raise
        return Fault("the parser gives up on this expression", 0, len(text))


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
    plain = Fault(said, 0, len(text), likely.hint if likely else None)
    return _placed(plain, lexed, offset)


def byte_offset(text: str, line: int, column: int) -> int:
    """Map Prometheus' line and column (from 1, in UTF-8 bytes) to an offset in characters.

    >>> byte_offset('a{b="é"} + x', 1, 13)
    11
    """
    lines = text.split("\n")
    before = sum(len(each) + 1 for each in lines[: line - 1])
    encoded = lines[line - 1].encode() if line <= len(lines) else b""
    return min(before + len(encoded[: max(column - 1, 0)].decode("utf-8", "ignore")), len(text))


def _placed(fault: Fault, lexed: tuple[Token, ...], offset: int | None, *, keep: bool = False) -> Fault:
    """Move *fault* to the token at *offset*; behind the last token, to the last token."""
    if offset is None or not lexed or (keep and fault.end > fault.start):
        return fault
    at = next((token for token in lexed if token.start <= offset < token.end), None)
    at = at or next((token for token in lexed if token.start >= offset), lexed[-1])
    return replace(fault, start=at.start, end=at.end)


# --- one function per kind of message ----------------------------------------------------------------------

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
        if token.text in _CLOSERS.values():
            opened.append(token)
        elif token.text in _CLOSERS and opened and opened[-1].text == _CLOSERS[token.text]:
            opened.pop()
    if not opened:
        return None
    return Fault(f"this {opened[-1].text!r} is never closed", opened[-1].start, opened[-1].end)


def _surplus(lexed: tuple[Token, ...], _match: re.Match[str]) -> Fault | None:
    opened: list[str] = []
    for token in lexed:
        if token.text in _CLOSERS.values():
            opened.append(token.text)
        elif token.text in _CLOSERS and (not opened or opened.pop() != _CLOSERS[token.text]):
            return Fault(f"this {token.text!r} closes nothing", token.start, token.end)
    return None


def _open_string(lexed: tuple[Token, ...], _match: re.Match[str]) -> Fault | None:
    at = next((token for token in lexed if token.kind == "open"), None)
    return Fault(f"the string that begins here has no closing {at.text[0]}", at.start, at.start + 1) if at else None


def _bad_number(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    text = match[1].strip('"')
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
        hint = "write a duration without spaces, such as [5m]"
    return Fault(f"unexpected {char!r}{where}", at.start if at else 0, at.end if at else 0, hint)


def _unquoted_value(lexed: tuple[Token, ...], match: re.Match[str]) -> Fault:
    at = next((t for t in lexed if t.text == match[1] and t.depth.endswith("{")), None)
    hint = f'put the label\'s value into quotes: "{match[1]}"'
    return Fault(f"unexpected {match[1]} where a string is wanted", at.start if at else 0, at.end if at else 0, hint)


def _likely(lexed: tuple[Token, ...]) -> Fault | None:
    """Guess what a parser means that only says that something is wrong."""
    if not lexed:
        return None
    for token, after in zip(lexed, (*lexed[1:], None), strict=False):
        outside = not token.depth.endswith(("{", "["))
        if outside and token.text == "=":
            return Fault("unexpected '='", token.start, token.end, "compare with ==")
        if outside and token.text == "%" and (after is None or after.binary or after.text in _CLOSERS):
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
    (re.compile(r"unexpected character( inside \w+)?(?: after '.')?: '(.)'"), _bad_character),
    (re.compile(r"unexpected identifier ['\"](\w+)['\"] in label matching, expected string"), _unquoted_value),
    (re.compile(r"no expression found in input"), _nothing),
)
_KEEP_PLACE: frozenset[_Rule] = frozenset({_unclosed, _surplus, _open_string, _wrong_argument})
"""Where our place says more than promtool's: the bracket that is open rather than the end of the text."""
