"""live/cost."""

from collections.abc import Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.expressions import Expression, Role
from tocsin.live.base import Live, live_check

MOST = 1_000_000
"""Samples of one evaluation; Prometheus' own limit is fifty times that."""
_QUESTIONS = 200
_ROLES = frozenset({Role.VALUE, Role.CONDITION, Role.RECORDED})


@live_check("live/cost")
def live_cost(live: Live) -> Iterator[Diagnostic]:
    """A rule reads no more samples than it has to.

    A rule is evaluated every quarter of a minute or so, for ever. Over a million samples each time are felt by all
    who use the server. Counted by the server itself; the first two hundred expressions are asked for.

    Bad: `sum(rate(http_requests_total[1d])) > 100` over thousands of series

    Good: a shorter range, or an average over a series that is recorded every minute
    """
    asked: dict[str, Expression] = {}
    for expression, _ in live.subject.trees:
        if expression.role in _ROLES:
            asked.setdefault(expression.text, expression)
    for text, expression in list(asked.items())[:_QUESTIONS]:
        try:
            samples = live.source.samples(text, live.at)
        except SourceUnreachableError:
            raise
        except SourceError as error:
            message = f"the server cannot evaluate this: {error}"
            yield Diagnostic("live/cost", expression.span, message, Severity.WARNING)
            continue
        if samples > MOST:
            message = f"one evaluation of this reads {samples:,} samples"
            hint = "shorten the range, match on more labels, or record a part of it"
            yield Diagnostic("live/cost", expression.span, message, Severity.INFO, hint)
