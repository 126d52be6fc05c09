"""YAML text for generated files: one spelling for each value, readable, the same everywhere.

Written by hand because a dumper decides about quotes and line breaks by its version, and because 10,000 objectives
make 190,000 rules.
"""

import json
import re
from functools import lru_cache

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""Plain words that some YAML version reads as something else than text."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_HALVES = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=8192)
def scalar(text: str) -> str:
    r"""Write a string, plain where nobody could read it as anything else.

    >>> print(scalar("be-camera"), scalar("on"), scalar('up{job="a"}'), scalar("it's\\n"))
    be-camera "on" 'up{job="a"}' "it's\\n"
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
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
    if len(lines) == 1:
        return scalar(text)
    if not all(line.isprintable() for line in lines) or text[0] in " \n" or text[-1] == "\n":
        return scalar(text)
    pad = "\n" + " " * indent
    return "|-" + "".join(pad + line if line else "\n" for line in lines)
