"""Every mutant of every rule."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from tocsin.diagnostics import Span
from tocsin.mutate.edits import edits
from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.plan.model import Rule
from tocsin.promql_syntax import Fault, Selector, Type, flow, parse
from tocsin.units import Duration

_SEVERITY = "severity"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule with one mistake in it; *original* stands where *rule* is put instead."""

    original: Rule
    rule: Rule
    kind: str
    words: str
    where: str = ""
    """An excerpt of the expression, where that was changed."""

    @property
    def source(self) -> Span:
        """The definition that the rule comes from."""
        return self.original.source

    @property
    def ref(self) -> str:
        """The objective or alert that the rule is for."""
        if isinstance(self.original, AlertingRule):
            return self.original.ref
        labels = dict(self.original.labels)
        return f"{labels.get('service', '')}/{labels.get('slo', self.original.record)}"

    @property
    def name(self) -> str:
        """How people name the rule."""
        if isinstance(self.original, RecordingRule):
            return self.original.record
        tier = dict(self.original.labels).get("tier")
        return f"{self.original.alert} {tier}" if tier else self.original.alert


def mutants(plan: Plan) -> Iterator[Mutant]:
    """All mutants, rule by rule."""
    recorded: dict[str, list[RecordingRule]] = {}
    for rule in (rule for group in plan.groups for rule in group.rules):
        if isinstance(rule, RecordingRule):
            recorded.setdefault(rule.record, []).append(rule)

    def single(selector: Selector) -> bool:
        """Whether it finds the series of one rule, which sums all of its rows into one."""
        asked = {m.label.value: m.value.value for m in selector.matchers if m.op == "="}
        found = [
            rule
            for rule in recorded.get(selector.metric or "", ())
            if all(asked.get(name, value) == value for name, value in rule.labels)
        ]
        return len(found) == 1 and _one_row(found[0].expr)

    for group in plan.groups:
        for rule in group.rules:
            for edit in edits(rule.expr, recorded, single):
                changed = replace(rule, expr=edit.applied(rule.expr))
                yield Mutant(rule, changed, edit.kind, edit.words, edit.shown(rule.expr))
            if isinstance(rule, AlertingRule):
                yield from _of_fields(rule)


@lru_cache(maxsize=4096)
def _one_row(text: str) -> bool:
    tree = parse(text)
    return not isinstance(tree, Fault) and tree.type is Type.VECTOR and flow(tree).only == frozenset()


def _of_fields(rule: AlertingRule) -> Iterator[Mutant]:
    if rule.for_.milliseconds:
        doubled = Duration(2 * rule.for_.milliseconds)
        yield Mutant(rule, replace(rule, for_=Duration(0)), "for dropped", f"`for: {rule.for_}` is dropped")
        yield Mutant(rule, replace(rule, for_=doubled), "for doubled", f"`for: {rule.for_}` becomes {doubled}")
    severity = dict(rule.labels).get(_SEVERITY)
    if severity:
        new = "warning" if severity == "critical" else "critical"
        labels = tuple((name, new if name == _SEVERITY else value) for name, value in rule.labels)
        yield Mutant(rule, replace(rule, labels=labels), "severity", f"severity {severity} becomes {new}")
