"""The simulated AI-camera platform: exporters of beCamera, its inference, beAuth, MySQL and Redis."""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tocsin.adapters.children import LOOPBACK
from tocsin.demo.exporter import Exporter, Family, Moment, Series, Value
from tocsin.demo.loopback import LoopbackServer, QuietHandler
from tocsin.demo.traffic import Incident, Load, Traffic

GIB = 2.0**30
REJECTED = 0.011
"""Share of requests that are answered 4xx, which is the client's fault and spends no budget."""

USUAL = {"0.05": 0.31, "0.1": 0.62, "0.25": 0.9, "0.5": 0.978, "0.8": 0.992, "1": 0.9965, "2": 0.9992, "5": 1.0}
"""Shares of healthy requests that are at most as slow as each bucket."""
STUCK = {"0.05": 0.0, "0.1": 0.0, "0.25": 0.02, "0.5": 0.15, "0.8": 0.9, "1": 1.0, "2": 1.0, "5": 1.0}
"""The same for requests that wait up to 0.8 s for a database connection and then fail."""
INFERENCE = {"0.02": 0.21, "0.05": 0.74, "0.1": 0.95, "0.25": 0.991, "0.5": 0.9987, "1": 1.0}


@dataclass(slots=True)
class SimulatedPlatform:
    """All exporters and the incidents they share; *start* is when their counters were zero, in unix seconds."""

    start: float
    incidents: tuple[Incident, ...] = ()
    exporters: tuple[Exporter, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.exporters = (
            _web("be-camera", Traffic(self.start, 42.0, 0.00038), _CAMERA, _BUSINESS, fragile=True),
            _web("be-auth", Traffic(self.start, 17.0, 0.00021), _AUTH),
            Exporter("inference", "be-camera", Traffic(self.start, 55.0, 0.0), _INFERENCE),
            Exporter("mysql", "mysql", Traffic(self.start, 130.0, 0.0), _MYSQL),
            Exporter("redis", "redis", Traffic(self.start, 260.0, 0.0), _REDIS),
        )

    def exhaust_connections(self, at: float, *, traffic: float = 1.5, errors: float = 0.96) -> None:
        """MySQL runs out of connections: nearly every request of beCamera fails, and clients retry."""
        self.incidents = (*self.incidents, Incident(at, None, traffic, errors))

    def broken(self) -> bool:
        """Whether an incident goes on."""
        return any(incident.end is None for incident in self.incidents)

    def repair(self, at: float) -> None:
        """End what is still going on."""
        self.incidents = tuple(
            Incident(i.start, at, i.traffic, i.errors) if i.end is None else i for i in self.incidents
        )


class Endpoints:
    """Every exporter as an HTTP `/metrics` endpoint on a free loopback port; *clock* gives unix seconds."""

    def __init__(self, platform: SimulatedPlatform, clock: Callable[[], float]) -> None:
        self._servers: dict[str, LoopbackServer] = {}
        for exporter in platform.exporters:
            self._servers[exporter.name] = LoopbackServer(_handler(platform, exporter, clock))

    def address(self, exporter: str) -> str:
        """The `host:port` that Prometheus scrapes."""
        return f"{LOOPBACK}:{self._servers[exporter].port}"

    def close(self) -> None:
        """Stop them all."""
        for server in self._servers.values():
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _handler(platform: SimulatedPlatform, exporter: Exporter, clock: Callable[[], float]) -> type[QuietHandler]:
    one_at_a_time = threading.Lock()  # two scrapes must not see time run backwards

    class Metrics(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            with one_at_a_time:
                body = exporter.exposition(clock(), platform.incidents).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Metrics


def _family(kind: str, name: str, text: str, value: Value, labels: Mapping[str, str] | None = None) -> Family:
    def whole(moment: Moment) -> float:
        return math.floor(value(moment))

    return Family(name, kind, text, (Series(name, labels or {}, whole if kind == "counter" else value),))


# --- web services ------------------------------------------------------------------------------------------

_CAMERA = {
    ("POST", "/api/v1/frames"): 0.58,
    ("GET", "/api/v1/cameras"): 0.17,
    ("GET", "/api/v1/counts"): 0.20,
    ("POST", "/api/v1/reports"): 0.05,
}
_AUTH = {("POST", "/api/v1/login"): 0.3, ("POST", "/api/v1/token"): 0.7}

_BUSINESS = (
    _family("gauge", "user_count", "Active users.", lambda m: math.floor(840 * m.level)),
    _family("counter", "transaction_total", "Transactions.", lambda m: 0.074 * (m.load.total - m.load.stuck)),
    _family("gauge", "revenue_per_hour", "Revenue of the running hour.", lambda m: round(1260 * m.level, 2)),
)


def _web(
    name: str,
    traffic: Traffic,
    routes: Mapping[tuple[str, str], float],
    more: tuple[Family, ...] = (),
    *,
    fragile: bool = False,
) -> Exporter:
    counts: list[Series] = []
    times: list[Series] = []
    for (method, route), share in routes.items():
        where = {"method": method, "route": route}
        counts += [
            Series("http_requests_total", {**where, "status": "200"}, _requests(share * (1 - REJECTED), 1.0, 0.0)),
            Series("http_requests_total", {**where, "status": "404"}, _requests(share * REJECTED, 1.0, 0.0)),
            Series("http_requests_total", {**where, "status": "500"}, _requests(share, 0.0, 1.0)),
        ]
        times += _histogram("http_request_duration_seconds", where, share)
    box = {"container": name}
    return Exporter(
        name,
        name,
        traffic,
        (
            Family("http_requests_total", "counter", "Requests answered.", tuple(counts)),
            Family("http_request_duration_seconds", "histogram", "Time to answer a request.", tuple(times)),
            Family(
                "container_cpu_usage_seconds_total",
                "counter",
                "CPU time used.",
                (Series("container_cpu_usage_seconds_total", box, lambda m: 0.1 * m.age + 0.24 * m.volume),),
            ),
            _family("gauge", "container_spec_cpu_quota", "CPU time per period.", lambda _: 100_000.0, box),
            _family("gauge", "container_spec_cpu_period", "Length of the period.", lambda _: 100_000.0, box),
            _family("gauge", "container_memory_usage_bytes", "Memory in use.", _memory(1.7, 0.5), box),
            _family("gauge", "container_spec_memory_limit_bytes", "Memory limit.", lambda _: 4 * GIB, box),
            *more,
        ),
        fragile,
    )


def _requests(share: float, answered: float, failed: float) -> Value:
    def value(moment: Moment) -> float:
        load = moment.load
        return math.floor(share * (answered * (load.total - load.failed) + failed * load.failed))

    return value


def _memory(idle: float, busy: float) -> Value:
    return lambda m: math.floor(GIB * (idle + busy * m.level))


def _histogram(name: str, where: Mapping[str, str], share: float) -> list[Series]:
    def slower(usual: float, stuck: float) -> Value:
        return lambda m: math.floor(share * _mixed(m.load, usual, stuck))

    buckets = [Series(f"{name}_bucket", {**where, "le": le}, slower(USUAL[le], STUCK[le])) for le in USUAL]
    return [
        *buckets,
        Series(f"{name}_bucket", {**where, "le": "+Inf"}, slower(1.0, 1.0)),
        Series(f"{name}_sum", where, lambda m: share * _mixed(m.load, 0.128, 0.66)),
        Series(f"{name}_count", where, slower(1.0, 1.0)),
    ]


def _mixed(load: Load, usual: float, stuck: float) -> float:
    return usual * (load.total - load.stuck) + stuck * load.stuck


# --- stores and inference ----------------------------------------------------------------------------------

_MYSQL = (
    _family("gauge", "mysql_up", "Whether MySQL answers.", lambda _: 1.0),
    _family(
        "gauge",
        "mysql_global_status_threads_connected",
        "Open connections.",
        lambda m: 151.0 if m.broken else math.floor(22 + 41 * m.level),
    ),
    _family("gauge", "mysql_global_variables_max_connections", "Connections at most.", lambda _: 151.0),
    _family("counter", "mysql_global_status_slow_queries", "Slow queries.", lambda m: 0.011 * m.volume),
)
_REDIS = (
    _family("gauge", "redis_up", "Whether Redis answers.", lambda _: 1.0),
    _family("gauge", "redis_memory_used_bytes", "Memory in use.", _memory(0.6, 0.45)),
    _family("gauge", "redis_memory_max_bytes", "Memory limit.", lambda _: 2 * GIB),
)


def _accuracy(moment: Moment) -> float:
    return round(0.955 - 0.008 * moment.level, 4)


def _inferred(share: float) -> Value:
    return lambda m: math.floor(share * m.load.total)


_MODEL = {"model": "counter"}
_INFERENCE = (
    Family(
        "ai_inference_duration_seconds",
        "histogram",
        "Time of one inference.",
        (
            *(
                Series("ai_inference_duration_seconds_bucket", {**_MODEL, "le": le}, _inferred(share))
                for le, share in {**INFERENCE, "+Inf": 1.0}.items()
            ),
            Series("ai_inference_duration_seconds_sum", _MODEL, lambda m: 0.043 * m.load.total),
            Series("ai_inference_duration_seconds_count", _MODEL, _inferred(1.0)),
        ),
    ),
    _family("gauge", "ai_model_accuracy", "Agreement with counts by hand.", _accuracy, _MODEL),
    _family("counter", "ai_predictions_total", "Predictions made.", lambda m: m.load.total, _MODEL),
)
