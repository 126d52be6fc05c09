"""Compiled rules in Prometheus itself: every SLI kind counts what it should, and nothing is refused or in error."""

import json
import socket
import subprocess
import time
import urllib.request
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests import builders

from tocsin.adapters.artifacts import write_artifacts
from tocsin.adapters.files import read_sources
from tocsin.plan import Plan, plan
from tocsin.sli import FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, Sli, ThresholdSli
from tocsin.targets.prometheus import prometheus, rule_file
from tocsin.workspace import read_workspace

pytestmark = pytest.mark.real

REPOSITORY = Path(__file__).parents[2]

SERIES = {
    # 60 requests a minute: 6 are slow, in the spelling of Go on Prometheus 2, and of Python or Prometheus 3
    'go_seconds_count{job="a"}': "0+60x60",
    'go_seconds_bucket{job="a",le="1"}': "0+54x60",
    'python_seconds_count{job="a"}': "0+60x60",
    'python_seconds_bucket{job="a",le="1.0"}': "0+54x60",
    'python_seconds_bucket{job="a",le="10.0"}': "0+60x60",
    # two targets, one of them down for good
    'up{job="a",instance="1"}': "1x60",
    'up{job="a",instance="2"}': "0x60",
    # three replicas are enough, one is not
    'replicas{app="a"}': "3 3 3 1 3 3 3 1 3 3 3 1 " * 5,
    # no error was ever seen; nobody asks; only good answers are counted; a NaN among the counters
    'clean_total{code="200"}': "0+60x60",
    'idle_total{code="200"}': "7x60",
    'idle_total{code="500"}': "1x60",
    'asked_total{code="200"}': "0+60x60",
    'broken_total{code="200"}': "0+60x30" + " NaN" * 30,
    # two ratios of gauges; a queue that is too long for a quarter of the time, beside one that has no value
    'failing{zone="a"}': "0.1x60",
    'failing{zone="b"}': "0.3x60",
    'depth{queue="a"}': "3 3 3 9 3 3 3 9 3 3 3 9 " * 5,
    'depth{queue="b"}': "NaN" + " NaN" * 60,
    # a backup that last succeeded at minute 0, and one that succeeds all the time
    'backed_up_seconds{job="a"}': "0x60",
    'backed_up_seconds{job="b"}': "0+60x60",
}
BAD, ALL = 'sum(rate(go_seconds_bucket{le="1"}[$window]))', "sum(rate(go_seconds_count[$window]))"
KINDS: dict[str, tuple[Sli, float | None]] = {
    "go": (LatencySli('go_seconds{job="a"}', Decimal(1)), 0.1),
    "python": (LatencySli('python_seconds{job="a"}', Decimal(1)), 0.1),
    "no-bucket": (LatencySli('go_seconds{job="a"}', Decimal(2)), None),
    "up": (ProbeSli('up{job="a"}', Decimal(1)), 0.5),
    "replicas": (ProbeSli('replicas{app="a"}', Decimal(2)), 0.25),
    "clean": (RatioSli("clean_total", bad_events='clean_total{code=~"5.."}'), 0),
    "idle": (RatioSli("idle_total", bad_events='idle_total{code=~"5.."}'), None),
    "never-good": (RatioSli("asked_total", good_events='answered_total{result="ok"}'), 1),
    "all-good": (RatioSli("asked_total", good_events='asked_total{code="200"}'), 0),
    "broken": (RatioSli("broken_total", bad_events='broken_total{code=~"5.."}'), None),
    "own-rate": (RatioSli(ALL, good_events=BAD), 0.1),
    "own-increase": (RatioSli("increase(go_seconds_count[$window])", bad_events="increase(none[$window])"), 0),
    "own-average": (RawSli(success_ratio=f"{BAD} / {ALL}"), 0.1),
    "own-idle": (RawSli(error_ratio="sum(rate(idle_total[$window])) / sum(rate(idle_total[$window]))"), None),
    "rows": (RawSli(error_ratio="failing"), 0.2),
    "depth": (ThresholdSli("depth", at_most=Decimal(5)), 0.25),
    "between": (ThresholdSli("max(depth)", at_least=Decimal(4), at_most=Decimal(8)), 1),
    "backups": (FreshnessSli("backed_up_seconds", Decimal(0)), 0.5),
}


