"""How old a history is: pauses of the counter, short and long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests import builders
from tests.promql_engine import Engine, EngineSource

from tocsin.errors import SourceError
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.history import History
from tocsin.ports import labels_of
from tocsin.units import Duration


def share(pause: range, minute: int, window: int, nan: int | None = None) -> float:
    """The known part of *window* minutes for a counter with a sample each minute, but for *pause*.

    In minute *nan* it is no number, and so is its rate over five minutes until that is behind them.
    """
    counter = [(60_000 * m, float("nan") if m == nan else 10.0 * m) for m in range(1700) if m not in pause]
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


def test_a_few_minutes_before_a_pause() -> None:
    """A life of which minutes 6 and 7 can be told, between two steps of a coarse grid, is a life before the pause."""
    assert share(range(5, 26), 34, 20, nan=1) == 1


def test_a_long_pause_after_a_few_minutes() -> None:
    """Looking closer finds nothing that is older than a day."""
    assert share(range(5, 1510), 1520, 20, nan=1) == pytest.approx((1520 - 1511) / 20)


def test_who_cannot_look_closer_asks_again() -> None:
    """While the source refuses the closer look, the service counts as old, and nothing is remembered of it."""
    counter = {labels_of({"__name__": "requests_total", "job": "shop"}): [(60_000 * m, 10.0 * m) for m in range(30)]}
    told, history = EngineSource(Engine(counter)), History(builders.AVAILABILITY, timedelta(minutes=1))

    def refuse(query: str) -> str:
        if "[1d:1m]" in query:
            raise SourceError("too many samples")
        return query

    refusing = replace(told, rewrite=refuse)

    assert history.share(Asker(refusing, datetime.fromtimestamp(600, UTC)), Duration.of(minutes=20)) == 1
    assert history.share(Asker(told, datetime.fromtimestamp(660, UTC)), Duration.of(minutes=20)) == 0.5


def test_the_beginning() -> None:
    """Before the first sample there was nothing, and what is not known counts as clean."""
    assert share(range(0), 10, 20) == pytest.approx((10 - 1) / 20)
