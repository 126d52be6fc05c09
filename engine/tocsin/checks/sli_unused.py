"""sli/unused."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("sli/unused")
def sli_unused(subject: Subject) -> Iterator[Diagnostic]:
    """An SLI has an objective.

    By itself it is not computed, so nobody would see it. Mostly an objective was renamed or removed.

    Bad: `slis: {speed: …}` and no objective with `sli: speed`

    Good: `slos: {responses: {sli: speed, target: 99%}}`
    """
    for service in subject.workspace.services:
        document = subject.document("Service", service.name) if service.slis else None
        slos = document.at(("slos",)) if document else None
        names = slos if isinstance(slos, dict) else {}
        used = {document.at(("slos", name, "sli")) for name in names} if document else set()
        for name in service.slis:
            if document and name not in used:
                yield Diagnostic(
                    "sli/unused",
                    document.key_span(("slis", name)),
                    f"no objective is made of SLI {name}, so it is not computed",
                    Severity.INFO,
                    hint=f"add an SLO with sli: {name}, or remove it",
                )
