"""What a proof is: series that are made up, and what rules that mean what they say have to do with them."""

from dataclasses import dataclass
from math import gcd

from tocsin.diagnostics import Span
from tocsin.ports import Labels
from tocsin.units import Duration

FIRING = "firing"
CONDITION = "condition"
RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Claim:
    """At *tick* of the grid the alert with *labels* is firing, or its condition holds, or not.

    *labels* hold `alertname`; for a recording they hold `__name__`. *why* says how the tick was computed.
    """

    what: str
    labels: Labels
    tick: int
    holds: bool
    why: str
    value: float | None = None
    """What is recorded, where the claim is about a recording."""
    more: Labels = ()
    """Labels that what fires has besides."""

    @property
    def name(self) -> str:
        """How people name it: the tier, else the alert."""
        known = dict(self.labels)
        return known.get("tier") or known.get("alertname") or known.get("__name__", "")


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario: input series with their samples in promtool's notation, one per tick, and what is claimed."""

    name: str
    series: tuple[tuple[str, str], ...]
    claims: tuple[Claim, ...]

    @property
    def last(self) -> int:
        """The last tick that is looked at."""
        return max((claim.tick for claim in self.claims), default=0)


@dataclass(frozen=True, slots=True)
class Proof:
    """Scenarios for some alerts of one objective or alert, on one grid; *file* is the stem of their rule file."""

    ref: str
    span: Span
    file: str
    grid: Duration
    runs: tuple[Run, ...]
    full: bool = True
    """False for an objective whose rules have the shape of another one's, for which every scenario is run."""
    alone: bool = False
    """Whether the series that the rules read are given, so that no other rule is needed."""
    every: int = 1
    """Rules are evaluated at every so many ticks; more often where a claim is about a tick between them."""

    @property
    def stride(self) -> int:
        """Ticks between two evaluations: the most that reaches the last claim of each run exactly."""
        return gcd(self.every, *(run.last for run in self.runs))

    @property
    def subjects(self) -> frozenset[Labels]:
        """The alerts and recordings that are claimed something of."""
        return frozenset(claim.labels for run in self.runs for claim in run.claims)


@dataclass(frozen=True, slots=True)
class Unproved:
    """What could not be proved, and why."""

    ref: str
    span: Span
    what: str
    reason: str
