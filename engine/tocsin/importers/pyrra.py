"""Pyrra's ServiceLevelObjective to services with SLIs and objectives."""

from collections.abc import Sequence

from tocsin.importers.buckets import any_spelling, limited
from tocsin.importers.draft import Exactly, Inline, Mapping, Query
from tocsin.importers.grouping import UNDIVIDED
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.model import Definition, Reading
from tocsin.importers.objects import BOOKKEEPING, named, objects
from tocsin.importers.services import PERIOD, TIERS, Extras, Service, Services, burn_rate, percentage, query
from tocsin.promql_syntax import Selector, parse
from tocsin.units import Duration
from tocsin.windows import POLICIES

_KINDS = {"pyrra.dev/v1alpha1": frozenset({"ServiceLevelObjective"})}
_PASSED_ON = "pyrra.dev/"
_SERVICE = "pyrra.dev/service"
_KINDS_OF_SLI = ("ratio", "latency", "latencyNative", "bool_gauge")
_KUBERNETES = "it belongs to the Kubernetes object, not to what is defined"


def pyrra(reading: Reading) -> Sequence[Definition]:
    """The objectives of one file are a service, unless the label `pyrra.dev/service` says which it is."""
    services = Services(reading.service)
    for root in objects(reading):
        if named(root, _KINDS):
            written = root["metadata"]["labels"][_SERVICE]
            name = written.text() if written.value else reading.names[root.document.path]
            _objective(root, services.get(written if written.value else root, name))
    return services.definitions()


def _objective(root: Given, service: Service) -> None:
    metadata, spec = root["metadata"], root["spec"]
    root["status"].use()
    name = metadata["name"].text()
    given = [kind for kind in _KINDS_OF_SLI if kind in spec["indicator"]]
    if not name or len(given) != 1:
        spec.refuse(f"an objective needs a name and one indicator of {', '.join(_KINDS_OF_SLI)}")
        root.use()
        return
    indicator = spec["indicator"][given[0]]
    key = service.slo_name(name)
    sli = _SLIS[given[0]](indicator)
    if sli is None:
        if not any(finding.span.path == root.span.path for finding in root.ledger.findings):
            indicator.refuse("the indicator has no metric")
        root.use()
        return
    if key != name:
        metadata["name"].change(f"it is called {key} now")
    service.slis.put(key, sli, spec["indicator"], notes=[spec["indicator"].source])
    entry = Mapping()
    entry.put("sli", key)
    target = percentage(spec["target"])
    entry.put("target", target, spec["target"])
    window = spec["window"].duration()
    entry.put("window", Exactly(spec["window"].text()) if window else None, spec["window"])
    grouping = []
    for label in indicator["grouping"].elements():
        if label.text() in UNDIVIDED:
            label.lose("Tocsin sets this label itself; rename it in the series to divide the objective by it")
        else:
            grouping.append(label.text())
    indicator["grouping"].use() if not grouping else None
    service.divide(grouping)
    entry.put("group_by", Inline(grouping) if grouping else None, indicator["grouping"])
    watched = _burn_rate(spec, entry, target, window or PERIOD)
    _alerting(spec["alerting"], entry)
    entry.put("description", spec["description"].text().strip(), spec["description"])
    _metadata(metadata, frozenset(grouping)).put(entry)
    service.slos.put(key, entry, root, notes=[root.source])
    why = "windows and factors are those of the policy workbook, not Pyrra's scaled ones; burn_rate: chooses others"
    if watched:
        root.ledger.note(Fate.CHANGED, metadata["name"].span, f"burn-rate alerts of {name}", why)
    for key_ in ("partial_response_strategy", "performanceOverAccuracy"):
        if key_ in spec:
            spec[key_].lose("Tocsin's rules need no such setting")


def _metadata(metadata: Given, by: frozenset[str]) -> Extras:
    """What Pyrra passes on to its rules, and what belongs to the object alone."""
    extras = Extras(by)
    for entry in metadata.entries():
        if entry.name == "namespace":
            entry.lose("series have no label namespace here; that of objects is set in kubernetes: of the Platform")
        elif entry.name in {"labels", "annotations"}:
            for inner in entry.entries():
                if inner.name == _SERVICE and entry.name == "labels":
                    continue
                if not inner.name.startswith(_PASSED_ON):
                    inner.lose(_KUBERNETES)
                elif entry.name == "labels":
                    extras.label(inner, inner.name.removeprefix(_PASSED_ON))
                else:
                    extras.annotation(inner, inner.name.removeprefix(_PASSED_ON))
        elif entry.name in BOOKKEEPING:
            entry.use()
    return extras


