"""Service: what it exports, what good means (SLIs), how much of it is promised (SLOs), and when to wake somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tocsin.diagnostics import Span
from tocsin.guards import EVERY_GUARD, Guards
from tocsin.ports import Labels
from tocsin.sli import Sli
from tocsin.spec.condition import Condition
from tocsin.spec.exclusion import Exclusion
from tocsin.spec.expression import PromQl as PromQl  # noqa: PLC0414 -- others import it from here
from tocsin.units import Duration
from tocsin.windows import Tier


@dataclass(frozen=True, slots=True)
class Scrape:
    """Where Prometheus finds the service; *targets* are host:port."""

    job: str
    targets: tuple[str, ...]
    path: str
    scheme: str
    interval: Duration | None
    timeout: Duration | None
    span: Span


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the service's catalogue; *type* is counter, gauge, histogram or summary.

    *buckets* are the bounds of a histogram, without +Inf; empty where they are not known.
    """

    name: str
    type: str
    unit: str | None
    labels: tuple[str, ...]
    description: str
    span: Span
    buckets: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class NoTraffic:
    """The alert that tells when the request counter stops; off only with a reason."""

    alert: bool
    for_: Duration
    reason: str | None


CALENDAR_UNITS: dict[str, Duration] = {
    unit: Duration.of(days=days)
    for unit, days in (("day", 1), ("week", 7), ("month", 30), ("quarter", 90), ("year", 365))
}
"""Calendar periods with their nominal lengths."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A period that begins with a local day: *unit* is day, week, month, quarter or year."""

    unit: str
    timezone: str

    @property
    def nominal(self) -> Duration:
        """Its usual length; burn rates are those of a period so long, whatever the month."""
        return CALENDAR_UNITS[self.unit]


@dataclass(frozen=True, slots=True)
class Raw:
    """What Prometheus is given as it is, its templates included; it wins over what Tocsin would write."""

    labels: Labels = ()
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class Slo:
    """An objective over a rolling *window* or a *calendar* period; *target* is an exact fraction below 1.

    *window* is the length of the period, for a calendar period its nominal one. *page* and *ticket* name channels of
    the tiers of that severity; empty means that routes decide. *sli* counts with the objective's *guards* and
    budgeting. *formerly* are references under which its series were recorded before.
    """

    service: str
    name: str
    sli_name: str
    sli: Sli
    target: Decimal
    window: Duration
    tiers: tuple[Tier, ...]
    page: tuple[str, ...]
    ticket: tuple[str, ...]
    no_traffic: NoTraffic
    description: str
    runbook: str | None
    span: Span
    target_span: Span
    calendar: Calendar | None = None
    guards: Guards = EVERY_GUARD
    formerly: tuple[str, ...] = ()
    labels: Labels = ()
    """What its alerts carry beside the labels of the service, and above them."""
    raw_page: Raw = Raw()
    raw_ticket: Raw = Raw()
    exclusions: tuple[Exclusion, ...] = ()
    """What is agreed not to count in its budget; alerts know nothing of it."""

    @property
    def ref(self) -> str:
        """How others name it: `service/slo`."""
        return f"{self.service}/{self.name}"

    @property
    def by(self) -> tuple[str, ...]:
        """Labels that it is divided by: one objective for each of their values."""
        return self.sli.by

    @property
    def over(self) -> str:
        """The period in words."""
        return str(self.window) if self.calendar is None else f"a calendar {self.calendar.unit}"

    @property
    def horizon(self) -> str:
        """In words, for how long a budget has to last: a rolling window, or the rest of a period."""
        return str(self.window) if self.calendar is None else f"the rest of the {self.calendar.unit}"

    def given(self, severity: str) -> Raw:
        """What Prometheus is given as it is for alerts of a severity: page or ticket."""
        return self.raw_page if severity == "page" else self.raw_ticket

    def notified(self, tier: Tier) -> tuple[str, ...]:
        """The channels that *tier* names, or else those of its severity."""
        return tier.notify or (self.page if tier.severity == "page" else self.ticket)


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus records; in the group of that name, else in the service's own for recordings."""

    service: str
    record: str
    expr: PromQl
    labels: Labels
    group: str
    span: Span


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How often a rule group is evaluated (None: as the server does), and how many rows a rule may give (0: any)."""

    name: str
    interval: Duration | None
    limit: int
    span: Span


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When somebody is to be told, besides by objectives; each row of the *condition* is one alert."""

    service: str
    name: str
    condition: Condition
    for_: Duration
    keep_firing_for: Duration
    severity: str
    notify: tuple[str, ...]
    on_missing: str
    """What a row that is gone means: `keep` (blind, the default) or `resolve`; with `fire`, no row at all fires."""
    summary: str
    description: str
    runbook: str | None
    labels: Labels
    span: Span
    alertname: str = ""
    """Prometheus' name for it, where it is not *name*; several alerts may share one."""
    group: str = ""
    raw: Raw = Raw()
    formerly: tuple[str, ...] = ()
    """References under which it was known before: what was open then goes on under this one."""

    @property
    def ref(self) -> str:
        """How others name it: `service/alert`."""
        return f"{self.service}/{self.name}"

    @property
    def called(self) -> str:
        """Its `alertname`."""
        return self.alertname or self.name


@dataclass(frozen=True, slots=True)
class TestSeries:
    """An input series in promtool's notation."""

    series: str
    values: str
    span: Span


@dataclass(frozen=True, slots=True)
class TestAlert:
    """At *at*, exactly these instances of the alert fire; an empty tuple says that none does."""

    at: Duration
    alert: str
    firing: tuple[Labels, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of the service's rules, run by `promtool test rules`."""

    service: str
    name: str
    interval: Duration
    series: tuple[TestSeries, ...]
    expect: tuple[TestAlert, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Service:
    """One service with everything that is said about it."""

    name: str
    title: str
    description: str
    owner: str
    runbook: str | None
    labels: Labels
    scrape: Scrape | None
    metrics: Mapping[str, Metric]
    slis: Mapping[str, Sli]
    slos: tuple[Slo, ...]
    alerts: tuple[AlertRule, ...]
    tests: tuple[RuleTest, ...]
    span: Span
    recordings: tuple[Recording, ...] = ()
    """As written, which is the order in which they are evaluated."""
    groups: tuple[GroupSettings, ...] = ()
    """As written."""
