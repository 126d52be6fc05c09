"""Dashboard: a document to panels."""

from tocsin.spec.dashboard import Dashboard, Panel
from tocsin.spec.readers.node import Node


def read_dashboard(node: Node) -> Dashboard:
    """Read one Dashboard document."""
    panels = (_panel(entry) for entry in node["panels"].elements())
    return Dashboard(
        name=node["name"].text(),
        title=node["title"].text(node["name"].text()),
        panels=tuple(panel for panel in panels if panel is not None),
        span=node["name"].span,
    )


def _panel(node: Node) -> Panel | None:
    expr = node["expr"].promql()
    if expr is None:
        return None
    return Panel(node["title"].text(), expr, node["unit"].text("short"), node["description"].text().strip())
