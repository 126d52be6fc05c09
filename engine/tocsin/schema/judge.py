"""jsonschema, with the keywords of our schemas: it says what is wrong where the quick answer was not yes."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

import tocsin_schemas
from tocsin.document import Path
from tocsin.schema.quick import pattern
from tocsin.schema.violation import Violation


def violations(kind: str, value: Any) -> Iterator[Violation]:
    """Everything in *value* that *kind* does not allow."""
    return map(violation, validator_for(kind).iter_errors(value))


@cache
def validator_for(kind: str) -> Validator:
    """The validator of *kind*."""
    validator: Validator = _Validator(tocsin_schemas.schema_for(kind))
    return validator


def violation(error: ValidationError) -> Violation:
    """Take over what jsonschema says."""
    branches: dict[str | int, list[Violation]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(violation(inner))
    schema: Any = error.schema
    path: Path = tuple(error.absolute_path)
    return Violation(
        keyword=str(error.validator),
        argument=error.validator_value,
        schema=schema if isinstance(schema, Mapping) else {},
        value=error.instance,
        path=path,
        message=error.message,
        name="propertyNames" in error.absolute_schema_path,
        branches=tuple(map(tuple, branches.values())),
    )


def _pattern(_: Validator, text: str, value: Any, __: Mapping[str, Any]) -> Iterator[ValidationError]:
    if isinstance(value, str) and not pattern(text).search(value):
        yield ValidationError("the pattern does not match")


def _one_besides(_: Validator, besides: Any, value: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Exactly one of the keys that the schema knows, besides some that may stand with it."""
    choices = [key for key in schema["properties"] if key not in besides]
    if isinstance(value, Mapping) and sum(key in value for key in choices) != 1:
        yield ValidationError("not exactly one of the keys")


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern, "x-one-besides": _one_besides})  # type: ignore[no-untyped-call]
