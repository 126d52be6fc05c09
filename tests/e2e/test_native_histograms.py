"""Native histograms in a real Prometheus: promtool of this version cannot write them down, so they are sent to one."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from math import isnan
from pathlib import Path

import pytest
import requests
from tests.oracle import groups_of
from tests.remote_write import Histogram, Value, push

from tocsin.adapters.children import free_port
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.tick import Watch
from tocsin.targets.prometheus import rule_file
from tocsin.workspace import Source, read_workspace

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  busy: {latency: {histogram: 'took_seconds{job="busy"}', within: 1s, native: true}}
  between: {latency: {histogram: 'took_seconds{job="busy"}', within: 3s, native: true}}
  routes: {latency: {histogram: 'took_seconds{job="routes"}', within: 1s, native: true}}
  idle: {latency: {histogram: 'took_seconds{job="idle"}', within: 1s, native: true}}
  beside: {latency: {histogram: 'took_seconds{job="beside"}', within: 1s, native: true}}
  classic: {latency: {histogram: 'took_seconds{job="classic"}', within: 1s, native: true}}
  mixed: {latency: {histogram: 'took_seconds{job="mixed"}', within: 1s, native: true}}
  buckets: {latency: {histogram: 'took_seconds{job="beside"}', within: 1s}}
slos:
  busy: {sli: busy, target: 99.9%, guards: {cold_start: {enabled: false, reason: rules are loaded after the samples}}}
  between: {sli: between, target: 99.9%}
  routes: {sli: routes, target: 99.9%, group_by: [route]}
  idle: {sli: idle, target: 99.9%, guards: {cold_start: {enabled: false, reason: rules are loaded after the samples}}}
  beside: {sli: beside, target: 99.9%}
  classic: {sli: classic, target: 99.9%}
  mixed: {sli: mixed, target: 99.9%}
  buckets: {sli: buckets, target: 99.9%}
"""
QUICK, SLOW = 0, 2
"""Buckets of what took 0.5 to 1 s and 2 to 4 s."""
MINUTES = 90
Rows = Mapping[str, float]


def native(quick: int, slow: int, *, moving: bool = True) -> Callable[[int], Value]:
    """So many quick and slow events a minute; or so many once, and none ever after."""

    def value(minute: int) -> Value:
        times = minute + 1 if moving else 1
        return Histogram({QUICK: 1_000 + quick * times, SLOW: 1_000 + slow * times}, 1.0 * (quick + slow) * times)

    return value


def labels(name: str, **more: str) -> tuple[tuple[str, str], ...]:
    """The labels of one series."""
    return tuple(sorted({"__name__": name, "instance": "a", **more}.items()))


