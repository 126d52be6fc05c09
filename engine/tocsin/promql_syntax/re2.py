r"""Whether Prometheus can compile a regular expression: the syntax of Go's RE2, which is not Python's.

RE2 knows no look-around, no back references and no repetition of a repetition, but `\Q…\E`, `[[:alpha:]]` and `\pL`.
See https://github.com/google/re2/wiki/Syntax.
"""

import re
import warnings
from functools import lru_cache

_PLAIN = re.compile(
    r"(?:[\w\-/:,;@#%&=<>~!\"' ]+|\.[*+]?|\\[.dwsDWS])*(?:\|(?:[\w\-/:,;@#%&=<>~!\"' ]+|\.[*+]?|\\[.dwsDWS])+)*"
)
"""What most of them are: words, dots and bars; nothing that could be wrong."""
_PIECE = re.compile(
    r"""(?P<quoted>\\Q.*?(?:\\E|\Z))
    |(?P<escape>\\(?:[pP](?:\{\^?[A-Za-z_]+\}|[A-Z])|x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\}|0[0-7]{0,2}|[1-7][0-7]{1,2}
        |[AbBdDsSwWzaftnrv]|[\x00-/:-@\[-`{-\x7f]))
    |(?P<wrong>\\.?)
    |(?P<open>\((?:\?(?:P?<[A-Za-z_]\w*>|[imsU]*(?:-[imsU]+)?:))?(?!\?))
    |(?P<flags>\(\?[imsU]*(?:-[imsU]+)?\))
    |(?P<look>\(\?.?.?)
    |(?P<close>\))
    |(?P<bar>\|)
    |(?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)
    |(?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    |(?P<unset>\[)
    |(?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_SET_ITEM = re.compile(
    r"\[:\^?(?P<name>\w+):\]|(?P<kind>\\[dDsSwW]|\\[pP](?:\{\^?\w+\}|[A-Z]))"
    r"|(?P<low>\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\[0-7]{1,3}|\\.|.)(?:-(?P<high>\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\.|[^\]\\]))?",
    re.DOTALL,
)
_NAMES = frozenset(
    [
        "alnum",
        "alpha",
        "ascii",
        "blank",
        "cntrl",
        "digit",
        "graph",
        "lower",
        "print",
        "punct",
        "space",
        "upper",
        "word",
        "xdigit",
    ]
)
_MOST = 1000
"""Repetitions that RE2 allows at most."""


@lru_cache(maxsize=8192)
def refusal(pattern: str) -> str | None:
    r"""Why Prometheus refuses *pattern*, or None.

    >>> refusal("a|b.*"), refusal(r"(?!up)")
    (None, 'look-ahead and look-behind are not possible')
    """
    if _PLAIN.fullmatch(pattern):
        return None
    opened, before = 0, "open"
    for match in _PIECE.finditer(pattern):
        kind, piece = match.lastgroup or "plain", match[0]
        if kind == "look":
            return "look-ahead and look-behind are not possible" if piece[2:3] in set("=!<") else f"{piece} is no group"
        if kind == "wrong":
            return f"{piece} is no escape" if len(piece) > 1 else "it ends in a backslash"
        if kind == "unset":
            return "a [ is never closed"
        if kind == "set" and (why := _set_refusal(piece)):
            return why
        if kind == "repeat" and (why := _repeat_refusal(piece, before)):
            return why
        opened += (kind == "open") - (kind == "close")
        if opened < 0:
            return "a ) closes nothing"
        before = kind
    return "a ( is never closed" if opened else None


def _repeat_refusal(piece: str, before: str) -> str | None:
    if before in {"open", "bar", "flags"}:
        return f"nothing stands before {piece} that could be repeated"
    if before == "repeat":
        return f"{piece} repeats a repetition"
    numbers = [int(n) for n in re.findall("[0-9]+", piece)]
    if any(number > _MOST for number in numbers) or numbers != sorted(numbers):
        return f"{piece} is no number of repetitions (at most {_MOST})"
    return None


def _set_refusal(piece: str) -> str | None:
    inner = piece[1:-1].removeprefix("^")
    for match in _SET_ITEM.finditer(inner):
        if match["name"] and match["name"] not in _NAMES:
            return f"{match[0]} is no class of characters"
        low, high = match["low"], match["high"]
        for each in (low, high):
            if each and each[0] == "\\" and re.fullmatch(r"\\[A-Za-z89]", each) and each[1] not in "aftnrv":
                return f"{each} is no escape inside brackets"
        if low and high and _code(low) > _code(high):
            return f"{match[0]} is no range of characters"
    return None


def _code(item: str) -> int:
    if item[0] != "\\":
        return ord(item)
    digits = item[2:].strip("{}") if item[1] == "x" else ""
    return int(digits, 16) if digits else ord({"n": "\n", "t": "\t", "r": "\r"}.get(item[1], item[1]))


def matches_nothing(pattern: str) -> bool:
    """Whether the empty text matches *pattern*, as far as Python can tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of [[:alpha:]], which Python may read otherwise one day
        try:
            return re.fullmatch(pattern, "", re.DOTALL) is not None
        except (re.error, RecursionError, OverflowError):
            return False
