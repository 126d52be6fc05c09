"""How what this process remembers stands to what is stored, where another process may store, too.

One that stands by evaluates as the one that leads does, and remembers what begins: where the store fails, both know it
by the same first instant, and so by the same key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import AlertState, Identity, Phase

Alerts = Mapping[Identity, AlertState | None]


@dataclass(slots=True)
class Standby:
    """*stored_at* is the last commit in the store, as far as this process knows.

    *silent_since* is the first evaluation of those in a row for which the store did not answer; *begun* is what was
    seen to begin while another one led, and is not stored.
    """

    stored_at: datetime | None = None
    silent_since: datetime | None = None
    begun: Alerts = field(default_factory=dict)

    def stored(self, at: datetime) -> None:
        """The store has taken what is known at *at*."""
        self.stored_at, self.silent_since = at, None

    def silent(self, at: datetime) -> None:
        """The store did not answer at *at*."""
        self.silent_since = self.silent_since or at

    def lost(self) -> None:
        """What was not stored is dropped: what the store says from now on is another one's."""
        self.stored_at = self.silent_since = None

    def outdone(self, stored: Memory) -> bool:
        """Whether another one has stored what this one cannot know: something of an evaluation that it took part in."""
        at, silent = stored.committed_at, self.silent_since
        return at != self.stored_at and (at is None or silent is None or at >= silent)

    def caught_up(self, own: Memory, stored: Memory) -> Memory:
        """Go on with what is *stored*, and with what began since as this one saw it."""
        self.begun = ahead(stored, _begun_since(stored, own) if self.outdone(stored) else self.begun)
        self.stored_at, self.silent_since = stored.committed_at, None
        return over(stored, self.begun)

    def gone_on(self, own: Memory, seen: Memory, changes: Alerts) -> Memory:
        """What one that stands by knows after an evaluation that made *changes* of what was *seen*, its own memory."""
        new = ahead(seen, changes)
        self.begun = {**self.begun, **new}
        return over(own, new)


def over(memory: Memory, alerts: Alerts) -> Memory:
    """The *memory* with *alerts* in place of what it has of them; it was stored when it was."""
    merged = {**memory.alerts, **alerts}
    return replace(memory, alerts={identity: state for identity, state in merged.items() if state is not None})


def ahead(memory: Memory, alerts: Alerts) -> Alerts:
    """Those of *alerts* that one who stands by remembers: what is stored as open stays so, till its end is told."""
    return {identity: state for identity, state in alerts.items() if identity not in memory.views}


def _begun_since(stored: Memory, own: Memory) -> Alerts:
    """What this process has seen begin after the last commit, and nobody has stored."""
    at = stored.committed_at
    return {
        identity: state
        for identity, state in own.alerts.items()
        if state.phase is not Phase.INACTIVE
        and (at is None or (state.active_at is not None and state.active_at > at))
        and ((known := stored.alerts.get(identity)) is None or known.phase is Phase.INACTIVE)
    }
