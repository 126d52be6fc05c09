"""The mapping of a StatsD exporter: names with dots become metrics with labels, as the metric catalogue has them.

A service sends `prefix.service.metric`, and behind that the values of the metric's labels in the order of the
catalogue: `beCamera.be-camera.http_requests_total.GET.count.200:1|c`. Times are sent in milliseconds, as StatsD has
them, and exported in seconds. https://github.com/prometheus/statsd_exporter
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from operator import attrgetter

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.plan import Plan
from tocsin.sli import LatencySli
from tocsin.spec import Metric, Service, StatsD
from tocsin.targets.artifact import Artifact, comment, header
from tocsin.targets.yaml_text import Yaml, tree
from tocsin.workspace import Workspace

EXPORTER_PORT = 9102
"""Where a StatsD exporter is scraped, by its own default."""

_PART = re.compile(r"[a-zA-Z_](-?[a-zA-Z0-9_])+")
"""What the exporter takes between two dots of a glob."""

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SECONDS = tuple(map(Decimal, ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10")))
"""The bounds that client libraries of Prometheus use for seconds."""
_OTHERS = tuple(Decimal(10**n) for n in range(10))
_TYPES = {"counter": "counter", "gauge": "gauge", "histogram": "observer", "summary": "observer"}


def has_statsd(workspace: Workspace) -> bool:
    """Whether metrics come by StatsD."""
    platform = workspace.platform
    return platform is not None and platform.statsd is not None and platform.statsd.enabled


def statsd(_plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """One mapping for all services; nothing where the Platform knows no StatsD."""
    if workspace.platform is None or workspace.platform.statsd is None:
        return ()
    settings = workspace.platform.statsd
    services = _services(workspace)
    paths = [workspace.platform.span.path, *(service.span.path for service in services)]
    start = (
        f"# Start with: statsd_exporter --statsd.listen-udp=:{settings.port} --web.listen-address=:{EXPORTER_PORT} "
        "--statsd.mapping-config=mapping.yml\n"
        f"# Services send to {comment(settings.host)}:{settings.port} every {settings.flush_interval}, "
        "as prefix.service.metric and the labels' values.\n"
    )
    mappings = [_mapping(settings, service, metric) for service, metric in _sayable(settings, services)]
    return (Artifact("statsd/mapping.yml", header(paths) + start + tree({"mappings": mappings})),)


def unmapped(_plan: Plan, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """The metrics whose name cannot stand between two dots."""
    if workspace.platform is None or workspace.platform.statsd is None:
        return ()
    settings, services = workspace.platform.statsd, _services(workspace)
    sayable = {metric.span for _, metric in _sayable(settings, services)}
    return tuple(
        Diagnostic(
            "statsd/name",
            metric.span,
            f"a StatsD exporter cannot map {'.'.join(_parts(settings, service, metric))}",
            Severity.WARNING,
            hint="between two dots stand at least two letters, digits, _ and -, not beginning with a digit",
        )
        for service in services
        for metric in service.metrics.values()
        if metric.span not in sayable
    )


def _services(workspace: Workspace) -> list[Service]:
    return sorted((service for service in workspace.services if service.metrics), key=attrgetter("name"))


def _parts(settings: StatsD, service: Service, metric: Metric) -> tuple[str, ...]:
    prefix = settings.prefix.strip(".").split(".") if settings.prefix.strip(".") else []
    return (*prefix, service.name, metric.name)


def _sayable(settings: StatsD, services: list[Service]) -> Iterator[tuple[Service, Metric]]:
    for service in services:
        for metric in sorted(service.metrics.values(), key=attrgetter("name")):
            if all(map(_PART.fullmatch, _parts(settings, service, metric))):
                yield service, metric


def _mapping(settings: StatsD, service: Service, metric: Metric) -> dict[str, Yaml]:
    job = service.scrape.job if service.scrape else service.name
    made: dict[str, Yaml] = {
        "match": ".".join((*_parts(settings, service, metric), *("*" for _ in metric.labels))),
        "match_metric_type": _TYPES[metric.type],
        "name": metric.name,
        "labels": {"job": job, **{label: f"${n}" for n, label in enumerate(metric.labels, start=1)}},
    }
    if metric.description:
        made["help"] = metric.description
    if metric.type == "histogram":
        made["observer_type"] = "histogram"
        made["histogram_options"] = {"buckets": list(_buckets(service, metric))}
    elif metric.type == "summary":
        made["observer_type"] = "summary"
    return made


def _buckets(service: Service, metric: Metric) -> tuple[Decimal, ...]:
    """The usual bounds, and those that latency objectives count by."""
    usual = _SECONDS if metric.unit in {None, "seconds"} else _OTHERS
    asked = {
        sli.within
        for sli in service.slis.values()
        if isinstance(sli, LatencySli) and (name := _NAME.match(sli.histogram)) and name[0] == metric.name
    }
    return tuple(sorted({*usual, *asked}))
