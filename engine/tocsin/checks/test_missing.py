"""test/missing."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.spec import Service

_MOST = 5


@check("test/missing", asked=True)
def test_missing(subject: Subject) -> Iterator[Diagnostic]:
    """An alert has a test that makes it fire.

    A threshold with the wrong sign or a label that cannot match is seen in a test, and else in an outage. One note per
    service. Objectives are left alone, because `tocsin test --generated` tests all of their rules. Off until somebody
    asks for it.

    Bad: an alert that no test expects to fire

    Good: `tests: [{name: …, series: …, expect: [{at: 10m, alert: QueueTooLong, firing: [{}]}]}]`
    """
    for service in subject.workspace.services:
        missing = _untested(service, {rule.ref for rule in subject.plan.evaluated})
        if missing:
            more = f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
            message = f"no test of {service.name} makes {', '.join(missing[:_MOST])}{more} fire"
            hint = "add a test below tests that expects it to fire"
            yield Diagnostic("test/missing", service.span, message, Severity.WARNING, hint=hint)


def _untested(service: Service, alone: AbstractSet[str]) -> list[str]:
    """Those that have a rule; what is evaluated *alone* has none to test."""
    tested = {expected.alert for test in service.tests for expected in test.expect if expected.firing}
    return sorted(alert.name for alert in service.alerts if alert.name not in tested and alert.ref not in alone)
