"""The instants at which a back-test evaluates."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tocsin.ledger.arrays import Floats

STEP = timedelta(minutes=1)
"""As often as compiled rules are evaluated where nothing else is said; slices of the ledger are as long."""
EARLIEST, LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Between these there are samples; what is far before and behind can be reckoned with, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """Every full *step* from *start* to *end*; *seconds* are the same in unix time."""

    start: datetime
    end: datetime
    step: timedelta
    seconds: Floats

    @classmethod
    def between(cls, start: datetime, end: datetime, step: timedelta = STEP) -> "Ticks":
        """Those that are in it, with its bounds; none where it is too short."""
        width = int(step.total_seconds())
        first, last = -(-start.timestamp() // width) * width, end.timestamp() // width * width
        seconds = np.arange(first, last + 1, width, dtype=np.float64)
        return cls(datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC), step, seconds)

    def __len__(self) -> int:
        return len(self.seconds)

    def at(self, number: int) -> datetime:
        """One of them."""
        return self.start + number * self.step

    @property
    def length(self) -> timedelta:
        """Between the first and the last."""
        return self.end - self.start
