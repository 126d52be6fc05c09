"""The graph of an alert as a PNG: its value over time, its threshold, and since when it is open; pure.

Drawn with twice as many pixels as it is shown with, for screens that have them. 20 kB, some 0.1 CPU seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, isfinite, log10

from tocsin.notify.raster import CELL, Canvas, Colour
from tocsin.ports import Graph, RangeRow

WIDTH, HEIGHT = 960, 400
SHOWN = (WIDTH // 2, HEIGHT // 2)
"""Pixels of a page that it takes."""
MOST_SERIES = 5
_LEFT, _RIGHT, _TOP, _BOTTOM = 130, 940, 48, 350
_INK, _SOFT, _GRID = (60, 60, 60), (110, 110, 110), (226, 226, 226)
_BOUND, _GROUND = (179, 38, 30), (255, 255, 255)
_LINES: tuple[Colour, ...] = ((31, 95, 168), (27, 110, 60), (138, 90, 0), (110, 60, 140), (110, 110, 110))
_STEPS = tuple(timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))
_MOST_MARKS = 6
_NOTHING, _ALIKE = 1e-200, 1e-9
"""Below these a value is 0, and two values are one."""
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where times and values go."""

    start: float
    end: float
    low: float
    high: float

    def x(self, at: float) -> float:
        return _LEFT + (at - self.start) / (self.end - self.start) * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return _BOTTOM - min(max(part, -0.05), 1.05) * (_BOTTOM - _TOP)


def draw(
    graph: Graph, rows: Sequence[RangeRow], start: datetime, end: datetime, *, step: timedelta, began: datetime
) -> bytes | None:
    """Draw *rows* from *start* to *end*, a value each *step*, in which an alert *began*; None for nothing to see."""
    curves = [curve for row in rows[:MOST_SERIES] if (curve := _finite(row))]
    if not curves:
        return None
    values = [value for curve in curves for _, value in curve]
    marks = scale(min(*values, *graph.bounds, values[0]), max(*values, *graph.bounds, values[0]))
    plot = _Plot(start.timestamp(), end.timestamp(), marks[0], marks[-1])
    canvas = Canvas(WIDTH, HEIGHT)
    _grid(canvas, plot, marks, start, end, percent=graph.percent)
    for number, curve in reversed(list(enumerate(curves))):
        for part in _unbroken(curve, 3 * step.total_seconds()):
            points = [(plot.x(at), plot.y(value)) for at, value in part]
            if len(points) == 1:
                points.append((points[0][0] + 4, points[0][1]))
            canvas.curve(points, _LINES[number])
    for bound in graph.bounds:
        text = f"threshold {said(bound, percent=graph.percent)}"
        level = plot.y(bound)
        canvas.level(level, _LEFT, _RIGHT, _BOUND, dash=14)
        above = level - CELL[1] - 2
        top = above if above > _TOP - 8 else level + 4
        canvas.box(_LEFT + 4, top, _LEFT + 12 + len(text) * CELL[0], top + CELL[1], _GROUND, cover=0.8)
        canvas.write(_LEFT + 8, top, text, _BOUND)
    canvas.write(_LEFT, 8, graph.what, _INK)
    _since(canvas, plot, began, len(graph.what))
    return canvas.encoded()


def _since(canvas: Canvas, plot: _Plot, began: datetime, letters: int) -> None:
    """Mark where it began, if that is to be seen."""
    x = plot.x(began.timestamp())
    if not _LEFT <= x <= _RIGHT:
        return
    for y in range(_TOP - 8, _BOTTOM, 12):
        canvas.box(x - 1, y, x + 1, y + 6, _SOFT)
    text = f"since {began.astimezone(UTC):%H:%M}"
    at = min(x - len(text) * CELL[0] / 2, _RIGHT - len(text) * CELL[0])
    if at > _LEFT + (letters + 1) * CELL[0]:
        canvas.write(at, 8, text, _SOFT)


def _grid(
    canvas: Canvas, plot: _Plot, marks: Sequence[float], start: datetime, end: datetime, *, percent: bool
) -> None:
    for mark in marks:
        canvas.level(plot.y(mark), _LEFT, _RIGHT, _GRID)
        text = said(mark, percent=percent)
        canvas.write(_LEFT - 12 - len(text) * CELL[0], plot.y(mark) - CELL[1] / 2, text, _SOFT)
    for at in _times(start, end):
        x = plot.x(at.timestamp())
        canvas.box(x - 1, _TOP, x + 1, _BOTTOM, _GRID)
        text = f"{at:%H:%M}" if end - start <= timedelta(days=1) else f"{at:%d %H:%M}"
        canvas.write(min(x - len(text) * CELL[0] / 2, WIDTH - len(text) * CELL[0]), _BOTTOM + 14, text, _SOFT)
    canvas.write(8, _BOTTOM + 14, "UTC", _SOFT)


def _times(start: datetime, end: datetime) -> Iterator[datetime]:
    """Round times between *start* and *end*, a few of them."""
    every = next((each for each in _STEPS if (end - start) / each <= _MOST_MARKS), _STEPS[-1])
    first = ceil(start.timestamp() / every.total_seconds())
    last = floor(end.timestamp() / every.total_seconds())
    for number in range(first, last + 1):
        yield datetime.fromtimestamp(number * every.total_seconds(), UTC)


def scale(low: float, high: float) -> tuple[float, ...]:
    """Round values around those that are shown; from 0 where that hides nothing.

    >>> scale(0.001, 0.052)
    (0.0, 0.02, 0.04, 0.06)
    >>> scale(97.0, 99.0)
    (97.0, 97.5, 98.0, 98.5, 99.0)
    >>> scale(3.0, 3.0)
    (0.0, 1.0, 2.0, 3.0)
    """
    size = max(abs(low), abs(high))
    if size < _NOTHING:
        low, high = 0.0, 1.0
    elif high - low <= _ALIKE * size:
        low, high = min(low, 0.0), max(high, 0.0)
    elif 0 <= low <= high / 2:
        low = 0.0
    rough = (high - low) / 3
    size = 10.0 ** floor(log10(rough))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= rough * 0.75)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return tuple(round(number * step, 12 - floor(log10(step))) for number in range(first, last + 1))


def said(value: float, *, percent: bool) -> str:
    """A number at an axis.

    >>> said(0.0144, percent=True), said(0.0, percent=True), said(1_500_000, percent=False), said(-0.25, percent=False)
    ('1.44%', '0%', '1.5M', '-0.25')
    """
    if percent:
        return f"{value * 100:.3g}%"
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(value) >= size), (1.0, ""))
    return f"{value / size:.3g}{unit}"


def _finite(row: RangeRow) -> list[tuple[float, float]]:
    return [(at, value) for at, value in row.points if isfinite(value) and abs(value) < 1e100]


def _unbroken(curve: Sequence[tuple[float, float]], gap: float) -> Iterator[list[tuple[float, float]]]:
    """The parts of a curve between which nothing was seen for longer than *gap* seconds."""
    part: list[tuple[float, float]] = []
    for point in curve:
        if part and point[0] - part[-1][0] > gap:
            yield part
            part = []
        part.append(point)
    yield part
