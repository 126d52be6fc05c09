"""Platform: settings of the metric stores that everything else runs on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tocsin.diagnostics import Span
from tocsin.ports import Labels
from tocsin.units import Duration
from tocsin.windows import Policy


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Defaults of scraping and evaluation, how long samples are kept and where; *version* is empty if nobody says."""

    port: int
    scrape_interval: Duration
    evaluation_interval: Duration
    retention: Duration
    storage_path: str
    alertmanagers: tuple[str, ...]
    external_labels: Mapping[str, str]
    version: str = ""


@dataclass(frozen=True, slots=True)
class StatsD:
    """The StatsD source."""

    enabled: bool
    host: str
    port: int
    prefix: str
    flush_interval: Duration


@dataclass(frozen=True, slots=True)
class InfluxDb:
    """The InfluxDB store; *retention* maps a policy name to its length."""

    enabled: bool
    url: str
    database: str
    retention: Mapping[str, Duration]
    shard_duration: Duration
    replication_factor: int


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """Where PrometheusRule objects belong, and the labels by which a Prometheus selects them."""

    namespace: str | None = None
    labels: Labels = ()


_EVERY, _FINE, _KEEP = Duration.of(minutes=5), Duration.of(days=100), Duration.of(days=400)


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """How `tocsin serve` keeps the ledger of objectives.

    The days that run are counted further *every* so often, never with more than *queries_per_minute*. Days older than
    *fine* are put together in longer slices, those older than *keep* go. Below a *coverage* no budget is told.
    """

    enabled: bool = True
    every: Duration = _EVERY
    counting: str = "samples"
    queries_per_minute: int = 120
    fine: Duration = _FINE
    keep: Duration = _KEEP
    coverage: Decimal = Decimal("0.9")


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform's own settings; a workspace has at most one."""

    name: str
    prometheus: PrometheusSettings
    statsd: StatsD | None
    influxdb: InfluxDb | None
    grafana_url: str | None
    span: Span
    kubernetes: Kubernetes | None = None
    ledger: LedgerSettings = LedgerSettings()
    burn_rates: Mapping[str, Policy] = field(default_factory=dict)
    """Policies of this workspace, beside those that are built in."""
