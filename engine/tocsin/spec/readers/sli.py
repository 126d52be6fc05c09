"""SLIs: what counts as good, by the class of its kind."""

from decimal import Decimal

from tocsin.promql import metric_name
from tocsin.sli import LatencySli, ProbeSli, RatioSli, Sli
from tocsin.spec.readers.node import Node

_OF_A_HISTOGRAM = ("_bucket", "_count", "_sum")


def read_sli(node: Node) -> Sli | None:
    """Read one SLI; None where it cannot be told what it counts."""
    kinds = [kind for kind in node.names() if kind in _READERS]
    return _READERS[kinds[0]](node[kinds[0]]) if len(kinds) == 1 else None


def _ratio(node: Node) -> Sli | None:
    given = [key for key in ("bad", "good") if key in node]
    if len(given) != 1:
        seen = "has both bad and good events" if given else "has neither bad nor good events"
        node.report(
            "sli/events", f"a ratio needs either bad or good events, this one {seen}", "keep one", span=node.key_span
        )
        return None
    bad, good, total = node["bad"].promql(), node["good"].promql(), node["total"].promql()
    events = bad or good
    if total is None or events is None:
        return None
    return RatioSli(total.text, bad_events=bad.text if bad else None, good_events=good.text if good else None)


def _latency(node: Node) -> Sli | None:
    histogram, within = node["histogram"].promql(), node["within"].duration_or_none()
    if histogram is None or within is None:
        return None
    name = metric_name(histogram.text)
    suffix = next((suffix for suffix in _OF_A_HISTOGRAM if name.endswith(suffix)), None)
    if suffix:
        node["histogram"].report(
            "sli/histogram",
            f"{name} is one of the series of a histogram; the histogram is named by its base name",
            f"write {name.removesuffix(suffix)}",
        )
        return None
    return LatencySli(histogram.text, Decimal(within.milliseconds) / 1000)


def _probe(node: Node) -> Sli | None:
    up = node["up"].promql()
    at_least = node["at_least"].quantity() if "at_least" in node else Decimal(1)
    return ProbeSli(up.text, at_least) if up is not None and at_least is not None else None


_READERS = {"ratio": _ratio, "latency": _latency, "probe": _probe}
