"""A selector with lists of values as one selector for each value."""

import re
from itertools import product

from tocsin.promql import label_value, tidy

MOST = 100
"""More values than this are left to one `absent()`, which then speaks only when all are gone."""
_WORD = "[A-Za-z0-9_:/ -]+"
_LIST = re.compile(rf'(?P<before>[{{,]\s*)(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)\s*=~\s*"(?P<values>{_WORD}(?:\|{_WORD})*)"')


def one_value_each(selector: str) -> tuple[str, ...]:
    """Split matchers that list plain values; anything else about the selector is kept.

    >>> one_value_each('up{job=~"a|b",zone="1"}')
    ('up{job="a",zone="1"}', 'up{job="b",zone="1"}')
    >>> one_value_each('up{job=~"a.*"}')
    ('up{job=~"a.*"}',)
    """
    text = tidy(selector)
    found = list(_LIST.finditer(text)) if not {"'", "`"} & set(text) else []  # a list may be a part of such a text
    choices = [match["values"].split("|") for match in found]
    count = 1
    for values in choices:
        count *= len(values)
    if not found or count > MOST:
        return (text,)
    return tuple(_put(text, found, values) for values in product(*choices))


def _put(text: str, found: list[re.Match[str]], values: tuple[str, ...]) -> str:
    parts, position = [], 0
    for match, value in zip(found, values, strict=True):
        parts += [text[position : match.start()], match["before"], match["name"], "=", label_value(value)]
        position = match.end()
    return "".join((*parts, text[position:]))
