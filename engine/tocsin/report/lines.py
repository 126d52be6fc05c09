"""Lines of a text as findings count them."""

import re
from functools import lru_cache

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of YAML 1.1."""


@lru_cache(maxsize=16)  # the findings of a file are told one after the other
def lines_of(text: str) -> tuple[str, ...]:
    r"""Split into lines.

    >>> lines_of("a\r\nb\x0cc")
    ('a', 'b\x0cc')
    """
    return tuple(_LINE_BREAK.split(text))
