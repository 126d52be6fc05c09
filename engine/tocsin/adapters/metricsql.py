"""MetricsQL, the PromQL of VictoriaMetrics: what it reads differently is written so that it means the same.

A subquery without a step, such as `max_over_time(x[5m:])`, has the evaluation interval of a Prometheus. VictoriaMetrics
has none, and takes the step of the question: five minutes at an instant, and in a range the distance of its points, so
that windows of six hours that are asked for each six hours would hold one sample each. There a step is written, the
evaluation interval that a Prometheus has by default.

A server is told by how it answers QUESTION; one that reads PromQL is asked as it was written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from time import monotonic

from tocsin.ports import Row
from tocsin.promql import STRING
from tocsin.units import Duration, UnitError

STEP = Duration.of(minutes=1)
"""Of subqueries without one; where a window is shorter, its own length."""
QUESTION: Mapping[str, str] = {"query": "count_over_time(vector(1)[10s:])", "step": "100ms"}
"""A hundred samples where the step of the question counts; a Prometheus reads no step at an instant, and none evaluates
ten times a second."""
_MANY = 50
KNOWN = 600.0
"""Seconds until it is asked again: there may be another server behind the same address."""
_DIFFERS = re.compile(r":\s*\]")
_SUBQUERY = re.compile(rf"({STRING}|#[^\n]*)|\[\s*([0-9a-z]+)\s*:\s*\]", re.DOTALL)


@dataclass(slots=True)
class Dialect:
    """What one server reads, as far as anybody has needed to know."""

    metricsql: bool = False
    until: float = -inf

    def form(self, form: Mapping[str, str], ask: Callable[[Mapping[str, str]], tuple[Row, ...]]) -> Mapping[str, str]:
        """The *form* of a question as this server has to be asked; *ask* asks another one, now."""
        if not _DIFFERS.search(form["query"]):
            return form
        if monotonic() >= self.until:
            self.metricsql = any(row.value > _MANY for row in ask(QUESTION))
            self.until = monotonic() + KNOWN
        return {**form, "query": metricsql(form["query"])} if self.metricsql else form


@lru_cache(maxsize=512)
def metricsql(query: str) -> str:
    """Write a query in MetricsQL.

    >>> metricsql('sum_over_time((x > bool 1)[6h:]) + y{a="[5m:]"}'), metricsql("max_over_time(x[29999ms:])")
    ('sum_over_time((x > bool 1)[6h:1m]) + y{a="[5m:]"}', 'max_over_time(x[29999ms:30s])')
    """
    return _SUBQUERY.sub(lambda match: match[1] or f"[{match[2]}:{_step(match[2])}]", query)


def _step(window: str) -> Duration:
    """Whole seconds; a window that is a millisecond shorter than a slice has one look in it."""
    try:
        milliseconds = Duration.parse(window).milliseconds
    except UnitError:  # a unit of that server's own
        return STEP
    return min(STEP, Duration.of(seconds=max(1, -(-milliseconds // 1000))))
