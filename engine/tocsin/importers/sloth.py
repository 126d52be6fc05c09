"""Sloth's `prometheus/v1` and its Kubernetes kind PrometheusServiceLevel to services with SLIs and objectives."""

import re
from collections.abc import Mapping as Keys
from collections.abc import Sequence

from tocsin.importers.draft import Entry, Exactly, Inline, Mapping
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.model import Definition, Reading
from tocsin.importers.objects import named, objects, pass_over_metadata
from tocsin.importers.services import TIERS, Extras, Service, Services, burn_rate, percentage
from tocsin.importers.sloth_queries import sli as sli_of
from tocsin.importers.sloth_windows import Windows

_VERSION = "prometheus/v1"
_KINDS = {"sloth.slok.dev/v1": frozenset({"PrometheusServiceLevel", "AlertWindows"})}
_URL = re.compile(r"https?://[^\s{}]+")
_SNAKE = {
    "errors": "error_query", "total": "total_query", "raw": "error_ratio_query", "page": "page_alert",
    "ticket": "ticket_alert", "plugins": "slo_plugins",
}  # fmt: skip
_CAMEL = {
    "errors": "errorQuery", "total": "totalQuery", "raw": "errorRatioQuery", "page": "pageAlert",
    "ticket": "ticketAlert", "plugins": "sloPlugins",
}  # fmt: skip
_PLUGIN = "plugins are programs of Sloth; say in the definition what it does"


def sloth(reading: Reading) -> Sequence[Definition]:
    """One service for each that is named."""
    services = Services(reading.service)
    roots = list(objects(reading))
    kinds = [named(root, _KINDS) if "kind" in root or "apiVersion" in root else "" for root in roots]
    windows = Windows([root for root, kind in zip(roots, kinds, strict=True) if kind == "AlertWindows"])
    for root, kind in zip(roots, kinds, strict=True):
        if kind == "PrometheusServiceLevel":
            pass_over_metadata(root, "name")
            root["metadata"]["name"].use()
            _spec(root["spec"], _CAMEL, services, windows)
        elif "kind" in root or "apiVersion" in root:
            continue  # windows, or told already
        elif (version := root["version"].text()) != _VERSION:
            what = f"version is {version}" if version else "there is no version"
            (root["version"] if version else root).refuse(what, f"expected {_VERSION}")
            root.use()
        else:
            _spec(root, _SNAKE, services, windows)
    return [*services.definitions(), *windows.definitions()]


def _spec(spec: Given, keys: Keys[str, str], services: Services, windows: Windows) -> None:
    name = spec["service"].text()
    if not name:
        spec.refuse("a service has no name")
        return
    service = services.get(spec["service"], name)
    for label in spec["labels"].entries():
        service.label(label)
    if spec["labels"].value:
        spec["labels"].change("alerts carry them; recorded series do not, so that history survives when they change")
    if keys["plugins"] in spec:
        spec[keys["plugins"]].lose(_PLUGIN)
    if spec["slos"].value:
        why = "Sloth counts 30 days unless it is started with --default-slo-period; so does this"
        if windows.name:
            why = f"Sloth would count so with --default-slo-period {windows.period} and these AlertWindows"
        spec.ledger.note(Fate.ADDED, spec["slos"].key_span, f"window: {windows.period}", why)
        why = "Sloth has none; it tells when the events stop, and no_traffic: switches it off"
        spec.ledger.note(Fate.ADDED, spec["slos"].key_span, "alert TrafficAbsent of each objective", why)
    for slo in spec["slos"].elements():
        _slo(slo, keys, service, windows, plugins=keys["plugins"] in spec)


def _slo(slo: Given, keys: Keys[str, str], service: Service, windows: Windows, *, plugins: bool) -> None:
    name = slo["name"].text()
    if not name or "sli" not in slo:
        slo.refuse("an objective needs a name, and an SLI of events or raw")
        return
    if "plugin" in slo["sli"]:
        slo.lose("its SLI is a plugin, a program of Sloth; write the SLI by hand, or once as an SLITemplate")
        return
    sli = sli_of(slo["sli"], keys, plugins=plugins or "plugins" in slo)
    if sli is None:
        slo.lose("its SLI cannot be said; write it by hand")
        return
    key = service.slo_name(name)
    if key != name:
        slo["name"].change(f"it is called {key} now")
    service.slis.put(key, sli.entry, slo["sli"], notes=[slo["sli"].source])
    entry = Mapping()
    entry.put("sli", key, slo["name"])
    target = percentage(slo["objective"])
    entry.put("target", target, slo["objective"])
    entry.put("window", Exactly(str(windows.period)))
    service.divide(sli.by)
    entry.put("group_by", Inline(sli.by) if sli.by else None, slo["sli"])
    alerting = slo["alerting"]
    setting, _ = burn_rate(_off(alerting, keys), slo, target, windows.period, windows.policy)
    if windows.name:
        setting.entries.insert(0, Entry("policy", windows.name))
    entry.put("burn_rate", setting, alerting)
    if len(_off(alerting, keys)) == sum(map(len, TIERS.values())):
        silent = Mapping()
        silent.put("alert", Exactly("false"))
        silent.put("reason", "all of its alerts were switched off in Sloth")
        entry.put("no_traffic", silent)
    entry.put("description", slo["description"].text(), slo["description"])
    runbook = _runbook(alerting)
    entry.put("runbook", runbook.text() if runbook is not None else None, *([runbook] if runbook is not None else []))
    _extras(slo, keys, runbook, frozenset(sli.by)).put(entry)
    service.slos.put(key, entry, slo, notes=[slo.source])
    for lost in ("plugins",):
        if lost in slo:
            slo[lost].lose(_PLUGIN)
    if "interval" in slo:
        slo["interval"].lose("the rules of an objective are evaluated as often as the server does")
    _alerting(alerting, keys)


def _off(alerting: Given, keys: Keys[str, str]) -> list[str]:
    return [
        tier for kind, tiers in TIERS.items() if alerting[keys[kind]]["disable"].flag(default=False) for tier in tiers
    ]


def _runbook(alerting: Given) -> Given | None:
    found = (alerting["annotations"][key] for key in ("runbook_url", "runbook"))
    return next((node for node in found if _URL.fullmatch(str(node.value or ""))), None)


def _extras(slo: Given, keys: Keys[str, str], runbook: Given | None, by: frozenset[str]) -> Extras:
    """Labels and annotations of the alerts, as Sloth gives them to Prometheus."""
    extras, alerting = Extras(by), slo["alerting"]
    for label in (*slo["labels"].entries(), *alerting["labels"].entries()):
        extras.label(label)
    for note in alerting["annotations"].entries():
        if runbook is None or note.name != runbook.name:
            extras.annotation(note)
    for part, usual in (("page", "critical"), ("ticket", "warning")):
        node = alerting[keys[part]]
        for label in node["labels"].entries():
            extras.label(label, part=part, usual=usual)
        for note in node["annotations"].entries():
            extras.annotation(note, part=part)
    return extras


def _alerting(alerting: Given, keys: Keys[str, str]) -> None:
    """Whatever else is said about alerts."""
    if not alerting.value:
        alerting.use()
    if alerting["name"].value is not None:
        alerting["name"].use()
        alerting["name"].change("the alert is called ErrorBudgetBurn; the labels service and slo tell alerts apart")
    for part in ("page", "ticket"):
        if "for" in (node := alerting[keys[part]]):
            node["for"].lose("a tier alerts at once: its long window has waited already")
