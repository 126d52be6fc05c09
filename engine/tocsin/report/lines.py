"""Lines of a text as findings count them."""

import re

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of YAML 1.1."""


def lines_of(text: str) -> list[str]:
    r"""Split into lines.

    >>> lines_of("a\r\nb\x0cc")
    ['a', 'b\x0cc']
    """
    return _LINE_BREAK.split(text)
