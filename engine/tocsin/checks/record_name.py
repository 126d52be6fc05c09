"""record/name."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(:[a-zA-Z0-9_]+)+")


@check("record/name")
def record_name(subject: Subject) -> Iterator[Diagnostic]:
    """A recorded series is called level:metric:operations.

    The colons tell readers that no target exports it, what it is aggregated to, and how:
    https://prometheus.io/docs/practices/rules/.

    Bad: `record: errors_rate`

    Good: `record: job:errors:rate5m`
    """
    for service in subject.workspace.services:
        for recording in service.recordings:
            if recording.record and not _NAME.fullmatch(recording.record):
                message = f"{recording.record} does not look recorded: there is no level in front of a colon"
                hint = "call it level:metric:operations, such as job:errors:rate5m"
                yield Diagnostic("record/name", recording.span, message, Severity.INFO, hint)
