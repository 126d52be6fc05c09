"""Traffic as a pure function of time: daily waves, and incidents that change it, in closed form.

Counters are integrals from one fixed instant, so that back-filled history and live scrapes are the same curve and
meet without a reset, whatever the resolution. Times are unix seconds.
"""

from dataclasses import dataclass
from math import cos, pi, sin, tau

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Wave:
    """One component of the traffic: *swing* is its amplitude as a share of the mean, *peak* an instant of its crest."""

    swing: float
    period: float
    peak: float


BUSY_DAY: tuple[Wave, ...] = (
    Wave(0.24, DAY, 7.5 * 3_600),  # 14:30 in Ho Chi Minh City
    Wave(0.07, DAY / 2, 2.0 * 3_600),
    Wave(0.06, 7 * DAY, 5 * DAY),
    Wave(0.030, 5_410.0, 0.0),
    Wave(0.025, 1_270.0, 300.0),
    Wave(0.020, 313.0, 40.0),
    Wave(0.015, 97.0, 11.0),
)
"""A working day with a quiet night; the four short waves, whose periods share no multiple, are the noise."""


def level(waves: tuple[Wave, ...], at: float) -> float:
    """Traffic at one instant relative to its mean.

    >>> level((Wave(0.5, 100.0, 25.0),), 25.0), level((Wave(0.5, 100.0, 25.0),), 75.0)
    (1.5, 0.5)
    """
    return 1.0 + sum(w.swing * cos(tau * (at - w.peak) / w.period) for w in waves)


def volume(waves: tuple[Wave, ...], start: float, end: float) -> float:
    """The integral of the level from *start* to *end*: seconds of mean traffic.

    >>> round(volume((Wave(0.5, 100.0, 25.0),), 0.0, 1000.0), 6)
    1000.0
    """
    swings = (
        w.swing * w.period / pi * sin(pi * (end - start) / w.period) * cos(pi * (end + start - 2 * w.peak) / w.period)
        for w in waves
    )
    return end - start + sum(swings)


@dataclass(frozen=True, slots=True)
class Incident:
    """While it lasts, clients retry (*traffic* times as many requests) and a share *errors* of all requests fails."""

    start: float
    end: float | None
    traffic: float
    errors: float

    def active(self, at: float) -> bool:
        """Whether it is going on."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Load:
    """What a service went through since its start: requests in all, failed ones, and failed ones due to incidents."""

    total: float
    failed: float
    stuck: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of one service: *mean* per second, of which a steady share *errors* fails."""

    start: float
    mean: float
    errors: float
    waves: tuple[Wave, ...] = BUSY_DAY

    def level(self, at: float) -> float:
        """Traffic without incidents, relative to its mean."""
        return level(self.waves, at)

    def volume(self, at: float) -> float:
        """Seconds of mean traffic since the start, without incidents."""
        return volume(self.waves, self.start, at)

    def load(self, at: float, incidents: tuple[Incident, ...] = ()) -> Load:
        """Everything until *at*; monotone in *at*, and continuous when an incident begins or ends at *at*."""
        usual = self.volume(at)
        extra = stuck = 0.0
        for incident in incidents:
            if at <= incident.start:
                continue
            end = at if incident.end is None else min(at, incident.end)
            hit = volume(self.waves, incident.start, end)
            extra += (incident.traffic - 1.0) * hit
            stuck += incident.traffic * incident.errors * hit
        return Load(self.mean * (usual + extra), self.mean * (self.errors * usual + stuck), self.mean * stuck)