SERIES: dict[tuple[tuple[str, str], ...], Callable[[int], Value]] = {
    labels("took_seconds", job="busy"): native(54, 6),
    labels("took_seconds", job="busy", instance="b"): native(57, 3),
    labels("took_seconds", job="routes", route="/a"): native(60, 0),
    labels("took_seconds", job="routes", route="/b"): native(30, 30),
    labels("took_seconds", job="idle"): native(9, 1, moving=False),
    # one target has both forms of the same histogram, another only the old one
    labels("took_seconds", job="beside"): native(30, 30),
    labels("took_seconds_count", job="beside"): lambda minute: 60.0 * minute,
    labels("took_seconds_sum", job="beside"): lambda minute: 60.0 * minute,
    labels("took_seconds_bucket", job="beside", le="1"): lambda minute: 30.0 * minute,
    labels("took_seconds_bucket", job="beside", le="+Inf"): lambda minute: 60.0 * minute,
    labels("took_seconds_count", job="classic"): lambda minute: 60.0 * minute,
    labels("took_seconds_bucket", job="classic", le="1"): lambda minute: 0.0 * minute,
    # a plain number where histograms are expected
    labels("took_seconds", job="mixed"): native(30, 30),
    labels("took_seconds", job="mixed", instance="b"): lambda minute: 60.0 * minute,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that has ninety minutes of samples, and evaluates the compiled rules every second."""
    folder, port = tmp_path_factory.mktemp("native"), free_port()
    (folder / "rules.yml").write_text(rule_file(groups_of(DEFINITIONS.split("\n", 3)[3])), encoding="utf-8")
    config = folder / "prometheus.yml"
    config.write_text("global: {evaluation_interval: 1s}\n", encoding="utf-8")
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=native-histograms",
                "--web.enable-remote-write-receiver",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _until(lambda: process.poll() is None and _answers(f"{url}/-/ready"), folder / "log")
        now = int(time.time() * 1000)
        first = now - MINUTES * 60_000
        times = [first + 60_000 * minute for minute in range(MINUTES + 3)]  # the rules look a moment later
        push(url, {name: [(at, value(n)) for n, at in enumerate(times)] for name, value in SERIES.items()})
        with config.open("a", encoding="utf-8") as more:  # what a rule records would make the samples too old
            more.write("rule_files: [rules.yml]\n")
        process.send_signal(signal.SIGHUP)
        recorded = {"routes/a", "routes/b", "busy", "idle", "beside", "buckets", "between"}
        _until(lambda: ask(url, "slo:total:rate3d").keys() >= recorded, folder / "log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _until(found: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)


def ask(url: str, query: str) -> Rows:
    """The rows of a query by objective (and route)."""
    answer = requests.get(f"{url}/api/v1/query", params={"query": query}, timeout=5).json()
    rows = answer["data"]["result"]
    return {
        "".join(filter(None, (row["metric"].get("slo"), row["metric"].get("route")))): float(row["value"][1])
        for row in rows
    }


@pytest.mark.parametrize("window", ["5m", "30m", "1h"])
def test_bad_and_all_events(server: str, window: str) -> None:
    """Two instances add up; each group has its own; what the histogram counted before does not matter."""
    total, bad = (ask(server, f"slo:{kind}:rate{window} * 60") for kind in ("total", "bad"))

    expected: dict[str, tuple[float, float]] = {
        "busy": (120, 9),
        "routes/a": (60, 0),
        "routes/b": (60, 30),
        "beside": (60, 30),
    }
    expected["between"] = (120, 4.5)  # half of a bucket: this version interpolates in a straight line
    for name, (every, wrong) in expected.items():
        assert (total[name], bad[name]) == pytest.approx((every, wrong), rel=1e-6, abs=1e-6)


def test_no_traffic_is_no_error(server: str) -> None:
    """A histogram that stands still has no error ratio: no NaN is recorded and nothing fires."""
    assert ask(server, 'slo:total:rate5m{slo="idle"}') == {"idle": 0}
    assert ask(server, 'slo:bad:rate5m{slo="idle"}') == {}
    assert not any(map(isnan, ask(server, '{slo="idle",__name__=~"slo:.*"}').values()))
    assert ask(server, 'ALERTS{slo="idle"}') == {}


def test_what_is_bad_pages(server: str) -> None:
    """7.5 % of slow events over the hour burn 75 times too fast."""
    _until(lambda: "busy" in ask(server, 'ALERTS{alertstate="firing",tier="fast"}'), Path("/dev/null"))


def test_classic_beside_native(server: str) -> None:
    """The old form of the same histogram is not counted twice, and has an SLI of its own that says the same."""
    bad = ask(server, "slo:bad:rate1h / slo:total:rate1h")

    assert (bad["beside"], bad["buckets"]) == pytest.approx((0.5, 0.5), rel=1e-3)


def test_what_is_not_native_is_unknown(server: str) -> None:
    """Where there is only the old form there are no events; a number among histograms ends no evaluation."""
    assert ask(server, '{slo="classic",__name__=~"slo:(bad|total):.*"}') == {}
    assert ask(server, '{slo="mixed",__name__=~"slo:(bad|total):rate5m"}') == {}
    rules = requests.get(f"{server}/api/v1/rules", timeout=5).json()["data"]["groups"]
    assert [rule["lastError"] for group in rules for rule in group["rules"] if rule.get("lastError")] == []


def test_the_evaluator_sees_the_same(server: str) -> None:
    """Its questions are answered by the same server with the same ratios."""
    workspace, findings = read_workspace([Source("shop.yaml", DEFINITIONS)])
    assert findings == ()
    with closing(PrometheusSource(server, deadline=30)) as source:
        sight = Watch(workspace).look(source, datetime.now(UTC).replace(microsecond=0))
    assert sight.questions == ()
    status = {one.name: one for one in sight.slos}

    assert status["busy"].burns[0].rate_long == pytest.approx(75, rel=1e-3)
    assert status["beside"].burns[0].rate_long is not None
    assert status["idle"].state == "unknown"
    assert status["mixed"].state == "unknown"
