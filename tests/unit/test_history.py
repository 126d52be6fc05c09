"""How old a history is: pauses of the counter, short and long."""

from datetime import UTC, datetime, timedelta

import pytest
from tests import builders
from tests.promql_engine import Engine, EngineSource

from tocsin.evaluate.asking import Asker
from tocsin.evaluate.history import History
from tocsin.ports import labels_of
from tocsin.units import Duration


def share(pause: range, minute: int, window: int) -> float:
    """The known part of *window* minutes for a counter with a sample each minute, but for *pause*."""
    counter = [(60_000 * m, 10.0 * m) for m in range(1700) if m not in pause]
    labels = labels_of({"__name__": "requests_total", "job": "shop"})
    asker = Asker(EngineSource(Engine({labels: counter})), datetime.fromtimestamp(60 * minute, UTC))
    history = History(builders.AVAILABILITY, timedelta(minutes=1))
    return history.share(asker, Duration.of(minutes=window))


def test_a_short_pause_over_the_start_of_the_window() -> None:
    """The service is as old as before: the window begins in the pause, and all of it is known to be of that life."""
    assert share(range(60, 78), 88, 20) == 1


def test_a_long_pause() -> None:
    """After more than a day without a rate a service is new, two scrapes after the pause."""
    assert share(range(60, 1510), 1520, 20) == pytest.approx((1520 - 1511) / 20)


def test_a_night() -> None:
    """A service that was shut for hours is as old as before."""
    assert share(range(60, 540), 545, 20) == 1


def test_the_beginning() -> None:
    """Before the first sample there was nothing, and what is not known counts as clean."""
    assert share(range(0), 10, 20) == pytest.approx((10 - 1) / 20)
