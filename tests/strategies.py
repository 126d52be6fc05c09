"""Made-up workspaces for property tests: valid definitions with the texts that break generators.

`workspaces()` gives whole workspaces as files, `services()` one Service as the mapping that a document holds, `texts()`
and `labels()` what people write. Everything is valid: a finding that is an error is a fault of Tocsin or of this file.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tocsin.promql import label_value
from tocsin.workspace import Source

Document = Mapping[str, Any]

QUARTER = settings.default.max_examples // 4  # type: ignore[union-attr]
"""How many examples dear properties get: 50 in CI, 1,250 in `make soak`."""

_NASTY = ('"', "'", "\\", "\n", "\t", "{{", "}}", "{{ $value }}", "{{ `x` }}", "$1", "${x}", "%", "#", ": ", "|", "=~")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON writes as it is and YAML does not take so."""

_CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"))


def texts(min_size: int = 0) -> st.SearchStrategy[str]:
    """Texts of one or several lines with quotes, backslashes, templates and any script."""
    pieces = st.one_of(st.sampled_from(_NASTY), st.text(_CHARACTERS, min_size=1, max_size=6))
    return st.lists(pieces, min_size=min_size, max_size=4).map("".join)


def names() -> st.SearchStrategy[str]:
    """Names of documents, objectives and indicators."""
    return st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)


def labels(max_size: int = 3) -> st.SearchStrategy[dict[str, str]]:
    """Labels that Tocsin does not set itself, with any value."""
    name = st.sampled_from(["team", "system", "zone", "_x", "A1", "tier_name"])
    return st.dictionaries(name, texts(), max_size=max_size)


def selectors(metric: str) -> st.SearchStrategy[str]:
    """Plain selectors of *metric*, whose matchers hold any text."""
    pairs = st.dictionaries(st.sampled_from(["job", "route", "code"]), texts(), max_size=2)
    return pairs.map(lambda some: _selector(metric, some))


def _selector(metric: str, some: Mapping[str, str]) -> str:
    return metric + (
        "{" + ",".join(f"{name}={label_value(value)}" for name, value in some.items()) + "}" if some else ""
    )


@st.composite
def slis(draw: st.DrawFn) -> Document:
    """One SLI of any kind."""
    kind = draw(st.sampled_from(["ratio", "windowed", "latency", "probe", "threshold", "freshness", "raw"]))
    if kind == "ratio":
        side = draw(st.sampled_from(["bad", "good"]))
        return {"ratio": {side: draw(selectors("failed_total")), "total": draw(selectors("requests_total"))}}
    if kind == "windowed":
        failed, total = (f"sum(rate({draw(selectors(m))}[$window]))" for m in ("failed_total", "requests_total"))
        return {"ratio": {"bad": failed, "total": total}}
    if kind == "latency":
        return {
            "latency": {"histogram": draw(selectors("took_seconds")), "within": draw(st.sampled_from(["1s", "250ms"]))}
        }
    if kind == "probe":
        gauge, at_least = draw(st.sampled_from([("up", 1), ("replicas", 2)]))
        return {"probe": {"up": draw(selectors(gauge)), "at_least": at_least}}
    if kind == "threshold":
        return {"threshold": {"value": f"max({draw(selectors('depth'))})", "at_most": draw(st.integers(0, 1000))}}
    if kind == "freshness":
        return {"freshness": {"last_success": draw(selectors("last_success_seconds")), "within": "1h"}}
    return {"raw": {draw(st.sampled_from(["error_ratio", "success_ratio"])): draw(selectors("shop_errors_ratio"))}}


@st.composite
def raw(draw: st.DrawFn) -> Document:
    """What Prometheus gets as it is; braces would be templates, so there are none."""
    plain = texts(1).map(lambda text: text.replace("{", "("))
    some = st.fixed_dictionaries(
        {
            "labels": st.dictionaries(st.sampled_from(["severity", "key"]), plain, max_size=2),
            "annotations": st.dictionaries(st.sampled_from(["board", "summary"]), plain, max_size=1),
        }
    )
    return {**draw(some), "page": draw(some)}


