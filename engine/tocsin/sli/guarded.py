"""An SLI with the guards of one objective: two objectives may count the same SLI with different guards."""

from dataclasses import fields, replace

from tocsin.sli.base import Sli


def guarded(sli: Sli, *, missing_errors: bool = True, new_series: bool = True) -> Sli:
    """Set the guards that the kind of *sli* knows."""
    known = {field.name for field in fields(sli)}  # type: ignore[arg-type]  # every kind is a dataclass
    wanted = {"missing_errors": missing_errors, "new_series": new_series}
    return replace(sli, **{name: on for name, on in wanted.items() if name in known})  # type: ignore[type-var]
