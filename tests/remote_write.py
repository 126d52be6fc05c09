"""Prometheus' remote-write protocol, as much of it as is needed to send native histograms: nothing else can say them.

The message is protobuf (prompb/types.proto) in snappy's block format; literals alone are valid snappy.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.request import ProxyHandler, Request, build_opener

_LITERAL = 60_000
"""Bytes of one snappy literal, whose length is told in two bytes."""


@dataclass(frozen=True)
class Histogram:
    """A native histogram of schema 0: bucket *n* holds what is above 2^(n-1) and at most 2^n; counts are cumulative."""

    buckets: Mapping[int, int]
    sum: float = 0.0


Value = Histogram | float


def push(url: str, series: Mapping[tuple[tuple[str, str], ...], Iterable[tuple[int, Value]]]) -> None:
    """Send series (labels, `__name__` among them, with their samples at unix milliseconds) to a Prometheus."""
    body = b"".join(_message(1, _series(labels, samples)) for labels, samples in series.items())
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    request = Request(f"{url}/api/v1/write", data=_snappy(body), headers=headers)
    with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 204


def _series(labels: Sequence[tuple[str, str]], samples: Iterable[tuple[int, Value]]) -> bytes:
    parts = [_message(1, _message(1, name.encode()) + _message(2, value.encode())) for name, value in sorted(labels)]
    for at, value in samples:
        if isinstance(value, Histogram):
            parts.append(_message(4, _histogram(value, at)))
        else:
            parts.append(_message(2, _double(1, value) + _integer(2, at)))
    return b"".join(parts)


def _histogram(histogram: Histogram, at: int) -> bytes:
    places = sorted(histogram.buckets)
    counts = [histogram.buckets[place] for place in places]
    deltas = [now - before for before, now in zip([0, *counts], counts, strict=False)]
    spans = b""
    for before, place in zip([None, *places], places, strict=False):
        offset = place if before is None else place - before - 1
        spans += _message(11, _integer(1, _zigzag(offset)) + _integer(2, 1))
    return (
        _integer(1, sum(counts))
        + _double(3, histogram.sum)
        + _integer(4, 0)
        + _double(5, 2.0**-128)
        + _integer(6, 0)
        + spans
        + _message(12, b"".join(_varint(_zigzag(delta)) for delta in deltas))
        + _integer(15, at)
    )


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _zigzag(value: int) -> int:
    return 2 * value if value >= 0 else -2 * value - 1


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _snappy(content: bytes) -> bytes:
    out = _varint(len(content))
    for start in range(0, len(content), _LITERAL):
        part = content[start : start + _LITERAL]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return out
