"""Detection time against outage size on logarithmic axes: a line for each tier, as text and as SVG.

A tier fires `long * threshold / errors` after a step to *errors* above its threshold: a straight line on such axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from tocsin.plan.build import feasible_tiers
from tocsin.plan.journey import paging_tiers
from tocsin.spec import JourneySlo, Slo

WIDTH = 100
_ROWS = 16
_LEFT = 8
_MARKS = "123456789abcdefghijklmnopqrstuvwxyz"
_TIMES = (
    *((f"{n}s", n) for n in (1, 10)),
    *((f"{n}m", 60 * n) for n in (1, 10)),
    *((f"{n}h", 3600 * n) for n in (1, 6)),
    *((f"{n}d", 86_400 * n) for n in (1, 3, 10, 30, 90)),
)
_COLOURS = ("#d1495b", "#d98324", "#3a86c8", "#2a9d6f", "#8a63c9", "#8d8d8d")


_SAME = 0.02
"""Lines that differ by less cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Line:
    """A tier from its *threshold*, where it takes the *long* window (in seconds), to a total outage."""

    name: str
    threshold: float
    long: float

    def after(self, errors: float) -> float:
        """Seconds until it fires."""
        return self.long * self.threshold / errors


@dataclass(frozen=True, slots=True)
class _Axes:
    least: float
    low: float
    high: float

    def across(self, errors: float) -> float:
        """From 0 at the smallest outage to 1 at a total one."""
        return log10(errors / self.least) / -log10(self.least)

    def up(self, seconds: float) -> float:
        """From 0 at the shortest time to 1 at the longest."""
        return log10(seconds / self.low) / log10(self.high / self.low)

    def outages(self) -> list[float]:
        """A tick for each decade."""
        return [10.0**power for power in range(round(log10(self.least)), 1)]

    def times(self) -> list[tuple[str, float]]:
        """Ticks at lengths of time that people use."""
        return [(text, seconds) for text, seconds in _TIMES if self.low <= seconds <= self.high]


def lines_of(subject: object) -> tuple[Line, ...]:
    """The tiers of an objective, of a service or a journey, that can fire; nothing else has any."""
    if not isinstance(subject, Slo | JourneySlo):
        return ()
    tiers = feasible_tiers(subject) if isinstance(subject, Slo) else paging_tiers(subject)
    return tuple(
        Line(tier.name, float(tier.threshold(subject.window, subject.target)), float(tier.long.seconds))
        for tier in tiers
    )


def _axes(lines: Sequence[Line]) -> _Axes:
    least = 10.0 ** min(-1, floor(log10(min(line.threshold for line in lines))))
    return _Axes(least, min(line.after(1) for line in lines) / 1.5, max(line.long for line in lines) * 1.5)


def as_text(lines: Sequence[Line]) -> str:
    """The chart for a terminal, WIDTH wide; empty where no tier can fire."""
    if not lines:
        return ""
    axes, columns = _axes(lines), WIDTH - _LEFT - 2
    grid = [[" "] * columns for _ in range(_ROWS)]
    for mark, line in reversed(list(zip(_MARKS, lines, strict=False))):
        for column in range(columns):
            errors = axes.least ** (1 - column / (columns - 1))
            if errors >= line.threshold:
                grid[round((1 - axes.up(line.after(errors))) * (_ROWS - 1))][column] = mark
    names = {round((1 - axes.up(seconds)) * (_ROWS - 1)): text for text, seconds in axes.times()}
    rows = [f"{names.get(row, ''):>{_LEFT - 1}} |{''.join(cells)}".rstrip() for row, cells in enumerate(grid)]
    scale = [" "] * (WIDTH - _LEFT)
    for errors in axes.outages():
        text = f"{errors * 100:g}%"
        start = min(max(0, round(axes.across(errors) * (columns - 1)) - len(text) // 2), len(scale) - len(text))
        scale[start : start + len(text)] = text
    key = ", ".join(f"{mark} {line.name}" for mark, line in zip(_MARKS, lines, strict=False))
    return "\n".join(
        [
            "time until each tier fires, by error ratio (both logarithmic):",
            *rows,
            " " * _LEFT + "+" + "-" * columns,
            (" " * (_LEFT) + "".join(scale)).rstrip(),
            f"{' ' * _LEFT}{key}; where lines meet the first is shown",
        ]
    )


def as_svg(lines: Sequence[Line], title: str) -> str:
    """The same as a drawing that can be read on light and dark ground; one that lies on another is dashed."""
    axes, (left, top, width, height) = _axes(lines), (70, 50, 600, 340)

    def x(errors: float) -> str:
        return f"{left + axes.across(errors) * width:.1f}"

    def y(seconds: float) -> str:
        return f"{top + (1 - axes.up(seconds)) * height:.1f}"

    bottom, right = top + height, left + width
    made = [
        (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 450" role="img" font-family="sans-serif" '
            'font-size="13">'
        ),
        f"<title>{escape(title)}</title>",
        (
            "<style>text{fill:#222}.axis{stroke:#777;stroke-opacity:.35}rect{fill:#fff}"
            "@media(prefers-color-scheme:dark){text{fill:#ddd}rect{fill:#16181d}}</style>"
        ),
        '<rect width="800" height="450"/>',
        f'<text x="{left}" y="28" font-size="15">{escape(title)}</text>',
    ]
    for text, seconds in axes.times():
        made.append(f'<path class="axis" d="M{left} {y(seconds)}H{right}"/>')
        made.append(f'<text x="{left - 8}" y="{y(seconds)}" dy="4" text-anchor="end">{text}</text>')
    for errors in axes.outages():
        made.append(f'<path class="axis" d="M{x(errors)} {top}V{bottom}"/>')
        made.append(f'<text x="{x(errors)}" y="{bottom + 18}" text-anchor="middle">{errors * 100:g}%</text>')
    made.append(
        f'<text x="{left + width // 2}" y="{bottom + 42}" text-anchor="middle">error ratio of the outage</text>'
    )
    turned = f"translate(16 {top + height // 2}) rotate(-90)"
    made.append(f'<text transform="{turned}" text-anchor="middle">time until it fires</text>')
    for number, line in enumerate(lines):
        colour, thick = _COLOURS[number % len(_COLOURS)], max(1.5, 2 + 1.5 * (len(lines) - 1 - number))
        met = any(abs(line.after(1) / other.after(1) - 1) < _SAME for other in lines[:number])
        dash = ' stroke-dasharray="10 10"' if met else ""
        path = f"M{x(line.threshold)} {y(line.long)}L{x(1)} {y(line.after(1))}"
        made.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{thick:g}"{dash}/>')
        level = top + 14 + 22 * number
        made.append(f'<path d="M{right + 15} {level - 4}h22" stroke="{colour}" stroke-width="{thick:g}"{dash}/>')
        made.append(f'<text x="{right + 44}" y="{level}">{escape(line.name)}</text>')
    return "\n".join([*made, "</svg>", ""])
