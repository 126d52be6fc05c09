"""Who keeps the ledger of a process, with a store and connections of its own."""

import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.errors import StoreError
from tocsin.evaluate.model import SlaStatus
from tocsin.ports import Clock, MetricSource
from tocsin.service.board import Board
from tocsin.service.keeper import Keeper
from tocsin.service.telemetry import Telemetry
from tocsin.spec import LedgerSettings
from tocsin.workspace import Workspace

log = logging.getLogger(__name__)


def keeper_of(
    workspace: Workspace,
    state: str,
    source: MetricSource,
    *,
    clock: Clock,
    board: Board,
    telemetry: Telemetry,
    stack: ExitStack,
) -> Keeper | None:
    """None where the definitions want none; what they say of it holds until a restart."""
    settings = workspace.platform.ledger if workspace.platform is not None else LedgerSettings()
    if not settings.enabled:
        return None
    store = stack.enter_context(closing(LedgerStore(state, on_broken=_broken)))
    keeper = Keeper(workspace, source, store, clock, settings, telemetry, _contracts(board))
    telemetry.watch_ledger(lambda: keeper.pending, lambda: keeper.behind(clock.now()))
    return keeper


def _contracts(board: Board) -> Callable[[], Iterable[SlaStatus]]:
    def now() -> Iterable[SlaStatus]:
        snapshot = board.read().snapshot
        return snapshot.slas if snapshot is not None else ()

    return now


def _broken(error: StoreError) -> None:
    log.error("a day of the ledger cannot be read", extra={"error": str(error)})
