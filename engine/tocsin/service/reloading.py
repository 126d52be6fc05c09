"""Definitions read again: all of them are in use afterwards, or the set before them stays as it was."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.definitions import Definitions, read_definitions
from tocsin.diagnostics import Diagnostic
from tocsin.errors import TocsinError
from tocsin.evaluate.tick import Watch
from tocsin.notify.fallback import fallbacks
from tocsin.notify.muting import muting_of
from tocsin.ports import Channel, Clock
from tocsin.service.board import Board
from tocsin.service.doctor import open_pages
from tocsin.service.findings import log_findings
from tocsin.service.keeper import Keeper
from tocsin.service.leading import Leading
from tocsin.service.links import Links
from tocsin.service.loop import Evaluator
from tocsin.service.outlets import Outlets
from tocsin.service.renewal import Renewal
from tocsin.service.telemetry import Telemetry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reloading:
    """Everything that follows the definitions at *paths*."""

    paths: Sequence[str]
    interval: timedelta
    outlets: Outlets
    links: Callable[[Definitions], Links]
    evaluator: Evaluator
    leading: Leading
    renewal: Renewal
    keeper: Keeper | None
    board: Board
    telemetry: Telemetry
    clock: Clock

    def reload(self) -> None:
        """Read the definitions again; whatever is wrong with them leaves the set in use as it is."""
        log.info("reading the definitions again")
        try:
            definitions = read_definitions(self.paths)
            log_findings(definitions.findings)
            if definitions.errors:
                self._refuse(f"errors: {len(definitions.errors)}", definitions.errors)
                return
            channels = self.outlets.built(definitions)
        except TocsinError as error:
            self._refuse(f"{error}")
            return
        except Exception as error:
            log.exception("the definitions could not be read")
            self._refuse(f"{type(error).__name__}; the log says more")
            return
        self._take(definitions, channels)

    def in_use(self, now: datetime) -> None:
        """Say since when the definitions in use are."""
        self.telemetry.reload_ok.set(1)
        self.telemetry.last_reload.set(now.timestamp())

    def _take(self, definitions: Definitions, channels: dict[str, Channel]) -> None:
        workspace, now = definitions.workspace, self.clock.now()
        watch = Watch(workspace, interval=self.interval, ledger=self.keeper, together=True)
        watch.inherit(self.evaluator.watch)
        if self.keeper is not None:
            self.keeper.follow(workspace)
        counted = {**self._leaving(channels), **self.outlets.counted(channels)}
        self.leading.hand_over(counted, fallbacks(workspace.notifications))
        self.renewal.follow(channels.values(), self.interval)
        self.evaluator.watch = watch
        self.evaluator.notifications = workspace.notifications
        self.evaluator.muting = muting_of(workspace)
        self.evaluator.links = self.links(definitions)
        self.in_use(now)
        self.board.update(workspace=workspace, reload_findings=(), reload_error="", reloaded_at=now)
        log.info("the definitions on disk are in use", extra=counts(definitions))

    def _leaving(self, channels: Mapping[str, Channel]) -> dict[str, Channel]:
        """Channels that the definitions do not have any more, and that have to tell the end of something still."""
        held = self.evaluator.detour.channels
        gone = held.keys() - channels.keys()
        if not gone:
            return {}
        owed = {key.channel for key, _ in open_pages(self.evaluator.memory)}
        try:
            owed |= {depth.channel for depth in self.evaluator.store.depths() if depth.pending}
        except TocsinError:
            owed |= gone
        return {name: held[name] for name in gone & owed}

    def _refuse(self, why: str, findings: tuple[Diagnostic, ...] = ()) -> None:
        """Keep the old set, and say so; the page lists *findings*, or says *why* where there are none."""
        self.telemetry.reload_ok.set(0)
        self.board.update(reload_findings=findings, reload_error="" if findings else why)
        log.error("the definitions on disk are wrong, the old set stays in use", extra={"why": why})


def counts(definitions: Definitions) -> dict[str, int]:
    """How much was read."""
    workspace = definitions.workspace
    return {
        "services": len(workspace.services),
        "objectives": sum(len(service.slos) for service in workspace.services),
        "alerts": sum(len(service.alerts) for service in workspace.services),
    }
