"""Panels of Grafana and the page that holds them, as the values of its dashboard JSON.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

Json = str | float | bool | None | Sequence["Json"] | dict[str, "Json"]

WIDTH = 24
"""Columns of a page."""
_LONGEST_UID = 40
_SCHEMA = 39
"""Version of the JSON model, of Grafana 10.4; newer ones read it."""

DATASOURCE: dict[str, Json] = {"type": "prometheus", "uid": "${datasource}"}

GREEN, AMBER, RED, BLUE = "green", "orange", "red", "blue"
Step = tuple[float | None, str]
"""From this value on, this colour; None begins."""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression with what its lines are called; without a *legend* Grafana names them by their labels."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel before it has a place; *kind* is Grafana's name of it."""

    title: str
    kind: str
    queries: tuple[Query, ...]
    unit: str = "short"
    description: str = ""
    width: int = 12
    height: int = 8
    steps: tuple[Step, ...] = ()
    runbook: str | None = None
    at_most: float | None = None
    at_least: float | None = None


def row(title: str) -> Panel:
    """A heading over the panels that follow."""
    return Panel(title, "row", (), width=WIDTH, height=1)


def firing(selector: str) -> Panel:
    """A table of what fires now among the alerts with the labels of *selector*."""
    more = selector[1:-1]
    alerts = f'ALERTS{{alertstate="firing"{"," if more else ""}{more}}}'
    return Panel("Firing now", "table", (Query(alerts),), width=WIDTH, height=6, description="Every alert that fires.")


def uid(kind: str, name: str) -> str:
    """Name a page the same for ever, so that links and favourites stay; at most 40 characters, as Grafana wants.

    >>> uid("service", "be-camera"), len(uid("service", "x" * 99))
    ('tocsin-service-be-camera', 40)
    """
    whole = f"tocsin-{kind}-{name}"
    if len(whole) <= _LONGEST_UID:
        return whole
    return f"{whole[: _LONGEST_UID - 9]}-{sha256(whole.encode()).hexdigest()[:8]}"


def page(
    title: str,
    name: str,
    panels: Iterable[dict[str, Json]],
    *,
    source: str,
    tags: Sequence[str] = (),
    links: Sequence[Json] = (),
    alerts: str = "",
    since: str = "now-6h",
    timezone: str = "browser",
) -> dict[str, Json]:
    """A whole dashboard; *source* says where it comes from, *alerts* selects those that are drawn over the panels.

    It opens with the time *since* then, in the *timezone*.
    """
    marks: list[Json] = []
    if alerts:
        marks.append(
            {
                "name": "Alerts",
                "enable": True,
                "hide": False,
                "iconColor": RED,
                "datasource": DATASOURCE,
                "expr": alerts,
                "step": "60s",
                "titleFormat": "{{alertname}} {{ref}}",
                "textFormat": "{{severity}} {{tier}}",
            }
        )
    return {
        "description": source,
        "uid": name,
        "title": title,
        "tags": ["tocsin", *tags],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": timezone,
        "time": {"from": since, "to": "now"},
        "refresh": "1m",
        "templating": {"list": [_variable()]},
        "annotations": {"list": marks},
        "links": list(links),
        "panels": list(panels),
    }


def _variable() -> dict[str, Json]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "current": {},
    }


def link(title: str, url: str, *, blank: bool = True) -> dict[str, Json]:
    """A link of a page or a panel."""
    return {"title": title, "type": "link", "url": url, "targetBlank": blank}


def page_list(title: str, tag: str) -> dict[str, Json]:
    """A menu of all pages with a tag."""
    return {"title": title, "type": "dashboards", "tags": ["tocsin", tag], "asDropdown": True, "includeVars": True}


def placed(panels: Iterable[Panel]) -> list[dict[str, Json]]:
    """Give each its place, left to right in lines, and its number."""
    made: list[dict[str, Json]] = []
    x = y = tallest = 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        made.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return made


def _panel(panel: Panel, number: int, place: dict[str, Json]) -> dict[str, Json]:
    made: dict[str, Json] = {"id": number, "type": panel.kind, "title": panel.title, "gridPos": place}
    if panel.kind == "row":
        return made | {"collapsed": False, "panels": []}
    if panel.description:
        made["description"] = panel.description
    if panel.runbook:
        made["links"] = [link("Runbook", panel.runbook)]
    return made | {
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [_target(query, n, panel.kind) for n, query in enumerate(panel.queries)],
    }


def _target(query: Query, number: int, kind: str) -> dict[str, Json]:
    now = kind != "timeseries"
    return {
        "refId": chr(ord("A") + number),
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "instant": now,
        "range": not now,
        "format": "table" if kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Json]:
    steps: list[Json] = [{"color": color, "value": value} for value, color in panel.steps or ((None, GREEN),)]
    made: dict[str, Json] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    made |= {key: value for key, value in (("min", panel.at_least), ("max", panel.at_most)) if value is not None}
    if panel.kind == "timeseries":
        style = "line" if panel.steps else "off"
        made["color"] = {"mode": "palette-classic"}
        made["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 10,
            "showPoints": "never",
            "spanNulls": False,
            "thresholdsStyle": {"mode": style},
        }
    else:
        made["color"] = {"mode": "thresholds"}
    return made


_OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    },
    "table": {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}},
}
