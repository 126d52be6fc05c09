"""group/interval."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.units import Duration

LOOKBACK = Duration.of(minutes=5)
"""Prometheus takes a sample for five minutes (`--query.lookback-delta`)."""


@check("group/interval")
def group_interval(subject: Subject) -> Iterator[Diagnostic]:
    """A rule group is evaluated at least every five minutes.

    Prometheus takes a sample for five minutes. What a slower group records is gone between two evaluations, so graphs
    have holes, alerts over it flap, and `for` begins anew each time.

    Bad: `groups: {batch: {interval: 10m}}`

    Good: `groups: {batch: {interval: 5m}}`, or an expression that is cheap enough for it
    """
    for service in subject.workspace.services:
        for group in service.groups:
            if group.interval is not None and group.interval > LOOKBACK:
                yield Diagnostic(
                    "group/interval",
                    group.span,
                    f"group {group.name} is evaluated every {group.interval}, and Prometheus takes a sample for "
                    f"{LOOKBACK}",
                    Severity.WARNING,
                    hint=f"write interval: {LOOKBACK} or less",
                )
