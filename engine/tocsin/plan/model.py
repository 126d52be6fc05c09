"""Groups of recording and alerting rules, in no target's format."""

from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.ports import Labels
from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series to record; *source* is the definition that caused it."""

    record: str
    expr: str
    labels: Labels
    source: Span


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An alert of Prometheus; *ref* is `service/slo` or `service/alert`.

    *notify* names the channels that its definition names; with none, routes decide.
    """

    alert: str
    ref: str
    expr: str
    for_: Duration
    keep_firing_for: Duration
    labels: Labels
    annotations: Labels
    source: Span
    raw: frozenset[str] = frozenset()
    """Names of labels whose values are templates of Prometheus already; any other value is said as it is."""
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated in order at one instant; *file* is the rule file's stem.

    Without an *interval* the server's own applies; a *limit* is how many rows a rule may give (0: any number).
    """

    name: str
    file: str
    rules: tuple[RecordingRule | AlertingRule, ...]
    interval: Duration | None = None
    limit: int = 0
    note: str = ""
    """What a reader of the rules should know about the group."""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert with the labels *source* fires, those with *target* that agree on *equal* are not told."""

    source: Labels
    target: Labels
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All groups, sorted, and which of their alerts are silent while which others fire."""

    groups: tuple[RuleGroup, ...]
    inhibitions: tuple[Inhibition, ...] = ()
