"""Series to record, and the settings of rule groups that alerts and recordings name."""

from tocsin.diagnostics import Severity
from tocsin.spec.readers.node import Node, known_name
from tocsin.spec.service import GroupSettings, Recording


def read_recording(node: Node, service: str) -> Recording | None:
    """Read one recorded series; None where it has no expression."""
    expr = node["expr"].promql()
    if expr is None:
        return None
    return Recording(
        service=service,
        record=node["record"].text(),
        expr=expr,
        labels=node["labels"].labels(),
        group=node["group"].text(),
        span=node["record"].span,
    )


def read_group(node: Node) -> GroupSettings:
    """Read the settings of one group."""
    limit = node["limit"].whole(0)
    return GroupSettings(node.name, node["interval"].duration_or_none(), max(limit, 0), node.key_span)


def check_groups(node: Node) -> None:
    """Find settings of groups that have no rule: the group's name was changed in one place only."""
    users = [*node["alerts"].entries(), *node["recordings"].elements()]
    used = {user["group"].text() for user in users} - {""}
    taken = _taken(node)
    for user in users:
        if (group := user["group"]).text() in taken:
            message = f"group {group.text()!r} is one of Tocsin's own"
            group.report("group/reserved", message, "leave it out, or rename it")
    for entry in node["groups"].entries():
        if entry.name not in used:
            entry.report(
                "group/unused",
                f"no alert and no recording is in group {entry.name!r}",
                known_name(entry.name, used),
                span=entry.key_span,
                severity=Severity.WARNING,
            )


def _taken(service: Node) -> set[str]:
    """The groups of Tocsin's own: they would stand twice in one file, which Prometheus refuses."""
    name = service["name"].text()
    return {
        f"alerts:{name}",
        f"recordings:{name}",
        *(f"slo:{name}/{slo}" for slo in service["slos"].names()),
        *(f"anomaly:{name}/{alert}" for alert in service["alerts"].names()),
    }
