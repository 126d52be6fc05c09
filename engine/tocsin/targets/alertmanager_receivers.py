"""Channels as receivers of Alertmanager, without a secret in them, and what cannot be said.

Alertmanager reads no environment. A secret that stands there, or in the definitions, has to be put into a file; any
other setting of the environment stands as its default, or as `${NAME}` for `envsubst` where it has none.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.spec import ChannelSpec, Secret
from tocsin.targets.yaml_text import Yaml

SECRETS = "/etc/alertmanager/secrets"
SLACK = "https://slack.com"
WEBHOOKS = "https://hooks.slack.com"
PAGERDUTY = "https://events.pagerduty.com"
_IMPLICIT_TLS_PORT = "465"

_SECRET = {
    "email": ("password",),
    "slack": ("webhook", "token"),
    "pagerduty": ("integration_key",),
    "apprise": (),
    "alertmanager": ("urls",),
}
"""The settings of each kind that are never written; an Apprise URL is not written at all."""

_SLACK_TITLE = "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }} {{ .CommonLabels.service }}"
_SLACK_TEXT = """\
{{ range .Alerts }}*{{ .Annotations.summary }}*
{{ .Annotations.description }}{{ with .Annotations.runbook_url }}
<{{ . }}|Runbook>{{ end }}
{{ end }}"""
_PAGERDUTY_SEVERITY = "{{ with .CommonLabels.severity }}{{ . }}{{ else }}error{{ end }}"


def receiver(channel: ChannelSpec) -> dict[str, Yaml]:
    """Write one channel; an Apprise channel gets a receiver that does nothing, so that routes stay as they are."""
    made: dict[str, Yaml] = {"name": channel.name}
    if channel.kind in _KINDS:
        made[f"{channel.kind}_configs"] = [{"send_resolved": channel.send_resolved, **_KINDS[channel.kind](channel)}]
    return made


def secret_files(channels: Iterable[ChannelSpec]) -> tuple[tuple[str, str], ...]:
    """Every file that holds a secret, and where the secret is to be taken from; sorted."""
    found = {}
    for channel in channels:
        for key, secret in _secrets(channel):
            source = f"the value of {secret.env}" if secret.env else f"{key} of channel {channel.name}"
            found[_file(channel, key, secret)] = source
    return tuple(sorted(found.items()))


def defaults(channels: Iterable[ChannelSpec]) -> tuple[str, ...]:
    """The environment variables for which their defaults are written; sorted."""
    settings = (setting for channel in channels for _, setting in _open(channel))
    return tuple(sorted({setting.env for setting in settings if setting.env and setting.default is not None}))


def losses(channels: Iterable[ChannelSpec]) -> tuple[Diagnostic, ...]:
    """What Alertmanager does not do as the channel says."""
    return tuple(
        Diagnostic("alertmanager/channel", channel.span, message, Severity.WARNING, hint)
        for channel in channels
        for message, hint in _losses(channel)
    )


def _losses(channel: ChannelSpec) -> Iterator[tuple[str, str]]:
    if channel.kind == "apprise":
        yield (
            f"Alertmanager has nothing that takes an Apprise URL, so channel {channel.name} stays silent there",
            "use email, slack or pagerduty, or let tocsin serve send these alerts",
        )
    if channel.fallback:
        message = f"Alertmanager knows no fallback: what {channel.name} refuses goes nowhere"
        yield message, "let tocsin serve send these alerts"
    if channel.canary:
        message = f"Alertmanager sends no test messages, so nobody notices when {channel.name} is broken"
        yield message, "let tocsin serve send these alerts"
    if channel.kind == "alertmanager":
        message = f"channel {channel.name} is an Alertmanager itself, and Alertmanager does not send to another one"
        yield message, "name the channels that it is to use"
    for key, setting in _open(channel):
        if _value(setting).startswith("${"):
            message = f"Alertmanager cannot take {key} of channel {channel.name} from elsewhere"
            hint = "put the configuration through envsubst, or give a default"
            yield f"{message}; {_value(setting)} stands for it", hint
    if channel.kind == "email":
        tls, port = _text(channel, "tls"), _text(channel, "port")
        if (tls == "tls") != (port == _IMPLICIT_TLS_PORT):
            message = f"Alertmanager speaks TLS from the first byte on port {_IMPLICIT_TLS_PORT} and on no other"
            hint = f"use starttls, or tls on port {_IMPLICIT_TLS_PORT}"
            yield f"{message}; channel {channel.name} has tls: {tls} on port {port}", hint


# --- kinds -------------------------------------------------------------------------------------------------


def _email(channel: ChannelSpec) -> dict[str, Yaml]:
    to = channel.settings["to"]
    made: dict[str, Yaml] = {
        "smarthost": f"{_text(channel, 'host')}:{_text(channel, 'port')}",
        "from": _text(channel, "from"),
        "to": ", ".join(_value(each) for each in to) if isinstance(to, tuple) else "",
        "require_tls": _text(channel, "tls") == "starttls",
    }
    if user := _text(channel, "user"):
        made["auth_username"] = user
        for key, secret in _secrets(channel):
            made["auth_password_file"] = _file(channel, key, secret)
    return made


def _slack(channel: ChannelSpec) -> dict[str, Yaml]:
    made: dict[str, Yaml] = {}
    for key, secret in _secrets(channel):
        if key == "webhook":
            made["api_url_file"] = _file(channel, key, secret)
        else:
            made["api_url"] = f"{(_text(channel, 'endpoint') or SLACK).rstrip('/')}/api/chat.postMessage"
            made["http_config"] = {"authorization": {"credentials_file": _file(channel, key, secret)}}
    if name := _text(channel, "channel"):
        made["channel"] = name if name.startswith(("#", "@", "$")) else f"#{name}"
    return made | {"title": _SLACK_TITLE, "text": _SLACK_TEXT}


def _pagerduty(channel: ChannelSpec) -> dict[str, Yaml]:
    made: dict[str, Yaml] = {}
    for key, secret in _secrets(channel):
        made["routing_key_file"] = _file(channel, key, secret)
    endpoint = _text(channel, "endpoint").rstrip("/")
    if endpoint not in {"", PAGERDUTY}:
        made["url"] = f"{endpoint}/v2/enqueue"
    made |= {
        "description": "{{ .CommonLabels.alertname }} {{ .CommonLabels.service }}: {{ .CommonAnnotations.summary }}",
        "severity": _PAGERDUTY_SEVERITY,
        "component": "{{ .CommonLabels.ref }}",
    }
    if group := _text(channel, "service"):
        made["group"] = group
    made["details"] = {
        "description": "{{ .CommonAnnotations.description }}",
        "runbook": "{{ .CommonAnnotations.runbook_url }}",
    }
    return made


_KINDS: Mapping[str, Callable[[ChannelSpec], dict[str, Yaml]]] = {
    "email": _email,
    "slack": _slack,
    "pagerduty": _pagerduty,
}


# --- settings ----------------------------------------------------------------------------------------------


def _secrets(channel: ChannelSpec) -> Iterator[tuple[str, Secret]]:
    """The secrets that are given; an empty one is none. A password without a user is not asked for."""
    for key in _SECRET[channel.kind]:
        secret = channel.settings.get(key)
        if isinstance(secret, Secret) and secret.literal != "" and (key != "password" or _text(channel, "user")):
            yield key, secret


def _open(channel: ChannelSpec) -> Iterator[tuple[str, Secret]]:
    """The settings that may be shown."""
    for key, setting in channel.settings.items():
        if key not in _SECRET[channel.kind] and channel.kind in _KINDS:
            several = setting if isinstance(setting, tuple) else (setting,)
            yield from ((key, each) for each in several if each is not None)


def _file(channel: ChannelSpec, key: str, secret: Secret) -> str:
    return secret.file or f"{SECRETS}/{secret.env or f'{channel.name}-{key}'}"


def _text(channel: ChannelSpec, key: str) -> str:
    setting = channel.settings.get(key)
    return _value(setting) if isinstance(setting, Secret) else ""


def _value(setting: Secret) -> str:
    """A setting that is no secret."""
    if setting.literal is not None:
        return setting.literal
    if setting.env is not None:
        return f"${{{setting.env}}}" if setting.default is None else setting.default
    return f"${{{setting.file}}}"
