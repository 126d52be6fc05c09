"""`maintenance`: work that is planned, once or every week."""

from datetime import UTC, datetime

from tocsin.spec.hours import Maintenance, Once, Weekly
from tocsin.spec.readers.clock import read_instant, read_zone
from tocsin.spec.readers.hours import MIDNIGHT, read_minute, read_weekdays
from tocsin.spec.readers.matchers import read_conditions
from tocsin.spec.readers.node import Node
from tocsin.units import Duration

WEEK = Duration.of(days=7)


def read_maintenance(node: Node) -> Maintenance | None:
    """Read one window; None where it does not say when."""
    matchers, when = read_conditions(node["match"], node["matchers"]), _when(node)
    written = all(not part.value for part in (node["match"], node["matchers"])) or bool(matchers)
    if written and all(matcher.holds({}) for matcher in matchers):
        node.report(
            "maintenance/everything",
            f"maintenance {node.name} mutes every alert",
            "say which, with match or matchers; for all services write matchers: ['service=~\".+\"']",
            span=node.key_span,
        )
    if when is None:
        return None
    return Maintenance(node.name, matchers, when, node["reason"].text(), node["owner"].text(), node.key_span)


def _when(node: Node) -> Once | Weekly | None:
    once, weekly = ([key for key in keys if key in node] for keys in (("from", "to"), ("weekdays", "at")))
    if bool(once) == bool(weekly):
        seen = "both" if once else "neither"
        node.report(
            "maintenance/when",
            f"maintenance {node.name} is either once or every week, this one says {seen}",
            "write from and to, or weekdays, at and duration",
            span=node.key_span,
        )
        return None
    return _once(node) if once else _weekly(node)


def _missing(node: Node, *keys: str) -> bool:
    for key in keys:
        if key not in node:
            node.report("maintenance/when", f"maintenance {node.name} needs {key}", f"add {key}", span=node.key_span)
    return any(key not in node for key in keys)


def _once(node: Node) -> Once | None:
    zone = read_zone(node["timezone"], "time/zone")
    if _missing(node, "from") or zone is None:
        return None
    if ("to" in node) == ("duration" in node):
        node.report(
            "maintenance/when", f"maintenance {node.name} needs to, or a duration", "write one", span=node.key_span
        )
        return None
    start, length = read_instant(node["from"], zone, "time/instant"), node["duration"].duration_or_none()
    if start is None:
        return None
    end = _later(start, length) if length else read_instant(node["to"], zone, "time/instant")
    if end is not None and end <= start:
        node["to"].report(
            "time/range",
            f"it ends at {node['to'].value}, not after its start at {node['from'].value}",
            related=((node["from"].span, "its start"),),
        )
        return None
    return Once(start, end) if end else None


def _later(start: datetime, length: Duration) -> datetime:
    try:
        return start + length.timedelta
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _weekly(node: Node) -> Weekly | None:
    zone = read_zone(node["timezone"], "time/zone")
    if _missing(node, "weekdays", "at", "duration") or zone is None:
        return None
    days = read_weekdays(node["weekdays"])
    at, length = read_minute(node["at"]), node["duration"].duration_or_none()
    if at == MIDNIGHT:
        node["at"].report("time/range", "a day begins at 00:00", "write 00:00 and the next weekday")
        return None
    if length is not None and length >= WEEK:
        node["duration"].report("maintenance/when", f"{length} every week is always", "make it shorter than 7d")
        return None
    if at is None or length is None:
        return None
    return Weekly(days, at, length, zone.key)
