"""The composition root: settings and definitions to the parts that run, secrets resolved on the way.

The only module that knows which channels exist.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tocsin.errors import UnavailableError
from tocsin.ports import HEARTBEAT, Channel, Illustrated, Illustrator, unillustrated
from tocsin.spec import ChannelSpec, Notifications, Secret
from tocsin_notifiers import build
from tocsin_notifiers.heartbeat import HeartbeatChannel

Resolved = str | tuple[str, ...] | None


def build_channels(
    notifications: tuple[Notifications, ...], environ: Mapping[str, str], illustrate: Illustrator = unillustrated
) -> dict[str, Channel]:
    """Every channel by name, ready to send; raises UnavailableError with all settings that are missing."""
    faults: list[str] = []
    channels: dict[str, Channel] = {}
    for name, spec in _specs(notifications):
        settings = {key: _resolve(name, key, value, environ, faults) for key, value in spec.settings.items()}
        if not any(fault.startswith(f"channel {name}:") for fault in faults):
            channel = channels[name] = build(name, spec.kind, settings)
            if isinstance(channel, Illustrated):
                channel.illustrate = illustrate
            if spec.rate is not None:
                channels[name].rate = spec.rate
    if faults:
        raise UnavailableError("; ".join(faults), hint="set what is missing, then start again or send SIGHUP")
    return channels


def missing_secrets(notifications: tuple[Notifications, ...], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Every setting of a channel that is not there, by the names of channel, setting and place."""
    faults: list[str] = []
    for name, spec in _specs(notifications):
        for key, value in spec.settings.items():
            _resolve(name, key, value, environ, faults)
    return tuple(faults)


def heartbeat(url: str, fault: Callable[[], str]) -> Channel:
    """The channel of signs of life; *fault* says why there should be none."""
    return HeartbeatChannel(HEARTBEAT, url, fault)


def _specs(notifications: tuple[Notifications, ...]) -> Iterator[tuple[str, ChannelSpec]]:
    for document in sorted(notifications, key=lambda n: n.name):
        yield from sorted(document.channels.items())


def _resolve(
    channel: str,
    key: str,
    value: Secret | tuple[Secret, ...] | None,
    environ: Mapping[str, str],
    faults: list[str],
) -> Resolved:
    if value is None:
        return None
    try:
        if isinstance(value, tuple):
            return tuple(resolve_secret(each, environ) for each in value)
        return resolve_secret(value, environ)
    except UnavailableError as error:
        faults.append(f"channel {channel}: {key}: {error}")
        return None


def resolve_secret(secret: Secret, environ: Mapping[str, str]) -> str:
    """The value a definition points at; the error names the place, never a value."""
    if secret.literal is not None:
        return secret.literal
    if secret.file is not None:
        try:
            return Path(secret.file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UnavailableError(f"the file {secret.file} cannot be read: {why}") from error
    name = secret.env or ""
    value = environ.get(name, secret.default)
    if value is None:
        raise UnavailableError(f"the environment variable {name} is not set")
    return value
