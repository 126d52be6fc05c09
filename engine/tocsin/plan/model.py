"""Groups of recording and alerting rules, in no target's format."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

from tocsin.diagnostics import Span
from tocsin.plan.objective import Objective
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


Rule = RecordingRule | AlertingRule


class Late(Sequence[Rule]):
    """Rules *of* an objective, made when somebody looks at them, and forgotten when many others were looked at since.

    Ten thousand objectives have a quarter of a million rules; those that are just being written need to be in memory.
    """

    __slots__ = ("make", "of")

    def __init__(self, make: Callable[[Objective], Iterable[Rule]], of: Objective) -> None:
        self.make = make
        self.of = of

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Rule, ...]: ...
    def __getitem__(self, index: int | slice) -> Rule | tuple[Rule, ...]:
        return _made(self)[index]

    def __len__(self) -> int:
        return len(_made(self))

    def __iter__(self) -> Iterator[Rule]:
        return iter(_made(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = object.__hash__

    def made(self) -> tuple[Rule, ...]:
        """Make them anew."""
        return tuple(self.make(self.of))


@lru_cache(maxsize=128)
def _made(late: Late) -> tuple[Rule, ...]:
    return late.made()


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated in order at one instant; *file* is the rule file's stem.

    Without an *interval* the server's own applies; a *limit* is how many rows a rule may give (0: any number).
    """

    name: str
    file: str
    rules: Sequence[Rule]
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
    """All groups, sorted, and which of their alerts are silent while which others fire.

    The alerts that are *evaluated* by `tocsin serve` alone are in no group.
    """

    groups: tuple[RuleGroup, ...]
    inhibitions: tuple[Inhibition, ...] = ()
    evaluated: tuple[AlertingRule, ...] = ()

    def alerts(self) -> Iterator[AlertingRule]:
        """All alerts, also those that are in no group."""
        yield from (rule for group in self.groups for rule in group.rules if isinstance(rule, AlertingRule))
        yield from self.evaluated
