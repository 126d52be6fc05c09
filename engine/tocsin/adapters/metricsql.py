"""MetricsQL, the PromQL of VictoriaMetrics: what it reads differently is written so that it means the same.

A subquery without a step, such as `max_over_time(x[5m:])`, has the evaluation interval of a Prometheus. VictoriaMetrics
has none, and takes the step of the question: five minutes at an instant, and in a range the distance of its points, so
that windows of six hours that are asked for each six hours would hold one sample each. There a step is written, the
evaluation interval that a Prometheus has by default.

`rate` is events per second of the window. VictoriaMetrics divides by the time from the first to the last sample, so
that a pod that lived for two minutes of an hour weighs thirty times as much as it should beside those that lived on.
There the rate of a series that was not there all the time is for the part of the window in which it was.

A server is told by how it answers QUESTION; one that reads PromQL is asked as it was written.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from time import monotonic

from tocsin.errors import SourceError
from tocsin.ports import Row
from tocsin.promql import STRING
from tocsin.units import Duration, UnitError

STEP = Duration.of(minutes=1)
"""Of subqueries without one; where a window is shorter, its own length."""
SCRAPE = 60
"""Seconds before the first and behind the last sample of a series, together, in which it may have been there."""
QUESTION: Mapping[str, str] = {"query": "count_over_time(vector(1)[10s:])", "step": "100ms"}
"""A hundred samples where the step of the question counts; a Prometheus reads no step at an instant, and none evaluates
ten times a second."""
_MANY = 50
_UNREAD = "HTTP 400"
KNOWN = 600.0
"""Seconds until it is asked again: there may be another server behind the same address."""
_DIFFERS = re.compile(r":\s*\]|rate\s*\(")
_LENGTH = r"\s*([0-9][0-9a-z]*)\s*"
_SELECTOR = rf"[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{{(?:{STRING}|[^\"'`{{}}])*\}})?"
_TEXT = re.compile(
    rf"(?P<kept>{STRING}|#[^\n]*)"
    rf"|\[{_LENGTH}:\s*\]"
    rf"|(?<![\w:])rate\s*\((?P<series>\s*{_SELECTOR}\s*\[{_LENGTH}\](?:\s*offset\s+[0-9a-z]+)?)\s*\)",
    re.DOTALL,
)


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
            self.metricsql = _reads_metricsql(ask)
            self.until = monotonic() + KNOWN
        return {**form, "query": metricsql(form["query"])} if self.metricsql else form


def _reads_metricsql(ask: Callable[[Mapping[str, str]], tuple[Row, ...]]) -> bool:
    """A server that does not know subqueries at all is none; one that has other troubles is asked again."""
    try:
        return any(row.value > _MANY for row in ask(QUESTION))
    except SourceError as error:
        if _UNREAD not in str(error):
            raise
        return False


@lru_cache(maxsize=512)
def metricsql(query: str) -> str:
    """Write a query in MetricsQL.

    >>> metricsql('sum_over_time((x > bool 1)[6h:]) + y{a="[5m:]"}'), metricsql("max_over_time(x[29999ms:])")
    ('sum_over_time((x > bool 1)[6h:1m]) + y{a="[5m:]"}', 'max_over_time(x[29999ms:30s])')
    >>> print(metricsql('sum(rate(x{a="b"}[5m])) > 0'))
    sum((rate(x{a="b"}[5m]) * clamp_max((lifetime(x{a="b"}[5m]) + 60) / 300, 1))) > 0
    """
    return _TEXT.sub(_written, query)


def _written(found: re.Match[str]) -> str:
    _, window, series, of_series = found.groups()
    try:
        if window:
            return f"[{window}:{_step(Duration.parse(window))}]"
        if series:
            seconds = Duration.parse(of_series).milliseconds / 1000
            return f"(rate({series}) * clamp_max((lifetime({series}) + {SCRAPE}) / {seconds:g}, 1))"
    except UnitError:  # a unit of that server's own
        pass
    return found[0]


def _step(window: Duration) -> Duration:
    """Whole seconds; a window that is a millisecond shorter than a slice has one look in it."""
    return min(STEP, Duration.of(seconds=max(1, -(-window.milliseconds // 1000))))
