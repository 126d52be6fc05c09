"""The JSON that the API answers with; field names are camelCase outside, times RFC 3339 in UTC."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Health = Literal["healthy", "warning", "critical"]
AlertSeverity = Literal["info", "warning", "critical"]
AlertStatus = Literal["active", "resolved"]


class Shape(BaseModel):
    """Base of all shapes."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class Fault(Shape):
    """Why a request was not answered; *hint* says what to do about it."""

    code: str
    message: str
    hint: str | None = None


class ErrorBody(Shape):
    """The one shape of every error."""

    error: Fault


class ServiceHealth(Shape):
    """How one service did over the time range, and how it stands now."""

    service: str
    uptime: float | None = Field(description="Good events in percent of all, 0 to 100; null if nobody could tell.")
    response_time: float | None = Field(description="Mean response time in milliseconds; null if nobody could tell.")
    error_rate: float | None = Field(description="Bad events in percent of all, 0 to 100; null if nobody could tell.")
    status: Health = Field(
        description="`critical`: a critical alert is open or an error budget is spent; `warning`: another alert is "
        "open, a budget burns, or the service cannot be seen; else `healthy`."
    )


class Point(Shape):
    """One value; null where there was none, or no number."""

    timestamp: datetime
    value: float | None


class Summary(Shape):
    """Over the points that have a value; null where none has."""

    min: float | None
    max: float | None
    avg: float | None


class MetricData(Shape):
    """One metric over time."""

    metric: str
    data: list[Point]
    summary: Summary


class Alert(Shape):
    """One episode of one alert; *id* is its deduplication key on every channel."""

    id: str
    title: str
    description: str
    severity: AlertSeverity
    status: AlertStatus
    created_at: datetime = Field(description="When it fired.")
    resolved_at: datetime | None = Field(default=None, description="Absent while the alert is active.")


class Alerts(Shape):
    """Alerts, newest first."""

    alerts: list[Alert]


class AttributedPart(Shape):
    """Events of one value of a label, or of all values that are not told one by one."""

    value: str = Field(description="Empty where series do not have the label, and for the rest.")
    values: int = Field(description="How many values these are.")
    bad: float
    total: float
    share: float = Field(description="Of all bad events, 0 to 1.")
    traffic_share: float = Field(description="Of all events, 0 to 1.")


class AttributedLabel(Shape):
    """Who spent the budget by one label; contributors and rest together are the whole."""

    label: str
    bad: float
    total: float
    contributors: list[AttributedPart] = Field(description="Most bad events first.")
    rest: AttributedPart | None = Field(description="All other values, those without bad events included.")


class Attributions(Shape):
    """Who spent the budget of an objective between two instants."""

    slo: str
    start: datetime
    end: datetime
    labels: list[AttributedLabel] = Field(
        description="Those asked for that have bad events; else those of the series, the most telling first."
    )


class Trend(Shape):
    """A slope between two others, by the confidence of the forecast."""

    low: float
    likely: float
    high: float


class LevelChange(Shape):
    """The level of a series changed for good, such as by a larger disk."""

    at: datetime
    before: float
    after: float


class Resource(Shape):
    """One series of a forecast alert, and when it reaches its bound; nulls where that is not to be expected."""

    alert: str
    labels: dict[str, str]
    bound: float
    level: float | None = Field(default=None, description="The trend's value now.")
    per_day: Trend | None = None
    confidence: float | None = Field(default=None, description="Of earliest and latest, 0 to 1.")
    earliest: datetime | None = None
    exhausted_at: datetime | None = Field(default=None, description="The likely time; null: not within ten years.")
    latest: datetime | None = None
    changes: list[LevelChange] = Field(default=[], description="Of the level, in the history, oldest first.")
    since: datetime | None = Field(default=None, description="Where the trend begins, if that is the last change.")
    reason: str = Field(default="", description="Why nothing is known.")


class Capacity(Shape):
    """When resources are used up, by the forecast alerts of services."""

    history: str
    resources: list[Resource] = Field(description="Of each alert, soonest used up first.")


class Burn(Shape):
    """One tier; rates are multiples of the budget's pace, *factor* is where it fires."""

    tier: str
    severity: str
    long: str
    short: str
    rate_long: float | None
    rate_short: float | None
    factor: float
    truth: str


