"""Rules that are not what their definition compiles to, where no proof would notice."""

from collections.abc import Iterator, Sequence

from tocsin.diagnostics import Diagnostic
from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.promql_syntax import lex
from tocsin.proofs.slices import Rule, known_by
from tocsin.proofs.testfile import ProofFile


def unlike(planned: Plan, judged: Plan, proved: Sequence[ProofFile], only: str | None = None) -> Iterator[Diagnostic]:
    """The rules of *planned* that no proof asks for, and that *judged* lacks or has with another meaning.

    *only* is a part of the names of the definitions that are asked for.
    """
    asked = [labels for file in proved for labels in file.proof.subjects]
    names = {dict(labels).get("__name__") or dict(labels).get("alertname") for labels in asked}
    there: dict[frozenset[tuple[str, str]], list[Rule]] = {}
    for group in judged.groups:
        for rule in group.rules:
            there.setdefault(known_by(rule), []).append(rule)
    for group in planned.groups:
        for rule in group.rules:
            if only and only not in _ref(rule):
                continue
            known = known_by(rule)
            if _name(rule) in names and any(set(labels) <= known for labels in asked):
                continue
            if not any(_same(rule, other) for other in there.get(known, ())):
                what = "is missing" if known not in there else "is not what its definition compiles to"
                message = f"{_ref(rule)}: {_name(rule)} {what}, and nothing proves what it does"
                yield Diagnostic("proof/unlike", rule.source, message, hint="compile the definition again")


def _ref(rule: Rule) -> str:
    if isinstance(rule, AlertingRule):
        return rule.ref
    labels = dict(rule.labels)
    return f"{labels.get('service', '')}/{labels.get('slo', rule.record)}"


def _name(rule: Rule) -> str:
    return rule.record if isinstance(rule, RecordingRule) else rule.alert


def _same(rule: Rule, other: Rule) -> bool:
    """Whether both mean the same; blanks and comments do not count."""
    alike = [token.text for token in lex(rule.expr).tokens] == [token.text for token in lex(other.expr).tokens]
    if isinstance(rule, AlertingRule) and isinstance(other, AlertingRule):
        return alike and (rule.for_, rule.keep_firing_for) == (other.for_, other.keep_firing_for)
    return alike
