"""When an alert fires: one type per kind of condition.

Each has a reader in `spec/readers/condition.py`, a compiler in `plan/conditions.py` (or none, and a reason in
`plan/evaluated.py`), and a question in `evaluate/questions.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tocsin.diagnostics import Span
from tocsin.spec.expression import PromQl
from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value beyond a bound (strictly); with *clear* an alert that fires stays until the value is beyond that one."""

    value: PromQl
    above: Decimal | None
    below: Decimal | None
    clear: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """PromQL that returns a row for whatever is wrong."""

    expr: PromQl


@dataclass(frozen=True, slots=True)
class Part:
    """Another alert: `service/Alert`, or a tier of an objective, `service/slo:tier`."""

    ref: str
    span: Span

    @property
    def owner(self) -> str:
        """What is defined: the alert or the objective, without the tier."""
        return self.ref.partition(":")[0]

    @property
    def tier(self) -> str:
        """The tier of an objective; empty for an alert."""
        return self.ref.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Composite:
    """Every one of *all_of* fires, at least one of *any_of* (where there are some), and none of *none_of*."""

    all_of: tuple[Part, ...]
    any_of: tuple[Part, ...]
    none_of: tuple[Part, ...]

    def parts(self) -> Iterator[Part]:
        """The alerts that it is made of."""
        yield from (*self.all_of, *self.any_of, *self.none_of)


@dataclass(frozen=True, slots=True)
class Absence:
    """A series, given as a plain selector, is not there."""

    series: PromQl


@dataclass(frozen=True, slots=True)
class Forecast:
    """A straight line through *history* crosses the bound *within* that time.

    With a *confidence* the near edge of the prediction's band has to be beyond the bound, and not just its middle.
    """

    series: PromQl
    above: Decimal | None
    below: Decimal | None
    within: Duration
    history: Duration
    confidence: Decimal | None


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A value that is unlike the same time of earlier seasons.

    It is unusual where it differs from what these let expect by more than *deviations* times the usual difference,
    and by more than *margin*, a part of the expected value.
    """

    series: PromQl
    season: Duration
    deviations: Decimal
    direction: str
    """`above`, `below` or `both`."""
    margin: Decimal


@dataclass(frozen=True, slots=True)
class LevelShift:
    """The level of the last *after* is not what it was in the *history* before: a step, and no spike.

    It has shifted where it differs by more than *deviations* times what levels usually differ by, and by more than
    *margin*, a part of what is usual. No rule can say it: the evaluator decides.
    """

    series: PromQl
    history: Duration
    after: Duration
    deviations: Decimal
    direction: str
    """`above`, `below` or `both`."""
    margin: Decimal


Condition = Threshold | Plain | Composite | Absence | Forecast | Anomaly | LevelShift
