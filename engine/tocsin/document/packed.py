"""The places of a document in an eighth of the memory.

A workspace of ten thousand objectives has a million places, and asks for those of one file after the other. So a
document keeps them as numbers, and makes the tree of `Place` anew where somebody asks and it is not at hand.
"""

from array import array
from collections.abc import Iterator
from functools import lru_cache

from tocsin.document.place import Place

_STYLES = (None, "", '"', "'", "|", ">")
_CODES = {style: code for code, style in enumerate(_STYLES)}
_NO_KEY = (-1, -1)
_WIDTH = 6
"""Numbers of a place: its start and end, those of its key, its style, and how many places are directly inside it."""


class Packed:
    """The places of one document, outer ones first, and the keys and indexes that lead to them."""

    __slots__ = ("_numbers", "_steps")

    def __init__(self, root: Place) -> None:
        self._numbers = array("i")
        steps: list[str | int] = []
        waiting: list[tuple[str | int, Place]] = [("", root)]
        while waiting:
            step, place = waiting.pop()
            steps.append(step)
            key = place.key or _NO_KEY
            self._numbers.extend((place.start, place.end, *key, _CODES[place.style], len(place.inner)))
            waiting += reversed(place.inner.items())
        self._steps = tuple(steps)

    def unpacked(self) -> Place:
        """The tree."""
        numbers = iter(self._numbers)
        return _next(zip(*[numbers] * _WIDTH, strict=True), iter(self._steps))[1]


@lru_cache(maxsize=256)
def tree(packed: Packed) -> Place:
    """The tree; not made again while fewer than 256 other documents were looked at."""
    return packed.unpacked()


def _next(numbers: Iterator[tuple[int, ...]], steps: Iterator[str | int]) -> tuple[str | int, Place]:
    """The next place with everything inside it, and the step that leads there."""
    start, end, key_start, key_end, style, count = next(numbers)
    step, place = next(steps), Place(start, end, _STYLES[style])
    if key_end >= 0:
        place.key = (key_start, key_end)
    if count:
        place.inner = dict(_next(numbers, steps) for _ in range(count))
    return step, place
