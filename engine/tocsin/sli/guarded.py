"""An SLI with the guards of one objective: two objectives may count the same SLI with different guards."""

from dataclasses import fields, replace

from tocsin.sli.base import Sli
from tocsin.sli.slices import SlicedSli


def for_long(sli: Sli) -> Sli:
    """The same events without the guard of new series, for periods and slices of the past.

    It reads every window twice. An alert needs that to hear of first errors; a month's budget does not, and a server
    gives up on a month of it.
    """
    if isinstance(sli, SlicedSli):
        return replace(sli, inner=for_long(sli.inner))
    known = {field.name for field in fields(sli)}  # type: ignore[arg-type]  # every kind is a dataclass
    return replace(sli, new_series=False) if "new_series" in known else sli  # type: ignore[type-var]


def guarded(sli: Sli, *, missing_errors: bool = True, new_series: bool = True) -> Sli:
    """Set the guards that the kind of *sli* knows."""
    known = {field.name for field in fields(sli)}  # type: ignore[arg-type]  # every kind is a dataclass
    wanted = {"missing_errors": missing_errors, "new_series": new_series}
    return replace(sli, **{name: on for name, on in wanted.items() if name in known})  # type: ignore[type-var]