@st.composite
def slos(draw: st.DrawFn, sli: str, definition: Document) -> Document:
    """An objective whose tiers can all fire."""
    made: dict[str, Any] = {
        "sli": sli,
        "target": draw(st.sampled_from(["98%", "99%", "99.5%", "99.95%", "0.999"])),
        "window": draw(st.sampled_from(["7d", "28d", "30d", {"calendar": "month", "timezone": "Asia/Ho_Chi_Minh"}])),
    }
    if draw(st.booleans()):
        made["labels"] = draw(labels())
    if draw(st.booleans()):
        made["prometheus"] = draw(raw())
    if "$window" not in str(definition) and {"ratio", "latency", "probe"} & set(definition) and draw(st.booleans()):
        made["group_by"] = [draw(st.sampled_from(["zone_id", "instance"]))]
    if draw(st.booleans()):
        made["guards"] = {"cold_start": {"enabled": False, "reason": draw(texts(1)).strip() or "x"}}
    if draw(st.booleans()):
        made |= {"budgeting": "ratio-timeslices", "slice": draw(st.sampled_from(["1m", "5m"]))}
    if draw(st.booleans()):
        made["description"] = draw(texts(1))
    if draw(st.booleans()):
        made["no_traffic"] = {"alert": False, "reason": "asked elsewhere"}
    return made


@st.composite
def alerts(draw: st.DrawFn) -> Document:
    """An alert on a value or a plain expression; its texts are plain, its labels hold anything."""
    series = draw(selectors("depth"))
    bound = draw(st.sampled_from([100, "5%", "250ms", "-3", "1GB"]))
    conditions: list[dict[str, Any]] = [
        {"value": f"max by (job) ({series})", "above": bound},
        {"value": series, "below": bound},
        {"expr": f"{series} > 3\nor {series} < -3  # either"},
    ]
    more: dict[str, Any] = {"severity": draw(st.sampled_from(["info", "warning", "critical"]))}
    if wait := draw(st.sampled_from(["", "2m", "1h30m"])):
        more["for"] = wait
    if own := draw(labels()):
        more["labels"] = own
    more["summary"] = draw(texts(1)).replace("{", "(") + draw(st.sampled_from(["", " {{ value | percent }}"]))
    return {**draw(st.sampled_from(conditions)), **more}


@st.composite
def recordings(draw: st.DrawFn) -> Document:
    """A recorded series with labels of any value."""
    name = draw(st.sampled_from(["job:depth:max", "job:failed:rate5m"]))
    return {"record": name, "expr": f"max by (job) ({draw(selectors('depth'))})", "labels": draw(labels())}


@st.composite
def services(draw: st.DrawFn, name: str) -> Document:
    """One Service with some of everything."""
    sli_names = draw(st.lists(names(), max_size=2, unique=True))
    slo_names = draw(st.lists(names(), max_size=2, unique=True)) if sli_names else []
    alert_names = draw(st.lists(st.sampled_from(["Down", "Slow", "Q1", "Full"]), max_size=2, unique=True))
    indicators = {each: draw(slis()) for each in sli_names}
    counted = {each: draw(st.sampled_from(sli_names)) for each in slo_names}
    made: dict[str, Any] = {
        "apiVersion": "tocsin/v1",
        "kind": "Service",
        "name": name,
        "title": draw(texts(1)),
        "labels": draw(labels()),
        "slis": indicators,
        "slos": {each: draw(slos(sli, indicators[sli])) for each, sli in counted.items()},
        "alerts": {each: draw(alerts()) for each in alert_names},
        "recordings": draw(st.lists(recordings(), max_size=2, unique_by=lambda r: r["record"])),
    }
    return {key: value for key, value in made.items() if value}


@st.composite
def notifications(draw: st.DrawFn) -> Document:
    """Two channels, and routes that match anything."""
    to = st.lists(st.sampled_from(["mail", "chat"]), min_size=1, max_size=2, unique=True)
    routes = draw(st.lists(st.fixed_dictionaries({"match": labels(1), "to": to}), max_size=2))
    return {
        "apiVersion": "tocsin/v1",
        "kind": "Notifications",
        "name": "all",
        "channels": {
            "mail": {"email": {"smtp": {"host": "smtp.example"}, "from": "a@example.org", "to": ["b@example.org"]}},
            "chat": {"slack": {"webhook": {"env": "HOOK"}}},
        },
        "routes": [*routes, {"match": {}, "to": ["mail"]}],
    }


@st.composite
def workspaces(draw: st.DrawFn) -> tuple[Source, ...]:
    """Whole workspaces, a file for each document."""
    found = draw(st.lists(names(), min_size=1, max_size=3, unique=True))
    documents = [draw(services(name)) for name in found]
    if draw(st.booleans()):
        documents.append(draw(notifications()))
    return tuple(Source(f"{number}.yaml", written(document)) for number, document in enumerate(documents))


def written(document: Document) -> str:
    """A document as YAML: JSON is YAML, but for a few characters."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"
