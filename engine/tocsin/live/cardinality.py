"""live/cardinality."""

from collections.abc import Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.live.base import Live, live_check

MOST = 10_000
"""As many series are read again at every evaluation; more of them are seldom meant."""


@live_check("live/cardinality")
def live_cardinality(live: Live) -> Iterator[Diagnostic]:
    """A selector selects what is needed.

    All series of a selector are read again at each evaluation. More than ten thousand of them cost memory and time in
    the server, mostly because a label that tells one service from another is missing.

    Bad: `http_requests_total`, with 80,000 series of all services

    Good: `http_requests_total{job="shop"}`
    """
    counts = live.counts(use.text for use in live.first())
    for use in live.first():
        if counts.get(use.text, 0) > MOST:
            span = use.expression.inside(use.selector)
            message = f"this selects {counts[use.text]:,.0f} series, which are read at every evaluation"
            hint = "match on another label, or record what is needed once"
            yield Diagnostic("live/cardinality", span, message, Severity.INFO, hint)
