"""Service: a document to what it exports, its SLIs, SLOs, alerts and tests."""

from tocsin.spec.readers.alert import read_alert
from tocsin.spec.readers.groups import check_groups, read_group, read_recording
from tocsin.spec.readers.node import Node
from tocsin.spec.readers.raw import read_labels
from tocsin.spec.readers.sli import read_sli
from tocsin.spec.readers.slo import read_slo
from tocsin.spec.readers.test import read_test
from tocsin.spec.service import Metric, Scrape, Service

_OF_ALERTS = frozenset({"alertname", "ref", "service", "severity"})
_OF_SERVICES = _OF_ALERTS | {"slo", "tier"}
"""Labels that Tocsin sets; a user's value would make two alerts look like one."""


def read_service(node: Node) -> Service:
    """Read one Service document."""
    name = node["name"].text()
    labels = read_labels(node["labels"], _OF_SERVICES)
    slis = {entry.name: sli for entry in node["slis"].entries() if (sli := read_sli(entry)) is not None}
    slos = (read_slo(entry, name, slis, node["slis"].names()) for entry in node["slos"].entries())
    alerts = (
        read_alert(entry, name, labels, read_labels(entry["labels"], _OF_ALERTS)) for entry in node["alerts"].entries()
    )
    service = Service(
        name=name,
        title=node["title"].text(name),
        description=node["description"].text().strip(),
        owner=node["owner"].text(),
        runbook=node["runbook"].text_or_none(),
        labels=labels,
        scrape=_scrape(node["scrape"], name) if "scrape" in node else None,
        metrics={entry.name: _metric(entry) for entry in node["metrics"].entries()},
        slis=slis,
        slos=tuple(slo for slo in slos if slo is not None),
        alerts=tuple(alert for alert in alerts if alert is not None),
        tests=tuple(read_test(entry, node) for entry in node["tests"].elements()),
        span=node["name"].span,
        recordings=tuple(
            r for entry in node["recordings"].elements() if (r := read_recording(entry, name)) is not None
        ),
        groups=tuple(read_group(entry) for entry in node["groups"].entries()),
    )
    check_groups(node)
    _tell_apart(node)
    _tell_groups_apart(node, service)
    return service


def _tell_groups_apart(node: Node, service: Service) -> None:
    """A label of the service would be put over that of each row of an objective which is divided by it."""
    for name, _ in service.labels:
        for slo in service.slos:
            if name in slo.by:
                entry = node["labels"][name]
                entry.report(
                    "slo/group-by",
                    f"every alert of {service.name} gets {name}={entry.text()!r}, and {slo.ref} is divided by {name}: "
                    "all its rows would be one alert, which Prometheus refuses",
                    "choose another name, or leave it out of group_by",
                    span=entry.key_span,
                )


def _scrape(node: Node, service: str) -> Scrape:
    interval, timeout = node["interval"].duration_or_none(), node["timeout"].duration_or_none()
    if interval and timeout and timeout > interval:
        node["timeout"].report(
            "scrape/timeout",
            f"a scrape may take {timeout}, longer than the interval of {interval}",
            f"write {interval} or less; Prometheus refuses the configuration otherwise",
        )
    return Scrape(
        job=node["job"].text(service),
        targets=node["targets"].texts(),
        path=node["path"].text("/metrics"),
        scheme=node["scheme"].text("http"),
        interval=interval,
        timeout=timeout,
        span=node.key_span,
    )


def _metric(node: Node) -> Metric:
    if "buckets" in node and node["type"].text() not in {"histogram", ""}:
        message = f"{node.name} is a {node['type'].text()}, and only a histogram has buckets"
        node["buckets"].report("metric/buckets", message, "remove them", span=node["buckets"].key_span)
    bounds = (entry.quantity() for entry in node["buckets"].elements())
    return Metric(
        name=node.name,
        type=node["type"].text(),
        unit=node["unit"].text_or_none(),
        labels=node["labels"].texts(),
        description=node["description"].text().strip(),
        span=node.key_span,
        buckets=tuple(sorted(bound for bound in bounds if bound is not None)),
    )


def _tell_apart(node: Node) -> None:
    """An SLO and an alert with one name would have one `ref`."""
    for alert in node["alerts"].entries():
        if alert.name in node["slos"]:
            slo = node["slos"][alert.name]
            alert.report(
                "reference/duplicate",
                f"{alert.name!r} is the name of an SLO of this service too",
                "give one of them another name",
                span=alert.key_span,
                related=((slo.key_span, "the SLO"),),
            )
