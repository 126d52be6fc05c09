"""What a plain scalar means: what JSON knows of YAML 1.2, with a warning where YAML 1.1 reads something else."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BOOLEAN = re.compile(r"(?i:y|n|yes|no|on|off)")
_INTEGER_1_1 = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-9_]+|0x[0-9a-fA-F_]+|[1-9][0-9]*_[0-9_]*)")
_QUOTE = "put it in quotes if it is a text"
_MOST_DIGITS = 15
"""A double holds any decimal of this many digits exactly (IEEE 754)."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a scalar is refused (*code* `yaml/scalar`) or worth a warning (`yaml/ambiguous`)."""

    code: str
    message: str
    hint: str


def resolve(text: str) -> tuple[bool | int | float | str | None, Doubt | None]:
    """Read a plain scalar.

    >>> [resolve(text)[0] for text in ("30", "99.9", "99.9%", "010", "12:30", "yes", "~")]
    [30, 99.9, '99.9%', '010', '12:30', 'yes', None]
    """
    if text in WORDS:
        return WORDS[text], None
    if text[0] in "+-.0123456789":
        return _number(text)
    if len(text) <= len("off") and _BOOLEAN.fullmatch(text):
        return text, Doubt(
            "yaml/ambiguous", f"{text} is a text here, but other YAML tools read it as a boolean",
            f'write true or false, or "{text}" if you mean the text',
        )  # fmt: skip
    return text, None


def _number(text: str) -> tuple[int | float | str, Doubt | None]:
    if _INTEGER.fullmatch(text):
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:  # a sign and 19 digits
            return text, Doubt("yaml/scalar", f"{_short(text)} does not fit in 64 bits", _QUOTE)
        return int(text), None
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            return text, Doubt("yaml/scalar", f"{_short(text)} is too large for a number", _QUOTE)
        if len(text) > _MOST_DIGITS and Decimal(text) != Decimal(repr(number)):
            return text, Doubt(
                "yaml/scalar", f"{_short(text)} has more digits than a number can hold, it would become {number!r}",
                "write fewer digits, or put it in quotes",
            )  # fmt: skip
        return number, None
    if _NO_JSON.fullmatch(text):
        return text, Doubt("yaml/scalar", f"{text} is not a number that JSON knows", "write a finite number")
    if _INTEGER_1_1.fullmatch(text):
        return text, Doubt(
            "yaml/ambiguous", f"{_short(text)} is a text here, but other YAML tools read it as a number",
            f'write a plain decimal number, or "{_short(text)}" if you mean the text',
        )  # fmt: skip
    return text, None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
