"""Notifications: channels, and routes that say which alert reaches which of them, when, and how often."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.ports import Labels
from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class Secret:
    """A setting that may stand elsewhere: a literal, an environment variable (with a default) or a file."""

    literal: str | None = None
    env: str | None = None
    default: str | None = None
    file: str | None = None


PER_ALERT = frozenset({"pagerduty"})
"""Kinds of channels where every alert is an incident of its own; elsewhere a group of alerts shares its messages."""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel by *kind* (`email`, `slack`, `pagerduty`, `apprise`) with its settings, secrets unresolved.

    Keys of *settings*: email `host port tls user password from to` (`to` a tuple), slack `webhook token channel
    endpoint`, pagerduty `integration_key service endpoint`, apprise `url`.
    """

    name: str
    kind: str
    settings: Mapping[str, Secret | tuple[Secret, ...] | None]
    send_resolved: bool
    span: Span

    @property
    def per_alert(self) -> bool:
        """Whether every alert is an incident of its own there."""
        return self.kind in PER_ALERT


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts whose labels equal *match* go *to* these channels with these timers; the first match wins."""

    match: Labels
    to: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    span: Span


@dataclass(frozen=True, slots=True)
class Notifications:
    """The channels and routes of one document."""

    name: str
    channels: Mapping[str, ChannelSpec]
    routes: tuple[Route, ...]
    span: Span
