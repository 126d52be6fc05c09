"""Platform: a document to the settings of the metric stores."""

from tocsin.spec.platform import InfluxDb, Kubernetes, LedgerSettings, Platform, PrometheusSettings, StatsD
from tocsin.spec.readers.burn_rate import read_policies
from tocsin.spec.readers.node import Node
from tocsin.units import Duration

_QUARTER_MINUTE = Duration.of(seconds=15)
_RETENTION = Duration.of(days=15)
_FLUSH_INTERVAL = Duration.of(seconds=10)
_SHARD = Duration.of(days=1)
_LEDGER = LedgerSettings()
_OFTEN, _SELDOM = Duration.of(minutes=1), Duration.of(hours=1)


def read_platform(node: Node) -> Platform:
    """Read one Platform document."""
    return Platform(
        name=node["name"].text(),
        prometheus=_prometheus(node["prometheus"]),
        statsd=_statsd(node["statsd"]) if "statsd" in node else None,
        influxdb=_influxdb(node["influxdb"]) if "influxdb" in node else None,
        grafana_url=node["grafana"]["url"].text_or_none(),
        span=node["name"].span,
        kubernetes=_kubernetes(node["kubernetes"]) if "kubernetes" in node else None,
        burn_rates=read_policies(node["burn_rates"]),
        ledger=_ledger(node["ledger"]),
    )


def _prometheus(node: Node) -> PrometheusSettings:
    return PrometheusSettings(
        port=node["port"].whole(9090),
        scrape_interval=node["scrape_interval"].duration(_QUARTER_MINUTE),
        evaluation_interval=node["evaluation_interval"].duration(_QUARTER_MINUTE),
        retention=node["retention"].duration(_RETENTION),
        storage_path=node["storage_path"].text("data/"),
        alertmanagers=node["alertmanagers"].texts(),
        external_labels=dict(node["external_labels"].labels()),
        version=node["version"].text(""),
    )


def _statsd(node: Node) -> StatsD:
    return StatsD(
        enabled=node["enabled"].flag(default=False),
        host=node["host"].text(),
        port=node["port"].whole(8125),
        prefix=node["prefix"].text(),
        flush_interval=node["flush_interval"].duration(_FLUSH_INTERVAL),
    )


def _influxdb(node: Node) -> InfluxDb:
    policies = ((entry.name, entry.duration_or_none()) for entry in node["retention"].entries())
    return InfluxDb(
        enabled=node["enabled"].flag(default=True),
        url=node["url"].text(),
        database=node["database"].text(),
        retention={name: length for name, length in policies if length is not None},
        shard_duration=node["shard_duration"].duration(_SHARD),
        replication_factor=node["replication_factor"].whole(1),
    )


def _kubernetes(node: Node) -> Kubernetes:
    return Kubernetes(namespace=node["namespace"].text_or_none(), labels=node["labels"].labels())


def _ledger(node: Node) -> LedgerSettings:
    every, coverage = node["every"].duration(_LEDGER.every), node["coverage"].ratio()
    if not _OFTEN <= every <= _SELDOM:
        node["every"].report("units/duration", f"every is {every}, outside {_OFTEN} to {_SELDOM}")
        every = _LEDGER.every
    if coverage is not None and not 0 <= coverage <= 1:
        node["coverage"].report("units/ratio", f"coverage is {node['coverage'].value}, outside 0% to 100%")
        coverage = None
    return LedgerSettings(
        enabled=node["enabled"].flag(default=_LEDGER.enabled),
        every=every,
        counting=node["counting"].text(_LEDGER.counting),
        queries_per_minute=node["queries_per_minute"].whole(_LEDGER.queries_per_minute),
        fine=node["fine"].duration(_LEDGER.fine),
        keep=node["keep"].duration(_LEDGER.keep),
        coverage=_LEDGER.coverage if coverage is None else coverage,
    )
