"""What has to be as it was compiled: every rule of a definition, and the settings of its groups.

Proofs notice what the series that they make up show, and these are a few of all that may be exported: a regular
expression that was narrowed to the one status code of the scenarios fires as it did. So the text counts as well.
Blanks, comments, needless brackets and the order of labels make no difference.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile

from tocsin.diagnostics import Diagnostic, Span
from tocsin.plan import AlertingRule, Plan, RecordingRule, RuleGroup
from tocsin.ports import Labels
from tocsin.promql_syntax import Binary, Expr, Fault, Parens, bare, canonical, children, lex, parse
from tocsin.proofs.slices import Rule
from tocsin.sli import BIRTHS_LABEL
from tocsin.template import verbatim
from tocsin.units import Duration

_HINT = "compile the definition again"
_LONGEST = 160
"""Characters of a text in a message."""


def unlike(planned: Plan, judged: Plan, only: str | None = None) -> Iterator[Diagnostic]:
    """What *judged* has otherwise than *planned*, or not at all.

    *only* is a part of the names of the definitions that are asked for.
    """
    groups = {(group.file, group.name): group for group in judged.groups}
    for group in planned.groups:
        wanted = [rule for rule in group.rules if not only or only in ref_of(rule)]
        other = groups.get((group.file, group.name))
        if wanted and other is not None:
            yield from _settings(group, other, wanted[0].source)
        there = list(other.rules) if other is not None else []
        for rule in wanted:
            yield from _rule(rule, there)


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


def _rule(rule: Rule, there: Sequence[Rule]) -> Iterator[Diagnostic]:
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
    else:
        odd = [_differences(rule, other) for other in exact]
        for seen, wanted in min(odd, key=len):
            message = f"{who} has {seen}, and its definition compiles to {wanted}"
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
    if BIRTHS_LABEL in labels:
        return labels[BIRTHS_LABEL]
    return f"{labels['service']}/{labels['slo']}" if {"service", "slo"} <= labels.keys() else rule.record


def _name(rule: Rule) -> str:
    return rule.record if isinstance(rule, RecordingRule) else rule.alert


def _differences(rule: Rule, other: Rule) -> list[tuple[str, str]]:
    """What *other* has and what *rule* has instead, in words."""
    found = []
    if rule.expr != other.expr and (parts := _parts(rule.expr, other.expr)):
        found.append(parts)
    if isinstance(rule, AlertingRule) and isinstance(other, AlertingRule):
        for what, wanted, seen in (
            ("for", rule.for_, other.for_),
            ("keep_firing_for", rule.keep_firing_for, other.keep_firing_for),
        ):
            if wanted != seen:
                found.append((f"{what} {seen}", f"{what} {wanted}"))
    return found


def _parts(wanted: str, seen: str) -> tuple[str, str] | None:
    """The smallest part in which two expressions differ, as it is and as it should be; None: they mean the same."""
    one, other = parse(wanted), parse(seen)
    if isinstance(one, Fault) or isinstance(other, Fault):
        if [token.text for token in lex(wanted).tokens] == [token.text for token in lex(seen).tokens]:
            return None
        return _shown(seen, wanted)
    if canonical(one) == canonical(other):
        return None
    while (deeper := _deeper(one, other)) is not None:
        one, other = deeper
    return _shown(seen[other.start : other.end], wanted[one.start : one.end])


def _deeper(one: Expr, other: Expr) -> tuple[Expr, Expr] | None:
    """The operands that differ, where these are two and all that stands around them is of one kind."""
    if isinstance(one, Parens) or isinstance(other, Parens):
        return bare(one), bare(other)
    if type(one) is not type(other) or (isinstance(one, Binary) and isinstance(other, Binary) and one.op != other.op):
        return None
    pairs = list(zip(children(one), children(other), strict=False))
    apart = [pair for pair in pairs if canonical(pair[0]) != canonical(pair[1])]
    return apart[0] if len(apart) == 1 and len(children(one)) == len(children(other)) else None


def _shown(seen: str, wanted: str) -> tuple[str, str]:
    """Both on one line each; of long ones what stands around the first difference."""
    texts = [" ".join(text.split()) for text in (seen, wanted)]
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = max(0, alike - _LONGEST // 2) if max(map(len, texts)) > _LONGEST else 0
    one, other = (
        f"`{'…' * bool(start)}{text[start : start + _LONGEST]}{'…' * (len(text) > start + _LONGEST)}`" for text in texts
    )
    return one, other
