"""A shape in slices is made to add up to exact counts over longer windows."""

import numpy as np
import pytest

from tocsin.ledger.calibrated import Measured, calibrate

NAN = float("nan")


def measured(total: list[float], bad: list[float]) -> Measured:
    """Both as arrays."""
    return Measured(np.array(total), np.array(bad))


def test_slices_add_up_to_the_long_window() -> None:
    """Each window is scaled by itself, bad events apart from good ones."""
    counts = calibrate(measured([10, 30, 5, 5], [1, 3, 0, 1]), measured([44, 10], [8, 2]), 100, 60)

    assert counts.total.reshape(2, 2).sum(axis=1) == pytest.approx([44, 10])
    assert counts.bad == pytest.approx([2, 6, 0, 2])
    assert counts.first == 100


def test_no_slice_has_more_bad_events_than_events() -> None:
    """Also in a total outage, where both are scaled differently."""
    total, bad, _ = calibrate(measured([10, 10], [10, 0]), measured([20], [10.5]), 0, 60).stated()

    assert (bad <= total).all()
    assert (total.sum(), bad.sum()) == pytest.approx((20, 10.5))


def test_errors_that_no_slice_shows_lie_where_the_traffic_is() -> None:
    """An error in a counter that no short window has two samples of is not lost."""
    assert calibrate(measured([30, 10], [0, 0]), measured([40], [4]), 0, 60).bad == pytest.approx([3, 1])


def test_a_window_without_an_answer_leaves_the_shape() -> None:
    """The best that is known."""
    assert calibrate(measured([30, 10], [1, 0]), measured([NAN], [NAN]), 0, 60).total == pytest.approx([30, 10])


def test_coverage_is_where_the_source_had_an_answer() -> None:
    """No answer is no traffic, and not covered; 0 is idle."""
    total, bad, covered = calibrate(measured([0, NAN, 8], [0, NAN, 0]), measured([8], [0]), 0, 60).stated()

    assert covered.tolist() == [True, False, True]
    assert total.tolist() == [0, 0, 8]
    assert bad.tolist() == [0, 0, 0]


def test_a_slice_is_judged_by_its_own_window() -> None:
    """Two minutes around the border of an outage have both; a minute of its own in it has nothing but bad events."""
    shape, own = measured([10, 10, 10], [2, 6, 10]), measured([NAN, 5, 0], [NAN, 5, 0])
    counts = calibrate(shape, measured([30], [18]), 0, 60, own)

    assert counts.total_across == pytest.approx([0, 4, 0])
    assert counts.bad_across == pytest.approx([0, 0, 0])
    assert (counts.total.sum(), counts.bad.sum()) == pytest.approx((30, 18))
