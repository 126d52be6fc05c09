"""Every kind of channel, with settings that lead to a server of a test."""

from typing import Any

from tocsin_notifiers import build

SECRET = "s3cr3t0123456789abcdefs3cr3t0123"
KINDS = ("email", "slack", "slack-bot", "pagerduty", "alertmanager", "apprise")
OVER_HTTP = ("slack", "slack-bot", "pagerduty", "alertmanager", "apprise")


def settings(kind: str, host: str, port: int, /, *, secure: bool = False, **more: Any) -> dict[str, Any]:
    """Settings of a channel that sends to *host* and *port*."""
    s = "s" if secure else ""
    url = f"http{s}://{host}:{port}"
    every: dict[str, dict[str, Any]] = {
        "email": {
            "host": host,
            "port": str(port),
            "tls": "tls" if secure else "none",
            "user": "alerts",
            "password": SECRET,
            "from": "Tocsin <tocsin@example.org>",
            "to": ("oncall@example.org",),
        },
        "slack": {"webhook": f"https://hooks.slack.com/services/T0/B0/{SECRET}", "channel": "#ops", "endpoint": url},
        "slack-bot": {"token": f"xoxb-{SECRET}", "channel": "ops", "endpoint": url},
        "pagerduty": {"integration_key": SECRET, "service": "vision", "endpoint": url},
        "alertmanager": {"urls": (f"http{s}://tocsin:{SECRET}@{host}:{port}",)},
        "apprise": {"url": f"json{s}://tocsin:{SECRET}@{host}:{port}/hook"},
    }
    return every[kind] | more


def make(kind: str, host: str, port: int, /, *, secure: bool = False, **more: Any) -> Any:
    """Build a channel of a kind."""
    return build(kind, kind.removesuffix("-bot"), settings(kind, host, port, secure=secure, **more))
