"""Grafana: the dashboards of the definitions, one per service, one over all objectives, and how to provision them.

Pages are files, read-only in Grafana; what they show is changed where the definitions are.
"""

import json
from collections.abc import Iterable, Iterator
from operator import attrgetter

from tocsin.plan import Plan
from tocsin.promql import label_value
from tocsin.spec import Dashboard
from tocsin.targets.artifact import Artifact, header, origin
from tocsin.targets.grafana_journeys import PERIODS, journey_panels, sla_panels
from tocsin.targets.grafana_pages import OVERVIEW, overview_panels, service_panels
from tocsin.targets.grafana_panels import Json, Panel, Query, link, page, page_list, placed, uid
from tocsin.targets.yaml_text import Yaml, tree
from tocsin.workspace import Workspace

PAGES = "grafana/dashboards"
PROVISIONING = "grafana/provisioning"
FOLDER = "/var/lib/grafana/dashboards/tocsin"
"""Where Grafana finds the pages once they are deployed."""
PASSWORD = "$__file{/etc/grafana/secrets/influxdb-password}"  # noqa: S105  # where it stands, not what it is


def has_grafana(workspace: Workspace) -> bool:
    """Whether the Platform has a Grafana, or somebody wrote dashboards."""
    return bool(workspace.dashboards) or (workspace.platform is not None and bool(workspace.platform.grafana_url))


def grafana(plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """All pages and provisioning files, sorted by path."""
    pages = [*_written(workspace), *_services(plan, workspace), *_journeys(workspace)]
    pages += [*_contracts(workspace), *_overview(workspace)]
    artifacts = [Artifact(f"{PAGES}/{each['uid']}.json", _json(each)) for each in pages]
    artifacts += [
        Artifact(f"{PROVISIONING}/dashboards/tocsin.yml", _provider(workspace)),
        Artifact(f"{PROVISIONING}/datasources/tocsin.yml", _sources(workspace)),
    ]
    return tuple(sorted(artifacts))


def _json(value: dict[str, Json]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _written(workspace: Workspace) -> Iterator[dict[str, Json]]:
    for dashboard in workspace.dashboards:
        panels = (
            Panel(p.title, "timeseries", (Query(p.expr.text.strip()),), p.unit, p.description) for p in dashboard.panels
        )
        yield page(
            dashboard.title,
            _uid(dashboard),
            placed(panels),
            source=origin([dashboard.span.path]),
            links=_links(workspace),
        )


def _uid(dashboard: Dashboard) -> str:
    return uid("dashboard", dashboard.name)


def _services(plan: Plan, workspace: Workspace) -> Iterator[dict[str, Json]]:
    for service in sorted(workspace.services, key=attrgetter("name")):
        if panels := service_panels(service, plan, workspace):
            links = list(_links(workspace))
            if service.runbook:
                links.append(link("Runbook", service.runbook))
            yield page(
                service.title or service.name,
                uid("service", service.name),
                panels,
                source=origin([service.span.path]),
                tags=("service",),
                links=links,
                alerts=f'ALERTS{{alertstate="firing",service={label_value(service.name)}}}',
            )


def _journeys(workspace: Workspace) -> Iterator[dict[str, Json]]:
    for journey in sorted(workspace.journeys, key=attrgetter("name")):
        yield page(
            journey.title or journey.name,
            uid("journey", journey.name),
            journey_panels(journey),
            source=origin([journey.span.path]),
            tags=("journey",),
            links=_links(workspace),
            alerts=f'ALERTS{{alertstate="firing",service={label_value(journey.name)}}}',
        )


def _contracts(workspace: Workspace) -> Iterator[dict[str, Json]]:
    journeys = {slo.ref: slo for journey in workspace.journeys for slo in journey.slos}
    for sla in sorted(workspace.slas, key=attrgetter("name")):
        if panels := sla_panels(sla, journeys):
            yield page(
                sla.title or sla.name,
                uid("contract", sla.name),
                panels,
                source=origin([sla.span.path]),
                tags=("contract",),
                links=_links(workspace),
                since=PERIODS[sla.calendar],
                timezone=sla.timezone,
            )


def _overview(workspace: Workspace) -> Iterator[dict[str, Json]]:
    slos = [slo for service in workspace.services for slo in service.slos]
    if slos:
        source = origin(slo.span.path for slo in slos)
        lists = [("Services", "service"), ("Journeys", "journey"), ("Contracts", "contract")]
        known = {"service": workspace.services, "journey": workspace.journeys, "contract": workspace.slas}
        links = [page_list(title, tag) for title, tag in lists if known[tag]]
        yield page("Objectives", OVERVIEW, overview_panels(workspace), source=source, links=links)


def _links(workspace: Workspace) -> list[Json]:
    """From each page to the one over all objectives."""
    if any(service.slos for service in workspace.services):
        return [link("Objectives", f"/d/{OVERVIEW}", blank=False)]
    return []


# --- provisioning ------------------------------------------------------------------------------------------


def _provider(workspace: Workspace) -> str:
    start = f"# Copy the folder dashboards/ to {FOLDER}, and this file to /etc/grafana/provisioning/dashboards/.\n"
    provider: dict[str, Yaml] = {
        "name": "tocsin",
        "type": "file",
        "folder": workspace.platform.name if workspace.platform else "tocsin",
        "disableDeletion": False,
        "allowUiUpdates": False,
        "options": {"path": FOLDER},
    }
    return header(_paths(workspace)) + start + tree({"apiVersion": 1, "providers": [provider]})


def _sources(workspace: Workspace) -> str:
    platform = workspace.platform
    port, interval = (platform.prometheus.port, platform.prometheus.scrape_interval) if platform else (9090, "15s")
    sources: list[Yaml] = [
        {
            "name": "Prometheus",
            "uid": "tocsin-prometheus",
            "type": "prometheus",
            "access": "proxy",
            "url": f"http://prometheus:{port}",
            "isDefault": True,
            "jsonData": {"httpMethod": "POST", "timeInterval": str(interval)},
        }
    ]
    if platform and platform.influxdb and platform.influxdb.enabled:
        scheme, _, rest = platform.influxdb.url.partition("://")
        login, _, address = rest.rpartition("@")
        source: dict[str, Yaml] = {
            "name": "InfluxDB",
            "uid": "tocsin-influxdb",
            "type": "influxdb",
            "access": "proxy",
            "url": f"{scheme}://{address}",
            "jsonData": {"dbName": platform.influxdb.database},
        }
        if login:
            source |= {"user": login.partition(":")[0], "secureJsonData": {"password": PASSWORD}}
        sources.append(source)
    start = "# Change the addresses to those that Grafana sees; copy to /etc/grafana/provisioning/datasources/.\n"
    return header(_paths(workspace)) + start + tree({"apiVersion": 1, "datasources": sources})


def _paths(workspace: Workspace) -> Iterable[str]:
    return [workspace.platform.span.path] if workspace.platform else []
