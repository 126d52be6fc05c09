"""A day of the ledger as a few hundred bytes, and back, bit for bit.

Counts are seldom arbitrary floats: they are whole, or multiples of a small part of one event (`tocsin.ledger.grain`;
a sixtieth where a second's share of an increment was taken). So each array is written as whole numbers of such parts,
as they are or as differences, plus what rounding left over, which is mostly zeros; bytes of equal weight stand
together, and zlib does the rest. What fits no part is written as the bits it has.
"""

import struct
import zlib
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from tocsin.ledger.arrays import Floats
from tocsin.ledger.model import DAY, Across, Day

FORMAT = 2
BARE = 1
"""The format of days that do not say what came over the starts of slices."""
PARTS = (1, 1024, 60, 1000, 60_000)
"""Of one event, tried in this order; the position is what is stored."""
_BITS = len(PARTS)
"""In place of a position: the floats' own bits."""
_HEAD = struct.Struct("<I")
_BLOCK = struct.Struct("<BBI")
_LEVEL = 6
_EXACT = 2.0**53
_LARGEST = 16 * 8 * DAY
"""Bytes that the content of a day can have; more is no chunk of ours."""

Ints = NDArray[np.int64]


class ChunkError(ValueError):
    """Bytes that are no chunk, or no longer."""


def pack(day: Day) -> bytes:
    """Pack the arrays of a day; its reference, date and version are the caller's to keep."""
    marks = np.packbits(day.covered).tobytes()
    across = (_floats(day.across.total), _floats(day.across.bad)) if day.across else ()
    content = b"".join((_HEAD.pack(day.step), _floats(day.total), _floats(day.bad), marks, *across))
    return bytes([FORMAT if across else BARE]) + zlib.compress(content, _LEVEL)


def unpack(ref: str, day: date, version: int, chunk: bytes) -> Day:
    """Unpack what `pack` made; raises ChunkError for anything else."""
    if not chunk or chunk[0] not in {BARE, FORMAT}:
        raise ChunkError(f"format {chunk[0]} is not known" if chunk else "it is empty")
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(chunk[1:], _LARGEST)
    except zlib.error as error:
        raise ChunkError(f"it does not inflate: {error}") from error
    if not inflater.eof or inflater.unused_data:
        raise ChunkError("it is cut off, or something is behind it")
    try:
        return _read(ref, day, version, content, across=chunk[0] == FORMAT)
    except (struct.error, ValueError, IndexError) as error:
        raise ChunkError(f"its content is no day: {error}") from error


def _read(ref: str, day: date, version: int, content: bytes, *, across: bool) -> Day:
    reader = _Reader(content)
    (step,) = reader.fields(_HEAD)
    if step < 1 or DAY % step:
        raise ValueError(f"slices of {step} s do not tile a day")
    count = DAY // step
    total, bad = reader.floats(count), reader.floats(count)
    marks = np.frombuffer(reader.take((count + 7) // 8), dtype=np.uint8)
    covered = np.unpackbits(marks, count=count).astype(np.bool_)
    over = Across(reader.floats(count), reader.floats(count)) if across else None
    if reader.place != len(content):
        raise ValueError("there is more than a day")
    return Day(ref, day, step, total, bad, covered, version, over)


def _floats(values: Floats) -> bytes:
    """Whole parts and remainders, or bits."""
    for code, part in enumerate(PARTS):
        rounded = np.rint(values * part)
        if rounded.max(initial=0) >= _EXACT:
            break
        whole = rounded.astype(np.int64)
        left = _bits(values) - _bits(whole / part)
        if np.abs(left).max(initial=0) < 128:  # units in the last place
            return _ints(code, whole) + _ints(code, left)
    return _ints(_BITS, _bits(values))


def _bits(values: Floats) -> Ints:
    return np.ascontiguousarray(values).view(np.int64)


def _ints(code: int, values: Ints) -> bytes:
    """Values or differences, whichever are smaller; without the bytes that are zero in all of them."""
    steps = np.diff(values, prepend=np.int64(0))
    differ = int(np.abs(steps.astype(np.float64)).sum() < np.abs(values.astype(np.float64)).sum())
    chosen = steps if differ else values
    folded = (chosen << 1) ^ (chosen >> 63)  # the sign in the lowest bit, so that small numbers are short
    planes = np.ascontiguousarray(folded).view(np.uint8).reshape(-1, 8).T
    width = int(np.flatnonzero(planes.any(axis=1)).max(initial=-1)) + 1
    return _BLOCK.pack(code << 1 | differ, width, len(values)) + planes[:width].tobytes()


@dataclass(slots=True)
class _Reader:
    content: bytes
    place: int = 0

    def take(self, size: int) -> bytes:
        piece = self.content[self.place : self.place + size]
        if len(piece) < size:
            raise ValueError("it ends too early")
        self.place += size
        return piece

    def fields(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack(self.take(form.size))

    def floats(self, count: int) -> Floats:
        code, values = self._ints(count)
        if code == _BITS:
            return values.view(np.float64)
        if code > _BITS:
            _unknown(code)
        again, left = self._ints(count)
        if again != code:
            _unknown(again)
        whole: Floats = values.astype(np.float64) / PARTS[code]
        return (_bits(whole) + left).view(np.float64)

    def _ints(self, count: int) -> tuple[int, Ints]:
        mark, width, size = self.fields(_BLOCK)
        if size != count or width > 8:
            raise ValueError(f"{size} numbers of {width} bytes where {count} are due")
        planes = np.zeros((8, count), dtype=np.uint8)
        planes[:width] = np.frombuffer(self.take(width * count), dtype=np.uint8).reshape(width, count)
        folded = np.ascontiguousarray(planes.T).view(np.uint64).reshape(-1)
        values = ((folded >> 1) ^ (~(folded & 1) + 1)).view(np.int64)
        return mark >> 1, np.cumsum(values) if mark & 1 else values


def _unknown(code: int) -> NoReturn:
    raise ValueError(f"numbers of kind {code} are not known")
