"""alert/summary."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("alert/summary", asked=True)
def alert_summary(subject: Subject) -> Iterator[Diagnostic]:
    """An alert says in a sentence what is wrong.

    Without a summary its name and its service are told, which says little on a phone. Off until somebody asks for it.

    Bad: an alert `OrderForgotten` without `summary`

    Good: `summary: An order waits longer than 15 minutes`
    """
    for service in subject.workspace.services:
        for alert in service.alerts:
            if not alert.summary and not {"summary", "message"} & {*dict(alert.raw.annotations)}:
                message = f"{alert.ref} does not say what is wrong"
                yield Diagnostic("alert/summary", alert.span, message, Severity.WARNING, hint="add summary: a sentence")
