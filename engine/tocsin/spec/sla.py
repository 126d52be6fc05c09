"""SLA: a contract with a customer over a calendar period, with credits."""

from dataclasses import dataclass
from decimal import Decimal

from tocsin.diagnostics import Span
from tocsin.spec.exclusion import Exclusion
from tocsin.spec.measure import Measure


@dataclass(frozen=True, slots=True)
class CreditTier:
    """Uptime strictly below *below* earns *credit* (both exact fractions); the lowest matching tier counts."""

    below: Decimal
    credit: Decimal
    span: Span


@dataclass(frozen=True, slots=True)
class Sla:
    """A contract; *calendar* is `month`, its bounds are local midnights of *timezone*."""

    name: str
    title: str
    customer: str
    covers: str
    covers_span: Span
    target: Decimal
    calendar: str
    timezone: str
    measure: Measure
    exclusions: tuple[Exclusion, ...]
    credits: tuple[CreditTier, ...]
    notify: tuple[str, ...]
    span: Span

    @property
    def ref(self) -> str:
        """How others name it."""
        return self.name
