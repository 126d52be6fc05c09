"""What Tocsin says about itself: metrics on a registry of its own, and one JSON object per log line."""

import json
import logging
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tocsin.evaluate.memory import Store
from tocsin.notify.canary import Canary
from tocsin.ports import Channel, Clock, Delivery, Notification, Outcome, lines_of
from tocsin.service.board import Board
from tocsin.service.counted import CLASSES
from tocsin.service.delivery import Workers, nobody
from tocsin.service.scraped import CanaryMetrics, StandingMetrics

log = logging.getLogger(__name__)


class Telemetry:
    """The counters of one evaluator; a registry of its own keeps two evaluators in one process apart."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        build = Gauge("tocsin_build_info", "1, with the version.", ("version", "python"), registry=self.registry)
        build.labels(version, platform.python_version()).set(1)
        self.tick_duration = Histogram(
            "tocsin_tick_duration_seconds",
            "From asking the metric source to the committed state.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self.registry,
        )
        self.ticks = Counter("tocsin_ticks", "Ticks by outcome: ok or failed.", ("outcome",), registry=self.registry)
        self.missed = Counter("tocsin_missed_ticks", "Slots skipped by overrun.", registry=self.registry)
        self.forced = Counter(
            "tocsin_forced_ticks", "Ticks made although the wall clock had gone back.", registry=self.registry
        )
        self.faults = Counter(
            "tocsin_faults", "Rules that a bug kept from being evaluated; they were blind.", registry=self.registry
        )
        self.source_failures = Counter(
            "tocsin_source_failures",
            "Ticks at which the metric source gave no complete answer.",
            registry=self.registry,
        )
        self.questions = Counter(
            "tocsin_questions",
            "Questions to the metric source by the class of answer.",
            ("answer",),
            registry=self.registry,
        )
        self.commit_failures = Counter(
            "tocsin_commit_failures", "Ticks whose state could not be stored.", registry=self.registry
        )
        self.blind = Gauge(
            "tocsin_blind_alerts", "Alerts, open or not, whose condition nobody can look at.", registry=self.registry
        )
        self.late = Gauge(
            "tocsin_late_questions", "Questions for which the last tick did not wait.", registry=self.registry
        )
        self.last_tick = Gauge(
            "tocsin_last_tick_success_timestamp_seconds", "When a tick last succeeded.", registry=self.registry
        )
        self.last_source = Gauge(
            "tocsin_last_source_success_timestamp_seconds",
            "When the metric source last answered completely.",
            registry=self.registry,
        )
        self.last_commit = Gauge(
            "tocsin_last_commit_success_timestamp_seconds", "When state was last stored.", registry=self.registry
        )
        self.leads = Gauge(
            "tocsin_leads", "Whether this evaluator tells people; 0 while another one does.", registry=self.registry
        )
        self.reload_ok = Gauge(
            "tocsin_config_last_reload_successful",
            "Whether the definitions on disk are the ones in use.",
            registry=self.registry,
        )
        self.last_reload = Gauge(
            "tocsin_config_last_reload_success_timestamp_seconds",
            "When the definitions in use were read.",
            registry=self.registry,
        )
        self.deliveries = Counter(
            "tocsin_deliveries",
            "Attempts to deliver by channel and outcome.",
            ("channel", "outcome"),
            registry=self.registry,
        )
        self.failing = Gauge(
            "tocsin_delivery_failures_in_a_row",
            "Attempts of the channel since the last one that was taken.",
            ("channel",),
            registry=self.registry,
        )
        self.last_delivery = Gauge(
            "tocsin_last_delivery_success_timestamp_seconds",
            "When the channel last took a message, a heartbeat among them.",
            ("channel",),
            registry=self.registry,
        )
        self.delivery_latency = Histogram(
            "tocsin_delivery_latency_seconds",
            "From the evaluated instant to the receiver's acceptance.",
            ("channel",),
            buckets=(0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
            registry=self.registry,
        )
        self.ledger_days = Counter(
            "tocsin_ledger_days", "Days of objectives that were counted for good.", registry=self.registry
        )
        self.ledger_failures = Counter(
            "tocsin_ledger_failures", "Pieces of work on the ledger that failed.", registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        for outcome in ("ok", "failed"):
            self.ticks.labels(outcome)
        for answer in CLASSES:
            self.questions.labels(answer)

    def asked(self, answer: str) -> None:
        """Count a question to the metric source by the class of its answer."""
        self.questions.labels(answer).inc()

    def watch(self, board: Board, store: Store, clock: Clock, workers: Workers = nobody) -> None:
        """Export what *board*, *store* and *workers* tell at the moment of a scrape."""
        self.registry.register(StandingMetrics(board, store, clock, workers))

    def watch_canaries(self, known: Callable[[], Mapping[str, Canary]]) -> None:
        """Export when each channel last took a test message."""
        self.registry.register(CanaryMetrics(known))

    def watch_ledger(self, pending: Callable[[], float], behind: Callable[[], float]) -> None:
        """Export how far the ledger is at the moment of a scrape."""
        days = Gauge(
            "tocsin_ledger_pending_days", "Days of objectives still to be counted for good.", registry=self.registry
        )
        days.set_function(pending)
        seconds = Gauge(
            "tocsin_ledger_behind_seconds",
            "How far the ledger of the objective that is furthest behind is behind.",
            registry=self.registry,
        )
        seconds.set_function(behind)

    def counted(self, channel: Channel, clock: Clock) -> Channel:
        """The same channel, its attempts counted."""
        for outcome in Outcome:
            self.deliveries.labels(channel.name, outcome.value)
        self.failing.labels(channel.name)
        return _Counted(channel, self, clock)


class _Counted:
    """A channel that counts what becomes of its attempts."""

    def __init__(self, inner: Channel, telemetry: Telemetry, clock: Clock) -> None:
        self.name = inner.name
        self.idempotent = inner.idempotent
        self.joins = inner.joins
        self.rate = inner.rate
        self.recipients = {
            recipient: _Counted(way, telemetry, clock) for recipient, way in lines_of(inner).items() if recipient
        }
        self._inner = inner
        self._telemetry = telemetry
        self._clock = clock

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send through the channel itself."""
        delivery = self._inner.send(notification, now)
        self._telemetry.deliveries.labels(self.name, delivery.outcome.value).inc()
        if delivery.outcome is Outcome.SENT:
            latency = (self._clock.now() - notification.evaluated_at).total_seconds()
            self._telemetry.delivery_latency.labels(self.name).observe(max(0.0, latency))
            self._telemetry.failing.labels(self.name).set(0)
            self._telemetry.last_delivery.labels(self.name).set(self._clock.now().timestamp())
        else:
            self._telemetry.failing.labels(self.name).inc()
        return delivery


_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_QUIET = ("apprise", "urllib3", "asyncio", "uvicorn.access")
"""Loggers that repeat URLs or payloads, and with them secrets; what matters of theirs we say ourselves."""


class JsonLines(logging.Formatter):
    """One JSON object per line: at, level, logger, event, then what was passed as `extra`.

    What `extra` must not name (`message`) stands in its `fields`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Render *record*."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _PLAIN}
        line |= line.pop("fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


@contextmanager
def configure_logging(*, verbose: bool = False, stream: TextIO | None = None) -> Iterator[None]:
    """Send all logs to *stream* (stderr) as JSON lines, and nothing elsewhere, for a while."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    levels = {root: logging.DEBUG if verbose else logging.INFO, logging.getLogger("uvicorn"): logging.WARNING}
    levels |= {logging.getLogger(name): logging.CRITICAL for name in _QUIET}
    handlers, before = root.handlers[:], {logger: logger.level for logger in levels}
    root.handlers[:] = [handler]
    for logger, level in levels.items():
        logger.setLevel(level)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in before.items():
            logger.setLevel(level)
