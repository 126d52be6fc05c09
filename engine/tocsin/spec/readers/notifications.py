"""Notifications: a document to channels, routes, and what keeps alerts from being told."""

from collections.abc import Mapping

from tocsin.spec.notifications import ChannelSpec, Notifications, Secret
from tocsin.spec.readers.hours import read_hours
from tocsin.spec.readers.inhibit import read_inhibit
from tocsin.spec.readers.maintenance import read_maintenance
from tocsin.spec.readers.node import Node
from tocsin.spec.readers.page_budget import read_page_budget
from tocsin.spec.readers.routes import read_routes
from tocsin.units import Duration

_COMMON = frozenset({"send_resolved", "rate", "fallback", "canary"})
"""Keys of every kind of channel."""

MOST_OFTEN = Duration.of(hours=1)
"""Test messages more often than that are noise, and people learn to ignore the channel."""

_TLS = ("starttls", "tls", "none")
_HIGHEST_PORT = 65535

Setting = Secret | tuple[Secret, ...] | None


def read_notifications(node: Node) -> Notifications:
    """Read one Notifications document."""
    channels = (_channel(entry, node["templates"]) for entry in node["channels"].entries())
    maintenance = (read_maintenance(entry) for entry in node["maintenance"].entries())
    budgets = [read_page_budget(entry) for entry in node["page_budgets"].entries()]
    return Notifications(
        name=node["name"].text(),
        channels={channel.name: channel for channel in channels if channel is not None},
        routes=read_routes(node["routes"]),
        span=node["name"].span,
        inhibit=tuple(read_inhibit(entry) for entry in node["inhibit"].elements()),
        hours={entry.name: read_hours(entry) for entry in node["time_intervals"].entries()},
        maintenance={window.name: window for window in maintenance if window is not None},
        page_budgets=tuple(budget for budget in budgets if budget is not None),
    )


def _channel(node: Node, templates: Node) -> ChannelSpec | None:
    kinds = [kind for kind in node.names() if kind in _READERS]
    if len(kinds) != 1:
        others = [key for key in node.names() if key not in _COMMON]
        if kinds or not others:  # an unknown kind is an unknown key, and the schema says so
            seen = f"has {' and '.join(kinds)}" if kinds else "has none"
            node.report(
                "channel/kind",
                f"a channel is exactly one of {', '.join(_READERS)}; {node.name} {seen}",
                "give each a name of its own" if kinds else None,
                span=node.key_span,
            )
        return None
    kind = kinds[0]
    own = {f"{entry.name}_template": Secret(literal=entry.text()) for entry in templates[kind].entries()}
    settings = {**_READERS[kind](node[kind]), **own}
    resolved, rate = node["send_resolved"].flag(default=True), node["rate"].rate_or_none()
    fallback, canary = node["fallback"].channel_or_none(), node["canary"].duration_or_none()
    if canary is not None and canary < MOST_OFTEN:
        node["canary"].report(
            "channel/canary", f"a test message every {canary} is noise", f"write {MOST_OFTEN} or longer, such as 7d"
        )
        canary = None
    return ChannelSpec(node.name, kind, settings, resolved, node.key_span, rate, fallback, canary)


def _email(node: Node) -> Mapping[str, Setting]:
    smtp = node["smtp"]
    port, tls = _setting(smtp["port"]) or Secret("587"), _setting(smtp["tls"]) or Secret("starttls")
    written = port.default if port.literal is None else port.literal
    if written is not None and not (written.isdecimal() and 1 <= int(written) <= _HIGHEST_PORT):
        smtp["port"].report("channel/port", f"{written!r} is not a port", f"write a number from 1 to {_HIGHEST_PORT}")
    written = tls.default if tls.literal is None else tls.literal
    if written is not None and written not in _TLS:
        smtp["tls"].report("channel/tls", f"{written!r} is not a way to use TLS", f"write one of {', '.join(_TLS)}")
    recipients = (_setting(entry) for entry in node["to"].elements())
    return {
        "host": _setting(smtp["host"]),
        "port": port,
        "tls": tls,
        "user": _setting(smtp["user"]),
        "password": _setting(smtp["password"]),
        "from": _setting(node["from"]),
        "to": tuple(recipient for recipient in recipients if recipient is not None),
    }


def _slack(node: Node) -> Mapping[str, Setting]:
    given = [key for key in ("webhook", "token") if key in node]
    if len(given) != 1:
        seen = "has both" if given else "has neither"
        node.report(
            "channel/slack", f"slack needs either a webhook or a token, this one {seen}", "keep one", span=node.key_span
        )
    elif given == ["token"] and "channel" not in node:
        node.report(
            "channel/slack", "slack with a token needs a channel to write to", "add channel", span=node.key_span
        )
    return {key: _setting(node[key]) for key in ("webhook", "token", "channel", "endpoint")}


def _pagerduty(node: Node) -> Mapping[str, Setting]:
    return {key: _setting(node[key]) for key in ("integration_key", "service", "endpoint")}


def _apprise(node: Node) -> Mapping[str, Setting]:
    return {"url": _setting(node)}


def _alertmanager(node: Node) -> Mapping[str, Setting]:
    urls = (_setting(entry) for entry in node["urls"].elements())
    return {"urls": tuple(url for url in urls if url is not None)}


_READERS = {
    "alertmanager": _alertmanager,
    "email": _email,
    "slack": _slack,
    "pagerduty": _pagerduty,
    "apprise": _apprise,
}


def _setting(node: Node) -> Secret | None:
    """A setting by where it stands; None where it is not given."""
    if isinstance(node.value, str):
        return Secret(literal=node.value)
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return Secret(literal=str(node.value))
    if "env" in node and "file" in node:
        node.report("channel/setting", f"{node.name} stands both in the environment and in a file", "keep env or file")
        return None
    if "env" in node:
        return Secret(env=node["env"].text(), default=node["default"].text_or_none())
    return Secret(file=node["file"].text()) if "file" in node else None
