"""Graphs in messages: what is drawn, and that no page waits for one longer than it may, or fails by it."""

import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alerts import NOON, message, seconds, text

from tocsin.adapters.codec import decode, encode
from tocsin.errors import SourceError
from tocsin.notify.picture import HEIGHT, WIDTH, draw, said, scale
from tocsin.ports import Action, AlertText, Graph, Notification, Picture, RangeAnswer, RangeRow
from tocsin.service import pictures as service_pictures
from tocsin.service.pictures import Pictures, first_drawn, series_of, span_of
from tocsin_notifiers.email import _address, written

GRAPH = Graph("bad / all", "shop/uptime: bad events over 5m", (0.0144,), percent=True, window=timedelta(minutes=5))
HOUR = timedelta(hours=1)
STEP = timedelta(seconds=15)


def points(*values: float) -> tuple[tuple[float, float], ...]:
    """A value each minute up to NOON."""
    return tuple((NOON.timestamp() - 60 * (len(values) - 1 - i), value) for i, value in enumerate(values))


def drawn_rows(png: bytes) -> list[bytes]:
    """The pixels of a picture, row by row; fails for what is no PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (WIDTH, HEIGHT)
    (length,) = struct.unpack(">I", png[33:37])
    raw = zlib.decompress(png[41 : 41 + length])
    assert len(raw) == height * (3 * width + 1)
    return [raw[y * (3 * width + 1) + 1 : (y + 1) * (3 * width + 1)] for y in range(height)]


def colours(png: bytes) -> set[bytes]:
    """All colours in it."""
    return {row[at : at + 3] for row in drawn_rows(png) for at in range(0, len(row), 3)}


BLUE, RED = bytes((31, 95, 168)), bytes((179, 38, 30))


def test_a_graph_shows_its_value_and_its_threshold() -> None:
    """Both are to be seen; without a bound there is no red."""
    rows = [RangeRow((), points(0.001, 0.001, 0.05))]
    with_bound = draw(GRAPH, rows, NOON - HOUR, NOON, step=STEP, began=NOON)
    without = draw(replace(GRAPH, bounds=()), rows, NOON - HOUR, NOON, step=STEP, began=NOON)

    assert with_bound is not None
    assert without is not None
    assert {BLUE, RED} <= colours(with_bound)
    assert RED not in colours(without)
    assert len(with_bound) < 60_000


def test_there_is_no_graph_of_nothing() -> None:
    """No series, or only NaN."""
    for rows in ([], [RangeRow((), ())], [RangeRow((), points(nan, inf))]):
        assert draw(GRAPH, rows, NOON - HOUR, NOON, step=STEP, began=NOON) is None


@settings(max_examples=25)  # each draws a picture
@given(
    st.lists(st.floats(), min_size=1, max_size=8),
    st.lists(st.floats(-1e100, 1e100), max_size=2),
    st.text(max_size=200),
)
def test_whatever_a_source_says_can_be_drawn(values: list[float], bounds: list[float], what: str) -> None:
    """Any numbers, any name."""
    graph = Graph("x", what, tuple(bounds))
    png = draw(graph, [RangeRow((), points(*values))], NOON - HOUR, NOON, step=STEP, began=NOON - HOUR / 2)

    assert png is None or png[:4] == b"\x89PNG"


@given(st.floats(-1e60, 1e60), st.floats(-1e60, 1e60))
def test_a_scale_holds_what_it_is_for(one: float, other: float) -> None:
    """Few marks, rising, around both."""
    low, high = min(one, other), max(one, other)
    marks, inexact = scale(low, high), max(abs(low), abs(high)) * 1e-6 + 1e-200

    assert 2 <= len(marks) <= 12
    assert list(marks) == sorted(set(marks))
    assert marks[0] <= low + inexact
    assert marks[-1] >= high - inexact
    assert all(len(said(mark, percent=False)) <= 12 for mark in marks)


@dataclass
class Slow:
    """Answers after *delay*, or as *error* says; remembers what it was asked."""

    rows: tuple[RangeRow, ...] = (RangeRow((("pod", "a"),), points(0.001, 0.05)),)
    error: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, timedelta, timedelta]] = field(default_factory=list)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Answer."""
        self.asked.append((query, end - start, step))
        if self.error is not None:
            raise self.error
        self.gate.wait(10)
        return RangeAnswer(self.rows)

    def instant(self, query: str, at: datetime) -> Any:
        """Nobody asks."""
        raise NotImplementedError

    raw: Callable[..., Any] = instant


