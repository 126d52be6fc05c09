"""sli/bucket."""

from collections.abc import Iterator
from decimal import Decimal

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.promql import metric_name
from tocsin.sli import LatencySli
from tocsin.spec import Metric
from tocsin.units import literal


@check("sli/bucket")
def sli_bucket(subject: Subject) -> Iterator[Diagnostic]:
    """The limit of a latency has to be the bound of a bucket.

    A classic histogram knows how many events took at most 0.1 s and how many took at most 0.5 s, and nothing about
    what lies between. Where no bucket ends at the limit there is no series to count by, so the objective is blind and
    none of its burn-rate alerts can fire. Bounds come from `buckets` in the `metrics:` of any service; histograms
    without them are not judged.

    Bad: `latency: {histogram: http_request_duration_seconds, within: 300ms}` with `buckets: [0.1, 0.25, 0.5]`

    Good: `within: 250ms`, or a bucket of 0.3 in the service, or a native histogram (`native: true`)
    """
    catalogue = {m.name: m for service in subject.workspace.services for m in service.metrics.values() if m.buckets}
    for service in subject.workspace.services:
        document = subject.document("Service", service.name)
        for name, sli in service.slis.items():
            if not isinstance(sli, LatencySli) or sli.native or document is None:
                continue
            metric = catalogue.get(metric_name(sli.histogram))
            if metric is not None and sli.within not in metric.buckets:
                yield Diagnostic(
                    "sli/bucket",
                    document.span(("slis", name, "latency", "within")),
                    f"{metric.name} has no bucket that ends at {literal(sli.within)} s",
                    hint=f"the nearest {_nearest(metric, sli.within)}",
                    related=((metric.span, "its buckets"),),
                )


def _nearest(metric: Metric, limit: Decimal) -> str:
    """The bounds on both sides."""
    below = max((bound for bound in metric.buckets if bound < limit), default=None)
    above = min((bound for bound in metric.buckets if bound > limit), default=None)
    found = [f"{literal(bound)}s" for bound in (below, above) if bound is not None]
    return f"are {found[0]} and {found[1]}" if len(found) > 1 else f"is {found[0]}"
