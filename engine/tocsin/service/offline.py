"""Everything that can be said of definitions at one instant of history, to the end and without a service.

Burn rates, journeys and contracts are what a look of the evaluator sees, and alerts what it makes of that after the
looks before, which are replayed; good and bad events are counted by the ledger, each increment once, over the
objective's window.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tocsin.backtest.period import Period
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.values import compares
from tocsin.errors import SourceError, UnavailableError
from tocsin.evaluate.accounting import Account, account, window_of
from tocsin.evaluate.counting import LATE, statement
from tocsin.evaluate.grouped import GONE, GroupedQuestion
from tocsin.evaluate.model import SloStatus, Snapshot, Truth
from tocsin.evaluate.naming import name_of
from tocsin.evaluate.questions import QUESTIONS
from tocsin.evaluate.sight import Sight
from tocsin.evaluate.slices import milliseconds
from tocsin.evaluate.slo_budget import NOT_EXCLUDED, SPENT
from tocsin.evaluate.tick import Watch, turn
from tocsin.evaluate.words import percent
from tocsin.guards import TRAFFIC_MEMORY
from tocsin.ledger.divided import parted
from tocsin.ledger.model import Day
from tocsin.ports import MetricSource
from tocsin.service.backtest import Reading, lead_of, run
from tocsin.service.board import Standing
from tocsin.spec import LedgerSettings
from tocsin.workspace import Workspace

ASKERS = 4
LATENESS = timedelta(seconds=LATE)
_EVERYTHING = 10**9


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective, or one group of a divided one, over [*start*, *end*)."""

    status: SloStatus
    start: datetime
    end: datetime
    coverage: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found."""

    objectives: tuple[Objective, ...]
    snapshot: Snapshot
    unseen: tuple[tuple[str, str], ...] = ()
    """Alerts on values that could not fire, and why: there was nothing to look at."""


def evaluate(workspace: Workspace, source: MetricSource, at: datetime, *, first: datetime | None = None) -> Evaluation:
    """Evaluate *workspace* at *at*; nothing is known from before *first*.

    Raises UnavailableError where the source does not answer.
    """
    watch = Watch(workspace)
    with ThreadPoolExecutor(ASKERS) as pool:
        sight = watch.look(source, at, spread=pool.map, ranges=_EVERYTHING)
    if not sight.health.ok:
        raise UnavailableError(f"the metric source does not answer: {sight.health.detail}")
    memory = run(workspace, Reading(source, _before(workspace, at, first), first)).replay.memory
    snapshot = turn(watch, sight, memory, at).snapshot
    settings = workspace.platform.ledger if workspace.platform else LedgerSettings()
    objectives = tuple(_objectives(source, watch, snapshot, first, float(settings.coverage)))
    unseen = tuple(_unwatched(workspace, sight))
    return Evaluation(objectives, replace(snapshot, slos=tuple(one.status for one in objectives)), unseen)


def _before(workspace: Workspace, at: datetime, first: datetime | None) -> Period:
    """The minutes that are replayed: an alert may have been open, or on its way, for so long."""
    start = at - lead_of(workspace)
    start = start if first is None else min(max(start, first), at)
    return Period.of(Ticks.between(start, at), start, first)


def _unwatched(workspace: Workspace, sight: Sight) -> Iterator[tuple[str, str]]:
    for service in workspace.services:
        for alert in service.alerts:
            seen = sight.seen.get(alert.ref)
            if type(alert.condition) not in QUESTIONS or seen is None or seen.rows:
                continue
            if not seen.complete and seen.rest.sample.truth is Truth.UNKNOWN:
                yield alert.ref, seen.rest.sample.reason
            elif compares(QUESTIONS[type(alert.condition)](alert)):
                yield alert.ref, "its expression has no rows"


def standing(workspace: Workspace, evaluation: Evaluation) -> Standing:
    """The same as the pages and tables of a service show it."""
    found = evaluation.snapshot
    return Standing(workspace, timedelta(minutes=1), started_at=found.at, snapshot=found, ticked_at=found.at)


def _objectives(
    source: MetricSource, watch: Watch, snapshot: Snapshot, first: datetime | None, floor: float
) -> Iterator[Objective]:
    for question, worst in zip(watch.slos, snapshot.slos, strict=True):
        slo, at = question.slo, snapshot.at
        start, end = window_of(slo, at)
        since = start if first is None else max(start, first)
        try:  # nothing of the past comes late
            days = statement(source, slo.ref, slo.sli, since.astimezone(UTC).date(), at + LATENESS)
        except SourceError as error:
            raise UnavailableError(f"the events of {slo.ref} cannot be counted: {error}") from error
        held: Mapping[str, Sequence[Day]] = {slo.ref: days}
        groups: Mapping[str, SloStatus] = {slo.ref: worst}
        if isinstance(question, GroupedQuestion):
            held = parted(days, milliseconds(since) // 1000)
            lately = parted(days, milliseconds(at - TRAFFIC_MEMORY.timedelta) // 1000)
            groups = _groups(question, held, lately, at) or groups
        for ref, status in sorted(groups.items()):
            found = account(slo, held.get(ref, ()), at, _pace(status))
            told = _told(status, ref, at, found, _unseen(found, floor, whole=first is None or first <= start))
            yield Objective(told, start, end, found.coverage)


def _groups(
    question: GroupedQuestion, held: Iterable[str], lately: Container[str], at: datetime
) -> Mapping[str, SloStatus]:
    """Each group that the look saw, or of which anything is *held*, by name."""
    slo, former = question.slo, {ref: question.former(at, lately=ref in lately) for ref in held}
    return former | {name_of(slo.ref, slo.by, group): status for group, status in question.statuses.items()}


def _unseen(found: Account, floor: float, *, whole: bool) -> str:
    """Why nothing can be said of the window; empty where enough of it was seen.

    What a history does not hold was not seen. One that holds the *whole* window, and nothing of the service before some
    time, tells that it is young.
    """
    part = found.looked if whole else found.coverage
    if part >= floor:
        return ""
    return f"only {percent(part, 1)} of the window was seen, less than {percent(floor)}"


def _pace(status: SloStatus) -> float | None:
    """The burn rate that the rest of the budget is taken to be spent at: the present one of what fires."""
    firing = next((burn.rate_short for burn in status.burns if burn.truth is Truth.TRUE), None)
    return firing if firing is not None else next((burn.rate_long for burn in status.burns), None)


def _told(status: SloStatus, ref: str, at: datetime, found: Account, unseen: str) -> SloStatus:
    """The status of the look with the ledger's figures; what is *unseen* cannot be healthy, nor spent."""
    state = status.state
    truths = {burn.truth for burn in status.burns}
    # the look counted without the ledger: what it says of its own budget is not so of this one
    reason = "; ".join(note for note in status.reason.split("; ") if note not in {SPENT, NOT_EXCLUDED})
    if found.remaining is None:
        state, reason = "unknown", "no events were counted in the window"
        if any(one.removed for one in found.excluded):
            reason += ", exclusions taken out"
    elif found.remaining <= 0 and not unseen:
        state, reason = "exhausted", f"{SPENT}; {GONE}" if reason == GONE else SPENT
    elif Truth.TRUE in truths:
        state = "burning"
    elif unseen:
        state, reason = "unknown", unseen
    elif state != "unknown":
        state = "healthy"
    return replace(
        status,
        ref=ref,
        at=at,
        good=found.good,
        total=found.total,
        sli=found.sli,
        allowed=found.allowed,
        used=found.used,
        remaining=found.remaining,
        exhaustion=found.exhaustion,
        excluded=found.excluded,
        state=state,
        reason=reason,
    )
