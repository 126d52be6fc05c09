r"""Buckets of histograms in queries of good events.

Prometheus 2 keeps the bound of a bucket as the client wrote it, Prometheus 3 writes whole numbers with `.0`. A query of
one spelling finds nothing where the other is stored, and good events without a series are a total outage.
"""

import re
from dataclasses import dataclass

from tocsin.promql import with_window
from tocsin.promql_syntax import Fault, Selector, nodes, parse
from tocsin.sli.latency import le_matcher
from tocsin.units import Duration, parse_decimal

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Limited:
    """Events of *histogram*, a selector of its base name, are good up to *within*."""

    histogram: str
    within: Duration


def limited(good: str, total: str) -> Limited | None:
    """What two plain selectors say, if they are a bucket and the count of one histogram.

    >>> limited('t_bucket{job="a",le="0.5"}', 't_count{job="a"}')
    Limited(histogram='t{job="a"}', within=Duration(milliseconds=500))
    """
    bucket, count = parse(good), parse(total)
    if not isinstance(bucket, Selector) or not isinstance(count, Selector):
        return None
    if any(each.offset is not None or each.at is not None for each in (bucket, count)):
        return None
    base = (count.metric or "").removesuffix("_count")
    bounds = [matcher for matcher in bucket.matchers if matcher.label.value == "le"]
    same = {m.said for m in bucket.matchers if m.label.value != "le"} == {m.said for m in count.matchers}
    if not same or bucket.metric != f"{base}_bucket" or len(bounds) != 1 or count.name is None:
        return None
    if bounds[0].op != "=" or not _NUMBER.fullmatch(bounds[0].value.value):
        return None
    milliseconds = parse_decimal(bounds[0].value.value) * 1000
    if milliseconds != int(milliseconds) or not milliseconds:
        return None
    shortened = total[: count.name.start] + base + total[count.name.end :]
    return Limited(shortened, Duration(int(milliseconds)))


def any_spelling(text: str) -> str:
    r"""*text* with each bound of a bucket in every spelling that Prometheus stores.

    >>> any_spelling('rate(t_bucket{le="1", a="b"}[5m])'), any_spelling('t_bucket{le="0.5"}')
    ('rate(t_bucket{le=~"1|1\\\\.0", a="b"}[5m])', 't_bucket{le="0.5"}')
    """
    tree = parse(with_window(text))  # as long as *text*
    if isinstance(tree, Fault):
        return text
    bounds = [
        matcher
        for node in nodes(tree)
        if isinstance(node, Selector) and (node.metric or "").endswith("_bucket")
        for matcher in node.matchers
        if matcher.label.value == "le" and matcher.op == "=" and _NUMBER.fullmatch(matcher.value.value)
    ]
    for matcher in sorted(bounds, key=lambda each: -each.start):
        spelled = le_matcher(parse_decimal(matcher.value.value))
        if spelled.startswith("le=~"):
            text = text[: matcher.start] + spelled + text[matcher.end :]
    return text
