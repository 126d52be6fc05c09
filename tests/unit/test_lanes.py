"""A look waits for prompt questions, and for no slow one."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from tocsin.service import lanes as module
from tocsin.service.lanes import Lanes
from tocsin.service.stopping import Stopped

SHORT = timedelta(milliseconds=200)


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """What hanging jobs wait for; they end with the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def lanes(hang: threading.Event) -> Iterator[Lanes]:
    """Lanes with little patience."""
    with Lanes(timedelta(seconds=60), SHORT) as made:
        yield made
        hang.set()


def hanging(event: threading.Event) -> Callable[[], None]:
    """A job that waits for *event*."""

    def job() -> None:
        event.wait(30)

    return job


def run(job: Callable[[], None]) -> None:
    """Run it."""
    job()


def test_all_jobs_run(lanes: Lanes) -> None:
    """Each once, whoever takes it."""
    done: list[int] = []
    lanes.spread(run, [partial(done.append, number) for number in range(2_000)])

    assert sorted(done) == list(range(2_000))


def test_nothing_to_do(lanes: Lanes) -> None:
    """A workspace may be empty."""
    assert list(lanes.spread(run, [])) == []


def test_a_job_that_hangs_is_left_alone(lanes: Lanes, hang: threading.Event) -> None:
    """The others are done when the patience for it is over."""
    done: list[int] = []
    jobs: list[Callable[[], None]] = [hanging(hang)]
    jobs += [lambda: done.append(1)] * 50
    began = time.monotonic()
    lanes.spread(run, jobs)

    assert len(done) == 50
    assert SHORT.total_seconds() <= time.monotonic() - began < 5


def test_jobs_that_hang_hold_no_lane(lanes: Lanes, hang: threading.Event) -> None:
    """As many as there are lanes may hang, and all others are still done."""
    done: list[int] = []
    jobs: list[Callable[[], None]] = [hanging(hang)] * module.ASKERS
    lanes.spread(run, [*jobs, *[lambda: done.append(1)] * 50])

    assert len(done) == 50


def test_jobs_aside_are_not_waited_for(lanes: Lanes, hang: threading.Event) -> None:
    """They run all the same."""
    ran = threading.Event()
    lanes.aside(run, [hanging(hang), ran.set])

    assert ran.wait(10)


def test_what_is_raised_passes(lanes: Lanes) -> None:
    """A look that was given up ends."""

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        lanes.spread(run, [stop])


def test_a_fast_evaluator_waits_for_less(hang: threading.Event) -> None:
    """With a second between looks, two seconds would be two looks."""
    with Lanes(timedelta(seconds=1)) as lanes:
        began = time.monotonic()
        lanes.spread(run, [hanging(hang)])
        took = time.monotonic() - began
        hang.set()

    assert 0.25 <= took < 2
