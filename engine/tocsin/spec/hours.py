"""When routes are quiet, and when work is planned: time intervals as in Alertmanager, and maintenance windows.

https://prometheus.io/docs/alerting/latest/configuration/#time_interval
"""

from dataclasses import dataclass
from datetime import datetime

from tocsin.diagnostics import Span
from tocsin.matchers import Matchers
from tocsin.units import Duration

Range = tuple[int, int]
"""From and to, both included."""

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""In the order of Alertmanager's ranges; Sunday is 0."""
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Local times at which all that is given holds; what is empty says nothing.

    *times* are minutes of the day, the second one excluded. *days_of_month* count from the end where negative: -1 is
    the last day. *weekdays* begin with Sunday, 0; *months* with January, 1. *location* is an IANA time zone.
    """

    times: tuple[Range, ...] = ()
    weekdays: tuple[Range, ...] = ()
    days_of_month: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    years: tuple[Range, ...] = ()
    location: str = "UTC"


@dataclass(frozen=True, slots=True)
class Hours:
    """A named time interval: the union of its stretches."""

    name: str
    stretches: tuple[Stretch, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Once:
    """From *start* until before *end*, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Weekly:
    """On each of *weekdays* (Sunday is 0) from minute *at* of the local day for *duration* of real time."""

    weekdays: tuple[int, ...]
    at: int
    duration: Duration
    timezone: str


@dataclass(frozen=True, slots=True)
class Digest:
    """When what happened is told together: at minute *at* of the local day on *weekdays* (none: on all), or *every*."""

    at: int = 0
    weekdays: tuple[int, ...] = ()
    timezone: str = "UTC"
    every: Duration | None = None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Planned work: alerts that fulfil *matchers* are not told meanwhile; their ends are."""

    name: str
    matchers: Matchers
    when: Once | Weekly
    reason: str
    owner: str
    span: Span
