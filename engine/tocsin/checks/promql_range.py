"""promql/range."""

from collections.abc import Iterator
from fractions import Fraction

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.sampling import scrape_intervals
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Call, RangeSelector, bare
from tocsin.units import Duration

_OF_TWO = frozenset({"rate", "increase", "irate", "delta", "idelta", "deriv", "predict_linear"})
"""Functions that have no result with less than two samples."""


@check("promql/range", apart=True)
def promql_range(subject: Subject) -> Iterator[Diagnostic]:
    """A rate needs a range of four scrape intervals, so that one failed scrape does not end it.

    `rate()` and its like have no result unless two samples lie in the range. With a range of less than two scrape
    intervals that happens by luck only, so an alert on it comes and goes; with less than four, one scrape that fails
    or is late is enough. The interval is that of the metric's job or service; then less
    than two is an error. Else it is the platform's.

    Bad: `rate(http_requests_total[20s])` with `scrape_interval: 15s`

    Good: `rate(http_requests_total[1m])`
    """
    intervals = subject.once(scrape_intervals)
    for expression, every in subject.walked:
        for node in every:
            if not isinstance(node, Call) or node.name.value not in _OF_TWO:
                continue
            inner = bare(node.arguments[0])
            if not isinstance(inner, RangeSelector) or inner.range.seconds is None:
                continue
            interval, certain = intervals.of(expression, inner.selector)
            length = Fraction(round(inner.range.seconds * 1000), 1000)
            if interval is None or length >= 4 * interval.seconds:
                continue
            never = length < 2 * interval.seconds
            enough = Duration(interval.milliseconds * 4)
            yield Diagnostic(
                "promql/range",
                expression.inside(inner.range),
                f"{node.name.value}() over {inner.range.words} of samples every {interval} "
                + ("is empty or comes and goes" if never else "ends when one scrape fails"),
                Severity.ERROR if never and certain else Severity.WARNING,
                hint=f"use {enough} or more",
            )
