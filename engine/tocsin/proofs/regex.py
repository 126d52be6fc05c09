"""A string for a regular expression: what a label has to be so that a matcher finds it."""

import re
from importlib import import_module
from typing import Any

_PARSER: Any = import_module("re._parser")  # the standard library's own; it has no public name
_MOST = 64
"""Characters of an example; what needs more is given up."""


def example(pattern: str, fills: str = "x0") -> str | None:
    """The shortest obvious string that *pattern* matches whole, or None where none is found.

    *fills* are tried for any character; beside digits the last one is taken.

    >>> example("5.."), example("a|b"), example("(GET|POST)-[0-9]{3}"), example(".+"), example("5..", "y3")
    ('500', 'a', 'GET-000', 'x', '533')
    """
    if "[[" in pattern:  # Python warns that it may mean something else one day; Prometheus means a bracket
        return None
    for fill in fills:
        try:
            text = _sequence(_PARSER.parse(pattern), _Fill(pattern, fill, fills[-1]))
            if len(text) <= _MOST and re.fullmatch(pattern, text):
                return text
        except (re.error, ValueError, RecursionError, OverflowError):
            return None
    return None


class _Fill:
    """What stands for "any character": digits beside digits, else letters."""

    def __init__(self, pattern: str, letter: str, digit: str) -> None:
        self.any = digit if re.search(r"\d\.", pattern) else letter


def _sequence(items: Any, fill: _Fill) -> str:
    return "".join(_one(str(op), argument, fill) for op, argument in items)


def _one(op: str, argument: Any, fill: _Fill) -> str:
    match op:
        case "LITERAL":
            return chr(argument)
        case "ANY":
            return fill.any
        case "NOT_LITERAL":
            return "y" if chr(argument) == fill.any else fill.any
        case "IN":
            return _in(argument)
        case "BRANCH":
            return _sequence(argument[1][0], fill)
        case "SUBPATTERN":
            return _sequence(argument[-1], fill)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, what = argument
            # `.*` alone would be the empty string, which is the label that is not there
            times = max(least, 1) if int(most) >= 1 and str(what[0][0]) in {"ANY", "IN"} else least
            return _sequence(what, fill) * min(int(times), _MOST + 1)
        case "AT" | "ASSERT" | "ASSERT_NOT":
            return ""
        case _:
            raise ValueError(op)


def _in(choices: Any) -> str:
    negated = str(choices[0][0]) == "NEGATE"
    accepts = [each for each in choices if str(each[0]) != "NEGATE"]
    for candidate in "0axA_-. /:":
        if negated != any(_accepts(str(op), argument, candidate) for op, argument in accepts):
            return candidate
    op, argument = accepts[0]
    return chr(argument if str(op) == "LITERAL" else argument[0]) if str(op) in {"LITERAL", "RANGE"} else "0"


def _accepts(op: str, argument: Any, character: str) -> bool:
    match op:
        case "LITERAL":
            return ord(character) == int(argument)
        case "RANGE":
            return int(argument[0]) <= ord(character) <= int(argument[1])
        case "CATEGORY":
            classes = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}
            kind = str(argument).removeprefix("CATEGORY_")
            wanted = re.fullmatch(classes.get(kind.removeprefix("NOT_"), r"\w"), character)
            return (wanted is None) == kind.startswith("NOT_")
        case _:
            return False
