"""Trials: every scenario of every test and proof, and which of its questions a rule can change the answers to."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tocsin.diagnostics import Span
from tocsin.mutate.places import ALERTS, Places, Unnamed, places
from tocsin.plan import AlertingRule, RuleGroup
from tocsin.plan.model import Rule
from tocsin.proofs.selectors import Matcher
from tocsin.units import Duration

Key = tuple[bool, str]
"""The name of a series (False) or of an alert (True)."""
_EVALUATION = 0.1
_START = 18.0
"""Milliseconds that promtool 2.42 takes for one rule once, and for a scenario."""
_SHARED = 8
"""Among about so many mutants the start of a scenario is shared."""


@dataclass(frozen=True)
class Trial:
    """One scenario: series, what is asked when, and the rules that answer.

    *series* and *questions* are those of promtool's file; *name* and *source* tell people which test it is.
    """

    name: str
    source: Span
    groups: tuple[RuleGroup, ...]
    grid: str
    interval: str
    series: Sequence[Mapping[str, str]]
    questions: Sequence[Mapping[str, Any]]

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, in the order in which they are evaluated."""
        return tuple(rule for group in self.groups for rule in group.rules)

    @cached_property
    def alone(self) -> bool:
        """Whether copies of rules would see each other: a rule reads series without saying their names."""
        read = [places(rule.expr) for rule in self.rules]
        fed = {_metric(each["series"]) for each in self.series}
        twice = bool(fed & ALERTS) or any(not alert and name in fed for alert, name in self._by_key)
        asked = any(each.wild or any(u.inside is None for u in each.unnamed) for each in self._asked)
        return asked or twice or any(each.wild or each.unnamed for each in read)

    @cached_property
    def _by_key(self) -> Mapping[Key, tuple[Rule, ...]]:
        found: dict[Key, tuple[Rule, ...]] = {}
        for rule in self.rules:
            found[key_of(rule)] = (*found.get(key_of(rule), ()), rule)
        return found

    @cached_property
    def _readers(self) -> Mapping[Key, frozenset[Key]]:
        found: dict[Key, set[Key]] = {}
        for rule in self.rules:
            for key in places(rule.expr).keys & self._by_key.keys():
                found.setdefault(key, set()).add(key_of(rule))
        return {key: frozenset(some) for key, some in found.items()}

    @cached_property
    def _asked(self) -> tuple[Places, ...]:
        return tuple(places(each["expr"]) for each in self.questions)

    @cached_property
    def _downstream(self) -> dict[Key, frozenset[Key]]:
        return {}

    def changed_by(self, rule: Rule) -> frozenset[Key]:
        """The names of all that may be different when *rule* is."""
        start = key_of(rule)
        if start not in self._downstream:
            found, waiting = {start}, [start]
            while waiting:
                new = self._readers.get(waiting.pop(), frozenset()) - found
                found |= new
                waiting += new
            self._downstream[start] = frozenset(found)
        return self._downstream[start]

    def needed_for(self, names: Collection[Key]) -> frozenset[Key]:
        """All names that rules need for *names*, themselves included."""
        found = {key for key in names if key in self._by_key}
        waiting = list(found)
        while waiting:
            for rule in self._by_key[waiting.pop()]:
                new = (places(rule.expr).keys & self._by_key.keys()) - found
                found |= new
                waiting += new
        return frozenset(found)

    def inlined(self, rule: Rule) -> frozenset[int]:
        """The questions (by number) that hold the expression of an alert, to ask for its condition itself."""
        if rule not in self._inlined:
            found = frozenset[int]()
            if isinstance(rule, AlertingRule) and sum(rule.expr == other.expr for other in self.rules) == 1:
                found = frozenset(n for n, each in enumerate(self.questions) if rule.expr in each["expr"])
            self._inlined[rule] = found
        return self._inlined[rule]

    @cached_property
    def _inlined(self) -> dict[Rule, frozenset[int]]:
        return {}

    def asking(self, names: frozenset[Key], rule: Rule | None) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The questions (by number) that a change of *rule*, and with it of all *names*, may give another answer to.

        With each, where in it a matcher must say which alerts are meant.
        """
        alerts = [each for each in self.rules if isinstance(each, AlertingRule) and key_of(each) in names]
        inlined = self.inlined(rule) if rule is not None else frozenset[int]()
        for number, asked in enumerate(self._asked):
            put = tuple(u.inside for u in asked.unnamed if u.inside is not None and any(_finds(u, a) for a in alerts))
            unclear = asked.wild or any(u.inside is None for u in asked.unnamed)
            if unclear or put or names & asked.keys or number in inlined:
                yield number, put

    def last(self, numbers: Collection[int]) -> int:
        """The tick at which the last of some questions is asked."""
        every = Duration.parse(self.grid).milliseconds
        return max(Duration.parse(self.questions[n]["eval_time"]).milliseconds for n in numbers) // every

    def cost(self, rule: Rule) -> float | None:
        """About how many milliseconds a mutant of *rule* takes; None where nothing is asked that it could change."""
        if rule not in self._known:
            return None
        names = self.changed_by(rule)
        asked = [number for number, _ in self.asking(names, rule)]
        if not asked:
            return None
        rules = len(self.rules) if self.alone else sum(len(self._by_key[key]) for key in names)
        return _START / (1 if self.alone else _SHARED) + _EVALUATION * rules * (self.last(asked) + 1)

    @cached_property
    def _known(self) -> frozenset[Rule]:
        return frozenset(self.rules)


def trials(name: str, source: Span, groups: tuple[RuleGroup, ...], text: str) -> Iterator[Trial]:
    """The scenarios of a test file for some *groups*, as it was written for promtool."""
    content = json.loads(text)
    for test in content["tests"]:
        yield Trial(
            f"{name}: {test['name']}",
            source,
            groups,
            content["evaluation_interval"],
            test["interval"],
            test["input_series"],
            test["promql_expr_test"],
        )


def key_of(rule: Rule) -> Key:
    """The name of what a rule gives."""
    return (True, rule.alert) if isinstance(rule, AlertingRule) else (False, rule.record)


def _metric(series: str) -> str:
    return series.partition("{")[0].strip()


def _finds(selector: Unnamed, alert: AlertingRule) -> bool:
    """Whether a selector of alerts may find *alert*: a label that is not known may have any value."""
    known = {**dict(alert.labels), "alertname": alert.alert}
    return all(Matcher(*asked).accepts(known[asked[0]]) for asked in selector.matchers if asked[0] in known)
