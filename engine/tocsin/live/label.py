"""live/label."""

from collections.abc import Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.live.base import Live, Use, live_check
from tocsin.promql_syntax import Matcher
from tocsin.schema.words import did_you_mean, listed

_FEW = 8


@live_check("live/label")
def live_label(live: Live) -> Iterator[Diagnostic]:
    """A label that is matched exists.

    Prometheus takes a label that no series has for an empty one. `code="500"` matches nothing then, and `code!="200"`
    matches everything.

    Bad: `http_requests_total{code="500"}`, where the label is `status`

    Good: `http_requests_total{status="500"}`
    """
    found: dict[tuple[str, str], tuple[Use, Matcher]] = {}
    for use in live.first():
        for matcher in use.selector.matchers:
            if matcher.label.value != "__name__" and matcher.value.value:
                found.setdefault((use.metric, matcher.label.value), (use, matcher))
    metrics = live.counts(f'{{__name__="{metric}"}}' for metric, _ in found)
    there = {key: f'{{__name__="{key[0]}",{key[1]}!=""}}' for key in found if metrics.get(f'{{__name__="{key[0]}"}}')}
    counts = live.counts(there.values())
    for (metric, label), text in there.items():
        if counts.get(text) == 0:
            use, matcher = found[metric, label]
            names = live.labels(metric)
            hint = did_you_mean(label, names) or (f"it has {listed(names[:_FEW], 'and')}" if names else None)
            yield Diagnostic(
                "live/label",
                use.expression.inside(matcher.label),
                f"no series of {metric} has a label {label}",
                Severity.WARNING,
                hint=hint,
            )
