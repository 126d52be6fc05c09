"""A day of the ledger holds counts, or it is refused."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from tocsin.ledger.model import Day, empty

DAY = date(2026, 3, 29)


def hours(**changes: Any) -> Day:
    """Ten events in each hour, one of them bad."""
    parts = {"total": np.full(24, 10.0), "bad": np.ones(24), "covered": np.ones(24, dtype=np.bool_), "step": 3600}
    return Day("a/b", DAY, **{**parts, **changes})


def test_a_day_of_counts_is_accepted() -> None:
    """Also where as many events are bad as there were, up to the rounding of divided events."""
    whole = hours(bad=np.full(24, 10.0 * (1 + 1e-12)))

    assert (hours().start, whole.step, empty("a/b", DAY).total.shape) == (1774742400, 3600, (1440,))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"step": 7000}, "do not tile a day"),
        ({"step": 0}, "do not tile a day"),
        ({"version": 0}, "count from 1"),
        ({"total": np.ones(23)}, "shape"),
        ({"covered": np.ones(24)}, "float64"),
        ({"bad": np.ones(24, dtype=np.float32)}, "float32"),
        ({"bad": np.full(24, 10.1)}, "more bad events than events"),
        ({"bad": np.full(24, -1.0)}, "bad has a slice that is no count"),
        ({"total": np.full(24, np.nan)}, "total has a slice that is no count"),
        ({"total": np.full(24, np.inf)}, "total has a slice that is no count"),
    ],
)
def test_what_is_no_day_of_counts_is_refused(changes: dict[str, Any], words: str) -> None:
    """It would spoil every sum over the day, and nobody would see where."""
    with pytest.raises(ValueError, match=f"a/b on 2026-03-29: .*{words}"):
        hours(**changes)
