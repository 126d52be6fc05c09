"""How a contract is measured: one module per method.

To add one: its module here with `marks`, a line in METHODS, its words in `spec/measure.py`, its name in the schema.
"""

from collections.abc import Mapping

from tocsin.evaluate.measures import deployed_minutes, downtime_periods, interval_mean, minutes
from tocsin.evaluate.measures.audit import Excluded, Taken, audit
from tocsin.evaluate.measures.base import UNIT, Interval, Mark, Marks, Tally, coverage, excluded, tally

METHODS: Mapping[str, Marks] = {
    "interval-mean": interval_mean.marks,
    "minutes": minutes.marks,
    "downtime-periods": downtime_periods.marks,
    "deployed-minutes": deployed_minutes.marks,
}

__all__ = [
    "METHODS",
    "UNIT",
    "Excluded",
    "Interval",
    "Mark",
    "Marks",
    "Taken",
    "Tally",
    "audit",
    "coverage",
    "excluded",
    "tally",
]
