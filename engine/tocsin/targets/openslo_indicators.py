"""Indicators as OpenSLO's metrics: counted events, a ratio that is one already, or a value with a limit."""

from decimal import Decimal

from tocsin.promql import is_windowed, renamed, with_matcher
from tocsin.sli import FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, Sli, SlicedSli, ThresholdSli
from tocsin.sli.latency import le_matcher
from tocsin.targets.yaml_text import Yaml

_BASE = "5m"
"""The window of an indicator that only has expressions with one."""


def is_exact(sli: Sli) -> bool:
    """Whether the indicator says in OpenSLO exactly what it says here, so that nothing has to be annotated."""
    if isinstance(sli, RatioSli):
        return not is_windowed(sli.total_events)
    if isinstance(sli, ThresholdSli):
        return sli.at_least is None or sli.at_most is None
    return isinstance(sli, RawSli)


def indicator(sli: Sli) -> dict[str, Yaml]:
    """The spec of an SLI document."""
    if isinstance(sli, RatioSli):
        counter = not is_windowed(sli.total_events)
        good, bad = sli.good_events, sli.bad_events
        events = {"good": _source(good)} if good is not None else {"bad": _source(bad or "")}
        return {"ratioMetric": {"counter": counter, **events, "total": _source(sli.total_events)}}
    if isinstance(sli, RawSli):
        ratio, kind = (sli.error_ratio, "failure") if sli.error_ratio is not None else (sli.success_ratio, "success")
        return {"ratioMetric": {"rawType": kind, "raw": _source(ratio or "")}}
    if isinstance(sli, LatencySli) and not sli.native:
        bucket = with_matcher(renamed(sli.histogram, "_bucket"), le_matcher(sli.within))
        total = renamed(sli.histogram, "_count")
        return {"ratioMetric": {"counter": True, "good": _source(bucket), "total": _source(total)}}
    if (value := _value(sli)) is not None:
        return {"thresholdMetric": _source(value)}
    return {"ratioMetric": {"counter": False, "bad": _source(sli.bad(_BASE)), "total": _source(sli.total(_BASE))}}


def threshold_of(sli: Sli) -> dict[str, Yaml]:
    """The comparison that stands with the objective; of two limits only one can."""
    if isinstance(sli, SlicedSli):
        return threshold_of(sli.inner)
    limits: tuple[tuple[str, Decimal | None], ...] = ()
    if isinstance(sli, ThresholdSli):
        limits = (("gte", sli.at_least), ("lte", sli.at_most))
    elif isinstance(sli, ProbeSli):
        limits = (("gte", sli.at_least),)
    elif isinstance(sli, FreshnessSli):
        limits = (("lte", sli.within),)
    given = [(op, value) for op, value in limits if value is not None]
    return {"op": given[0][0], "value": given[0][1]} if len(given) == 1 else {}


def _value(sli: Sli) -> str | None:
    """What is compared with one limit."""
    if not threshold_of(sli):
        return None
    if isinstance(sli, ThresholdSli):
        return sli.value
    if isinstance(sli, ProbeSli):
        return sli.up
    return f"time() - ({sli.last_success})" if isinstance(sli, FreshnessSli) else None


def _source(query: str) -> Yaml:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query.strip()}}}
