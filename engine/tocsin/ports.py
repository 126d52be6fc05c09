"""What the core asks of the world: protocols and the plain values that cross them.

Times are aware UTC datetimes. Nothing here does I/O.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

Labels = tuple[tuple[str, str], ...]
"""Sorted (name, value) pairs, so that label sets are hashable and print the same everywhere."""


def labels_of(mapping: Mapping[str, str]) -> Labels:
    """Labels in canonical order.

    >>> labels_of({"b": "2", "a": "1"})
    (('a', '1'), ('b', '2'))
    """
    return tuple(sorted(mapping.items()))


# --- metrics -----------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """One series at one instant; *value* may be NaN or infinite. A tuple, as there are a hundred thousand in a tick."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an instant query; *partial* says that rows may be missing, and *warnings* why."""

    rows: tuple[Row, ...]
    at: datetime
    partial: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RangeRow:
    """One series over time; times are unix seconds."""

    labels: Labels
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """The series of a range query."""

    rows: tuple[RangeRow, ...]
    partial: bool = False
    warnings: tuple[str, ...] = ()


class MetricSource(Protocol):
    """A Prometheus-compatible server. Every method raises SourceError when it cannot answer completely in time."""

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate *query* at exactly *at*."""
        ...

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Evaluate *query* at *start*, *start* + *step*, … up to and including *end*."""
        ...

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Every sample as it was scraped, later than *start* and no later than *end*, in order of time.

        *selector* is a plain one without `offset` or `@`. The left end is open whatever the server's version says of
        ranges, so that consecutive stretches hold each sample once.
        """
        ...


class LiveSource(Protocol):
    """A metric source that can also be asked about itself. Every method raises SourceError as a MetricSource does."""

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate *query* at exactly *at*."""
        ...

    def samples(self, query: str, at: datetime) -> int:
        """How many samples the server reads to evaluate *query*."""
        ...

    def names(self) -> tuple[str, ...]:
        """The metrics that it has."""
        ...

    def labels(self, metric: str) -> tuple[str, ...]:
        """The labels of the series of *metric*."""
        ...

    def types(self) -> Mapping[str, frozenset[str]]:
        """What targets say of the type of each metric; several where they do not agree."""
        ...


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """An alerting rule as the server that evaluates it sees it; *alerts* are the labels of what is pending or fires.

    *pending* are those of what is pending. *templated* are the names of labels whose values are made for each alert;
    they are not among *labels*.
    """

    name: str
    labels: Labels
    healthy: bool
    evaluated_at: datetime | None
    alerts: tuple[Labels, ...] = ()
    query: str = ""
    templated: tuple[str, ...] = ()
    pending: tuple[Labels, ...] = ()


class RuleSource(Protocol):
    """A server that evaluates rules itself; raises SourceError when it cannot answer completely in time."""

    def alerting_rules(self) -> tuple[WatchedRule, ...]:
        """All of its alerting rules."""
        ...

    def external_labels(self) -> Labels:
        """What it adds to the labels of all that it sends; none where it does not tell."""
        ...

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate *query* at exactly *at*."""
        ...


# --- notifications -----------------------------------------------------------------------------------------


class Action(StrEnum):
    """What a message asks of a channel; REPEAT reminds of an open alert and opens nothing new."""

    FIRE = "fire"
    REPEAT = "repeat"
    ACKNOWLEDGE = "acknowledge"
    """Somebody has taken it on; it fires still."""
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Curve:
    """Values from *start* on, each *step* later than the one before; None where nothing is known."""

    name: str
    start: datetime
    step: timedelta
    values: tuple[float | None, ...]


CURVE = "curve"
"""The label of a curve's name."""


