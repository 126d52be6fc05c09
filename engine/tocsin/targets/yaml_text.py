"""YAML text for generated files: one spelling for each value, readable, the same everywhere.

Written by hand because a dumper decides about quotes and line breaks by its version, and because 10,000 objectives
make 190,000 rules.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from tocsin.units import literal

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""Plain words that some YAML version reads as something else than text."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_ASCII = bytes(range(0x20, 0x7F)) + b"\n"
_HALVES = re.compile("[\ud800-\udfff]")


def is_plain(text: str) -> bool:
    """Whether a string needs no quotes: nobody could read it as anything else."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS


@lru_cache(maxsize=1024)
def scalar(text: str) -> str:
    r"""Write a string, plain where nobody could read it as anything else.

    >>> print(scalar("be-camera"), scalar("on"), scalar('up{job="a"}'), scalar("it's\\n"))
    be-camera "on" 'up{job="a"}' "it's\\n"
    """
    if is_plain(text):
        return text
    if "'" not in text and text.isprintable() and ('"' in text or "\\" in text):
        return f"'{text}'"
    quoted = json.dumps(_HALVES.sub("\ufffd", text), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def block(text: str, indent: int) -> str:
    r"""Write a string that may have several lines: as a literal block if that keeps it exactly.

    >>> print(block("a", 2), block("(a\n  or b)", 2))
    a |-
      (a
        or b)
    """
    lines = text.split("\n")
    if len(lines) == 1 or text[0] in " \n" or not lines[-1] or not _printable(text):
        return scalar(text)
    pad = "\n" + " " * indent
    if "" in lines:  # an empty line is not indented
        return "|-" + "".join(pad + line if line else "\n" for line in lines)
    return f"|-{pad}{pad.join(lines)}"


def _printable(text: str) -> bool:
    """Whether all but its line breaks is printable; ASCII, which expressions mostly are, is looked at as bytes."""
    if text.isascii():
        return not text.encode().translate(None, _ASCII)
    return text.replace("\n", "").isprintable()


Yaml = str | int | bool | Decimal | Mapping[str, "Yaml"] | Sequence["Yaml"]


def tree(value: Yaml, indent: int = 0) -> str:
    r"""Write maps and lists in block style, keys in their order.

    >>> print(tree({"a": {"b": ["on", {"c": 1, "d": True}]}, "e": {}}), end="")
    a:
      b:
        - "on"
        - c: 1
          d: true
    e: {}
    """
    pad = " " * indent
    if isinstance(value, Mapping):
        return "".join(f"{pad}{scalar(key)}:{_below(each, indent)}" for key, each in value.items())
    if isinstance(value, str | int | Decimal):
        return f"{pad}{_leaf(value, indent)}\n"
    return "".join(f"{pad}- {_element(each, indent + 2)}" for each in value)


def _below(value: Yaml, indent: int) -> str:
    if isinstance(value, str | int | Decimal) or not value:
        return f" {_leaf(value, indent)}\n"
    return "\n" + tree(value, indent + 2)


def _element(value: Yaml, indent: int) -> str:
    """What stands behind a dash; the first line needs no indentation of its own."""
    if isinstance(value, str | int | Decimal) or not value:
        return f"{_leaf(value, indent - 2)}\n"
    return tree(value, indent)[indent:]


def _leaf(value: Yaml, indent: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return block(value, indent + 2)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return literal(value)
    return "{}" if isinstance(value, Mapping) else "[]"