def page(*alerts: AlertText, at: datetime = NOON) -> Notification:
    """A message about *alerts*, or one that can be drawn."""
    return message("email", Action.FIRE, *(alerts or (text(graph=GRAPH),)), at=at)


def at_once() -> Slow:
    """A source that answers."""
    source = Slow()
    source.gate.set()
    return source


def test_the_worst_alert_that_can_be_drawn_is() -> None:
    """What is over, and what has no graph, is passed by; it is asked once for all channels."""
    source = at_once()
    pictures = Pictures(source)
    over = text("k1", resolved=NOON, graph=GRAPH)
    told = page(over, text("k2"), text("k3", title="Down", graph=replace(GRAPH, labels=(("pod", "a"),))))
    first, second = pictures.of(told), pictures.of(replace(told, channel="slack"))

    assert first is not None
    assert (first.about, first.words, first is second) == ("k3", "Graph of Down", True)
    assert source.asked == [("bad / all", HOUR, STEP)]
    assert first_drawn((over, text("k2"))) is None


def test_a_source_that_hangs_delays_one_page_and_no_longer_than_said() -> None:
    """The others that follow within a minute do not ask."""
    source = Slow()
    pictures, began = Pictures(source, seconds=0.3), time.monotonic()
    found = [pictures.of(page(at=NOON + seconds(i))) for i in range(20)]

    assert found == [None] * 20
    assert 0.2 < time.monotonic() - began < 3  # twenty times would be six
    assert len(source.asked) == 1
    source.gate.set()


def test_a_slow_source_is_asked_once_in_a_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page would wait; the first one has its graph."""
    monkeypatch.setattr(service_pictures, "SLOW", -1.0)
    source = at_once()
    pictures = Pictures(source)
    found = [pictures.of(page(at=NOON + seconds(i))) is not None for i in range(5)]

    assert (found, len(source.asked)) == ([True, False, False, False, False], 1)


@pytest.mark.parametrize("error", [SourceError("down"), RuntimeError("bug")])
def test_a_source_that_fails_costs_only_the_picture(error: Exception) -> None:
    """Also by a bug of ours."""
    source = Slow(error=error)

    assert Pictures(source).of(page()) is None


def test_only_the_series_of_the_alert_is_drawn() -> None:
    """By its labels; of an alert without any, those furthest out first."""
    rows = [RangeRow((("pod", pod),), points(value)) for pod, value in (("a", 1.0), ("b", -9.0), ("c", 3.0))]

    assert [row.labels for row in series_of(rows, replace(GRAPH, labels=(("pod", "a"),)))] == [(("pod", "a"),)]
    assert [dict(row.labels)["pod"] for row in series_of(rows, GRAPH)] == ["b", "c", "a"]


def test_a_graph_goes_back_to_before_the_alert() -> None:
    """An hour at least, a day at most, and longer than what it looks back."""
    assert span_of(GRAPH, timedelta(minutes=3)) == HOUR
    assert span_of(GRAPH, timedelta(hours=4)) == timedelta(hours=6)
    assert span_of(replace(GRAPH, window=timedelta(hours=6)), timedelta()) == timedelta(days=1)


def test_what_is_drawn_survives_the_outbox() -> None:
    """A message that waits there is drawn when it is sent."""
    told = text(graph=replace(GRAPH, labels=(("a", "b"),)))

    assert decode(AlertText, encode(told)) == told


@pytest.mark.parametrize("template", [None, "{{ headline }}"])
def test_a_mail_has_its_picture_inside(template: str | None) -> None:
    """By Content-ID, in the HTML part, shown once; nothing is loaded from elsewhere, and text stays text."""
    picture = Picture(b"\x89PNG", "k1", 'Graph of "><script>', (600, 220))
    told = page(text("k1"), text("k2"))
    mail = written(told, "x", _address("from", "t@example.org"), NOON, template=template, picture=picture)
    plain, related = list(mail.iter_parts())
    html, image = list(related.iter_parts())
    shown = html.get_content()

    assert [part.get_content_type() for part in (mail, plain, related, html, image)] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    assert (image["Content-ID"], image.get_content()) == ("<graph@tocsin>", b"\x89PNG")
    assert image["Content-Disposition"].startswith("inline")
    assert shown.count('<img src="cid:graph@tocsin"') == 1
    assert "<script>" not in shown


def test_a_picture_that_no_part_shows_is_not_sent() -> None:
    """It would be an attachment without a place."""
    picture = Picture(b"\x89PNG", "gone", "x", (1, 1))
    mail = written(page(), "x", _address("from", "t@example.org"), NOON, picture=picture)

    assert "image/png" not in str(mail)
