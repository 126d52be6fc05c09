"""The words of evaluation: samples with three truth values, alert states, events, statuses, one snapshot."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tocsin.confidence import wilson
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.ports import Labels, SourceHealth
from tocsin.units import Duration


class Truth(StrEnum):
    """UNKNOWN is not false: it means that nobody could look."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """RECOVERING: the condition is false, but keep_firing_for has not passed; people still see it firing."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


class EventKind(StrEnum):
    """What changed at a step; BLIND and SIGHTED change no phase."""

    PENDING = "pending"
    FIRED = "fired"
    RESOLVED = "resolved"
    BLIND = "blind"
    SIGHTED = "sighted"
    DROPPED = "dropped"
    """A pending alert that cleared before it fired."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the condition must hold before the alert fires, and must be gone before it resolves."""

    for_: Duration
    keep_firing_for: Duration


@dataclass(frozen=True, slots=True)
class Sample:
    """What one tick saw for one alert; *facts* are lines for people (`burn rate`, `budget left`), in order.

    *kept* is what it means to an alert that fires already, where that is something else (hysteresis). *at_once* says
    that whoever saw it has waited for `for` already.
    """

    truth: Truth
    value: float | None = None
    reason: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    kept: "Sample | None" = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Which alert: a rule and its identity labels; value, severity and text are never part of it."""

    rule: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class AlertState:
    """Everything the state machine remembers of one alert.

    *episode* counts its episodes; *held* is how long the condition has been observed true (pending) or false
    (recovering): the clock stands still while blind. *fired_at* and *resolved_at* are those of the last episode that
    fired. *asks* is the fingerprint of the question that last mentioned the alert.
    """

    timing: Timing
    phase: Phase = Phase.INACTIVE
    episode: int = 0
    held: timedelta = timedelta()
    stepped_at: datetime | None = None
    active_at: datetime | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    blind_since: datetime | None = None
    value: float | None = None
    reason: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    asks: str = ""
    key: str = ""
    """The key of an episode that began under another name of the rule; empty where it follows from this one."""
    means: str = ""
    """`Rule.means` of the rule that last stepped it."""


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """A change of one alert at one instant, with the reason in words."""

    kind: EventKind
    at: datetime
    episode: int
    reason: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class BurnStatus:
    """One tier: burn rates are multiples of the budget's pace; None where nobody could look or nothing happened."""

    tier: str
    severity: str
    long: Duration
    short: Duration
    rate_long: float | None
    rate_short: float | None
    factor: float
    truth: Truth


@dataclass(frozen=True, slots=True)
class SloStatus:
    """One objective at one instant; budget figures are in events, *remaining* is a fraction of the budget (may be < 0).

    *state* is `healthy`, `burning` (a tier fires), `exhausted` (no budget left) or `unknown`.
    """

    ref: str
    service: str
    name: str
    target: Decimal
    window: Duration
    at: datetime
    good: float | None
    total: float | None
    sli: float | None
    allowed: float | None
    used: float | None
    remaining: float | None
    burns: tuple[BurnStatus, ...]
    state: str
    exhaustion: timedelta | None
    reason: str = ""
    budget_from: str = ""
    """Who counted the budget: the `ledger`, or the metric `source` in one question; empty where nobody did."""
    coverage: float | None = None
    """The part of the period so far that the ledger looked at."""
    excluded: tuple[Excluded, ...] = ()
    """What exclusions took out of the period so far."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between which values the true SLI lies with 95 % confidence, by what was counted (Wilson's interval)."""
        if self.good is None or not self.total or self.total < self.good:
            return None
        errors = wilson(self.total - self.good, self.total)
        return None if errors is None else (1 - errors.high, 1 - errors.low)

    @property
    def unsure(self) -> bool:
        """Whether so few events were counted that their ratio may be on this side of the target by chance."""
        return self.interval is not None and self.interval[0] < float(self.target) <= self.interval[1]


@dataclass(frozen=True, slots=True)
class JourneyStatus:
    """One journey objective; *members* are (ref, sli of the window).

    *coverage* is the part of the window since its first slice of which anything was seen; None where nobody looked.
    """

    ref: str
    target: Decimal
    window: Duration
    sli: float | None
    remaining: float | None
    slices: int
    missing: int
    members: tuple[tuple[str, float | None], ...]
    state: str
    reason: str = ""
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class SlaStatus:
    """One contract in its running period; *credit* is the exact fraction owed if the period ended now."""

    name: str
    customer: str
    covers: str
    start: datetime
    end: datetime
    target: Decimal
    uptime: float | None
    breached: bool | None
    credit: Decimal | None
    intervals: int
    empty: int
    reason: str = ""
    events: float | None = None
    """Events so far, where they are counted: a contract may ask for a minimum."""
    exclusions: tuple[Taken, ...] = ()
    """What each exclusion took out of the period so far."""
    coverage: float | None = None
    """The part of the period that was seen, since it first was; 0 where it never was, None before there is any."""


class MuteKind(StrEnum):
    """What can keep an alert from being told."""

    SILENCE = "silence"
    INHIBITION = "inhibition"
    MAINTENANCE = "maintenance"
    INTERVAL = "interval"
    """The route tells nothing at this time."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Why nobody is told of an alert: *reason* is in words.

    *by* is the id of a silence, the key of another alert, or the name of a maintenance window or a route.
    """

    kind: MuteKind
    by: str
    reason: str
    until: datetime | None = None
    partly: bool = False
    """Whether it holds on some channels only: others are told all the same."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who has taken up an episode, when, and what they said."""

    by: str
    at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as the API, the page and the messages show it; *dedup_key* names the episode."""

    identity: Identity
    service: str
    title: str
    summary: str
    severity: str
    phase: Phase
    started_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    blind_since: datetime | None
    dedup_key: str
    labels: Labels
    facts: tuple[tuple[str, str], ...]
    notify: tuple[str, ...] = ()
    """Channels that the definition names; empty means that routes decide."""
    reason: str = ""
    runbook: str | None = None
    description: str = ""
    muted: tuple[Mute, ...] = ()
    """Why nobody is told of it at the moment; what was told before is closed all the same."""
    acknowledged: Acknowledgement | None = None

    @property
    def silent(self) -> bool:
        """Whether nobody is told of it, on no channel."""
        return any(not mute.partly for mute in self.muted)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one tick found: what page, API and command line read."""

    at: datetime
    source: SourceHealth
    slos: tuple[SloStatus, ...] = ()
    journeys: tuple[JourneyStatus, ...] = ()
    slas: tuple[SlaStatus, ...] = ()
    alerts: tuple[AlertView, ...] = field(default=())
