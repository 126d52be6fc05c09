"""A packed day comes back bit for bit, takes little, and is refused when it is broken."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tests.days import FIRST, day_of, days

from tocsin.ledger.chunk import ChunkError, pack, unpack
from tocsin.ledger.grain import GRAIN, settle
from tocsin.ledger.model import Day


def bits(day: Day) -> tuple[int, bytes, bytes, bytes, bytes]:
    """All that a chunk keeps."""
    across = b"" if day.across is None else day.across.total.tobytes() + day.across.bad.tobytes()
    return day.step, day.total.tobytes(), day.bad.tobytes(), day.covered.tobytes(), across


def again(day: Day) -> Day:
    """There and back."""
    return unpack(day.ref, day.day, day.version, pack(day))


@given(days())
def test_a_day_in_grains_comes_back(day: Day) -> None:
    """To the last bit."""
    assert bits(again(day)) == bits(day)


COUNTS = st.floats(0, 1e300) | st.sampled_from([-0.0, 5e-324, 2.0**53 + 2, 2.0**52 / 60, 1 / 3, 0.1])


@given(arrays.arrays(np.float64, 24, elements=COUNTS), st.floats(0, 1), st.integers(0, 2**24 - 1))
def test_any_floats_come_back(total: Any, share: float, seen: int) -> None:
    """Also those that are no multiple of anything, negative zeros among them."""
    covered = np.array([bool(seen >> hour & 1) for hour in range(24)])
    day = Day("a/b", FIRST, 3600, total, np.minimum(total * share, total), covered)

    assert bits(again(day)) == bits(day)


def traffic(level: float, jitter: float) -> Day:
    """A day of Poisson traffic with a daily wave, scraped every 15 s; increments are divided among minutes."""
    random = np.random.default_rng(7)
    wave = level / 4 * (1 + 0.8 * np.sin(np.arange(5760) / 5760 * 2 * np.pi))
    events = random.poisson(wave).astype(np.float64)
    errors = random.binomial(events.astype(int), 0.001).astype(np.float64)
    later = 0.3 + random.uniform(-jitter, jitter, 5760)

    def minutes(counts: Any) -> Any:
        return (counts * (1 - later) + np.append(0, (counts * later)[:-1])).reshape(1440, 4).sum(axis=1)

    return day_of(*settle(minutes(events), minutes(errors)))


@pytest.mark.parametrize(
    ("name", "day", "most"),
    [
        ("idle", day_of(0), 32),
        ("steady", day_of(600), 64),
        ("0.6 a minute", traffic(0.6, 0.1), 3_000),
        ("600 a minute", traffic(600, 0.1), 5_500),
        ("60,000 a minute", traffic(60_000, 0.1), 8_000),
    ],
)
def test_a_day_takes_little(name: str, day: Day, most: int) -> None:
    """Of the 24,480 bytes that its arrays have: what is random in it, and hardly more."""
    assert len(pack(day)) <= most, name


def test_a_chunk_does_not_depend_on_the_day_before() -> None:
    """Equal days are equal bytes, so that a statement is compared without being read."""
    assert pack(day_of(3.5)) == pack(day_of(3.5, day=date(2026, 4, 1)))


@given(days(), st.data())
def test_a_broken_chunk_is_no_day(day: Day, data: st.DataObject) -> None:
    """One byte that is another, an end that is missing, something behind: never a day that was not packed."""
    chunk = pack(day)
    at = data.draw(st.integers(0, len(chunk) - 1))
    other = bytes([chunk[at] ^ data.draw(st.integers(1, 255))])
    for broken in (chunk[:at] + other + chunk[at + 1 :], chunk[:at], chunk + b"x"):
        try:
            found = unpack(day.ref, day.day, 1, broken)
        except ChunkError:
            continue
        assert bits(found) == bits(day)  # some bits of zlib's own header say nothing about the content


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x00\x00", b"\x3c\x00\x00\x00", b"\x07\x00\x00\x00" + b"\xff" * 99])
def test_what_inflates_need_not_be_a_day(content: bytes) -> None:
    """Each field is looked at."""
    import zlib

    with pytest.raises(ChunkError, match="its content is no day"):
        unpack("a/b", FIRST, 1, b"\x01" + zlib.compress(content))


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1)), min_size=1, max_size=50))
def test_rounding_to_grains_adds_up_to_nothing(slices: list[tuple[float, float]]) -> None:
    """Any stretch of slices is within a grain (of good and of bad) of what it was, and no slice has bad over total."""
    total = np.array([count for count, _ in slices])
    bad = np.array([count * share for count, share in slices])
    whole, fails = settle(total, bad)
    loose = 2 * GRAIN + 1e-6

    assert (fails <= whole).all()
    assert (np.rint(whole / GRAIN) * GRAIN == whole).all()
    assert np.abs(np.cumsum(whole) - np.cumsum(total)).max() <= loose / 2
    assert np.abs(np.cumsum(fails) - np.cumsum(bad)).max() <= loose / 4
