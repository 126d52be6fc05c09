"""What a series counted in a stretch of hours, by a few of its samples."""

import pytest

from tocsin.evaluate.asking import MARK
from tocsin.evaluate.increments import Look, Looks, counted, read, remembered
from tocsin.ports import labels_of
from tocsin.units import Duration

SERIES = labels_of({"job": "shop", "instance": "a", "code": "500"})
OLD = labels_of({"job": "shop", "instance": "a", "code": "200"})
OTHER = labels_of({"job": "shop", "instance": "b", "code": "200"})
STEADY = Look(before=1_000, last=1_600, least=1_002, most=1_600, slope=2.0, scrape=7.0)
NEW = Look(last=30, least=12, most=30, scrape=7.0)


@pytest.mark.parametrize(
    ("look", "events"),
    [
        (Look(before=10, last=30, least=10, most=30), 20),
        (Look(before=10, last=30, least=4, most=30), 30),
        (Look(before=10, last=30, least=0, most=50, reset=70.1), 70.1),
        (Look(before=10, last=30, least=0, most=50, reset=55.5), 70),
        (Look(before=10, last=30, least=0, most=30, reset=45.5), 45.5),
        (Look(before=10, last=10, least=10, most=10), 0),
    ],
    ids=["went on", "started anew", "as one reset says", "over a gap", "has outrun", "stood still"],
)
def test_a_series_that_was_there_before(look: Look, events: float) -> None:
    """It counted what it rose by, and where it started anew all that it shows."""
    assert counted({SERIES: look}, {OLD: STEADY}, births=True) == {SERIES: events}


@pytest.mark.parametrize(
    ("look", "total", "events"),
    [
        (NEW, {OLD: STEADY}, 30),
        (Look(last=8, least=2, most=30, scrape=7.0, reset=25), {OLD: STEADY}, 38),
        (NEW, {OLD: Look(before=1_000, last=1_300, least=1_002, most=1_300)}, 18),
        (NEW, {OLD: Look(before=1_000, last=1_300, least=1_002, most=1_300, scrape=6.0)}, 18),
        (NEW, {OTHER: STEADY}, 18),
        (Look(last=30, least=12, most=30), {OLD: Look(before=1_000)}, 30),
        (NEW, {OTHER: STEADY, OLD: Look(last=900, least=300, most=900, slope=1.0)}, 30),
        (NEW, {OTHER: STEADY, OLD: Look(last=900, least=301, most=900, slope=1.0)}, 18),
        (NEW, {OLD: Look(last=900, least=300, most=900, slope=1.0)}, 18),
        (NEW, {}, 18),
    ],
    ids=[
        "a scrape of an older series", "and it was reset", "labels were changed", "labels were changed just now",
        "another target", "gone with its target", "a young target", "an old one under a new name",
        "nobody was there before", "nobody else",
    ],
)  # fmt: skip
def test_a_series_that_is_new(look: Look, total: dict[tuple[tuple[str, str], ...], Look], events: float) -> None:
    """It counts from zero where its target is known, or young; else it counted what it rose by."""
    assert counted({SERIES: look}, total, births=True) == {SERIES: events}


def test_births_that_do_not_count() -> None:
    """Good events of one metric beside all events of another one: births would look like errors."""
    assert counted({SERIES: NEW}, {OLD: STEADY}, births=False) == {SERIES: 18}


def test_one_that_is_only_remembered_counts_nothing() -> None:
    """It has no sample in the stretch."""
    assert counted({SERIES: Look(before=5)}, {}, births=True) == {}


def test_rows_are_read_back() -> None:
    """By series, without the metric's name and the mark; what is no number is not there."""
    rows = [
        (labels_of({**dict(SERIES), "__name__": "x", MARK: "last"}), 30.0),
        (labels_of({**dict(SERIES), MARK: "least"}), 12.0),
        (labels_of({**dict(SERIES), MARK: "most"}), 30.0),
        (labels_of({**dict(SERIES), MARK: "slope"}), float("nan")),
    ]

    assert read(rows) == {SERIES: Look(last=30.0, least=12.0, most=30.0)}


def test_what_was_before_a_stretch_is_the_end_of_another() -> None:
    """For a day: then it is forgotten; meanwhile it tells that its target was there."""
    hour = 3_600.0
    looks: dict[float, Looks] = {6 * hour * number: {} for number in range(7)}
    looks |= {0.0: {SERIES: Look(last=7)}, 12 * hour: {OLD: Look(last=9)}, 18 * hour: {OLD: Look(last=11)}}

    found = [each for _, each in remembered(looks, Duration.of(hours=6))]

    assert [each[SERIES].before if SERIES in each else None for each in found] == [None, 7, 7, 7, 7, None, None]
    assert [each[OLD].before if OLD in each else None for each in found] == [None, None, None, 9, 11, 11, 11]
