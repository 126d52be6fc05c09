"""What few events say of an objective."""

import pytest
from tests import snapshots


@pytest.mark.parametrize(
    ("good", "total", "unsure"),
    [
        (120.0, 120.0, True),  # not one was bad, and as many could be good at 99 %
        (10_000.0, 10_000.0, False),
        (9_000.0, 10_000.0, False),
        (999_000.0, 1_000_000.0, True),  # exactly the target
        (0.0, 0.0, False),
        (None, None, False),
    ],
)
def test_few_events_do_not_tell(good: float | None, total: float | None, unsure: bool) -> None:
    """An SLI is unsure where the target lies between what its events may stand for; without events there is none."""
    assert snapshots.slo(good=good, total=total).unsure is unsure


def test_interval_is_that_of_the_good_events() -> None:
    """Wilson's interval of 1 bad of 10 events, seen from the good ones (theory: 0.0178762130, 0.4041500268)."""
    assert snapshots.slo(good=9.0, total=10.0).interval == pytest.approx((1 - 0.4041500268, 1 - 0.0178762130))
