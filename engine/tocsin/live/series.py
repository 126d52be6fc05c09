"""live/series."""

from collections.abc import Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.live.base import Live, Use, live_check
from tocsin.promql_syntax import Matcher
from tocsin.schema.words import did_you_mean, listed

_MOST = 50
"""More selectors without a series are told of in one way or another, but not looked into."""
_FEW = 6
_LONG = "1w"


@live_check("live/series")
def live_series(live: Live) -> Iterator[Diagnostic]:
    """What an expression reads is there.

    A misspelt metric is no error to Prometheus: it gives no rows, and the alert never fires. A metric that the server
    has not seen for a week, or had and lost, is a warning. A metric without the value that is asked for is a note:
    there may not have been an error yet.

    Bad: `http_reqests_total{job="shop"}`, where the server has `http_requests_total`

    Good: `http_requests_total{job="shop"}`
    """
    counts = live.counts(use.text for use in live.first())
    absent = [use for use in live.first() if counts.get(use.text) == 0][:_MOST]
    metrics = live.counts(_whole(use) for use in absent)
    lost = live.counts(f"last_over_time({_whole(use)}[{_LONG}])" for use in absent if not metrics.get(_whole(use)))
    live.counts(text for use in absent if metrics.get(_whole(use)) for text in _alone(use).values())  # in one question
    told: set[str] = set()
    for use in absent:
        if metrics.get(_whole(use)):
            yield from _other_values(live, use)
        elif _whole(use) in metrics and use.metric not in told:
            told.add(use.metric)
            yield _no_metric(live, use, gone=bool(lost.get(f"last_over_time({_whole(use)}[{_LONG}])")))


def _whole(use: Use) -> str:
    return f'{{__name__="{use.metric}"}}'


def _no_metric(live: Live, use: Use, *, gone: bool) -> Diagnostic:
    span = use.expression.inside(use.selector)
    if gone:
        message, hint = f"{use.metric} is gone: the server had series of it within {_LONG}, and has none now", None
    else:
        message, hint = f"the server has no series of {use.metric}", did_you_mean(use.metric, live.names)
    return Diagnostic("live/series", span, message, Severity.WARNING, hint)


def _other_values(live: Live, use: Use) -> Iterator[Diagnostic]:
    """The metric is there, and no series has what the matchers ask for."""
    alone = _alone(use)
    counts = live.counts(alone.values())
    guilty = [m for m, text in alone.items() if counts.get(text) == 0]
    for matcher in guilty:
        values = live.values(matcher.label.value, _whole(use))
        if values:  # else the label is missing, which is another finding
            more = "" if len(values) <= _FEW else f" and {len(values) - _FEW} more"
            yield Diagnostic(
                "live/series",
                use.expression.inside(matcher),
                f"{use.metric} has series, but none with {_text(matcher)}",
                Severity.INFO,
                hint=f"there {'is' if len(values) == 1 else 'are'} {listed(values[:_FEW], 'and')}{more}",
            )
    if not guilty:
        message = f"{use.metric} has series, but none with all of these labels at once"
        yield Diagnostic("live/series", use.expression.inside(use.selector), message, Severity.INFO)


def _alone(use: Use) -> dict[Matcher, str]:
    """The metric with each of its matchers alone, as far as one can be the reason that nothing is found."""
    return {
        matcher: f'{{__name__="{use.metric}",{_text(matcher)}}}'
        for matcher in use.selector.matchers
        if matcher.label.value != "__name__" and matcher.op in {"=", "=~"} and matcher.value.value
    }


def _text(matcher: Matcher) -> str:
    value = matcher.value.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.label.value}{matcher.op}"{value}"'