def _burn_rate(spec: Given, entry: Mapping, target: Exactly | None, window: Duration) -> bool:
    """Switch off what was off; whether any tier is left."""
    alerting = spec["alerting"]
    disabled = alerting["disabled"].flag(default=False) or not alerting["burnrates"].flag(default=True)
    off = [tier for tiers in TIERS.values() for tier in tiers] if disabled else []
    told = spec["target"] if POLICIES["workbook"].tiers(window) else spec["window"]
    setting, left = burn_rate(off, told, target, window)
    entry.put("burn_rate", setting, alerting["burnrates"], alerting["disabled"])
    return left


def _alerting(alerting: Given, entry: Mapping) -> None:
    if alerting["disabled"].flag(default=False) or not alerting["absent"].flag(default=True):
        silent = Mapping()
        silent.put("alert", Exactly("false"))
        silent.put("reason", "its alert on a missing metric was switched off in Pyrra")
        entry.put("no_traffic", silent, alerting["absent"])
    kind = alerting["burnRateType"].text("static")
    if kind != "static":
        alerting["burnRateType"].lose("thresholds do not follow the traffic; guards: low_traffic quiets few events")
    for key in ("name", "absentName"):
        if key in alerting:
            alerting[key].use()
            called = "ErrorBudgetBurn" if key == "name" else "TrafficAbsent"
            alerting[key].change(f"the alert is called {called}; the labels service and slo tell alerts apart")


def _metric(node: Given) -> Query | None:
    metric = node["metric"]
    return query(metric, metric.text()) if metric.text().strip() else None


def _ratio(node: Given) -> Mapping | None:
    inner = Mapping()
    inner.put("bad", _metric(node["errors"]), node["errors"]["metric"])
    inner.put("total", _metric(node["total"]), node["total"]["metric"])
    return _kind("ratio", inner, node, 2)


def _latency(node: Given) -> Mapping | None:
    """A histogram by its base name where both series are of one, and the bound is one of the language."""
    success, total = _metric(node["success"]), _metric(node["total"])
    inner = Mapping()
    if success is None or total is None:
        return None
    good = parse(success.text)
    if isinstance(good, Selector) and not any(matcher.label.value == "le" for matcher in good.matchers):
        node["success"]["metric"].refuse("there is no le in it, so it is no bucket", 'Pyrra wants one, such as le="1"')
        return None
    latency = limited(success.text, total.text)
    if latency is not None:
        inner.put("histogram", Query(latency.histogram), node["total"]["metric"])
        inner.put("within", Exactly(str(latency.within)), node["success"]["metric"])
        return _kind("latency", inner, node, 2)
    events = Query(any_spelling(success.text))
    inner.put("good", events, node["success"]["metric"])
    inner.put("total", total, node["total"]["metric"])
    why = "its series are not one histogram, so it is a ratio of good events; where those have no series, all are bad"
    node.change(why)
    if events != success:
        node["success"]["metric"].change("le is matched in every spelling: Prometheus 3 writes whole numbers with .0")
    return _kind("ratio", inner, node, 2)


def _native(node: Given) -> Mapping | None:
    inner = Mapping()
    inner.put("histogram", _metric(node["total"]), node["total"]["metric"])
    within = node["latency"].duration()
    inner.put("within", Exactly(node["latency"].text()) if within else None, node["latency"])
    inner.put("native", Exactly("true"))
    return _kind("latency", inner, node, 3)


def _gauge(node: Given) -> Mapping | None:
    inner = Mapping()
    inner.put("up", _metric(node), node["metric"])
    return _kind("probe", inner, node, 1)


def _kind(kind: str, inner: Mapping, node: Given, least: int) -> Mapping | None:
    entry = Mapping()
    entry.put(kind, inner, node)
    return entry if len(inner.entries) >= least else None


_SLIS = {"ratio": _ratio, "latency": _latency, "latencyNative": _native, "bool_gauge": _gauge}
