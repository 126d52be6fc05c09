"""`tocsin status` in words: the worst first, and nothing lost without colours."""

import io
from dataclasses import replace

from rich.console import Console
from tests import snapshots

from tocsin.cli.status_table import show
from tocsin.service.shaping import status_of


def shown(console: Console) -> str:
    """What is printed for a platform in trouble that has just gone blind."""
    show(status_of(snapshots.standing(snapshots.blind())), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_everything_is_said_without_colours() -> None:
    """Into a pipe go words only, and no line is folded."""
    text = shown(Console(file=io.StringIO()))
    expected = [
        "critical at 2026-11-23 14:30:15 UTC",
        "blind since 14:26:15 UTC: connection refused by 127.0.0.1:9090",
        "be-camera/uptime burns its error budget",
        "790% overspent",
        "1h:142x",
        "people-counting/end-to-end",
        "breached",
    ]

    assert [words for words in expected if words not in text] == []
    assert "\x1b" not in text


def test_what_is_unknown_says_why() -> None:
    """Under the tables, where there is room for a sentence."""
    console = Console(file=io.StringIO())
    slo = snapshots.slo(state="unknown", reason="only 3.3% of the window was seen, less than 90%")
    show(status_of(snapshots.standing(replace(snapshots.healthy(), slos=(slo,)))), console)
    assert isinstance(console.file, io.StringIO)

    assert f"{slo.ref}: only 3.3% of the window was seen, less than 90%\n" in console.file.getvalue()


def test_the_worst_objective_is_first() -> None:
    """Spent, then burning, then unknown, then well."""
    text = shown(Console(file=io.StringIO()))
    table = text[text.index("Objectives") :]
    places = [table.index(name) for name in ("mysql/up", "be-camera/responses", "redis/up", "be-auth/uptime")]

    assert sorted(places) == places


def test_names_are_never_cut_in_a_narrow_terminal() -> None:
    """Numbers may wrap, but a name must be found by eye."""
    text = shown(Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None))

    assert "be-camera/responses" in text


def test_square_brackets_are_text() -> None:
    """A reason such as `[x]` is no markup."""
    console = Console(file=io.StringIO())
    show(status_of(snapshots.standing(snapshots.healthy(), source_url="[red]")), console)
    view = snapshots.alert(title="[bold]loud[/bold]")
    show(status_of(snapshots.standing(None, remembered=(view,))), console)
    assert isinstance(console.file, io.StringIO)

    assert "[bold]loud[/bold]" in console.file.getvalue()


def test_values_cannot_steer_the_terminal() -> None:
    """Escapes, bells and line breaks of labels are shown as a mark: they could hide an alert, or make one up."""
    console = Console(file=io.StringIO())
    status = status_of(snapshots.standing(snapshots.blind()))
    evil = "a\x1b[2J\x07b\nc"
    alert = status.alerts[0].model_copy(update={"title": evil, "facts": [("path", evil)]})
    show(status.model_copy(update={"alerts": [alert]}), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()

    assert text.count("a\ufffd[2J\ufffdb\ufffdc") == 2
    assert not {"\x1b", "\x07"} & set(text)
