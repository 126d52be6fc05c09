"""What is read at the moment of a scrape: alerts, budgets, blind rules, the outbox and its workers, canaries."""

import logging
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tocsin.evaluate.memory import OutboxDepth, Store
from tocsin.notify.canary import Canary
from tocsin.notify.limits import BreakerState
from tocsin.ports import Clock
from tocsin.service.board import Board, Standing
from tocsin.service.delivery import Worker, Workers

MOST_BLIND = 100
"""Rules of which one scrape tells since when nobody can look at them."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class StandingMetrics(Collector):
    """Gauges read from the board and the outbox when somebody asks."""

    board: Board
    store: Store
    clock: Clock
    workers: Workers

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks no store."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment; a store that fails gives no outbox figures and `tocsin_store_up 0`."""
        standing = self.board.read()
        alerts = GaugeMetricFamily("tocsin_alerts", "Alerts by severity and phase.", labels=("severity", "phase"))
        tally = Tally((view.severity, view.phase.value) for view in standing.alerts)
        for severity in ("critical", "warning", "info"):
            for phase in ("pending", "firing", "recovering"):
                alerts.add_metric((severity, phase), tally[severity, phase])
        yield alerts
        if standing.snapshot is not None:
            up = float(standing.snapshot.source.ok)
            yield GaugeMetricFamily("tocsin_source_up", "Whether the metric source answers completely.", value=up)
            left = GaugeMetricFamily(
                "tocsin_slo_error_budget_remaining_ratio",
                "Share of the error budget that is left; below 0 it is overspent.",
                labels=("service", "slo"),
            )
            for slo in standing.snapshot.slos:
                if slo.remaining is not None:
                    left.add_metric((slo.service, slo.name), slo.remaining)
            yield left
            yield _blind(standing)
        pages = GaugeMetricFamily("tocsin_pages", "Pages in the time of a page budget.", labels=("page_budget",))
        bearable = GaugeMetricFamily("tocsin_pages_bearable", "How many are bearable.", labels=("page_budget",))
        for spending in standing.page_budgets:
            pages.add_metric((spending.budget.name,), spending.pages)
            bearable.add_metric((spending.budget.name,), spending.budget.pages.count)
        yield from (pages, bearable)
        yield from self._outbox()

    def _outbox(self) -> Iterator[Metric]:
        help_up = "Whether the state can be read."
        try:
            depths = self.store.depths()
        except Exception as error:  # noqa: BLE001  (metrics must not fail with the thing they report)
            log.warning("the outbox could not be read", extra={"error": f"{type(error).__name__}: {error}"})
            yield GaugeMetricFamily("tocsin_store_up", help_up, value=0)
            yield from self._delivery(())
            return
        yield GaugeMetricFamily("tocsin_store_up", help_up, value=1)
        pending = GaugeMetricFamily("tocsin_outbox_depth", "Messages still to send.", labels=("channel",))
        oldest = GaugeMetricFamily("tocsin_outbox_oldest_seconds", "Age of the oldest of them.", labels=("channel",))
        dead = GaugeMetricFamily("tocsin_outbox_dead", "Messages given up.", labels=("channel",))
        now = self.clock.now()
        for depth in depths:
            pending.add_metric((depth.channel,), depth.pending)
            age = 0.0 if depth.oldest is None else max(0.0, (now - depth.oldest).total_seconds())
            oldest.add_metric((depth.channel,), age)
            dead.add_metric((depth.channel,), depth.dead)
        yield from (pending, oldest, dead)
        yield from self._delivery(depths)

    def _delivery(self, depths: Iterable[OutboxDepth]) -> Iterator[Metric]:
        label = ("channel",)
        up = GaugeMetricFamily("tocsin_delivery_worker_up", "Whether the channel's worker lives.", labels=label)
        failed = CounterMetricFamily("tocsin_delivery_rounds_failed", "Rounds of it that failed.", labels=label)
        overdue = GaugeMetricFamily(
            "tocsin_outbox_overdue_seconds", "How long ago the next message should have been taken.", labels=label
        )
        breaker = GaugeMetricFamily(
            "tocsin_delivery_breaker_state",
            "Whether all of the channel is left alone as it only fails: 0 no, 1 the next message is the probe, 2 yes.",
            labels=label,
        )
        for channel, workers in _by_channel(self.workers(depths)).items():
            breaker.add_metric((channel,), min(_BREAKER[worker.breaker] for worker in workers))
            up.add_metric((channel,), float(all(worker.alive for worker in workers)))
            failed.add_metric((channel,), sum(worker.failed for worker in workers))
            overdue.add_metric((channel,), max(worker.overdue for worker in workers).total_seconds())
        yield from (up, failed, overdue, breaker)


@dataclass(frozen=True, eq=False)
class CanaryMetrics(Collector):
    """When each channel last took a test message; *known* are the last ones by channel."""

    known: Callable[[], Mapping[str, Canary]]

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks no store."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """From the store, so that it outlives the process."""
        text = "When the channel last took a test message."
        metric = GaugeMetricFamily("tocsin_canary_success_timestamp_seconds", text, labels=("channel",))
        for name, canary in sorted(self.known().items()):
            if canary.delivered_at is not None:
                metric.add_metric((name,), canary.delivered_at.timestamp())
        yield metric


def _blind(standing: Standing) -> Metric:
    """Since when nobody can look at a rule, the longest first; while nobody can look at anything one figure says so."""
    text = "When the condition of the rule could last be looked at; rules that are seen have none."
    metric = GaugeMetricFamily("tocsin_rule_last_success_timestamp_seconds", text, labels=("rule",))
    if standing.snapshot is None or not standing.snapshot.source.ok:
        return metric
    since = {rule.rule: rule.since for rule in standing.blind}
    for view in standing.alerts:
        if view.blind_since is not None:
            since[view.identity.rule] = min(view.blind_since, since.get(view.identity.rule, view.blind_since))
    for rule, at in sorted(since.items(), key=lambda each: (each[1], each[0]))[:MOST_BLIND]:
        metric.add_metric((rule,), at.timestamp())
    return metric


def _by_channel(workers: Iterable[Worker]) -> Mapping[str, list[Worker]]:
    """Those of the recipients of a channel together."""
    found: dict[str, list[Worker]] = {}
    for worker in workers:
        found.setdefault(worker.channel, []).append(worker)
    return found


_BREAKER = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
