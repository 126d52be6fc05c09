"""Alerts that cannot fire without another one, or together with another one, whatever is exported.

Only what is certain counts: both are evaluated at the same moments (in the usual group of one service), compare what
is spelled alike, and neither waits nor goes on in a way that would let one be alone for a while.
"""

from dataclasses import dataclass
from itertools import permutations

from tocsin.checks.base import Subject
from tocsin.promql_syntax import Declared, Emptiness, Fault, flow, parse
from tocsin.spec import AlertRule, Plain, Threshold
from tocsin.units import literal

_IDENTITY = frozenset({"ref", "alertname", "alertstate"})


@dataclass(frozen=True, slots=True)
class Ties:
    """*implied*: pairs of which the first fires only while the second does; *exclusive*: never both at once."""

    implied: frozenset[tuple[str, str]] = frozenset()
    exclusive: frozenset[tuple[str, str]] = frozenset()

    def allow(self, chosen: dict[str, bool]) -> bool:
        """Whether the alerts may fire, or not, as *chosen*."""
        return not any(chosen[one] and not chosen[other] for one, other in self.implied) and not any(
            chosen[one] and chosen[other] for one, other in self.exclusive
        )


def ties(subject: Subject, whole: AlertRule, parts: list[AlertRule]) -> Ties:
    """What is certain of *parts* of the composite *whole*."""
    if whole.group:
        return Ties()
    asked = {
        alert.ref: (alert, text) for alert in parts if alert.service == whole.service and (text := _condition(alert))
    }
    implied, exclusive = set[tuple[str, str]](), set[tuple[str, str]]()
    for (one, first), (other, second) in permutations(asked.values(), 2):
        if one.on_missing != other.on_missing:
            continue
        shorter = one.for_.milliseconds >= other.for_.milliseconds
        longer = one.keep_firing_for.milliseconds <= other.keep_firing_for.milliseconds
        if shorter and longer and _never(first, "unless", second, subject.declared):
            implied.add((one.ref, other.ref))
        kept = one.keep_firing_for.milliseconds or other.keep_firing_for.milliseconds
        if not kept and _single(first) and _single(second) and _never(first, "and", second, subject.declared):
            exclusive.add((one.ref, other.ref))
    return Ties(frozenset(implied), frozenset(exclusive))


def _condition(alert: AlertRule) -> str:
    """The rows for which it fires as a text; empty where they depend on more than values."""
    condition = alert.condition
    if alert.group or alert.on_missing == "fire" or _IDENTITY & dict(alert.raw.labels).keys():
        return ""
    if isinstance(condition, Plain):
        return f"(\n{condition.expr.text}\n)"
    if not isinstance(condition, Threshold) or condition.clear is not None:
        return ""
    bounds = [(op, each) for op, each in ((">", condition.above), ("<", condition.below)) if each is not None]
    if len(bounds) != 1:
        return ""
    ((op, bound),) = bounds
    return f"((\n{condition.value.text}\n) {op} {literal(bound)})"


def _never(one: str, op: str, other: str, declared: Declared) -> bool:
    tree = parse(f"{one} {op} {other}")
    return not isinstance(tree, Fault) and Emptiness(declared).of(tree) is not None


def _single(text: str) -> bool:
    """Whether there is one row at most."""
    tree = parse(text)
    return not isinstance(tree, Fault) and flow(tree).only == frozenset()
