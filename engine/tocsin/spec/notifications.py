"""Notifications: channels, routes that say which alert reaches which of them, and what keeps alerts from being told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.diagnostics import Span
from tocsin.matchers import Matchers, equal, fulfilled
from tocsin.ports import Labels, Rate
from tocsin.spec.hours import Digest, Hours, Maintenance
from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class Secret:
    """A setting that may stand elsewhere: a literal, an environment variable (with a default) or a file."""

    literal: str | None = None
    env: str | None = None
    default: str | None = None
    file: str | None = None


PER_ALERT = frozenset({"pagerduty", "alertmanager"})
"""Kinds of channels where every alert is an incident of its own; elsewhere a group of alerts shares its messages."""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel by *kind* (`email`, `slack`, `pagerduty`, `apprise`) with its settings, secrets unresolved.

    Keys of *settings*: email `host port tls user password from to` (`to` a tuple), slack `webhook token channel
    endpoint`, pagerduty `integration_key service endpoint`, apprise `url`,
    alertmanager `urls` (a tuple). Email and slack also have `text_template`, email `subject_template`, where the
    document has templates of its own.
    """

    name: str
    kind: str
    settings: Mapping[str, Secret | tuple[Secret, ...] | None]
    send_resolved: bool
    span: Span
    rate: Rate | None = None
    """How much it takes; None: what is usual for the kind."""
    fallback: str | None = None
    """The channel that gets what this one does not take."""
    canary: Duration | None = None
    """About how often a test message goes through it; None: never."""

    @property
    def forwards(self) -> bool:
        """Whether what stands there groups and waits by itself, so that alerts go there as they come."""
        return self.kind == "alertmanager"

    @property
    def per_alert(self) -> bool:
        """Whether every alert is an incident of its own there."""
        return self.kind in PER_ALERT


@dataclass(frozen=True, slots=True)
class Escalation:
    """Where nobody has acknowledged an alert for *after* since people were told, it also goes *to* these channels."""

    after: Duration
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flapping:
    """How long an alert that was told a moment ago waits until it is told again.

    *wait* at first (None: as long as group_interval), then twice as long each time it comes back that soon, up to
    *longest* (None: it does not grow).
    """

    wait: Duration | None = None
    longest: Duration | None = None

    def lengths(self, interval: timedelta) -> tuple[timedelta, timedelta]:
        """Both, for a route with this group_interval."""
        wait = self.wait.timedelta if self.wait is not None else interval
        return wait, self.longest.timedelta if self.longest is not None else wait


@dataclass(frozen=True, slots=True)
class PageBudget:
    """How many *pages* of alerts that fulfil *matchers* are bearable on *channel* (None: on any); none is held back."""

    name: str
    pages: Rate
    matchers: Matchers
    channel: str | None
    span: Span

    def asks(self, channel: str, labels: Mapping[str, str]) -> bool:
        """Whether it counts a page of an alert with *labels* on *channel*."""
        return self.channel in {None, channel} and fulfilled(self.matchers, labels)


@dataclass(frozen=True, slots=True)
class Route:
    """Alerts that fulfil *match* and *matchers* go *to* these channels with these timers.

    What a nested route did not say is already that of the route around it. *active* and *mute* name time intervals:
    the route is quiet outside of the first, if any are given, and inside of the second.
    """

    match: Labels
    to: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    span: Span
    matchers: Matchers = ()
    goes_on: bool = False
    """Whether the routes after it are asked as well (`continue`)."""
    active: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    digest: Digest | None = None
    """When what this route decides about is told together; not inherited."""
    escalate: tuple[Escalation, ...] = ()
    flapping: Flapping = Flapping()
    routes: "tuple[Route, ...]" = ()
    conditions: Matchers = field(init=False, compare=False, repr=False)
    """Everything that an alert has to fulfil here, beyond what the routes around it ask."""

    def __post_init__(self) -> None:
        """Join them once: thousands of alerts ask thousands of routes."""
        object.__setattr__(self, "conditions", (*equal(dict(self.match)), *self.matchers))

    def escalated(self, known_for: timedelta) -> tuple[str, ...]:
        """The channels that an alert goes to as well when people have known of it for so long."""
        return tuple(name for step in self.escalate if known_for >= step.after.timedelta for name in step.to)

    def all(self) -> "Iterator[Route]":
        """The route and all those inside it, outer ones first."""
        yield self
        for route in self.routes:
            yield from route.all()


@dataclass(frozen=True, slots=True)
class Inhibit:
    """While an alert like *source* fires, those like *target* that agree on the labels *equal* are not told."""

    source: Matchers
    target: Matchers
    equal: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Notifications:
    """What one document says: *hours* are its time intervals and *maintenance* its planned windows, by name."""

    name: str
    channels: Mapping[str, ChannelSpec]
    routes: tuple[Route, ...]
    span: Span
    inhibit: tuple[Inhibit, ...] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)
    maintenance: Mapping[str, Maintenance] = field(default_factory=dict)
    page_budgets: tuple[PageBudget, ...] = ()

    def all_routes(self) -> Iterator[Route]:
        """Every route, nested ones too."""
        for route in self.routes:
            yield from route.all()
