"""`tocsin status` in words: the worst first, and nothing lost without colours."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from rich.console import Console
from tests import snapshots

from tocsin.cli.status_table import show
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.evaluate.model import Phase
from tocsin.service.board import BlindRule
from tocsin.service.page import render
from tocsin.service.shaping import status_of
from tocsin.spec import Exclusion


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
        "would be breached",
        "2026-11-30 17:00 UTC",
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


def test_what_waits_is_there_and_what_cannot_be_looked_at() -> None:
    """An alert on its way is no open one; why a tier is blind, its objective says."""
    console = Console(file=io.StringIO())
    slo = snapshots.slo(state="exhausted", remaining=-0.1, exhaustion=timedelta())
    rules = tuple(BlindRule(rule, snapshots.NOW, "its row is missing") for rule in ("redis/up:fast", "redis/Deep"))
    waits = snapshots.alert("redis/Slow", phase=Phase.PENDING, fired_at=None, title="Slow on redis", reason="9 > 5")
    standing = snapshots.standing(replace(snapshots.healthy(), slos=(slo,)), blind=rules)
    show(status_of(standing), console, pending=(waits,), unseen=[("redis/Full", "its expression has no rows")])
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()

    assert "no open alerts" not in text
    assert re.search(r"Pending.*\n.*\nSlow on redis +critical +14m +9 > 5", text)
    assert "redis/Deep: blind, its row is missing\nredis/Full: its expression has no rows\n" in text
    assert "redis/up:fast" not in text
    assert re.search(r"10% overspent .* exhausted\n", text), "what is gone is not used up in no time"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exhaustion": timedelta(hours=7)}, "7h"),
        ({}, "not within the window"),
        ({"remaining": -0.1, "exhaustion": timedelta(), "state": "exhausted"}, "exhausted"),
        ({"burns": snapshots.burns(None, 0.2, 0.3, 0.2)}, "–"),  # noqa: RUF001
        ({"remaining": None}, "–"),  # noqa: RUF001
    ],
)
def test_when_a_budget_is_used_up(changes: dict[str, object], words: str) -> None:
    """In the terminal as on the page: a time, that it lasts, that it is gone, or that nobody can tell."""
    slo = replace(snapshots.slo(), **changes)  # type: ignore[arg-type]
    console = Console(file=io.StringIO())
    standing = snapshots.standing(replace(snapshots.healthy(), slos=(slo,)))
    show(status_of(standing), console)
    assert isinstance(console.file, io.StringIO)
    cell = f'<td data-label="Used up in" class="num words">{words}</td>'

    assert console.file.getvalue().splitlines()[-1].endswith(f" {words}")
    assert cell in render(standing, (), snapshots.NOW)


def test_what_cannot_be_looked_at_is_not_healthy() -> None:
    """Nobody could tell whether it fires."""
    console = Console(file=io.StringIO())
    show(status_of(snapshots.standing(snapshots.healthy())), console, unseen=[("redis/Full", "no rows")])
    assert isinstance(console.file, io.StringIO)

    assert console.file.getvalue().startswith("warning at 2026-11-23 14:30:15 UTC\nno open alerts\n")


def test_what_was_taken_out_of_the_figures() -> None:
    """They would be wrong without it."""
    console = Console(file=io.StringIO())
    start = datetime(2026, 11, 2, 22, tzinfo=UTC)
    exclusion = Exclusion(start, start + timedelta(hours=1), "their network", "good", snapshots.NOWHERE)
    slo = snapshots.slo(excluded=(Excluded(exclusion, forgiven=18_000, spared=450),))
    (sla,) = snapshots.troubled().slas
    sla = replace(sla, exclusions=(Taken(exclusion, 3_600_000, 0, Fraction(90_000)),))
    show(status_of(snapshots.standing(replace(snapshots.healthy(), slos=(slo,), slas=(sla,)))), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    when = "2026-11-02 22:00 to 2026-11-02 23:00 UTC is counted as good"

    assert "no open alerts\n" in text
    assert f"be-camera/uptime: {when} (18,000 of what it counts, 450 bad): their network\n" in text
    assert f"{sla.name}: {when} (1h of it, 1m 30s down): their network\n" in text


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
