"""What has to be as it was compiled, because no proof would notice a change by hand.

That are rules which no claim is about; and of all others what decides when they are evaluated and where their alerts
go, which are the settings of groups and labels.
"""

from collections.abc import Collection, Iterator, Sequence

from tocsin.diagnostics import Diagnostic, Span
from tocsin.plan import AlertingRule, Plan, RecordingRule, RuleGroup
from tocsin.ports import Labels
from tocsin.promql_syntax import lex
from tocsin.proofs.slices import Rule, known_by
from tocsin.proofs.testfile import ProofFile
from tocsin.template import verbatim
from tocsin.units import Duration

_HINT = "compile the definition again"


def unlike(planned: Plan, judged: Plan, proved: Sequence[ProofFile], only: str | None = None) -> Iterator[Diagnostic]:
    """What *judged* has otherwise than *planned*, or not at all.

    *only* is a part of the names of the definitions that are asked for.
    """
    asked = _Asked([labels for file in proved for labels in file.proof.subjects])
    groups = {(group.file, group.name): group for group in judged.groups}
    for group in planned.groups:
        wanted = [rule for rule in group.rules if not only or only in ref_of(rule)]
        other = groups.get((group.file, group.name))
        if wanted and other is not None:
            yield from _settings(group, other, wanted[0].source)
        there = list(other.rules) if other is not None else []
        for rule in wanted:
            yield from _rule(rule, there, proved=rule in asked)


class _Asked:
    """The rules that claims are about."""

    def __init__(self, subjects: Collection[Labels]) -> None:
        self._by_name: dict[str, list[frozenset[tuple[str, str]]]] = {}
        for labels in subjects:
            known = dict(labels)
            name = known.get("__name__") or known.get("alertname", "")
            self._by_name.setdefault(name, []).append(frozenset(labels))
        self._unnamed = self._by_name.get("", [])

    def __contains__(self, rule: Rule) -> bool:
        known = known_by(rule)
        return any(labels <= known for labels in (*self._by_name.get(_name(rule), ()), *self._unnamed))


def _settings(group: RuleGroup, other: RuleGroup, span: Span) -> Iterator[Diagnostic]:
    for what, wanted, seen in (
        ("interval", group.interval, other.interval),
        ("limit", group.limit or None, other.limit or None),
    ):
        if wanted != seen:
            message = (
                f"group {group.name} has {_said(what, seen)}, and its definition compiles to {_said(what, wanted)}"
            )
            yield Diagnostic("proof/unlike", span, message, hint=_HINT)


def _said(what: str, value: Duration | int | None) -> str:
    return f"no {what}" if value is None else f"{what} {value}"


def _rule(rule: Rule, there: Sequence[Rule], *, proved: bool) -> Iterator[Diagnostic]:
    who = f"{ref_of(rule)}: {_name(rule)}" if ref_of(rule) != _name(rule) else _name(rule)
    named = [other for other in there if _name(other) == _name(rule)]
    labels = _labels(rule)
    exact = [other for other in named if other.labels == labels]
    if not exact and named:
        near = max(named, key=lambda other: len({*other.labels} & {*labels}))
        gone, new = {*labels} - {*near.labels}, {*near.labels} - {*labels}
        parts = [f"lacks {_pairs(gone)}"] * bool(gone) + [f"has {_pairs(new)}"] * bool(new)
        yield Diagnostic("proof/unlike", rule.source, f"{who} {' and '.join(parts)}", hint=_HINT)
    elif not exact:
        yield Diagnostic("proof/unlike", rule.source, f"{who} is missing from its group", hint=_HINT)
    elif not proved and not any(_same(rule, other) for other in exact):
        message = f"{who} is not what its definition compiles to, and nothing proves what it does"
        yield Diagnostic("proof/unlike", rule.source, message, hint=_HINT)


def _labels(rule: Rule) -> Labels:
    """As Prometheus' file has them: what is no template is written so that it is none."""
    if isinstance(rule, RecordingRule):
        return rule.labels
    return tuple((name, value if name in rule.raw else verbatim(value)) for name, value in rule.labels)


def _pairs(labels: Collection[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in sorted(labels))


def ref_of(rule: Rule) -> str:
    """Which definition a rule is for; a recording of nobody's has its own name."""
    if isinstance(rule, AlertingRule):
        return rule.ref
    labels = dict(rule.labels)
    return f"{labels['service']}/{labels['slo']}" if {"service", "slo"} <= labels.keys() else rule.record


def _name(rule: Rule) -> str:
    return rule.record if isinstance(rule, RecordingRule) else rule.alert


def _same(rule: Rule, other: Rule) -> bool:
    """Whether both mean the same; blanks and comments do not count."""
    alike = [token.text for token in lex(rule.expr).tokens] == [token.text for token in lex(other.expr).tokens]
    if isinstance(rule, AlertingRule) and isinstance(other, AlertingRule):
        return alike and (rule.for_, rule.keep_firing_for) == (other.for_, other.keep_firing_for)
    return alike
