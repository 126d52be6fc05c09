"""Long forms are those that `quote_plus` makes."""

from urllib.parse import parse_qs, quote_plus

import pytest

from tocsin.adapters.forms import HUGE, LONG, form, quoted

EVERY = "".join(map(chr, range(128)))


@pytest.mark.parametrize("length", [1, LONG, HUGE])
@pytest.mark.parametrize("text", [EVERY, "é" + EVERY, '100%25 + "ä"'])
def test_quoted(text: str, length: int) -> None:
    """Every character of ASCII, and others, at any length."""
    whole = text * (length // len(text) + 1)

    assert quoted(whole) == quote_plus(whole).encode()
    assert parse_qs(form({"query": whole, "time": "1"}).decode()) == {"query": [whole], "time": ["1"]}
