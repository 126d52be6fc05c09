"""Draw the letters of the graphs in messages (`engine/tocsin/notify/letters.png`) anew, with Chromium and a font.

`python ci/letters.py`; needed only to change the font. Printable ASCII in one row of equal cells, grey on black.
"""

import struct
import tempfile
import zlib
from pathlib import Path

from tocsin.adapters.browser import find_browser, take_picture
from tocsin.notify.raster import CELL, LETTERS, png

TARGET = Path("engine/tocsin/notify/letters.png")


def pixels(data: bytes) -> tuple[int, int, list[bytes]]:
    """Rows of RGB or RGBA, of an 8-bit PNG without interlacing; returns bytes per pixel, width and rows."""
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert depth == 8, depth
    size = {2: 3, 6: 4}[colour]
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw, above, rows = zlib.decompress(packed), bytes(width * size), []
    for number in range(height):
        start = number * (width * size + 1)
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + width * size], above, size)
        rows.append(above)
    return size, width, rows


def _unfiltered(how: int, row: bytes, above: bytes, size: int) -> bytes:
    """https://www.w3.org/TR/png-3/#9Filters."""
    done = bytearray(row)
    for i in range(len(done)):
        left, up, corner = (done[i - size] if i >= size else 0), above[i], (above[i - size] if i >= size else 0)
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda near: abs(guess - near))
        done[i] = (done[i] + (0, left, up, (left + up) // 2, nearest)[how]) % 256
    return bytes(done)


def main() -> None:
    """Draw, read, and keep the grey."""
    wide, high = CELL
    style = f"body{{margin:0;background:#fff}}pre{{margin:0;font:22px/{high}px 'DejaVu Sans Mono';color:#000}}"
    style += f"span{{display:inline-block;width:{wide}px}}"
    text = "".join(f"<span>&#{ord(letter)};</span>" for letter in LETTERS)
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder, "page.html"), Path(folder, "shot.png")
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{style}</style><pre>{text}</pre>", encoding="utf-8")
        take_picture(find_browser(), page, shot, (wide * len(LETTERS), high))
        size, width, rows = pixels(shot.read_bytes())
    grey = [bytes(255 - sum(row[x * size : x * size + 3]) // 3 for x in range(width)) for row in rows[:high]]
    TARGET.write_bytes(png(width, grey, channels=1))


if __name__ == "__main__":
    main()
