"""Live checks: what only a server knows, asked through `ports.LiveSource` with few questions."""

from datetime import datetime

from tocsin.checks.base import Subject
from tocsin.diagnostics import Diagnostic
from tocsin.errors import SourceUnreachableError
from tocsin.live.base import Live, LiveCheck
from tocsin.live.bucket import live_bucket
from tocsin.live.cardinality import live_cardinality
from tocsin.live.cost import live_cost
from tocsin.live.label import live_label
from tocsin.live.series import live_series
from tocsin.live.type import live_type
from tocsin.ports import LiveSource

__all__ = ["LIVE_CHECKS", "LiveCheck", "run_live_checks"]

LIVE_CHECKS: tuple[LiveCheck, ...] = (live_series, live_label, live_bucket, live_type, live_cardinality, live_cost)
"""Every live check, what matters most first: a server may not answer to the end."""


def run_live_checks(
    subject: Subject, source: LiveSource, at: datetime
) -> tuple[tuple[Diagnostic, ...], SourceUnreachableError | None]:
    """What was found until all was asked, or until the server did not answer any more."""
    live = Live(subject, source, at)
    found: list[Diagnostic] = []
    try:
        for check in LIVE_CHECKS:
            found += check.run(live)
    except SourceUnreachableError as error:
        return tuple(found), error
    return tuple(found), None
