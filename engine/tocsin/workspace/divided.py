"""Objectives that are divided by labels cannot be parts of what needs a single one."""

from collections.abc import Iterable, Iterator

from tocsin.diagnostics import Diagnostic, Span
from tocsin.spec import Journey, Service, Sla, Slo, members


def divided(services: Iterable[Service], journeys: Iterable[Journey], slas: Iterable[Sla]) -> Iterator[Diagnostic]:
    """Journeys and contracts over an objective with `group_by`."""
    slos = {slo.ref: slo for service in services for slo in service.slos if slo.by}
    if not slos:
        return
    for journey in journeys:
        for one in journey.slos:
            yield from (_finding(slos[m.ref], m.span, "a journey") for m in members(one.combine) if m.ref in slos)
    yield from (_finding(slos[sla.covers], sla.covers_span, "an SLA") for sla in slas if sla.covers in slos)


def _finding(slo: Slo, span: Span, who: str) -> Diagnostic:
    return Diagnostic(
        "reference/divided",
        span,
        f"{slo.ref} is one objective for each {', '.join(slo.by)}, and {who} needs a single one",
        hint="define an objective without group_by beside it, for the same SLI, and name that",
        related=((slo.span, "divided here"),),
    )
