"""A schema as one function that says yes quickly.

jsonschema takes a third of a millisecond for a service with one SLO; with ten thousand of them that would be most of
the time of a compilation. Nearly all documents are valid, so this is asked first: True is certain, and False means that
jsonschema has to say whether and what. Only the keywords of our schemas are known.
"""

import operator
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

Accepts = Callable[[Any], bool]
Schema = Mapping[str, Any] | bool

_SILENT = {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default", "writeOnly"}
"""Keywords that reject nothing."""
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
    "null": type(None),
}  # fmt: skip


@cache
def pattern(text: str) -> re.Pattern[str]:
    r"""A schema's pattern for Python, where `$` would let a line break at the end pass; in JSON Schema it does not.

    >>> bool(pattern("^a$").search("a\n"))
    False
    """
    return re.compile(text[:-1] + r"\Z" if text.endswith("$") and not text.endswith(r"\$") else text)


def quick(schema: Schema) -> Accepts:
    """Whether a value is certainly valid; a schema with a keyword that is not known here accepts nothing.

    >>> accepts = quick({"type": "object", "properties": {"port": {"type": "integer"}}, "additionalProperties": False})
    >>> accepts({"port": 9090}), accepts({"port": "9090"}), accepts({"prot": 9090})
    (True, False, False)
    """
    root = schema if isinstance(schema, Mapping) else {}
    named: dict[str, Accepts] = {}

    def compiled(schema: Schema) -> Accepts:
        if isinstance(schema, bool):
            return lambda _: schema
        tests: list[Accepts] = []
        for keyword, argument in schema.items():
            if keyword == "$ref":
                tests.append(reference(argument))
            elif keyword in _KEYWORDS:
                tests.append(_KEYWORDS[keyword](argument, schema, compiled))
            elif keyword not in _SILENT and not keyword.startswith("x-"):
                return _nothing
        return tests[0] if len(tests) == 1 else _all_of(tuple(tests))

    def reference(target: str) -> Accepts:
        name = target.removeprefix("#/$defs/")
        if name not in named:
            named[name] = _nothing  # while the definition itself is compiled
            named[name] = compiled(root.get("$defs", {}).get(name, False))

        def later(value: Any) -> bool:  # a definition may contain itself
            return named[name](value)

        return later

    return compiled(schema)


Compile = Callable[[Schema], Accepts]


def _nothing(_: Any) -> bool:
    return False


def _all_of(tests: tuple[Accepts, ...]) -> Accepts:
    def every(value: Any) -> bool:  # a loop, here and below: a generator for `all` takes twice as long
        for test in tests:  # noqa: SIM110
            if not test(value):
                return False
        return True

    return every


def _type(names: str | list[str], _: Mapping[str, Any], __: Compile) -> Accepts:
    names = [names] if isinstance(names, str) else names
    allowed = tuple(kind for name in names for kind in _tuple(_TYPES[name]))
    if "boolean" in names:
        return lambda value: isinstance(value, allowed)
    return lambda value: isinstance(value, allowed) and value is not True and value is not False


def _tuple(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)


def _properties(properties: Mapping[str, Schema], _: Mapping[str, Any], compiled: Compile) -> Accepts:
    tests = {name: compiled(schema) for name, schema in properties.items()}

    def parts(value: Any) -> bool:
        if isinstance(value, dict):
            for name, part in value.items():
                if name in tests and not tests[name](part):
                    return False
        return True

    return parts


def _one_besides(besides: list[str], schema: Mapping[str, Any], _: Compile) -> Accepts:
    choices = frozenset(schema.get("properties", ())) - frozenset(besides)
    return lambda value: not isinstance(value, dict) or len(value.keys() & choices) == 1


def _additional(argument: Schema, schema: Mapping[str, Any], compiled: Compile) -> Accepts:
    named = frozenset(schema.get("properties", ()))
    if argument is False:
        return lambda value: not isinstance(value, dict) or value.keys() <= named
    test = compiled(argument)

    def others(value: Any) -> bool:
        if isinstance(value, dict):
            for name, part in value.items():
                if name not in named and not test(part):
                    return False
        return True

    return others


def _names(argument: Schema, _: Mapping[str, Any], compiled: Compile) -> Accepts:
    test = compiled(argument)
    return lambda value: not isinstance(value, dict) or all(test(name) for name in value)


def _items(argument: Schema, _: Mapping[str, Any], compiled: Compile) -> Accepts:
    test = compiled(argument)
    return lambda value: not isinstance(value, list) or all(test(part) for part in value)


def _required(names: list[str], _: Mapping[str, Any], __: Compile) -> Accepts:
    needed = frozenset(names)
    return lambda value: not isinstance(value, dict) or needed <= value.keys()


def _dependent(needs: Mapping[str, list[str]], _: Mapping[str, Any], __: Compile) -> Accepts:
    return lambda value: (
        not isinstance(value, dict)
        or all(name not in value or set(others) <= value.keys() for name, others in needs.items())
    )


def _pattern(text: str, _: Mapping[str, Any], __: Compile) -> Accepts:
    search = pattern(text).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _enum(choices: list[Any], _: Mapping[str, Any], __: Compile) -> Accepts:
    return lambda value: any(type(value) is type(choice) and value == choice for choice in choices)


def _const(choice: Any, _: Mapping[str, Any], __: Compile) -> Accepts:
    return lambda value: type(value) is type(choice) and bool(value == choice)


def _unique(argument: bool, _: Mapping[str, Any], __: Compile) -> Accepts:
    return lambda value: (
        not argument
        or not isinstance(value, list)
        or (all(isinstance(part, str) for part in value) and len(set(value)) == len(value))
    )


def _size(kind: type[Any], *, at_least: bool) -> Callable[[int, Mapping[str, Any], Compile], Accepts]:
    def keyword(limit: int, _: Mapping[str, Any], __: Compile) -> Accepts:
        if at_least:
            return lambda value: not isinstance(value, kind) or len(value) >= limit
        return lambda value: not isinstance(value, kind) or len(value) <= limit

    return keyword


def _bound(compare: Callable[[float, float], bool]) -> Callable[[float, Mapping[str, Any], Compile], Accepts]:
    def keyword(limit: float, _: Mapping[str, Any], __: Compile) -> Accepts:
        return lambda value: not isinstance(value, int | float) or isinstance(value, bool) or compare(value, limit)

    return keyword


_KEYWORDS: dict[str, Callable[[Any, Mapping[str, Any], Compile], Accepts]] = {
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "items": _items,
    "x-one-besides": _one_besides,
    "required": _required,
    "dependentRequired": _dependent,
    "pattern": _pattern,
    "enum": _enum,
    "const": _const,
    "uniqueItems": _unique,
    "minLength": _size(str, at_least=True),
    "maxLength": _size(str, at_least=False),
    "minItems": _size(list, at_least=True),
    "maxItems": _size(list, at_least=False),
    "minProperties": _size(dict, at_least=True),
    "maxProperties": _size(dict, at_least=False),
    "minimum": _bound(operator.ge),
    "maximum": _bound(operator.le),
    "exclusiveMinimum": _bound(operator.gt),
    "exclusiveMaximum": _bound(operator.lt),
}
