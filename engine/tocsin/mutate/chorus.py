"""Many mutants in one run of a scenario: each has copies of the rules that it changes, under names of its own.

A scenario takes promtool most of its time to set up and to evaluate the rules that no mutant touches; copies share
that. A copy of a rule reads the copies of its own mutant, because their names bear its mark. What reads series without
saying their names would see the copies of others, so such scenarios are run for one mutant at a time.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tocsin.mutate.places import places, renamed
from tocsin.mutate.rules import Mutant
from tocsin.mutate.trials import Key, Trial, key_of
from tocsin.plan import AlertingRule
from tocsin.plan.model import Rule
from tocsin.template import verbatim

_MARK = re.compile(r"__m(\d+)\b")


@dataclass(frozen=True, slots=True)
class Voice:
    """A mutant of a chorus by its *number*; without a mutant, the rules themselves, of which there are no copies."""

    number: int
    mutant: Mutant | None

    @property
    def mark(self) -> str:
        """What stands behind the names of its copies, if it has any."""
        return f"__m{self.number}" if self.mutant is not None else ""

    def sung(self, rule: Rule) -> Rule:
        """The rule, or the mutant where it is of this rule."""
        return self.mutant.rule if self.mutant is not None and self.mutant.original == rule else rule

    def asked(self, text: str, inlined: bool) -> str:
        """A question; where it holds the expression of the alert, with that of the mutant."""
        if self.mutant is None or not inlined:
            return text
        return text.replace(self.mutant.original.expr, self.mutant.rule.expr)


@dataclass(frozen=True, slots=True)
class Chorus:
    """A trial for some voices. A single one needs no copies, and has none where the trial does not bear them."""

    trial: Trial
    voices: tuple[Voice, ...]
    path: str

    @property
    def rules_path(self) -> str:
        """Where its rule file stands."""
        return f"{self.path}.rules"

    def files(self) -> Mapping[str, str]:
        """The test file and its rule file, written as JSON, which is YAML that needs no thought about quotes."""
        rules, questions = self._alone() if self.alone else self._together()
        test = {
            "name": self.trial.name,
            "interval": self.trial.interval,
            "input_series": self.trial.series,
            "promql_expr_test": questions,
        }
        content = {
            "rule_files": [self.rules_path],
            "evaluation_interval": self.trial.grid,
            "group_eval_order": [group["name"] for group in rules],
            "tests": [test],
        }
        return {self.path: json.dumps(content), self.rules_path: json.dumps({"groups": rules})}

    @property
    def alone(self) -> bool:
        """Whether its only voice stands in the place of the rules themselves."""
        return len(self.voices) == 1 and apart(self.trial, self.voices[0].mutant)

    def noticed(self, expressions: Iterable[str], faults: Iterable[str]) -> frozenset[int] | None:
        """The voices (by number) that promtool's answer is about; None where it does not say which.

        A rule that cannot be evaluated ends the run, so whoever is not named has to be heard again.
        """
        if self.alone:
            return frozenset({self.voices[0].number}) if [*expressions, *faults] else frozenset()
        said = list(faults)
        marks = {int(mark) for text in said for mark in _MARK.findall(text)}
        if said and not marks:
            return None
        return frozenset(marks | {int(text.rpartition("#")[2]) for text in expressions})

    def _alone(self) -> tuple[list[dict[str, Any]], Sequence[Mapping[str, Any]]]:
        voice = self.voices[0]
        groups = [_group(group.name, [voice.sung(rule) for rule in group.rules]) for group in self.trial.groups]
        inlined = self.trial.inlined(voice.mutant.original) if voice.mutant is not None else frozenset[int]()
        questions = [
            {**each, "expr": voice.asked(each["expr"], number in inlined)}
            for number, each in enumerate(self.trial.questions)
        ]
        return groups, questions

    def _together(self) -> tuple[list[dict[str, Any]], Sequence[Mapping[str, Any]]]:
        changed = {voice.number: self._changed(voice) for voice in self.voices}
        singing = [voice for voice in self.voices if voice.mutant is not None]
        read = set[Key]()
        for voice in self.voices:
            if voice.mutant is None:
                read |= changed[voice.number]
                continue
            names = changed[voice.number]
            for rule in self.trial.rules:
                if key_of(rule) in names:
                    read |= places(voice.sung(rule).expr).keys - names
        kept = self.trial.needed_for(read)
        groups = []
        for group in self.trial.groups:
            rules: list[Rule] = []
            for rule in group.rules:
                key = key_of(rule)
                rules += [rule] * (key in kept)
                rules += [_copy(v.sung(rule), changed[v.number], v.mark) for v in singing if key in changed[v.number]]
            if rules:
                groups.append(_group(group.name, rules))
        return groups, list(self._questions(changed))

    def _changed(self, voice: Voice) -> frozenset[Key]:
        """Without a mutant, all that any of the others changes: what is true of it is true of the copies, too."""
        if voice.mutant is not None:
            return self.trial.changed_by(voice.mutant.original)
        return frozenset(key for rule in self.trial.rules for key in self.trial.changed_by(rule))

    def _questions(self, changed: Mapping[int, frozenset[Key]]) -> Iterator[Mapping[str, Any]]:
        for voice in self.voices:
            names = changed[voice.number]
            original = voice.mutant.original if voice.mutant is not None else None
            inlined = self.trial.inlined(original) if original is not None else frozenset[int]()
            for number, put in self.trial.asking(names, original):
                given = self.trial.questions[number]
                expr = renamed(voice.asked(given["expr"], number in inlined), names, voice.mark, put)
                yield {**given, "expr": f"{expr.rpartition(' # ')[0] or expr} # {voice.number}"}


def apart(trial: Trial, mutant: Mutant | None) -> bool:
    """Whether *mutant* has to be tried by itself: it, or a rule of the trial, reads what it does not name."""
    read = places(mutant.rule.expr) if mutant is not None else None
    return trial.alone or (read is not None and (read.wild or bool(read.unnamed)))


def run_choruses(
    choruses: Sequence[Chorus], run: Callable[[Sequence[Chorus]], Sequence[tuple[list[str], list[str]]]]
) -> Mapping[str, frozenset[int]]:
    """Which voices of each chorus (by path) were noticed; *run* gives the expressions and faults of each.

    Who was named by a fault is out, and the others are heard again; where nobody was named, each by itself.
    """
    found: dict[str, frozenset[int]] = {chorus.path: frozenset() for chorus in choruses}
    waiting = list(choruses)
    while waiting:
        again = []
        for chorus, (expressions, faults) in zip(waiting, run(waiting), strict=True):
            heard = chorus.noticed(expressions, faults)
            path = chorus.path.partition("+")[0]
            if heard is None and len(chorus.voices) == 1:
                heard = frozenset({chorus.voices[0].number})
            if heard is None:
                again += [Chorus(chorus.trial, (voice,), f"{path}+{voice.number}") for voice in chorus.voices]
                continue
            found[path] |= heard
            rest = tuple(voice for voice in chorus.voices if voice.number not in heard)
            if faults and rest:
                again.append(Chorus(chorus.trial, rest, f"{path}+r{len(rest)}"))
        waiting = again
    return found


# --- writing -----------------------------------------------------------------------------------------------


def _copy(rule: Rule, names: frozenset[Key], mark: str) -> Rule:
    expr = renamed(rule.expr, names, mark)
    if isinstance(rule, AlertingRule):
        return replace(rule, alert=rule.alert + mark, expr=expr)
    return replace(rule, record=rule.record + mark, expr=expr)


def _group(name: str, rules: Sequence[Rule]) -> dict[str, Any]:
    return {"name": name, "rules": [_written(rule) for rule in rules]}


def _written(rule: Rule) -> dict[str, Any]:
    """Without annotations: no test asks for them, and promtool would fill in their templates."""
    if not isinstance(rule, AlertingRule):
        return {"record": rule.record, "expr": rule.expr, "labels": dict(rule.labels)}
    return {
        "alert": rule.alert,
        "expr": rule.expr,
        "for": str(rule.for_),
        "keep_firing_for": str(rule.keep_firing_for),
        "labels": {name: value if name in rule.raw else verbatim(value) for name, value in rule.labels},
    }
