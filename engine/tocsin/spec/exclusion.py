"""Time that is agreed not to count, of a contract or of an objective."""

from dataclasses import dataclass
from datetime import datetime

from tocsin.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An agreed window [start, end) in UTC; *treat* is `remove` or `good`."""

    start: datetime
    end: datetime
    reason: str
    treat: str
    span: Span
