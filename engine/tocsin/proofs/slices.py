"""The rules that an alert needs: its own, and every recorded series that these read."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _Stored:
    """A rule and where it stands: the number of its group, and its place in the group."""

    group: int
    place: int
    rule: Rule


class Index:
    """The rules of some groups, found by what they give: for many questions about the same groups."""

    def __init__(self, groups: Sequence[RuleGroup]) -> None:
        self._groups = groups
        self._every = [_Stored(n, m, rule) for n, group in enumerate(groups) for m, rule in enumerate(group.rules)]
        self._recordings: dict[str, list[_Stored]] = {}
        self._alerts: dict[str, list[_Stored]] = {}
        for stored in self._every:
            rule = stored.rule
            if isinstance(rule, RecordingRule):
                self._recordings.setdefault(rule.record, []).append(stored)
            else:
                self._alerts.setdefault(rule.alert, []).append(stored)

    def needed(self, wanted: Iterable[Collection[tuple[str, str]]]) -> tuple[RuleGroup, ...]:
        """The rules with the labels of one of *wanted*, with every recorded series that they read, in their groups."""
        waiting = [stored for labels in wanted for stored in self._known_by(frozenset(labels))]
        kept: dict[tuple[int, int], Rule] = {}
        while waiting:
            stored = waiting.pop()
            if (stored.group, stored.place) not in kept:
                kept[stored.group, stored.place] = stored.rule
                waiting += self._read_by(stored.rule)
        return self._sliced(kept)

    def given(self, wanted: Iterable[Collection[tuple[str, str]]]) -> tuple[RuleGroup, ...]:
        """The rules with the labels of one of *wanted*, and nothing that they read."""
        found = (stored for labels in wanted for stored in self._known_by(frozenset(labels)))
        return self._sliced({(stored.group, stored.place): stored.rule for stored in found})

    def _sliced(self, kept: Mapping[tuple[int, int], Rule]) -> tuple[RuleGroup, ...]:
        rules: dict[int, list[Rule]] = {}
        for (group, _), rule in sorted(kept.items(), key=lambda item: item[0]):
            rules.setdefault(group, []).append(rule)
        return tuple(replace(self._groups[group], rules=tuple(some)) for group, some in rules.items())

    def _known_by(self, labels: frozenset[tuple[str, str]]) -> Iterator[_Stored]:
        """What is asked for by name stands under it; only the others have to be looked at one by one."""
        names = dict(labels)
        if "alertname" in names:
            some: Sequence[_Stored] = self._alerts.get(names["alertname"], ())
        elif "__name__" in names:
            some = self._recordings.get(names["__name__"], ())
        else:
            some = self._every
        return (stored for stored in some if labels <= known_by(stored.rule))

    def _read_by(self, rule: Rule) -> Iterator[_Stored]:
        for selector in _selectors(rule.expr):
            if selector.name in _EVERYTHING:
                for stored in self._every:
                    other = stored.rule
                    if isinstance(other, AlertingRule):
                        labels = (("alertname", other.alert), *other.labels)
                        if _may_find(selector, labels):
                            yield stored
            for stored in self._recordings.get(selector.name, ()) if selector.name else self._every:
                if isinstance(stored.rule, RecordingRule) and _may_find(selector, stored.rule.labels):
                    yield stored


def needed(wanted: Iterable[Collection[tuple[str, str]]], groups: Sequence[RuleGroup]) -> tuple[RuleGroup, ...]:
    """The rules that *wanted* need, where few things are asked about the same *groups*."""
    return Index(groups).needed(wanted)


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
