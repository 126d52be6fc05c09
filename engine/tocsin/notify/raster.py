"""A canvas of pixels, with lines, letters and an encoder: all that a graph in a message needs, and no library; pure.

Colours are (red, green, blue), coordinates are pixels from the upper left corner and may lie between pixels. The
letters come from `letters.png` (DejaVu Sans Mono, drawn once by `ci/letters.py`).
"""

import struct
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import ceil, floor, hypot

Colour = tuple[int, int, int]
CELL = (13, 26)
"""Pixels across and down of one letter."""
LETTERS = "".join(map(chr, range(32, 127)))


class Canvas:
    """So many pixels across and down, white."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(b"\xff" * (3 * width)) for _ in range(height)]

    def dot(self, x: int, y: int, colour: Colour, cover: float = 1.0) -> None:
        """Cover a part (0 to 1) of one pixel; what lies outside is left out."""
        if not (0 <= x < self.width and 0 <= y < self.height):
            return
        row, at = self._rows[y], 3 * x
        for i, wanted in enumerate(colour):
            row[at + i] += round((wanted - row[at + i]) * min(cover, 1.0))

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, *, cover: float = 1.0) -> None:
        """Cover an area, which ends between pixels where it does."""
        for y in range(floor(top), ceil(bottom)):
            down = min(y + 1, bottom) - max(y, top)
            for x in range(floor(left), ceil(right)):
                self.dot(x, y, colour, cover * down * (min(x + 1, right) - max(x, left)))

    def level(self, y: float, left: int, right: int, colour: Colour, *, thick: float = 2.0, dash: int = 0) -> None:
        """A line across, in dashes of so many pixels where *dash* says so."""
        for start in range(left, right, 2 * dash or right - left):
            self.box(start, y - thick / 2, min(start + (dash or right - left), right), y + thick / 2, colour)

    def curve(self, points: Sequence[tuple[float, float]], colour: Colour, thick: float = 4.0) -> None:
        """A line through *points*, from left to right: column by column, as high and as wide as makes it as thick."""
        for (x0, y0), (x1, y1) in pairwise(points):
            slope = abs((y1 - y0) / (x1 - x0 or 1))
            half, side = thick / 2 * min(hypot(1, slope), 5), (thick - 1) / 2 * slope / hypot(1, slope)
            for x in range(floor(x0), max(floor(x1), floor(x0) + 1)):
                a, b = (y0 + (y1 - y0) * min(max((at - x0) / (x1 - x0 or 1), 0), 1) for at in (x, x + 1))
                top, bottom = sorted((a, b))
                self.box(x - side, min(top, (a + b) / 2 - half), x + 1 + side, max(bottom, (a + b) / 2 + half), colour)

    def write(self, x: float, y: float, text: str, colour: Colour) -> None:
        """Write from (*x*, *y*), the upper left corner of the first letter; what is not ASCII becomes `?`."""
        wide, high = CELL
        rows = _letters()
        for number, letter in enumerate(text):
            at = wide * LETTERS.index(letter if letter in LETTERS else "?")
            for down in range(high):
                for across, grey in enumerate(rows[down][at : at + wide]):
                    if grey:
                        self.dot(round(x) + number * wide + across, round(y) + down, colour, grey / 255)

    def encoded(self) -> bytes:
        """As a PNG file."""
        return png(self.width, self._rows, channels=3)


def png(width: int, rows: Sequence[bytes | bytearray], channels: int) -> bytes:
    """Eight bits for each channel: 1 is grey, 3 are colours. https://www.w3.org/TR/png-3/."""
    head = struct.pack(">IIBBBBB", width, len(rows), 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@cache
def _letters() -> tuple[bytes, ...]:
    """The rows of the picture of letters, which `png` has written."""
    data = files("tocsin.notify").joinpath("letters.png").read_bytes()
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    raw, width = zlib.decompress(data[start + 4 : start + 4 + length]), CELL[0] * len(LETTERS)
    return tuple(raw[row * (width + 1) + 1 : (row + 1) * (width + 1)] for row in range(CELL[1]))
