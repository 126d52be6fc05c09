"""The graph of an alert as a PNG: its value over time, its threshold, and since when it is open; pure.

Where there are several curves their names stand above them, and a forecast goes on into the time that is to come.

Drawn with twice as many pixels as it is shown with, for screens that have them. 20 kB, some 0.1 CPU seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, isfinite, log10
from statistics import linear_regression

from tocsin.notify.raster import CELL, Canvas, Colour
from tocsin.ports import CURVE, Graph, RangeRow

WIDTH, HEIGHT = 960, 400
SHOWN = (WIDTH // 2, HEIGHT // 2)
"""Pixels of a page that it takes."""
MOST_SERIES = 5
_LEFT, _RIGHT, _TOP, _BOTTOM = 130, 940, 48, 350
_LEGEND = 34
"""Pixels of a line of names."""
_INK, _SOFT, _GRID = (60, 60, 60), (110, 110, 110), (226, 226, 226)
_BOUND, _GROUND, _AHEAD = (179, 38, 30), (255, 255, 255), (246, 246, 246)
_LINES: tuple[Colour, ...] = ((31, 95, 168), (27, 110, 60), (138, 90, 0), (110, 60, 140), (110, 110, 110))
_DAY = timedelta(days=1)
_MINUTES = tuple(timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 180, 360, 720))
_STEPS = (*_MINUTES, *(_DAY * each for each in (1, 2, 5, 7, 14, 30, 60, 120)))
_MOST_MARKS = 6
_LEAST_OF_A_LINE, _LEAST_OF_A_NAME = 3, 8
_NEARLY_ALL = 0.9
"""Of a ratio above it the shortfall is what counts."""
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
    top: int

    def x(self, at: float) -> float:
        return _LEFT + (at - self.start) / (self.end - self.start) * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return _BOTTOM - min(max(part, -0.05), 1.05) * (_BOTTOM - self.top)


def draw(
    graph: Graph, rows: Sequence[RangeRow], start: datetime, end: datetime, *, step: timedelta, began: datetime
) -> bytes | None:
    """Draw *rows* from *start* to *end*, a value each *step*, in which an alert *began*; None for nothing to see."""
    seen = [(row, curve) for row in rows[:MOST_SERIES] if (curve := _finite(row))]
    if not seen:
        return None
    curves = [curve for _, curve in seen]
    line = _line(curves[0], end, end + graph.ahead, graph.bounds) if graph.ahead else []
    last = end + graph.ahead if not line else _soon_after(line[-1][0], start, end + graph.ahead)
    values = [value for curve in (*curves, line) for _, value in curve]
    marks = scale(min(*values, *graph.bounds, values[0]), max(*values, *graph.bounds, values[0]))
    names = [curve.name for curve in graph.curves[:MOST_SERIES]] if len(graph.curves) > 1 else []
    if graph.names:
        names = [name_of(row) for row, _ in seen]
    plot = _Plot(start.timestamp(), last.timestamp(), marks[0], marks[-1], _TOP + (_LEGEND if names else 0))
    canvas = Canvas(WIDTH, HEIGHT)
    if graph.ahead:
        canvas.box(plot.x(end.timestamp()), plot.top, _RIGHT, _BOTTOM, _AHEAD)
    _grid(canvas, plot, marks, start, last, percent=graph.percent)
    for number, curve in reversed(list(enumerate(curves))):
        for part in _unbroken(curve, 3 * step.total_seconds()):
            points = [(plot.x(at), plot.y(value)) for at, value in part]
            if len(points) == 1:
                points.append((points[0][0] + 4, points[0][1]))
            canvas.curve(points, _LINES[number])
    if line:
        _dashed(canvas, [(plot.x(at), plot.y(value)) for at, value in line])
    for bound in graph.bounds:
        text = f"{graph.bound} {said(bound, percent=graph.percent)}"
        level = plot.y(bound)
        canvas.level(level, _LEFT, _RIGHT, _BOUND, dash=14)
        above = level - CELL[1] - 2
        top = above if above > plot.top - 8 else level + 4
        canvas.box(_LEFT + 4, top, _LEFT + 12 + len(text) * CELL[0], top + CELL[1], _GROUND, cover=0.8)
        canvas.write(_LEFT + 8, top, text, _BOUND)
    canvas.write(_LEFT, 8, graph.what, _INK)
    _legend(canvas, names)
    _since(canvas, plot, began, len(graph.what))
    return canvas.encoded()


def name_of(row: RangeRow) -> str:
    """Of a curve, where the answer has several."""
    return dict(row.labels).get(CURVE, "")


def _line(
    curve: Sequence[tuple[float, float]], now: datetime, last: datetime, bounds: Sequence[float]
) -> list[tuple[float, float]]:
    """The straight line through a curve, from its begin to where it meets a bound after *now*, or to the *last* time.

    By least squares, as the forecast itself is made (`plan/forecast.py`).
    """
    if len(curve) < _LEAST_OF_A_LINE:
        return []
    here, end = now.timestamp(), last.timestamp()
    slope, level = linear_regression([at - here for at, _ in curve], [value for _, value in curve])
    if slope:
        met = [here + (bound - level) / slope for bound in bounds]
        end = min((at for at in met if here <= at < end), default=end)
    return [(at, level + slope * (at - here)) for at in (curve[0][0], end)]


def _soon_after(met: float, start: datetime, last: datetime) -> datetime:
    """A little later than when the line ends: much may be *ahead*, and nothing is to be seen there."""
    return min(datetime.fromtimestamp(met, UTC) + (last - start) / 20, last)


def _dashed(canvas: Canvas, points: Sequence[tuple[float, float]]) -> None:
    (x0, y0), (x1, y1) = points
    for x in range(floor(x0), floor(x1), 20):
        ends = (x, min(x + 11, x1))
        canvas.curve([(each, y0 + (y1 - y0) * (each - x0) / (x1 - x0)) for each in ends], _LINES[3], thick=3)


def _legend(canvas: Canvas, names: Sequence[str]) -> None:
    """The names of the curves, each behind a piece of its line; what does not fit is left out."""
    x = float(_LEFT)
    for name, colour in zip(names, _LINES, strict=False):
        room = int((_RIGHT - x - 44) / CELL[0])
        if room < _LEAST_OF_A_NAME:
            return
        said = name if len(name) <= room else f"{name[: room - 3]}..."
        canvas.box(x, 8 + _LEGEND + 11, x + 32, 8 + _LEGEND + 15, colour)
        canvas.write(x + 42, 8 + _LEGEND, said, _SOFT)
        x += 42 + (len(said) + 2) * CELL[0]


def _since(canvas: Canvas, plot: _Plot, began: datetime, letters: int) -> None:
    """Mark where it began, if that is to be seen."""
    x = plot.x(began.timestamp())
    if not _LEFT <= x <= _RIGHT:
        return
    for y in range(plot.top - 8, _BOTTOM, 12):
        canvas.box(x - 1, y, x + 1, y + 6, _SOFT)
    day = "" if plot.end - plot.start <= _DAY.total_seconds() else "%d %b "
    text = f"since {began.astimezone(UTC):{day}%H:%M}"
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
    every = next((each for each in _STEPS if (end - start) / each <= _MOST_MARKS), _STEPS[-1])
    for at in _times(start, end, every):
        x = plot.x(at.timestamp())
        canvas.box(x - 1, plot.top, x + 1, _BOTTOM, _GRID)
        text = f"{at:%H:%M}" if end - start <= _DAY else f"{at:%d %H:%M}" if every < _DAY else f"{at:%d %b}"
        canvas.write(min(x - len(text) * CELL[0] / 2, WIDTH - len(text) * CELL[0]), _BOTTOM + 14, text, _SOFT)
    canvas.write(8, _BOTTOM + 14, "UTC", _SOFT)


def _times(start: datetime, end: datetime, every: timedelta) -> Iterator[datetime]:
    """Round times between *start* and *end*."""
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
    >>> said(0.99995, percent=True), said(0.9, percent=True), said(1.0, percent=True)
    ('99.995%', '90%', '100%')
    """
    if percent and _NEARLY_ALL < value < 1:
        return f"{100 - float(f'{(1 - value) * 100:.3g}'):.10g}%"
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
