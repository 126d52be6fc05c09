"""An SLI with the guards of one objective: two objectives may count the same SLI with different guards."""

from dataclasses import fields, replace
from functools import cache

from tocsin.sli.base import Sli
from tocsin.sli.slices import SlicedSli


def has_guard(sli: Sli, name: str) -> bool:
    """Whether the kind of *sli* can have a guard."""
    return name in _settings(type(sli))


@cache
def _settings(kind: type[Sli]) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))  # type: ignore[arg-type]  # every kind is a dataclass


def for_long(sli: Sli) -> Sli:
    """The same events without the guard of new series, for periods and slices of the past.

    It reads every window twice. An alert needs that to hear of first errors; a month's budget does not, and a server
    gives up on a month of it.
    """
    if isinstance(sli, SlicedSli):
        return replace(sli, inner=for_long(sli.inner))
    return _with(sli, new_series=False)


def guarded(sli: Sli, *, missing_errors: bool = True, new_series: bool = True) -> Sli:
    """Set the guards that the kind of *sli* can have."""
    return _with(sli, missing_errors=missing_errors, new_series=new_series)


def _with(sli: Sli, **guards: bool) -> Sli:
    return replace(sli, **{name: on for name, on in guards.items() if has_guard(sli, name)})  # type: ignore[type-var]