class SliInterval(Shape):
    """Between which values the true SLI lies with 95 % confidence, by what was counted."""

    low: float
    high: float


class _Excluding(Shape):
    start: datetime
    end: datetime
    reason: str
    treat: str
    removed: float
    forgiven: float
    spared: float


class ExcludedShape(_Excluding):
    """What an exclusion took out of a budget so far, in its events or slices; *spared* is how many had been bad.

    *removed* are not counted at all, *forgiven* count as good.
    """


class Objective(Shape):
    """One SLO; *budgetRemaining* is a fraction (below 0: overspent).

    *exhaustion* are the seconds until nothing is left of it, at the present burn rate: 0 where nothing is, null where
    it lasts for the window (of a calendar, for the rest of the period), or nobody can tell.

    *budgetFrom* says who counted the budget: the `ledger`, or the metric `source` in one question, where the ledger
    does not hold the period (yet). *coverage* is the part of the period so far that the ledger looked at. *exclusions*
    are those of the period, where they are applied; *reason* says where they are not.
    """

    ref: str
    service: str
    name: str
    state: str
    target: float
    window: str
    sli: float | None
    sli_interval: SliInterval | None = None
    good: float | None
    total: float | None
    budget_remaining: float | None
    budget_from: Literal["ledger", "source"] | None = None
    coverage: float | None = None
    exclusions: list[ExcludedShape] = Field(default_factory=list)
    exhaustion: float | None
    burns: list[Burn]
    reason: str


class Member(Shape):
    """One member of a journey."""

    ref: str
    sli: float | None


class JourneyShape(Shape):
    """One objective of a journey; *coverage* is the part of the window, since its first slice, that was seen."""

    ref: str
    state: str
    target: float
    window: str
    sli: float | None
    budget_remaining: float | None
    slices: int
    missing: int
    coverage: float | None
    members: list[Member]
    reason: str


class ExclusionShape(_Excluding):
    """What an exclusion took out of the period so far, in seconds; *spared* is how much of it had been downtime."""


class SlaShape(Shape):
    """One SLA in its running period; *credit* is the fraction owed if the period ended now.

    *coverage* is the part of the period so far that was seen, less what is excluded; 0 where it never was, null before
    there is any of it. Below the ledger's floor *credit* is null, and so is *breached* where what nobody saw
    could undo it; *reason* says so.

    *events* are counted where the contract asks for a minimum of them.
    """

    name: str
    customer: str
    covers: str
    start: datetime
    end: datetime
    target: float
    uptime: float | None
    breached: bool | None
    credit: float | None
    intervals: int
    empty: int
    reason: str
    events: float | None
    coverage: float | None = None
    exclusions: list[ExclusionShape]


class Muted(Shape):
    """Why nobody is told of an alert: a silence, an alert that says enough, maintenance, a quiet route (*by* its id).

    *partly*: other channels are told all the same.
    """

    kind: str
    by: str
    reason: str
    until: datetime | None
    partly: bool


class OpenAlert(Alert):
    """An alert with everything that is known of it."""

    rule: str
    service: str
    phase: str
    blind_since: datetime | None
    labels: dict[str, str]
    facts: list[tuple[str, str]]
    runbook: str | None
    muted: list[Muted]
    acknowledged_by: str | None = None


class Source(Shape):
    """Whether the metric source answers."""

    ok: bool
    since: datetime
    detail: str
    failures: int


class Blind(Shape):
    """A rule that is quiet only because nobody can look."""

    rule: str
    since: datetime
    reason: str


class PageBudgetOf(Shape):
    """How many pages there were in the last *seconds*, and how many are bearable."""

    name: str
    pages: int
    bearable: int
    seconds: float
    overspent: bool


class Status(Shape):
    """All that the last tick found; *at* is null before the first."""

    at: datetime | None
    overall: Health
    version: str
    source: Source | None
    slos: list[Objective]
    journeys: list[JourneyShape]
    slas: list[SlaShape]
    alerts: list[OpenAlert]
    blind: list[Blind]
    page_budgets: list[PageBudgetOf]
