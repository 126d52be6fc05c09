"""Prometheus rule files (one per service) and `prometheus.yml`, the same bytes for the same definitions."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter

from tocsin.plan import Late, Plan, RuleGroup
from tocsin.ports import labels_of
from tocsin.spec import Platform, PrometheusSettings, Scrape, Service
from tocsin.targets.artifact import Artifact, comment, header
from tocsin.targets.influxdb import remote_write
from tocsin.targets.likeness import written
from tocsin.targets.rule_text import mapping
from tocsin.targets.statsd import EXPORTER_PORT
from tocsin.targets.yaml_text import Yaml, scalar, tree
from tocsin.workspace import Workspace

RULES = "prometheus/rules"
CONFIG = "prometheus/prometheus.yml"


def prometheus(plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """All files, sorted by path."""
    groups = sorted(plan.groups, key=attrgetter("file"))
    files = [
        Artifact(f"{RULES}/{stem}.yml", partial(rule_file, tuple(some)))
        for stem, some in groupby(groups, attrgetter("file"))
    ]
    return tuple(sorted([Artifact(CONFIG, configuration(workspace)), *files]))


def rule_file(groups: tuple[RuleGroup, ...]) -> str:
    """One rule file."""
    return "".join((header(sources(groups)), "groups:\n", *rule_groups(groups)))


def sources(groups: Iterable[RuleGroup]) -> Iterator[str]:
    """The files of the definitions that caused the rules."""
    for group in groups:
        if isinstance(group.rules, Late):
            yield group.rules.of.slo.span.path
        else:
            yield from (rule.source.path for rule in group.rules)


def rule_groups(groups: Iterable[RuleGroup]) -> Iterator[str]:
    """The elements of the list `groups`, indented by two."""
    for group in groups:
        if group.note:
            yield f"  # {comment(group.note)}\n"
        yield f"  - name: {scalar(group.name)}\n"
        if group.interval is not None:
            yield f"    interval: {group.interval}\n"
        if group.limit:
            yield f"    limit: {group.limit}\n"
        yield f"    rules:\n{written(group.rules)}"


def configuration(workspace: Workspace) -> str:
    """The server's configuration; what can only be given as a flag (retention, port, path) is said in a comment."""
    platform = workspace.platform
    scraped = [service for service in sorted(workspace.services, key=attrgetter("name")) if service.scrape]
    paths = [service.span.path for service in scraped] + ([platform.span.path] if platform else [])
    lines = [header(paths)]
    if platform:
        lines.append(_global(platform.prometheus))
    lines.append("rule_files:\n  - rules/*.yml\n")
    if platform and platform.prometheus.alertmanagers:
        lines.append("alerting:\n  alertmanagers:\n")
        lines.extend(_alertmanager(address) for address in platform.prometheus.alertmanagers)
    if platform and platform.influxdb and platform.influxdb.enabled:
        lines.append(tree({"remote_write": [remote_write(platform.influxdb)]}))
    exporter = _statsd_exporter(platform, scraped)
    if scraped or exporter:
        lines.append("scrape_configs:\n")
        lines.extend(_scrape(service, service.scrape) for service in scraped if service.scrape)
        lines.append(exporter)
    return "".join(lines)


def _global(settings: PrometheusSettings) -> str:
    return (
        f"# Start with: prometheus --web.listen-address=:{settings.port} "
        f"--storage.tsdb.retention.time={settings.retention} "
        f"--storage.tsdb.path={comment(settings.storage_path)}\n"
        "global:\n"
        f"  scrape_interval: {settings.scrape_interval}\n"
        f"  evaluation_interval: {settings.evaluation_interval}\n"
        f"{mapping('external_labels', labels_of(settings.external_labels), 2)}"
    )


def _alertmanager(address: str) -> str:
    """`host:port`, or a URL whose scheme and path are kept."""
    scheme, _, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    more = f"      scheme: {scalar(scheme)}\n" if scheme else ""
    more += f"      path_prefix: {scalar(slash + path)}\n" if path else ""
    return f"    - static_configs:\n        - targets:\n            - {scalar(host)}\n{more}"


def _statsd_exporter(platform: Platform | None, scraped: Iterable[Service]) -> str:
    """The exporter that StatsD's metrics come out of; they bring the `job` of their service along."""
    jobs = {service.scrape.job for service in scraped if service.scrape}
    if platform is None or platform.statsd is None or not platform.statsd.enabled or "statsd" in jobs:
        return ""
    target = f"{platform.statsd.host}:{EXPORTER_PORT}"
    job: Yaml = [{"job_name": "statsd", "honor_labels": True, "static_configs": [{"targets": [target]}]}]
    return tree(job, 2)


def _scrape(service: Service, scrape: Scrape) -> str:
    lines = [
        f"  # {comment(service.span.path)}:{scrape.span.line}\n",
        f"  - job_name: {scalar(scrape.job)}\n",
        f"    metrics_path: {scalar(scrape.path)}\n",
        f"    scheme: {scalar(scrape.scheme)}\n",
    ]
    if scrape.interval is not None:
        lines.append(f"    scrape_interval: {scrape.interval}\n")
    if scrape.timeout is not None:
        lines.append(f"    scrape_timeout: {scrape.timeout}\n")
    lines.append("    static_configs:\n      - targets:\n")
    lines.extend(f"          - {scalar(target)}\n" for target in scrape.targets)
    return "".join(lines)
