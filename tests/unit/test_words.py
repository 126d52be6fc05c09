"""Numbers as people read them: every float has words."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.evaluate.words import error_percent, fill, number, percent, span, times

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(ANY)
@example(1e25)
@example(1e14)
@example(-1.7e308)
@example(5e-324)
def test_every_float_has_words(value: float) -> None:
    """Whatever a source answers can be said, briefly."""
    template = "{{ value }} {{ value | percent }} {{ value | duration }} {{ $value | humanize }} {{ labels.a }}"
    texts = [percent(value), error_percent(value), number(value), times(value), fill(template, {"a": "b"}, value)]

    assert [text for text in texts if not 0 < len(text) <= 90] == []


@given(st.timedeltas())
def test_every_length_of_time_has_words(length: timedelta) -> None:
    """Lengths below zero have a sign, and otherwise the words of their size."""
    assert span(length).removeprefix("-") == span(abs(length))


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (percent(1e25), "1e+27%"),
        (percent(Decimal("1e25")), "1e+27%"),
        (percent(float("inf")), "inf"),
        (percent(Decimal("0.99999")), "99.999%"),
        (percent(Decimal("0.9999999999999")), "99.9999999999%"),
        (percent(Decimal("999999999999999.123456789012")), "99999999999999912.3456789012%"),
        (percent(0.99999), "99.99%"),
        (number(1e20), "1e+20"),
        (number(1e-12), "1e-12"),
        (number(1e-9), "0.000000001"),
        (span(timedelta(seconds=-90)), "-1m 30s"),
        (fill("{{ value | duration }}", {}, 1e14), "1157407407d"),
        (fill("{{ value | duration }}", {}, 5400.0), "1h 30m"),
    ],
)
def test_extremes(got: str, expected: str) -> None:
    """What is too large or too small for digits is written with an exponent."""
    assert got == expected
