"""live/bucket."""

from collections.abc import Iterator
from decimal import Decimal

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.live.base import Live, live_check
from tocsin.promql import renamed
from tocsin.sli import LatencySli
from tocsin.units import literal


@live_check("live/bucket")
def live_bucket(live: Live) -> Iterator[Diagnostic]:
    """The limit of a latency is the bound of a bucket that is there.

    Where no bucket ends at the limit there is no series to count by, so the objective is blind.

    Bad: `within: 300ms`, where the server has buckets of 0.1, 0.25 and 0.5

    Good: `within: 250ms`, or a bucket of 0.3 in the service
    """
    for service in live.subject.workspace.services:
        document = live.subject.document("Service", service.name)
        for name, sli in service.slis.items():
            if document is None or not isinstance(sli, LatencySli) or sli.native:
                continue
            bounds = sorted(_bounds(live.values("le", renamed(sli.histogram, "_bucket"))))
            if bounds and sli.within not in bounds:
                near = sorted(bounds, key=lambda bound: abs(bound - sli.within))[:2]
                yield Diagnostic(
                    "live/bucket",
                    document.span(("slis", name, "latency", "within")),
                    f"no bucket on the server ends at {literal(sli.within)} s",
                    Severity.WARNING,
                    hint=f"the nearest end at {' and '.join(f'{literal(bound)} s' for bound in sorted(near))}",
                )


def _bounds(values: tuple[str, ...]) -> Iterator[Decimal]:
    for value in values:
        if value != "+Inf":
            try:
                yield Decimal(value).normalize()
            except ArithmeticError:
                continue
