"""Findings about a value: what it is, what is allowed, and how to write it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.diagnostics import Diagnostic, Span
from tocsin.document import Document, Path
from tocsin.schema.quick import pattern
from tocsin.schema.violation import Violation
from tocsin.schema.words import did_you_mean, kind_of, listed, respelled, shown, types

_CODES = {"type": "schema/type", "enum": "schema/choice", "const": "schema/choice"}
_LIMITS = {
    "minLength": "a text of at least {} characters", "maxLength": "a text of at most {} characters",
    "minItems": "at least {}", "maxItems": "at most {}",
    "minProperties": "at least {}", "maxProperties": "at most {}",
    "minimum": "at least {}", "maximum": "at most {}",
    "exclusiveMinimum": "more than {}", "exclusiveMaximum": "less than {}",
    "pattern": "a text that matches {}", "const": "{}",
}  # fmt: skip
_WORD = re.compile(r"[\w/-]{1,60}")
"""A key that needs no quotes in a sentence."""
_LINE = re.compile(r"[^'\n]{1,60}")
"""A text that single quotes can hold."""
_ONE_VALUE = ("match", "source", "target")
"""Maps of labels in which each has one value."""
_BOOLEANS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


def value_finding(document: Document, fault: Violation) -> Diagnostic:
    """Say what stands there and what is allowed."""
    hidden = bool(fault.schema.get("writeOnly"))  # it may be a secret
    seen = kind_of(fault.value) if hidden else shown(fault.value)
    code = _CODES.get(fault.keyword, "schema/value")
    is_seen = f"has {len(fault.value)} items" if fault.keyword in {"minItems", "maxItems"} else f"is {seen}"
    message = f"{subject(fault.path)} {is_seen}, expected {expected(fault)}"
    span = document.span(fault.path)
    if fault.value is None or isinstance(fault.value, Mapping | list):
        span = holder(document, fault.path, fault.value)
    return Diagnostic(code, span, message, hint=None if hidden else _hint(fault))


def name_finding(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    """Say how a key that people choose has to look."""
    path = (*fault.path, fault.value)
    if path not in document.broken:
        message = f"{shown(fault.value)} is not {expected(fault)}"
        yield Diagnostic("schema/value", document.key_span(path), message, hint=_hint(fault))


def repeated(document: Document, fault: Violation) -> Iterator[Diagnostic]:
    """Say which item of a list stands there twice."""
    for index, item in enumerate(fault.value):
        first = fault.value.index(item)
        if first < index:
            message = f"{shown(item)} is already item {first + 1} of {subject(fault.path)}"
            yield Diagnostic("schema/value", document.span((*fault.path, index)), message, hint="remove it")


def subject(path: Path) -> str:
    """What a finding calls the value at *path*.

    >>> subject(("slos", "uptime", "page", 0)), subject(("slos", "uptime"))
    ('item 1 of page', 'uptime')
    """
    if not path:
        return "the document"
    last = path[-1]
    if isinstance(last, int):
        return f"item {last + 1} of {subject(path[:-1])}"
    return last if _WORD.fullmatch(last) else shown(last)


def holder(document: Document, path: Path, value: Any) -> Span:
    """Where to point when something is wrong with a collection as a whole: its key, or its first key."""
    if path and isinstance(path[-1], str):
        return document.key_span(path)
    if isinstance(value, Mapping) and value:
        return document.key_span((*path, next(iter(value))))
    return document.span(path)


def expected(fault: Violation) -> str:
    """What is allowed, in the schema's own words (`x-expected`) where it has some."""
    if "x-expected" in fault.schema:
        return str(fault.schema["x-expected"])
    if fault.keyword == "type":
        return types(fault.argument)
    if fault.keyword == "enum":
        return listed(str(choice) for choice in fault.argument)
    if fault.keyword == "minLength" and fault.argument == 1:
        return "some text"
    if fault.keyword in _LIMITS:
        return _LIMITS[fault.keyword].format(fault.argument)
    return f"what the schema says under {fault.keyword}"


def _hint(fault: Violation) -> str | None:
    value = fault.value
    if fault.keyword == "type":
        if isinstance(value, list) and len(fault.path) > 1 and fault.path[-2] in _ONE_VALUE:
            return """for several values write a matcher, as in matchers: ['severity=~"critical|warning"']"""
        return _hint_of_type(value, fault.schema)
    if not isinstance(value, str):
        return None
    if fault.keyword == "enum":
        return did_you_mean(value, [str(choice) for choice in fault.argument])
    near = respelled(value, pattern(fault.argument)) if fault.keyword == "pattern" else None
    return f"did you mean {near}?" if near is not None else None


def _hint_of_type(value: Any, schema: Mapping[str, Any]) -> str | None:
    allowed = schema["type"]
    if isinstance(value, str) and "array" in allowed and _WORD.fullmatch(value):
        return f"write a list: [{value}]"
    if isinstance(value, str) and "array" in allowed and _LINE.fullmatch(value):
        return f"write a list: ['{value}']"
    if isinstance(value, Mapping) and "array" in allowed:
        return "write a list, with a dash before each entry"
    if isinstance(value, str) and "boolean" in allowed and value.lower() in _BOOLEANS:
        return f"write {_BOOLEANS[value.lower()]}"
    if isinstance(value, str) and ("number" in allowed or "integer" in allowed) and value.removeprefix("-").isdecimal():
        return "remove the quotes"
    if (
        isinstance(value, int | float)
        and "string" in allowed
        and pattern(schema.get("pattern", "")).search(shown(value))
    ):
        return f'put it in quotes: "{shown(value)}"'
    return None
