"""alert/formerly."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.spec import AlertRule


@check("alert/formerly")
def alert_formerly(subject: Subject) -> Iterator[Diagnostic]:
    """A name that an alert had before is no alert of today, and was that of one alert only.

    What is open under it goes on under the new name. An alert of today keeps what is its own, so there is nothing to go
    on with; and of two that claim one name only the first gets it, while the other pages anew.

    Bad: `formerly: [QueueTooLong]` in `shop/QueueGrows`, beside an alert `shop/QueueTooLong`

    Good: `formerly: [QueueTooLong]` once there is no `shop/QueueTooLong` any more
    """
    alerts = [alert for service in subject.workspace.services for alert in service.alerts]
    living, heirs = {alert.ref: alert for alert in alerts}, dict[str, AlertRule]()
    for alert in alerts:
        document = subject.document("Service", alert.service) if alert.formerly else None
        for index, ref in enumerate(alert.formerly if document is not None else ()):
            other, heir = living.get(ref), heirs.setdefault(ref, alert)
            if document is None or (other is None and heir is alert):
                continue
            hint = f"leave it out, or remove {ref}"
            if ref == alert.ref:
                other, said, hint = None, f"{ref} was not renamed: it names itself", "leave it out"
            elif other is not None:
                said = f"{ref} is an alert of today: what is open there stays there"
            else:
                other, said = heir, f"{heir.ref} says that it was {ref} too, and goes on with what is open there"
                hint = "leave one of them out"
            yield Diagnostic(
                "alert/formerly",
                document.span(("alerts", alert.name, "formerly", index)),
                said,
                hint=hint,
                related=() if other is None else ((other.span, "the alert"),),
            )
