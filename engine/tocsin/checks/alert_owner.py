"""alert/owner."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("alert/owner", asked=True)
def alert_owner(subject: Subject) -> Iterator[Diagnostic]:
    """Whoever is woken should know whose service it is.

    A service with alerts or objectives names the team that answers for it. Off until somebody asks for it: small teams
    know.

    Bad: `kind: Service`, `name: shop`, with alerts and no `owner`

    Good: the same with `owner: checkout`
    """
    for service in subject.workspace.services:
        if not service.owner and (service.alerts or service.slos):
            message = f"nobody answers for {service.name}"
            yield Diagnostic("alert/owner", service.span, message, Severity.WARNING, hint="add owner: TEAM")
