"""slo/unwatched."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("slo/unwatched")
def slo_unwatched(subject: Subject) -> Iterator[Diagnostic]:
    """Somebody is told when an objective is in danger.

    With all tiers of its burn rate switched off an objective is recorded and drawn, and nobody hears of it, whatever
    happens. Where that is meant, say so with a comment: `# tocsin: ignore slo/unwatched: looked at once a month`.

    Bad: `burn_rate: {tiers: []}`, `burn_rate: {off: [fast, medium, slow]}`

    Good: `burn_rate: {off: [fast]}`
    """
    for service in subject.workspace.services:
        for slo in service.slos:
            if not slo.tiers and not subject.is_wrong(slo.span):
                yield Diagnostic(
                    "slo/unwatched",
                    slo.span,
                    f"no tier watches {slo.ref}: nobody is told, whatever happens",
                    Severity.WARNING,
                    hint="leave a tier on; where that is meant: # tocsin: ignore slo/unwatched: why",
                )
