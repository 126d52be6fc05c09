"""slo/formerly."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic


@check("slo/formerly")
def slo_formerly(subject: Subject) -> Iterator[Diagnostic]:
    """A name that an objective had before is no objective of today.

    What was recorded under it counts on, and its open alerts go on. Where something is still recorded under it, the
    events of that objective are added to this one's budget, and to its windows wherever its own recordings have a gap;
    an objective that names itself counts its own whole hours twice.

    Bad: `formerly: [checkout]` in `shop/payment`, beside an objective `shop/checkout`

    Good: `formerly: [checkout]` once there is no `shop/checkout` any more
    """
    living = {slo.ref: slo for service in subject.workspace.services for slo in service.slos}
    journeys = {slo.ref: slo for journey in subject.workspace.journeys for slo in journey.slos}
    for slo in living.values():
        document = subject.document("Service", slo.service) if slo.formerly else None
        for index, ref in enumerate(slo.formerly if document is not None else ()):
            other = living.get(ref) or journeys.get(ref)
            if document is None or other is None:
                continue
            said = (
                f"{ref} was not renamed: it names itself, and would count its own events twice"
                if ref == slo.ref
                else f"{ref} is an objective of today: its events would be added to the budget of {slo.ref}"
            )
            yield Diagnostic(
                "slo/formerly",
                document.span(("slos", slo.name, "formerly", index)),
                said,
                hint="leave it out" if ref == slo.ref else f"leave it out, or remove {ref}",
                related=() if ref == slo.ref else ((other.span, "the objective"),),
            )