@dataclass(frozen=True, slots=True)
class Graph:
    """What to draw of an alert: *what* names the value of *expression*; those of *labels* are its series.

    *bounds* are its thresholds, or what *bound* calls them, *percent* says that values are ratios, *window* is how far
    the expression looks back. Where there are *curves* they are drawn, and nobody is asked. With *ahead* a straight
    line through all of the window is drawn, and goes on for so long. Where its answer has several curves the label
    `CURVE` says which is which, and *names* in which order they are drawn.
    """

    expression: str
    what: str
    bounds: tuple[float, ...] = ()
    percent: bool = False
    window: timedelta = timedelta()
    labels: Labels = ()
    curves: tuple[Curve, ...] = ()
    bound: str = "threshold"
    ahead: timedelta = timedelta()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertText:
    """One alert as a person reads it; *facts* are ordered (label, value) lines such as burn rate and budget left.

    *summary* says what is wrong, *description* what that means or what to do, *reason* why it fires or is over; *links*
    are (label, URL). A *muted* one stands in a message about others, because people know of it and it still fires.
    """

    title: str
    summary: str
    service: str
    severity: str
    started_at: datetime
    dedup_key: str
    labels: Labels = ()
    facts: tuple[tuple[str, str], ...] = ()
    resolved_at: datetime | None = None
    reason: str = ""
    runbook: str | None = None
    description: str = ""
    links: Labels = ()
    graph: Graph | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """What one channel is asked to send; *dedup_key* ties all messages of one incident on it together.

    A channel with per-alert incidents (PagerDuty) is asked once per alert; others once per group. *seq* counts the
    messages of one key on one channel from 0; *notes* are lines that delivery adds, such as "may be a repeat".
    *receipt* is what the receiver called the last message of this key, empty where there is none.
    """

    channel: str
    dedup_key: str
    action: Action
    alerts: tuple[AlertText, ...]
    evaluated_at: datetime
    group: Labels = ()
    seq: int = 0
    notes: tuple[str, ...] = ()
    receipt: str = ""


HEARTBEAT = "(heartbeat)"
"""The name of the channel of signs of life; no definition can have this one."""


CANARY = "canary-"
"""What the keys of test messages begin with; those of alerts are hexadecimal."""

DIGEST = "digest-"
"""What the keys of digests begin with."""


class Outcome(StrEnum):
    """What became of one attempt; UNKNOWN means the receiver may or may not have it."""

    SENT = "sent"
    RETRY = "retry"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The result of one attempt; *detail* never holds a secret.

    *receipt* is what the receiver calls the message (or the part that it has already), for what follows it.
    """

    outcome: Outcome
    detail: str = ""
    retry_after: timedelta | None = None
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most *count* in any stretch of time as long as *per*."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG of *size* (pixels across and down as it is to be shown) about the alert with the key *about*."""

    png: bytes
    about: str
    words: str
    size: tuple[int, int]


Illustrator = Callable[[Notification], Picture | None]
"""Draws what a message is about; answers within seconds and never raises, for a page waits for it."""


def unillustrated(_notification: Notification) -> Picture | None:
    """No picture."""
    return None


class Channel(Protocol):
    """A way out.

    *idempotent* says that sending one message twice disturbs nobody; *joins* that many messages may be put together in
    one, as no alert has an incident of its own there. The courier keeps *rate*.
    """

    name: str
    idempotent: bool
    joins: bool
    rate: Rate | None

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send once, within the channel's own deadline; never raise for what the receiver did."""
        ...


@runtime_checkable
class Addressed(Protocol):
    """A channel that can be asked for each of its recipients alone, so that none depends on another."""

    @property
    def recipients(self) -> Mapping[str, Channel]:
        """The way to each; empty where there is no way but the one to all."""
        ...


def lines_of(channel: Channel) -> Mapping[str, Channel]:
    """The ways to deliver through *channel*: one to each recipient, or the channel itself under an empty name."""
    return (channel.recipients if isinstance(channel, Addressed) else {}) or {"": channel}


@runtime_checkable
class Illustrated(Protocol):
    """A channel that can show a picture."""

    illustrate: Illustrator


# --- the clock ---------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The wall clock, so that tests can own it."""

    def now(self) -> datetime:
        """Return the aware UTC time."""
        ...


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Whether the metric source answers; *since* is when it last changed."""

    ok: bool
    since: datetime
    detail: str = ""
    failures: int = 0
