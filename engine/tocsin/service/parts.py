"""What a process is made of that reaches outside: connections to the metric source, and stores of the state.

Each is closed with the *stack* it was opened on, in the opposite order.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

from tocsin.adapters.acknowledgement_store import SqlAcknowledgements
from tocsin.adapters.canary_store import SqlCanaries
from tocsin.adapters.claim_store import SqlClaims
from tocsin.adapters.lease import SqlLease
from tocsin.adapters.ledger_trail import SqlTrail
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.adapters.prometheus_rules import PrometheusRules
from tocsin.adapters.silence_store import SqlSilences
from tocsin.adapters.store import SqlStore
from tocsin.ports import Clock
from tocsin.service.counted import CountedSource
from tocsin.service.lanes import ASIDE, ASKERS
from tocsin.service.stopping import StoppableSource
from tocsin.settings import Settings

ORDINARY = 5.0
"""Seconds for one question."""
PICTURE_DEADLINE = 2.5
"""Seconds for what a message's graph shows: the page waits for it."""
LEDGER_DEADLINE = 30.0
"""Seconds for one question of the ledger: nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Connections to the metric source: whoever waits for one waits for nobody else."""

    looks: StoppableSource
    """Of the evaluation."""
    counts: StoppableSource
    """Of the ledger."""
    web: PrometheusSource
    """Of requests."""
    pictures: PrometheusSource
    """Of graphs in messages."""
    rules: PrometheusRules

    @classmethod
    def opened(cls, url: str, stack: ExitStack, clock: Clock, count: Callable[[str], object]) -> "Sources":
        """Nobody is asked yet; what decides something minds that its *clock* is ours, and its answers *count*."""

        def source(connections: int, deadline: float = ORDINARY, clock: Clock | None = None) -> PrometheusSource:
            made = PrometheusSource(url, deadline, connections=connections, clock=clock)
            return stack.enter_context(closing(made))

        looks, counts = source(ASKERS + ASIDE, clock=clock), source(1, LEDGER_DEADLINE, clock)
        return cls(
            looks=StoppableSource(CountedSource(looks, count), looks.abort),
            counts=StoppableSource(CountedSource(counts, count), counts.abort),
            web=source(ASKERS),
            pictures=source(2, PICTURE_DEADLINE),
            rules=stack.enter_context(closing(PrometheusRules(url, connections=1))),
        )


@dataclass(frozen=True, slots=True)
class Stores:
    """What survives the process, all in one database."""

    state: SqlStore
    lease: SqlLease
    claims: SqlClaims
    acknowledgements: SqlAcknowledgements
    silences: SqlSilences
    canaries: SqlCanaries
    trail: SqlTrail
    """Of exclusions."""

    @classmethod
    def opened(cls, settings: Settings, stack: ExitStack) -> "Stores":
        """The schema is brought up to date."""
        where = settings.state
        return cls(
            state=stack.enter_context(closing(SqlStore(where))),
            lease=stack.enter_context(closing(SqlLease(where))),
            claims=stack.enter_context(closing(SqlClaims(where))),
            acknowledgements=stack.enter_context(closing(SqlAcknowledgements(where))),
            silences=stack.enter_context(closing(SqlSilences(where))),
            canaries=stack.enter_context(closing(SqlCanaries(where))),
            trail=stack.enter_context(closing(SqlTrail(where))),
        )
