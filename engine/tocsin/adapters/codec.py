"""Frozen dataclasses to JSON text and back, by their type hints.

A field that is missing takes its default and one that is unknown is ignored, so that a newer release reads the state
of an older one. Datetimes are ISO 8601, lengths of time are microseconds.
"""

import dataclasses
import json
import types
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tocsin.errors import UnavailableError

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Count microseconds since 1970, exactly.

    >>> microseconds(instant(1_700_000_000_000_001))
    1700000000000001
    """
    return (at - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime:
    """Inverse of `microseconds`."""
    return _EPOCH + count * _MICROSECOND


def encode(value: object) -> str:
    """Print *value* as compact JSON with sorted keys."""
    kind: Any = type(value)
    known = dataclasses.is_dataclass(kind)
    return _JSON.encode(_fields_of(kind)(value) if known else _plain(value))


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decode(kind: type[T], text: str) -> T:
    """Read what `encode` wrote as a *kind*; raises UnavailableError for anything else."""
    hint: Any = kind
    try:
        value: T = _reader(hint)(json.loads(text))
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise UnavailableError(f"a stored {kind.__name__} cannot be read: {type(error).__name__}: {error}") from error
    return value


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"cannot store a {type(value).__name__}")


@cache
def _writer(kind: Any) -> Callable[[Any], Any] | None:
    """How to make what JSON knows of a *kind*; None for what it knows as it is.

    By the hints and not by each value, for in a storm ten thousand alerts are stored at every tick.
    """
    if kind in {str, int, float, bool, types.NoneType}:
        return None
    if kind is datetime:
        return datetime.isoformat
    if get_origin(kind) in {Union, types.UnionType}:
        inner = [_writer(a) for a in get_args(kind) if a is not types.NoneType]
        if inner == [None]:
            return None
        write = inner[0] if len(inner) == 1 and inner[0] is not None else _plain
        return lambda value: None if value is None else write(value)
    if get_origin(kind) is tuple:
        kinds = [_writer(a) for a in get_args(kind) if a is not Ellipsis]
        if not any(kinds):
            return None
        each = kinds[0] if len(kinds) == 1 and Ellipsis in get_args(kind) and kinds[0] is not None else _plain
        return lambda value: [each(item) for item in value]
    known = dataclasses.is_dataclass(kind)
    return _fields_of(kind) if known else _plain


@cache
def _fields_of(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    made = [(name, _writer(hints[name])) for name in names]
    plain = [name for name, writer in made if writer is None]
    writers = [(name, writer) for name, writer in made if writer is not None]

    def write(value: Any) -> dict[str, Any]:
        found = {name: getattr(value, name) for name in plain}
        for name, writer in writers:
            found[name] = writer(getattr(value, name))
        return found

    return write


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    if kind is datetime:
        return datetime.fromisoformat
    if kind is timedelta:
        return lambda value: value * _MICROSECOND
    if get_origin(kind) in {Union, types.UnionType}:
        (inner,) = (_reader(a) for a in get_args(kind) if a is not types.NoneType)
        return lambda value: None if value is None else inner(value)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return float if kind is float else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _tuple_reader(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        each = _reader(kinds[0])
        return lambda value: tuple(each(item) for item in value)
    readers = tuple(_reader(kind) for kind in kinds)
    return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}
    return lambda value: kind(**{name: read(value[name]) for name, read in readers.items() if name in value})
