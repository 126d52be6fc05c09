"""What a violation means to the person who wrote the document: one finding per mistake, with its place."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from tocsin.diagnostics import Diagnostic
from tocsin.document import Document, Path
from tocsin.schema.values import expected, holder, name_finding, repeated, subject, value_finding
from tocsin.schema.violation import Violation
from tocsin.schema.words import did_you_mean, listed, nearest, respelling, shown

_FEW = 14
"""More names than this are not listed in a hint."""
_ELSEWHERE = {
    "match_re": ("matchers", """patterns stand in matchers: ['severity=~"critical|warning"']"""),
    "receiver": ("to", "it is called to here, a list of channels: to: [email]"),
    "receivers": ("channels", "they are called channels here, each by its name"),
    "route": ("routes", "routes is a list here, and the one that takes the rest comes last: {match: {}, to: [email]}"),
    "inhibit_rules": ("inhibit", "they are called inhibit here"),
    "source_match": ("source", "it is called source here"),
    "target_match": ("target", "it is called target here"),
}
"""Keys of Alertmanager that have other names here, with the key that has to be free, and what to write."""
_OWN = {("apiVersion",), ("kind",)}
"""Their values have findings of their own."""
_URGENT = ("type", "enum", "const")
"""Of several complaints about one value, the first of these says most."""


def explain(document: Document, violations: Iterable[Violation]) -> Iterator[Diagnostic]:
    """Findings for *violations*; several complaints about one value become one."""
    seen: set[Path] = set()
    for fault in sorted(violations, key=lambda fault: fault.keyword not in _URGENT):
        if fault.keyword in _STRUCTURE:
            yield from _STRUCTURE[fault.keyword](document, fault)
        elif fault.name:
            yield from name_finding(document, fault)
        elif fault.path not in seen | document.broken and not (fault.keyword == "const" and fault.path in _OWN):
            seen.add(fault.path)
            yield value_finding(document, fault)


def _unknown(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    for key in fault.unknown:
        path = (*fault.path, key)
        if path not in document.broken:
            free = [name for name in fault.schema.get("properties", ()) if name not in fault.value]
            instead, elsewhere = _ELSEWHERE.get(key, ("", ""))
            hint = elsewhere if instead in free else did_you_mean(key, free)
            if hint is None and 0 < len(free) <= _FEW:
                hint = f"{subject(fault.path)} may have {listed(free)}"
            span = document.key_span(path)
            fix = respelling(span, key, free) if _alone(key, fault) and instead not in free else None
            yield Diagnostic("schema/unknown-key", span, f"unknown key {shown(key)}", hint=hint, fix=fix)


def _alone(key: str, fault: Violation) -> bool:
    """Whether no other unknown key means the same."""
    return not any(nearest(other, [key]) for other in fault.unknown if other != key)


def _missing(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    key = next(name for name in fault.argument if fault.message.startswith(repr(name)))
    misspelt = any(nearest(unknown, [key]) for unknown in fault.unknown)
    if misspelt or (*fault.path, "<<") in document.broken:
        return  # one mistake, and it has its finding
    example = fault.schema.get("properties", {}).get(key, {}).get("examples", [None])[0]
    hint = f"add {key}: {example}" if isinstance(example, str | int | float) else f"add {key}"
    message = f"{key} is missing" + (f" in {subject(fault.path)}" if fault.path else "")
    yield Diagnostic("schema/missing-key", holder(document, fault.path, fault.value), message, hint=hint)


def _dependent(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    for key, needed in fault.argument.items():
        absent = [other for other in needed if other not in fault.value]
        if key in fault.value and absent:
            message = f"{key} stands without {listed(absent, 'and')}"
            yield Diagnostic(
                "schema/missing-key", document.key_span((*fault.path, key)), message, hint=f"add {absent[0]}"
            )


def _count(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    """Too few or too many keys; where the keys are a closed set this is a choice."""
    schema, options, name = fault.schema, list(fault.schema.get("properties", ())), subject(fault.path)
    given = [key for key in fault.value if key in options]
    one = "exactly one" if schema.get("minProperties") == schema.get("maxProperties") == 1 else "at least one"
    place = holder(document, fault.path, fault.value)
    if not options:
        message = f"{name} has {len(fault.value)} keys, expected {expected(fault)}"
        yield Diagnostic("schema/value", place, message)
    elif fault.keyword == "minProperties":
        yield Diagnostic("schema/choice", place, f"{name} is empty, expected {one} of {listed(options)}")
    elif len(given) > fault.argument:  # else the surplus is an unknown key, which has its finding
        message = f"{name} has {listed(given, 'and')}, expected {one} of {listed(options)}"
        yield Diagnostic("schema/choice", document.key_span((*fault.path, given[1])), message, hint="keep one of them")


def _one_besides(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    """No key of a closed set, or several, where one is to be chosen."""
    options = [key for key in fault.schema["properties"] if key not in fault.argument]
    given, name = [key for key in fault.value if key in options], subject(fault.path)
    expectation = f"expected exactly one of {listed(options)}"
    if given:
        place, message = document.key_span((*fault.path, given[1])), f"{name} has {listed(given, 'and')}, {expectation}"
        yield Diagnostic("schema/choice", place, message, hint="keep one of them")
    elif not fault.unknown:  # else that one is probably meant, and has its finding
        place = holder(document, fault.path, fault.value)
        empty = "is empty" if not fault.value else f"has only {listed(fault.value, 'and')}"
        yield Diagnostic("schema/choice", place, f"{name} {empty}, {expectation}")


def _branches(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    """Of several alternatives, explain the one that was probably meant."""
    if not fault.branches:
        message = f"{subject(fault.path)} fits more than one alternative, expected {expected(fault)}"
        yield Diagnostic("schema/choice", holder(document, fault.path, fault.value), message)
    elif "x-expected" in fault.schema and all(_other_type(fault, branch) for branch in fault.branches):
        yield value_finding(document, fault)
    else:
        yield from explain(document, min(fault.branches, key=partial(_distance, fault)))


def _other_type(fault: Violation, branch: Iterable[Violation]) -> bool:
    return any(inner.keyword in _URGENT and inner.path == fault.path for inner in branch)


def _distance(fault: Violation, branch: Collection[Violation]) -> tuple[bool, int, int]:
    """How far a value is from an alternative: its type counts first, then its keys, then whatever is deeper."""
    return _other_type(fault, branch), sum(inner.path == fault.path for inner in branch), len(branch)


_STRUCTURE: dict[str, Callable[[Document, Violation], Iterator[Diagnostic]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "dependentRequired": _dependent,
    "minProperties": _count,
    "maxProperties": _count,
    "x-one-besides": _one_besides,
    "anyOf": _branches,
    "oneOf": _branches,
    "uniqueItems": repeated,
}
"""Keywords about what a value consists of; the others are about the value itself."""
