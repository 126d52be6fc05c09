"""Traffic with known counts: bursts, days and nights, incidents, restarts, deployments, scrapes that fail.

Everything happens in whole seconds; a scrape sees what happened before its second. Series of a status code appear with
their first event, as client libraries make them, and start at zero with each process.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
INTERVAL = 15
"""Seconds between scrapes of one target."""
SLOTS = 3
"""Replicas; each takes a third of the traffic while it lives."""
ROUTES = {"/api": 0.8, "/login": 0.2}
CODES = {"200": False, "500": True, "503": True}
PER_SECOND = 12.0
"""Mean requests of a quiet afternoon, of one replica."""


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """One process: from *start* to *end* (seconds), with events per second of each series, and when it was scraped."""

    instance: str
    start: int
    end: int
    events: dict[tuple[str, str], Ints]
    scrapes: Floats

    def lines(self, epoch: int) -> Iterator[str]:
        """What its scrapes saw, as OpenMetrics text."""
        for (route, code), events in self.events.items():
            counter = np.concatenate(([0], np.cumsum(events)))
            values = counter[np.floor(self.scrapes).astype(np.int64) - self.start]
            name = f'hits_total{{job="shop",instance="{self.instance}",route="{route}",code="{code}"}}'
            for time, value in zip((self.scrapes + epoch).tolist(), values.tolist(), strict=True):
                if value:
                    yield f"{name} {value} {time:.3f}"

    def count(self, first: int, last: int, *, bad: bool) -> int:
        """Events in [first, last)."""
        low, high = max(first - self.start, 0), max(min(last, self.end) - self.start, 0)
        return sum(int(e[low:high].sum()) for (_, code), e in self.events.items() if CODES[code] or not bad)

    def seen(self, first: int, last: int, *, bad: bool) -> int:
        """Events in [first, last) that happened before its last scrape; no scrape can tell of the others."""
        return self.count(first, min(last, int(self.scrapes[-1])), bad=bad) if len(self.scrapes) else 0

    def at_first(self, first: int, last: int, *, bad: bool) -> int:
        """Events in [first, last) that happened before its first scrape."""
        return self.count(first, min(last, int(self.scrapes[0])), bad=bad) if len(self.scrapes) else 0


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All processes of *seconds* seconds."""

    seconds: int
    lives: tuple[Life, ...]

    def text(self, epoch: int) -> str:
        """All samples, for `promtool tsdb create-blocks-from openmetrics`."""
        lines = ["# TYPE hits counter"]
        for life in self.lives:
            lines.extend(life.lines(epoch))
        return "\n".join([*lines, "# EOF", ""])

    def per_minute(self, first: int, last: int, *, bad: bool) -> Floats:
        """Events of each minute of [first, last), seen or not."""
        seconds = np.zeros(self.seconds)
        for life in self.lives:
            for (_, code), events in life.events.items():
                if CODES[code] or not bad:
                    seconds[life.start : life.end] += events
        minutes: Floats = seconds[first:last].reshape(-1, 60).sum(axis=1)
        return minutes


def history(days: float, seed: int = 1, before: int = 0, after: int = 0) -> History:
    """Traffic of *days* days, with as much *before* and *after* it, in seconds."""
    random = np.random.default_rng(seed)
    seconds = int(days * 86_400) + before + after
    rate, errors = _traffic(random, seconds)
    away = _stretches(random, seconds, each=90 * 3600, least=180, most=9000)  # the server is away
    lives: list[Life] = []
    for slot in range(SLOTS):
        failing = _stretches(random, seconds, each=60 * 3600, least=60, most=1500)  # one target cannot be reached
        phase = float(random.uniform(0, INTERVAL))
        for number, (start, end, instance) in enumerate(_lives(random, seconds, slot)):
            phase = phase if number and lives[-1].instance == instance else float(random.uniform(0, INTERVAL))
            events = _events(random, rate[start:end], errors[start:end])
            scrapes = _scrapes(random, start, end, phase, np.concatenate((away, failing)))
            lives.append(Life(instance, start, end, events, scrapes))
    return History(seconds, tuple(lives))


def _traffic(random: np.random.Generator, seconds: int) -> tuple[Floats, Floats]:
    """Requests per second of one replica, and which part of them fails."""
    time = np.arange(seconds)
    day = 1 + 0.8 * np.sin(2 * np.pi * (time / 86_400 - 0.3))
    week = np.where(time // 86_400 % 7 >= 5, 0.5, 1.0)
    rate: Floats = np.asarray(PER_SECOND * day * week, dtype=np.float64)
    errors = np.full(seconds, 0.0004)
    for start, end in _stretches(random, seconds, each=1800, least=3, most=90):  # bursts, which fail more often
        rate[start:end] *= random.uniform(2, 15)
        errors[start:end] += random.choice([0.0, 0.0, 0.002, 0.02])
    for start, end in _stretches(random, seconds, each=50 * 3600, least=20, most=2400):  # incidents
        errors[start:end] += random.choice([0.005, 0.02, 0.1, 0.6])
    capped: Floats = np.minimum(errors, 1.0)
    return rate, capped


def _lives(random: np.random.Generator, seconds: int, slot: int) -> Iterator[tuple[int, int, str]]:
    """Start, end and instance of each process: restarts keep the instance, deployments do not."""
    start, generation = 0, 0
    while start < seconds:
        end = min(seconds, start + 60 + int(random.exponential(16 * 3600)))
        yield start, end, f"pod-{slot}-{generation}"
        generation += int(random.random() < 0.6)
        start = end + int(random.integers(2, 40))


def _events(random: np.random.Generator, rate: Floats, errors: Floats) -> dict[tuple[str, str], Ints]:
    """Events per second of each series; a process that starts fails more often for half a minute."""
    errors = errors.copy()
    errors[:30] += 0.01
    found = {}
    for route, share in ROUTES.items():
        for code, part in {"200": 1 - errors, "500": 0.7 * errors, "503": 0.3 * errors}.items():
            found[route, code] = random.poisson(share * rate * part)
    return found


def _scrapes(random: np.random.Generator, start: int, end: int, phase: float, without: Ints) -> Floats:
    """When a process was scraped: in its target's phase, with a jitter of some milliseconds, and not in gaps."""
    first = int(np.ceil((start - phase) / INTERVAL)) + 1
    times = np.arange(first, int(np.ceil((end - phase) / INTERVAL))) * INTERVAL + phase
    times = np.round(times + random.uniform(0, 0.02, len(times)), 3)
    times = times[(times > start) & (times < end)]
    for low, high in without.tolist():
        times = times[(times < low) | (times >= high)]
    kept: Floats = np.asarray(times, dtype=np.float64)
    return kept


def _stretches(random: np.random.Generator, seconds: int, *, each: int, least: int, most: int) -> Ints:
    """Starts and ends of something that happens once in *each* seconds and lasts from *least* to *most* seconds."""
    starts = np.sort(random.integers(0, seconds, max(1, seconds // each)))
    lengths = np.exp(random.uniform(np.log(least), np.log(most), len(starts))).astype(np.int64)
    return np.stack((starts, np.minimum(starts + lengths, seconds)), axis=1)