def test_every_kind_counts_what_it_should(tmp_path: Path) -> None:
    """Error ratios over an hour as recorded; nothing, and never NaN, where they are unknown."""
    service = builders.service(slos=tuple(builders.slo(name, sli=sli) for name, (sli, _) in KINDS.items()))
    planned, _ = plan(builders.workspace(service))
    (tmp_path / "rules.yml").write_text(rule_file(planned.groups), encoding="utf-8")
    ratio = 'round(slo:bad:rate1h{slo="%s"} / (slo:total:rate1h > 0), 0.05)'
    questions: list[dict[str, Any]] = [
        {
            "expr": ratio % name,
            "eval_time": "1h",
            "exp_samples": [{"labels": f'{{service="shop",slo="{name}"}}', "value": expected}]
            if expected is not None
            else [],
        }
        for name, (_, expected) in KINDS.items()
    ]
    sound = 'count(sum({__name__=~"slo:.*"}) >= 0)'
    questions.append({"expr": sound, "eval_time": "1h", "exp_samples": [{"labels": "{}", "value": 1}]})
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values.strip()} for name, values in SERIES.items()],
        "promql_expr_test": questions,
    }
    (tmp_path / "test.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}), encoding="utf-8"
    )

    assert promtool_test(tmp_path) == ""


def promtool_test(folder: Path) -> str:
    """What is wrong, in promtool's words."""
    run = subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def rule_states(port: int) -> list[dict[str, Any]]:
    """Every rule as the server sees it; empty while it starts."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=5) as answer:
            groups = json.load(answer)["data"]["groups"]
    except OSError:
        return []
    return [rule for group in groups for rule in group["rules"]]


def evaluated(rule: dict[str, Any]) -> bool:
    """Whether the rule has run at all; Go's zero time says it has not."""
    return not rule["lastEvaluation"].startswith("0001-")


def hurried(planned: Plan) -> Plan:
    """The same rules, all of them at the server's own interval: nobody waits a minute for the first look."""
    return replace(planned, groups=tuple(replace(group, interval=None) for group in planned.groups))


def test_prometheus_loads_everything_without_error(tmp_path: Path) -> None:
    """The platform's own rules and one objective of each kind run, on live series, with no rule in error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sources, unread = read_sources(
        [str(REPOSITORY / "rules"), str(REPOSITORY / "tests/golden/latency-and-probe/in.yaml")]
    )
    workspace, misread = read_workspace(sources)
    own = builders.service(
        "self",
        slos=tuple(
            builders.slo(name, service="self", sli=sli)
            for name, sli in (
                ("requests", RatioSli("prometheus_http_requests_total", 'x{code="500"}')),
                ("speed", LatencySli("prometheus_http_request_duration_seconds", Decimal(1))),
                ("up", ProbeSli("up", Decimal(1))),
            )
        ),
    )
    planned, unplanned = plan(workspace)
    more, _ = plan(builders.workspace(own))
    planned, more = hurried(planned), hurried(more)
    write_artifacts([*prometheus(planned, workspace), *prometheus(more, builders.workspace(own))[1:]], str(tmp_path))
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{tmp_path}/prometheus/rules/*.yml"],
        "scrape_configs": [{"job_name": "self", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    (tmp_path / "server.yml").write_text(json.dumps(configuration), encoding="utf-8")
    log = (tmp_path / "log").open("w", encoding="utf-8")
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path}/server.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + 60
        states: list[dict[str, Any]] = []
        while time.monotonic() < deadline and not (states and all(map(evaluated, states)) and recorded(states, port)):
            assert server.poll() is None, (tmp_path / "log").read_text(encoding="utf-8")
            time.sleep(0.5)
            states = rule_states(port)
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()
    expected = sum(len(group.rules) for group in (*planned.groups, *more.groups))

    assert (unread, misread, unplanned) == ((), (), ())
    assert (expected, []) == (len(states), [rule for rule in states if rule["health"] != "ok"])


def recorded(states: list[dict[str, Any]], port: int) -> bool:
    """Whether all three objectives of the server itself have a ratio, so that the rules ran on live series."""
    query = "count(slo:bad:rate1h / (slo:total:rate1h > 0))"
    url = f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        result = json.load(answer)["data"]["result"]
    return bool(result) and result[0]["value"][1] == "3"
