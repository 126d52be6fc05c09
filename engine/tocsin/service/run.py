"""The process of `tocsin serve`: what it is made of, its start, its ticks, its stop."""

import logging
import os
import queue
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version

from tocsin.definitions import Definitions
from tocsin.errors import TocsinError
from tocsin.evaluate.rulings import rulings
from tocsin.evaluate.tick import Watch
from tocsin.notify.fallback import fallbacks
from tocsin.notify.muting import muting_of
from tocsin.ports import Clock
from tocsin.service.alertmanager import Office
from tocsin.service.alertmanager.configuration import Configuration
from tocsin.service.api import Desk
from tocsin.service.app import create_app, readiness
from tocsin.service.askers import Askers
from tocsin.service.board import Board, Standing
from tocsin.service.canary import Canaries
from tocsin.service.couriers import Couriers
from tocsin.service.delivery import cut_off
from tocsin.service.detour import Detour
from tocsin.service.heartbeat import Heart
from tocsin.service.inbox import Inbox
from tocsin.service.keeping import keeper_of
from tocsin.service.lanes import Lanes
from tocsin.service.leadership import Leadership
from tocsin.service.leading import DOUBT, Leading
from tocsin.service.links import Links, graphs_of
from tocsin.service.loop import Evaluator
from tocsin.service.outlets import Outlets
from tocsin.service.paged import Paged
from tocsin.service.parts import Sources, Stores
from tocsin.service.pictures import Pictures
from tocsin.service.quiet import Quiet
from tocsin.service.reloading import Reloading, counts
from tocsin.service.renewal import Renewal, teller
from tocsin.service.scheduler import Due, next_step
from tocsin.service.server import WebServer
from tocsin.service.silencing import Silencing
from tocsin.service.stopping import Orders, Stopped, passed_on, signals
from tocsin.service.taken import Taken
from tocsin.service.telemetry import Telemetry
from tocsin.settings import Settings, without_password

log = logging.getLogger(__name__)

SIGNED_BY = "TOCSIN_SECRET"
"""The environment variable with what links for acknowledging and silencing are signed by."""
SWITCH = 0.001
"""Seconds after which a thread that computes lets the next one go on, a fifth of Python's own.

A worker waits for that some ten times for each message, and in a storm a tick computes for seconds.
"""


class WallClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the aware UTC time."""
        return datetime.now(UTC)


class Process:
    """A running evaluator with its web server and its courier."""

    def __init__(
        self, settings: Settings, definitions: Definitions, environ: Mapping[str, str], stack: ExitStack
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._clock: Clock = WallClock()
        self._telemetry = Telemetry(version("tocsin"))
        self._sources = Sources.opened(settings.prometheus, stack, self._clock, self._telemetry.asked)
        self._pictures = Pictures(self._sources.pictures)
        stack.callback(self._sources.pictures.abort)
        outlets = Outlets(environ, settings.heartbeat, self._fault, self._pictures.of, self._telemetry, self._clock)
        plain = outlets.built(definitions)
        channels = outlets.counted(plain)
        self._web = WebServer(settings.listen)
        stack.callback(self._web.stop)
        stores = Stores.opened(settings, stack)
        self._store = stores.state
        self._interval = settings.interval.timedelta
        lanes = stack.enter_context(Lanes(self._interval))
        leadership = Leadership(stores.lease, self._interval)
        stack.callback(leadership.stop)
        memory = self._store.load()
        now = self._clock.now()
        if reclaimed := self._store.reclaim(now):
            log.warning("messages were under way when the last process ended", extra={"messages": reclaimed})
        self._board = Board(
            Standing(
                workspace=definitions.workspace,
                interval=self._interval,
                started_at=now,
                source_url=without_password(settings.prometheus),
                committed_at=memory.committed_at,
                reloaded_at=now,
                version=version("tocsin"),
            )
        )
        self._couriers = Couriers(self._store, self._clock, channels, fallbacks(definitions.workspace.notifications))
        self._telemetry.watch(self._board, self._store, self._clock, self._couriers.workers)
        self._keeper = keeper_of(
            definitions.workspace,
            settings.state,
            self._sources.counts,
            clock=self._clock,
            board=self._board,
            telemetry=self._telemetry,
            stack=stack,
        )
        self._inbox = Inbox(stores.claims, partial(rulings, self._sources.rules), shared=stores.claims.shared)
        self._inbox.load()
        self._secret = environ.get(SIGNED_BY, "")
        self._taken = Taken(stores.acknowledgements, self._secret)
        self._quiet = Quiet(stores.silences)
        canaries = Canaries(stores.canaries)
        self._telemetry.watch_canaries(canaries.known)
        paged = Paged(self._store)
        self._evaluator = Evaluator(
            watch=Watch(definitions.workspace, interval=self._interval, ledger=self._keeper, together=True),
            notifications=definitions.workspace.notifications,
            memory=memory,
            source=self._sources.looks,
            store=self._store,
            deliverer=self._couriers,
            board=self._board,
            telemetry=self._telemetry,
            clock=self._clock,
            detour=Detour(channels, self._clock, fallbacks(definitions.workspace.notifications)),
            spread=lanes.spread,
            aside=lanes.aside,
            silences=self._quiet.now_known,
            acknowledgements=self._taken.known,
            muting=muting_of(definitions.workspace),
            inbox=self._inbox,
            canaries=canaries,
            paged=paged,
            heart=Heart(settings.beat_every.timedelta) if settings.heartbeat else None,
            links=self._links(definitions),
            unstored=DOUBT if stores.claims.shared else "",
        )
        # Before anybody can ask: silences and acknowledgements that came after the last evaluation hold for these, too.
        self._board.update(remembered=self._evaluator.marked(tuple(memory.views.values()), now))
        self._leading = Leading(
            leadership=leadership,
            evaluator=self._evaluator,
            store=self._store,
            couriers=self._couriers,
            inbox=self._inbox,
            paged=paged,
            keeper=self._keeper,
            board=self._board,
            telemetry=self._telemetry,
        )
        tell = teller(self._board, self._store, self._evaluator)
        self._renewal = Renewal(self._clock, tell, lambda: self._leading.role.leads)
        self._renewal.follow(plain.values(), self._interval)
        askers = stack.enter_context(closing(Askers()))
        workers, trail = self._couriers.workers, stores.trail.of
        self._desk = Desk(self._board, self._store, self._sources.web, self._clock, workers, askers, trail)
        self._reloading = Reloading(
            paths=settings.paths,
            interval=self._interval,
            outlets=outlets,
            links=self._links,
            evaluator=self._evaluator,
            leading=self._leading,
            renewal=self._renewal,
            keeper=self._keeper,
            board=self._board,
            telemetry=self._telemetry,
            clock=self._clock,
        )
        self._reloading.in_use(now)
        stack.callback(self._sources.web.abort)
        stack.callback(self._web.stop)  # again, for it must end before what it reads is closed

    def _links(self, definitions: Definitions) -> Links:
        page, source = self._settings.public_url, self._settings.public_prometheus
        return Links(page, source, self._taken.signature, self._secret, graphs_of(definitions.workspace))

    def _fault(self) -> str:
        """Why nobody could rely on this evaluator, in words; empty while they can."""
        faults = [f"{name}: {each.reason}" for name, each in readiness(self._desk).checks.items() if not each.ok]
        if cut_off(self._desk.workers(())):
            faults.append("every channel only fails")
        return "; ".join(faults)

    def start(self) -> str:
        """Answer requests and deliver; returns the URL."""
        office = Office(self._board, self._quiet, self._inbox, self._clock, Configuration(self._environ).of)
        silencing = Silencing(self._desk, self._quiet, self._secret)
        app = create_app(
            self._desk,
            self._telemetry,
            version=version("tocsin"),
            office=office,
            taken=self._taken,
            silencing=silencing,
        )
        self._web.start(app)
        self._leading.start()
        self._renewal.start()
        return self._web.listen.url()

    def give_up(self) -> None:
        """Break off the evaluation under way, from another thread; nothing of it counts."""
        self._sources.looks.stop()
        self._sources.counts.stop()

    def tick_until_told(self, orders: Orders) -> None:
        """Tick, and follow orders (`reload`, `stop`) between ticks; returns on `stop` or when told to give up."""
        last, idle_since, started = self._evaluator.memory.committed_at, time.monotonic(), False
        while True:
            idle = timedelta(seconds=time.monotonic() - idle_since)
            if self._leading.follow():
                last = self._evaluator.memory.committed_at or last  # of the one that led before
            step = next_step(self._clock.now(), self._interval, last=last, idle=idle, started=started)
            if isinstance(step, Due):
                try:
                    self._leading.evaluate(step)
                except Stopped:
                    log.info("an evaluation was given up", extra={"instant": step.at})
                    return
                last, idle_since, started = step.at, time.monotonic(), True
            patience = 0.001 if isinstance(step, Due) else min(step.seconds, self._leading.leadership.pause)
            try:
                order = orders.get(timeout=patience)
            except queue.Empty:
                continue
            if order == "stop":
                return
            self._reloading.reload()

    def stop(self) -> None:
        """Deliver what is due for a while, then end; the rest stays in the outbox."""
        self._renewal.stop()
        end = time.monotonic() + self._settings.drain.timedelta.total_seconds()
        if self._keeper is not None:
            self._keeper.stop()
        if self._leading.role.leads:
            self._evaluator.finish(self._settings.drain.timedelta.total_seconds() / 2)
        drained = self._couriers.stop(end)
        try:
            left = sum(depth.pending for depth in self._store.depths())
        except TocsinError as error:
            log.warning("stopped, but the outbox could not be read", extra={"error": str(error)})
        else:
            log.info("stopped", extra={"drained": drained, "left_in_outbox": left})


def serve(settings: Settings, definitions: Definitions, announce: Callable[[str], None]) -> None:
    """Run until told to stop; *announce* gets the URL once requests are answered."""
    sys.setswitchinterval(SWITCH)
    with signals() as heard, ExitStack() as stack:
        process = Process(settings, definitions, os.environ, stack)
        orders = stack.enter_context(passed_on(heard, process.give_up))
        url = process.start()
        log.info("listening", extra={"url": url, **counts(definitions)})
        announce(url)
        try:
            process.tick_until_told(orders)
        finally:
            process.stop()
