"""What others have written, in the text, the comment and the picture of a back-test."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from tests import snapshots

from tocsin.backtest.detection import Incident
from tocsin.backtest.period import Period
from tocsin.backtest.picture import as_svg
from tocsin.backtest.replay import Episode, Replay
from tocsin.backtest.texts import as_markdown, as_text
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.verdict import Verdict, judge
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Identity

START = datetime(2026, 11, 1, tzinfo=UTC)
TICKS = Ticks.between(START, START + timedelta(hours=1))
EVIL = "a\x1b[2J\nb|c <script> `d`"


@pytest.fixture
def verdict() -> Verdict:
    """A page with a label, an incident and reasons that all say EVIL, and more alerts than are listed."""
    view = snapshots.alert(identity=Identity("shop/Deep", (("job", EVIL),)))
    episode = Episode(view, START, START, None, 1.0)
    replay = Replay(TICKS, (episode,) * 41, (), 0, Memory())
    incidents = [Incident(TICKS.start, TICKS.end, 0.0, EVIL), Incident(START - TICKS.length, START - TICKS.length, 0.0)]
    left_out, unseen = (("shop/Full", EVIL),), (("shop/Gone", "its expression has no rows"),)
    return judge("now", replay, Period(TICKS, TICKS, START), incidents, left_out, unseen=unseen)


def test_values_cannot_steer_a_terminal(verdict: Verdict) -> None:
    """Nor make up a line of their own."""
    text = as_text([verdict])

    assert "\x1b" not in text
    assert text.count("a\ufffd[2J\ufffdb|c <script> `d`") == 40 + 2
    assert "never seen, so it could not fire:\n- shop/Gone: its expression has no rows\n" in text
    assert "\nand 1 more; --format json has them all\n" in text


def test_values_are_no_markdown(verdict: Verdict) -> None:
    """They end no cell, are no HTML, and what is no row stands apart from tables."""
    lines = as_markdown([verdict]).splitlines()

    assert not any("<script>" in line or "`d`" in line for line in lines if "\\`" not in line)
    rows = [line for line in lines if line.startswith("| 2026-11-01 00:00 | shop/Deep")]
    assert len(rows) == 40
    assert all(row.replace("\\|", "").count("|") == 6 for row in rows)
    tables = [line.startswith("|") for line in lines]
    beside = [lines[n + 1] for n, table in enumerate(tables[:-1]) if table and not tables[n + 1]]
    assert set(beside) == {""}


def test_a_picture_is_xml(verdict: Verdict) -> None:
    """Whatever an incident is called."""
    assert verdict.found is not None
    drawing = ET.fromstring(as_svg([verdict], [one.incident for one in verdict.found.incidents]))

    assert any("<script>" in (title.text or "") for title in drawing.iter("{http://www.w3.org/2000/svg}title"))


def test_incidents_of_another_time_are_no_bands(verdict: Verdict) -> None:
    """Not even at the edges."""
    before, after = (Incident(at, at, 0.0) for at in (START - TICKS.length, START + 2 * TICKS.length))
    assert as_svg([verdict], [before, after]).count('class="incident" x') == 1, "the legend"
    inside = Incident(START - TICKS.length, START, 0.0)
    assert as_svg([verdict], [inside]).count('class="incident" x') == 2


def test_nothing_heads_no_table() -> None:
    """An incident of another time leaves none to list."""
    replay = Replay(TICKS, (), (), 0, Memory())
    before = START - 2 * TICKS.length
    text = as_text([judge("now", replay, Period(TICKS, TICKS, START), [Incident(before, before, 0.0)])])

    assert "budget gone by then" not in text
    assert "not counted, as they lie outside what was replayed: - (2026-10-31 22:00)" in text
