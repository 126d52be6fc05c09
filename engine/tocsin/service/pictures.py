"""Graphs for messages, drawn when they are sent: a page waits for one no longer than `SECONDS`, and never fails by it.

The first alert of a message that fires and can be drawn is. A metric source that does not answer, or slowly, is left
alone for `REST`, so that a storm of pages waits once.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.notify.picture import SHOWN, draw, name_of
from tocsin.ports import AlertText, Curve, Graph, MetricSource, Notification, Picture, RangeRow

log = logging.getLogger(__name__)

SECONDS = 3.0
SLOW = 1.0
REST = 60.0
"""Seconds after a failure, or an answer slower than `SLOW`, in which nobody asks."""
REMEMBERED = 8
"""Pictures: several channels tell of one alert, and a message is sent again."""
MOST_HANGING = 2
LEAST_SPAN, LONGEST_SPAN = timedelta(hours=1), timedelta(days=1)
POINTS = 240
LEAST_STEP = timedelta(seconds=15)


@dataclass(slots=True)
class Pictures:
    """Asks *source* (with a deadline of its own, at most `SECONDS`) and draws; for all channels."""

    source: MetricSource
    seconds: float = SECONDS
    _known: OrderedDict[tuple[Graph, datetime], Picture | None] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _rest_until: float = 0.0
    _hanging: list[threading.Thread] = field(default_factory=list)

    def of(self, message: Notification) -> Picture | None:
        """What there is to see of *message*; None where there is nothing, or not in time."""
        text = first_drawn(message.alerts)
        if text is None or text.graph is None:
            return None
        key, asks = (text.graph, message.evaluated_at), not text.graph.curves
        with self._lock:
            self._hanging = [thread for thread in self._hanging if thread.is_alive()]
            if key in self._known:
                return self._known[key]
            if asks and (time.monotonic() < self._rest_until or len(self._hanging) >= MOST_HANGING):
                return None
        found: list[Picture | None] = []
        began = time.monotonic()
        thread = threading.Thread(target=self._try, args=(text, message.evaluated_at, found), daemon=True)
        thread.start()
        thread.join(self.seconds)
        now = time.monotonic()
        with self._lock:
            if asks and (not found or now - began > SLOW):
                self._rest_until = now + REST
            if not found:
                self._hanging += [thread] * thread.is_alive()
                why = "the metric source did not answer in time, or not at all" if asks else "it could not be drawn"
                log.warning("no graph for a message: %s", why)
                return None
            self._known[key] = found[0]
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found[0]

    def _try(self, text: AlertText, at: datetime, found: list[Picture | None]) -> None:
        try:
            found.append(self._drawn(text, at))
        except Exception as error:  # noqa: BLE001  # a page must not fail by its picture
            log.info("a graph could not be drawn", extra={"error": f"{type(error).__name__}: {error}"})

    def _drawn(self, text: AlertText, at: datetime) -> Picture | None:
        graph = text.graph
        if graph is None:
            return None
        if graph.curves:
            start, step = min(curve.start for curve in graph.curves), max(curve.step for curve in graph.curves)
            rows = [row_of(curve) for curve in graph.curves]
        else:
            length = span_of(graph, at - text.started_at)
            start, step = at - length, max(LEAST_STEP, length / POINTS, graph.window / (POINTS if graph.ahead else 20))
            rows = series_of(self.source.range(graph.expression, start, at, step).rows, graph)
        png = draw(graph, rows, start, at, step=step, began=text.started_at)
        return None if png is None else Picture(png, text.dedup_key, f"Graph of {text.title}", SHOWN)


def first_drawn(alerts: Iterable[AlertText]) -> AlertText | None:
    """The alert of a message that is drawn: they come in the order in which they are read, the worst first."""
    return next((text for text in alerts if text.resolved_at is None and text.graph is not None), None)


def span_of(graph: Graph, age: timedelta) -> timedelta:
    """How much time is shown: an hour, or enough to see how it was before; what a forecast is made of, no more."""
    if graph.ahead:
        return graph.window
    wanted = max(LEAST_SPAN, 4 * graph.window, age * 1.5)
    return timedelta(seconds=round(min(wanted, LONGEST_SPAN).total_seconds()))


def row_of(curve: Curve) -> RangeRow:
    """As if the source had given it."""
    start, step = curve.start.timestamp(), curve.step.total_seconds()
    values = enumerate(curve.values)
    return RangeRow((), tuple((start + step * number, value) for number, value in values if value is not None))


def series_of(rows: Iterable[RangeRow], graph: Graph) -> list[RangeRow]:
    """The series of the alert: by name, or those with the last values furthest from zero first where there are many."""
    wanted = set(graph.labels)
    found = [row for row in rows if wanted <= set(row.labels) and row.points]
    if graph.names:
        names = {name_of(row): row for row in found}
        return [names[name] for name in graph.names if name in names]
    return sorted(found, key=lambda row: -abs(row.points[-1][1]))
