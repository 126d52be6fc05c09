"""What the demonstration prints: steps, a timeline relative to the fault, framed messages, a summary."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tocsin.demo.evaluator import Objective
from tocsin.service.phrases import budget, exact, times

WIDTH = 108
"""Wide enough for the lines of a page, narrow enough for a README."""

STYLES = {
    "fault": "bold red",
    "pending": "yellow",
    "burning": "dark_orange3",
    "firing": "bold red",
    "page": "bold white on red",
    "repair": "bold cyan",
    "resolved": "bold green",
    "recovering": "cyan",
    "cleared": "green",
}


def narrator(*, record: bool = False) -> Console:
    """A console for people: colours only on a terminal, or for a recording."""
    console = Console(highlight=False, record=record, soft_wrap=False)
    if record or not console.is_terminal:
        console = Console(highlight=False, record=record, width=WIDTH, force_terminal=record or None)
    return console


def picture(console: Console) -> str:
    """What was recorded, as an SVG that fetches nothing from elsewhere."""
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="tocsin demo rules"), flags=re.DOTALL)


@dataclass(slots=True)
class Story:
    """Prints what happens; *zero* is the moment of the fault, from which the timeline counts."""

    console: Console
    zero: float | None = None

    def title(self, text: str) -> None:
        """The first line."""
        self.console.print(Text(text, style="bold"))

    def chapter(self, text: str) -> None:
        """A heading."""
        self.console.print()
        self.console.print(Text(text.upper(), style="bold cyan"))

    def picture_begins(self) -> None:
        """Forget what was recorded so far: a picture has no room for the set-up."""
        if self.console.record:
            self.console.export_text(clear=True)

    def step(self, text: str) -> None:
        """Something that is done."""
        self.console.print(Text.assemble(("  ✓ ", "green"), text))

    def details(self, text: str, rows: Iterable[tuple[str, ...]]) -> None:
        """A small table that belongs to the step before; *text* says what its rows have in common."""
        if text:
            self.console.print(Text(f"      {text}", style="dim"))
        table = Table.grid(padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*(Text(cell, style="dim") for cell in row))
        self.console.print(Padding(table, (0, 0, 0, 8 if text else 6), expand=False))

    def event(self, kind: str, text: str) -> None:
        """One line of the timeline."""
        table = Table.grid(padding=(0, 2, 0, 0))
        for width in (6, max(map(len, STYLES))):
            table.add_column(width=width)
        table.add_column()
        table.add_row(Text(self._when(), style="bold"), Text(kind.upper(), style=STYLES.get(kind, "")), Text(text))
        self.console.print(Padding(table, (0, 0, 0, 2), expand=False))

    def frame(self, title: str, text: str, style: str) -> None:
        """A message as it was received."""
        self.console.print(
            Panel(
                Text(text.rstrip()),
                title=Text(title, style="bold"),
                title_align="left",
                border_style=style,
                box=box.ROUNDED,
                padding=(0, 1),
                width=min(self.console.width, WIDTH),
            )
        )

    def objectives(self, rows: Sequence[Objective]) -> None:
        """Every objective with its budget."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=True, header_style="bold")
        for name in ("objective", "target", "state"):
            table.add_column(name)
        for name in ("budget left", "burn rate 1h"):
            table.add_column(name, justify="right")
        table.add_column("")
        for row in rows:
            colour = {"healthy": "green", "burning": "red", "exhausted": "bold red"}.get(row.state, "yellow")
            table.add_row(
                row.ref,
                exact(row.target),
                Text(row.state, style=colour),
                budget(row.left),
                times(row.burn) if row.pace else "",
                bar(row.left),
            )
        self.console.print(table)

    def summary(self, facts: Iterable[tuple[str, str]]) -> None:
        """What came out, in two columns."""
        table = Table.grid(padding=(0, 2))
        for name, value in facts:
            table.add_row("", Text(name), Text(value, style="bold"))
        self.console.print(table)

    def _when(self) -> str:
        if self.zero is None:
            return ""
        seconds = int(time.monotonic() - self.zero)
        return f"+{seconds // 60}:{seconds % 60:02d}"


def bar(share: float | None, width: int = 20) -> str:
    """A budget as a bar.

    >>> bar(0.5, 4), bar(-1.0, 4), bar(None, 4)
    ('██░░', '░░░░', '    ')
    """
    if share is None:
        return " " * width
    filled = round(min(1.0, max(0.0, share)) * width)
    return "█" * filled + "░" * (width - filled)
