"""Whether an evaluator is fit to lead, as a pure function of what it saw and of what became of its messages.

Who leads and can do no good gives the lease to one that stands by and can see; where there is none, nothing changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.ports import SourceHealth

LOOKS = 3
"""Looks in a row that failed before one that leads is unfit, and that saw before one that stands by is fit."""
SIGHT_AGAIN = 10
"""Intervals for which one that gave the lease away, because it was blind, does not ask for it."""
REACH_AGAIN = timedelta(hours=1)
"""How long one does not ask for it that gave it away because it reached nobody: who sends nothing cannot tell."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """*fit* to be given the lease; with a *fault* it gives it away, and does not ask for it again for *rest*."""

    fit: bool = False
    fault: str = ""
    rest: timedelta = timedelta()


def fitness(health: SourceHealth | None, at: datetime, interval: timedelta, cut_off: Iterable[str]) -> Fitness:
    """Judge the look of *at*; *cut_off* are the channels with messages where nothing else has one that arrives."""
    if health is None:
        return Fitness()
    if health.failures >= LOOKS:
        since = f"{health.since:%Y-%m-%d %H:%M:%S} UTC"
        return Fitness(fault=f"its metric source has not answered since {since}", rest=SIGHT_AGAIN * interval)
    if names := ", ".join(sorted(cut_off)):
        return Fitness(fault=f"it reaches nobody: {names} only fail", rest=REACH_AGAIN)
    return Fitness(fit=health.ok and at - health.since >= (LOOKS - 1) * interval)
