"""How things stand: what the tick loop leaves for page, API and metrics, swapped in one piece."""

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tocsin.diagnostics import Diagnostic
from tocsin.evaluate.leadership import Role
from tocsin.evaluate.model import AlertView, Phase, Snapshot
from tocsin.notify.pacing import Flap
from tocsin.notify.page_budgets import Spending
from tocsin.workspace import Workspace

FRESH_INTERVALS = 3
"""A last tick older than this many intervals is not fresh."""

ALONE = Role(leads=True)

SHOWN = frozenset({Phase.FIRING, Phase.RECOVERING})
"""Phases that people see as an open alert."""


@dataclass(frozen=True, slots=True, order=True)
class BlindRule:
    """A rule that is not open and whose condition nobody can look at, so it could not fire either."""

    rule: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One consistent view of the evaluator; *remembered* are the alerts that the store held before the first tick.

    *commit_error*, *tick_error* and *reload_findings* are empty while all is well.
    """

    workspace: Workspace
    interval: timedelta
    started_at: datetime
    source_url: str = ""
    snapshot: Snapshot | None = None
    remembered: tuple[AlertView, ...] = ()
    blind: tuple[BlindRule, ...] = ()
    ticked_at: datetime | None = None
    committed_at: datetime | None = None
    commit_error: str = ""
    tick_error: str = ""
    reload_findings: tuple[Diagnostic, ...] = ()
    reload_error: str = ""
    reloaded_at: datetime | None = None
    version: str = ""
    page_budgets: tuple[Spending, ...] = ()
    flapping: tuple[Flap, ...] = ()
    role: Role = ALONE
    """Whether this evaluator tells people, and if not, who does."""

    @property
    def alerts(self) -> tuple[AlertView, ...]:
        """Every open or pending alert, as of the last tick or, before it, of the last run."""
        return self.snapshot.alerts if self.snapshot is not None else self.remembered

    def open_alerts(self) -> tuple[AlertView, ...]:
        """The alerts that people have to care about now, worst and oldest first."""
        rank = {"critical": 0, "warning": 1, "info": 2}
        shown = [view for view in self.alerts if view.phase in SHOWN and view.resolved_at is None]
        return tuple(sorted(shown, key=lambda v: (rank.get(v.severity, 3), v.fired_at or v.started_at, v.dedup_key)))

    def pending_alerts(self) -> tuple[AlertView, ...]:
        """The alerts whose condition holds, but not yet for long enough."""
        pending = [view for view in self.alerts if view.phase is Phase.PENDING]
        return tuple(sorted(pending, key=lambda v: (v.started_at, v.dedup_key)))

    def fresh(self, now: datetime) -> bool:
        """Whether the last tick is recent."""
        return self.ticked_at is not None and now - self.ticked_at <= FRESH_INTERVALS * self.interval


@dataclass(slots=True)
class Board:
    """Holds the current Standing; readers get a value that never changes under them."""

    standing: Standing
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> Standing:
        """Return the current standing."""
        return self.standing

    def update(self, **changes: Any) -> None:
        """Replace some fields."""
        with self._lock:
            self.standing = replace(self.standing, **changes)
