"""OpenSLO's metrics as SLIs: counted events, a ratio that is one already, or a value with a limit.

A query of events is written with a fixed range (`rate(x[5m])`) or as the counter itself. Tocsin counts over many
windows, so a range becomes `[$window]` and a counter is given a rate; each is told as a change.
"""

import re

from tocsin.importers.buckets import any_spelling, limited
from tocsin.importers.draft import Exactly, Mapping, Query
from tocsin.importers.grouping import Sli, group_by
from tocsin.importers.ledger import Given
from tocsin.importers.services import query
from tocsin.promql import is_windowed, with_window
from tocsin.promql_syntax import Aggregation, Binary, Expr, Fault, Parens, RangeSelector, Selector, nodes, parse

_WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}|\$\{?(?:window|__rate_interval|__interval|__range)\}?", re.IGNORECASE)
_PROMETHEUS = frozenset(
    {"", "prometheus", "promql", "thanos", "mimir", "cortex", "victoriametrics", "amazonprometheus"}
)
_QUERIES = ("query", "promql", "expr")
_LIMITS = {"lte": "at_most", "lt": "at_most", "gte": "at_least", "gt": "at_least"}


def sli(spec: Given, objective: Given, types: dict[str, str]) -> Sli | None:
    """The SLI of an indicator for one of its objectives; None where it cannot be said, and then it is told."""
    if "thresholdMetric" in spec:
        return _threshold(spec["thresholdMetric"], objective, types)
    if "ratioMetric" in spec:
        return ratio(spec["ratioMetric"], types)
    spec.refuse("an indicator has a thresholdMetric or a ratioMetric")
    return None


def ratio(node: Given, types: dict[str, str]) -> Sli | None:
    """Good or bad events of all, or a ratio."""
    node["counter"].use(), node["incremental"].use(), node["rawType"].use()
    if "raw" in node:
        kind = {"success": "success_ratio", "failure": "error_ratio"}.get(node["rawType"].text())
        if kind is None:
            node["rawType"].refuse("rawType is success or failure")
            return None
        text = _text(node["raw"], types)
        return _kind("raw", {kind: text}, node, _by((node["raw"], text))) if text is not None else None
    given = [key for key in ("good", "bad") if key in node]
    if len(given) != 1 or "total" not in node:
        node.refuse("a ratio has total, and either good or bad")
        return None
    events, total = _text(node[given[0]], types), _text(node["total"], types)
    if events is None or total is None:
        return None
    counter = node["counter"] if "counter" in node else node["incremental"]
    if given == ["good"]:
        if counter.flag(default=True) and (latency := _latency(node, events, total)):
            return latency
        events = _spelled(node["good"], events)
    by = _by((node[given[0]], events), (node["total"], total))
    if is_windowed(events) and is_windowed(total):
        return _kind("ratio", {given[0]: events, "total": total}, node, by)
    trees = [parse(with_window(text)) for text in (events, total)]
    if all(isinstance(tree, Selector) for tree in trees) and counter.flag(default=True):
        return _kind("ratio", {given[0]: events, "total": total}, node, by)
    counted = [_counted(text, tree) for text, tree in zip((events, total), trees, strict=True)]
    ranged = any(
        isinstance(part, RangeSelector) for tree in trees if not isinstance(tree, Fault) for part in nodes(tree)
    )
    if None not in counted and (ranged or counter.flag(default=True)):
        node.change("its queries are counted over the window of each rule ($window) now")
        return _kind("ratio", {given[0]: str(counted[0]), "total": str(counted[1])}, node, by)
    node.change("the ratio is looked at again and again now, so it weighs time and not events")
    key = "success_ratio" if given == ["good"] else "error_ratio"
    return _kind(
        "raw", {key: f"({events})\n/\n({total})" if "\n" in events + total else f"({events}) / ({total})"}, node, by
    )


def _by(*queries: tuple[Given, str]) -> list[str]:
    """What an aggregation divides it by: OpenSLO counts events, so the series of a bare counter are not told apart."""
    return group_by(queries, "OpenSLO", series=False)


def _latency(node: Given, good: str, total: str) -> Sli | None:
    """Good events that are a bucket, of all that are the count of its histogram."""
    found = limited(good, total)
    if found is None:
        return None
    node.change("it is a latency now: its good events are a bucket, and all of them the count, of one histogram")
    inner, entry = Mapping(), Mapping()
    inner.put("histogram", Query(found.histogram), node["total"])
    inner.put("within", Exactly(str(found.within)), node["good"])
    entry.put("latency", inner, node)
    return Sli(entry)


def _spelled(node: Given, text: str) -> str:
    """The bound of a bucket in both spellings: good events that nobody finds would be an outage."""
    spelled = any_spelling(text)
    if spelled != text:
        node.change("le is matched in every spelling: Prometheus 3 writes whole numbers with .0")
    return spelled


def _threshold(node: Given, objective: Given, types: dict[str, str]) -> Sli | None:
    text = _text(node, types)
    op, value = objective["op"].text(), objective["value"].number()
    if text is None:
        return None
    if op not in _LIMITS or value is None:
        (objective["op"] if op else objective).refuse("a threshold needs op (lte, gte, lt or gt) and value")
        return None
    if op in {"lt", "gt"}:
        objective["op"].change(f"a value of exactly {value} is good now")
    inner = Mapping()
    inner.put("value", query(node, text), node)
    inner.put(_LIMITS[op], Exactly(f"{value:f}"), objective["value"])
    entry = Mapping()
    entry.put("threshold", inner, node)
    return Sli(entry, _by((node, text)))


def _text(node: Given, types: dict[str, str]) -> str | None:
    """The PromQL of a metric, in the form of v1 or of v1alpha."""
    source = node.either("metricSource")
    spec = source["spec"] if "metricSource" in node else node
    kind = source["type"].text() or types.get(source["metricSourceRef"].text(), "") or node["source"].text()
    source["metricSourceRef"].use(), node["queryType"].use()
    if re.sub(r"[^a-z]", "", kind.lower()) not in _PROMETHEUS:
        node.lose(f"Tocsin asks Prometheus, not {kind}")
        return None
    found = next((spec[key] for key in _QUERIES if key in spec), None)
    if found is None:
        node.lose("there is no query in PromQL")
        return None
    text = _WINDOW.sub("$window", found.text()).strip()
    query(found, text)
    return text


def _counted(text: str, tree: Expr | Fault) -> str | None:
    """The query with the window of each rule in the place of its own, or a rate where it has none."""
    if isinstance(tree, Fault):
        return None
    ranges = [node.range for node in nodes(tree) if isinstance(node, RangeSelector)]
    if ranges:
        for each in sorted(ranges, key=lambda each: -each.start):
            text = f"{text[: each.start]}$window{text[each.end :]}"
        return text
    if not all(isinstance(node, Selector | Aggregation | Parens | Binary) for node in nodes(tree)):
        return None
    selectors = [node for node in nodes(tree) if isinstance(node, Selector)]
    if any(selector.offset is not None or selector.at is not None for selector in selectors):
        return None
    for selector in sorted(selectors, key=lambda selector: -selector.start):
        text = f"{text[: selector.start]}rate({text[selector.start : selector.end]}[$window]){text[selector.end :]}"
    return text


def _kind(kind: str, texts: dict[str, str], node: Given, by: list[str]) -> Sli:
    inner, entry = Mapping(), Mapping()
    for key, text in texts.items():
        inner.put(key, Query(text), node.either(key))
    entry.put(kind, inner, node)
    return Sli(entry, by)
