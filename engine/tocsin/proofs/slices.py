"""The rules that an alert needs: its own, and every recorded series that these read."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from tocsin.plan import AlertingRule, RecordingRule, RuleGroup
from tocsin.ports import Labels
from tocsin.promql_syntax import lex
from tocsin.proofs.selectors import Selector, selectors

Rule = RecordingRule | AlertingRule
_EVERYTHING = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


def known_by(rule: Rule) -> frozenset[tuple[str, str]]:
    """All that a rule gives to its series, its name included."""
    name = ("alertname", rule.alert) if isinstance(rule, AlertingRule) else ("__name__", rule.record)
    return frozenset({*rule.labels, name})


def needed(wanted: Iterable[Collection[tuple[str, str]]], groups: Sequence[RuleGroup]) -> tuple[RuleGroup, ...]:
    """The rules that have the labels of one of *wanted*, with every recorded series that they read, in their groups."""
    asked = [frozenset(labels) for labels in wanted]
    everything = [(number, rule) for number, group in enumerate(groups) for rule in group.rules]
    waiting = [(n, rule) for n, rule in everything if any(labels <= known_by(rule) for labels in asked)]
    kept: set[tuple[int, int]] = set()
    while waiting:
        number, rule = waiting.pop()
        if (number, id(rule)) not in kept:
            kept.add((number, id(rule)))
            waiting += _read_by(rule, everything)
    sliced = (replace(g, rules=tuple(r for r in g.rules if (n, id(r)) in kept)) for n, g in enumerate(groups))
    return tuple(group for group in sliced if group.rules)


def _read_by(rule: Rule, everything: Sequence[tuple[int, Rule]]) -> Iterator[tuple[int, Rule]]:
    for selector in _selectors(rule.expr):
        for number, other in everything:
            if isinstance(other, RecordingRule):
                if selector.name in {"", other.record} and _may_find(selector, other.labels):
                    yield number, other
            elif selector.name in _EVERYTHING and _may_find(selector, (("alertname", other.alert), *other.labels)):
                yield number, other


@lru_cache(maxsize=65_536)
def _selectors(text: str) -> tuple[Selector, ...]:
    return selectors(text)


def _may_find(selector: Selector, labels: Labels) -> bool:
    """Whether series with at least *labels* may be found: a label that is not known may have any value."""
    known = dict(labels)
    return all(m.accepts(known[m.label]) for m in selector.matchers if m.label in known)


def shape(groups: Sequence[RuleGroup]) -> tuple[object, ...]:
    """The rules without the names in them: two objectives of one shape differ in what they watch and in nothing else.

    Metrics that are not recorded here and texts in quotes are numbered in the order of their appearance.
    """
    recorded = {rule.record for group in groups for rule in group.rules if isinstance(rule, RecordingRule)}
    numbers: dict[str, str] = {}

    def numbered(text: str) -> str:
        return numbers.setdefault(text, f"#{len(numbers)}")

    def plain(expr: str) -> tuple[str, ...]:
        watched = {s.name for s in _selectors(expr)} - recorded
        return tuple(numbered(t.text) if t.kind == "string" or t.text in watched else t.text for t in lex(expr).tokens)

    found: list[object] = []
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                found.append((rule.record, plain(rule.expr)))
            else:
                kept = tuple(pair for pair in rule.labels if pair[0] in {"severity", "tier"})
                found.append((rule.alert, plain(rule.expr), rule.for_, rule.keep_firing_for, kept))
    return tuple(found)
