"""What one tick sees, and what it changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.evaluate.model import (
    AlertEvent,
    AlertState,
    AlertView,
    Identity,
    JourneyStatus,
    SlaStatus,
    SloStatus,
    Snapshot,
)
from tocsin.evaluate.received import NOTHING, Heard
from tocsin.evaluate.rule import Seen
from tocsin.ports import Graph, Labels, SourceHealth


@dataclass(frozen=True, slots=True)
class Sight:
    """All that one look saw; *strikes* counts looks in a row in which some questions failed, *questions* says how."""

    at: datetime
    health: SourceHealth
    seen: Mapping[str, Seen]
    slos: tuple[SloStatus, ...] = ()
    journeys: tuple[JourneyStatus, ...] = ()
    slas: tuple[SlaStatus, ...] = ()
    strikes: int = 0
    questions: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    """Exceptions that nobody expected, one line each."""
    late: int = 0
    """Questions for which this look did not wait."""
    overspent: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    """Page budgets of which too much was spent: how many pages, and what is to be said of it."""
    ending: Mapping[Labels, tuple[float, str]] = field(default_factory=dict)
    """Silences that are about to end, by the labels of an alert about it: minutes left, and what is to be said."""
    heard: Heard = NOTHING
    """What others say of alerts."""
    graphs: Mapping[str, Graph] = field(default_factory=dict)
    """What to draw of the rules whose value no question gives."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one tick changes: *alerts* to store (None forgets), *views* of episodes that people know or must know of.

    *views* holds every episode that fires, blind or not, or was closed by this turn; `snapshot.alerts` also shows
    the pending ones.
    """

    alerts: Mapping[Identity, AlertState | None]
    views: tuple[AlertView, ...]
    events: tuple[tuple[Identity, AlertEvent], ...]
    snapshot: Snapshot
    faults: tuple[str, ...] = ()
    """Exceptions that nobody expected, of the look and of this turn, one line each."""
