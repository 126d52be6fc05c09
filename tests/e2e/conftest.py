"""A small world of real processes: exporter, Prometheus, `tocsin serve`, mailbox, Slack's and PagerDuty's ends.

Everything listens on loopback ports chosen at run time; whatever was started is stopped, however a test ends.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
import requests
from tests.couriers import TestClock

from tocsin.adapters.children import free_port
from tocsin.adapters.store import SqlStore
from tocsin.demo.loopback import exposed
from tocsin.demo.receivers import HttpReceiver, Inbox, Received

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds that anything may take on a busy machine."""


def until(found: Callable[[], T | None], what: str, timeout: float = PATIENCE) -> T:
    """Poll *found* until it returns something true."""
    deadline = time.monotonic() + timeout
    while True:
        value = found()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.05)


class Exporter:
    """A service's `/metrics`: *level* is what the alert watches, 100 requests a second, *bad* of them fail.

    It answers with *status*; anything but 200 is a scrape that *failed*.
    """

    def __init__(self) -> None:
        self.level = 0.0
        self.bad = 0.0
        self.status, self.failed = 200, 0
        self._good_total = self._bad_total = 0.0
        self._seen = time.monotonic()
        self._server = exposed(self._page)
        self.port = self._server.port

    def _page(self) -> tuple[int, str]:
        self.failed += self.status != 200
        return self.status, self.text()

    def text(self) -> str:
        """The metrics of this moment."""
        now = time.monotonic()
        events = 100 * (now - self._seen)
        self._seen = now
        self._bad_total += events * self.bad
        self._good_total += events * (1 - self.bad)
        total = self._bad_total + self._good_total
        return "".join(
            f"{line}\n"
            for line in (
                "# TYPE fault_level gauge",
                f"fault_level {self.level}",
                "# TYPE requests_total counter",
                f'requests_total{{code="200"}} {self._good_total}',
                f'requests_total{{code="500"}} {self._bad_total}',
                "# TYPE request_seconds histogram",
                f'request_seconds_bucket{{le="0.5"}} {total}',
                f'request_seconds_bucket{{le="1"}} {total}',
                f'request_seconds_bucket{{le="+Inf"}} {total}',
                f"request_seconds_sum {0.25 * total}",
                f"request_seconds_count {total}",
            )
        )

    def close(self) -> None:
        """Stop answering."""
        self._server.close()


class Prometheus:
    """A real Prometheus that scrapes the exporter once a second; it comes back on the same port with its data."""

    def __init__(self, folder: Path, target: int) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        config = f"""
            global: {{scrape_interval: 1s, scrape_timeout: 1s}}
            scrape_configs:
              - job_name: shop
                static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
            """
        (folder / "prometheus.yml").write_text(textwrap.dedent(config))

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--log.level=warn",
                    *self.flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._ready, "Prometheus is ready")

    def evaluate(self, rules: str) -> None:
        """Start it anew with alerting rules, which it tells nobody of."""
        (self._folder / "rules.yml").write_text(rules)
        config = self._folder / "prometheus.yml"
        once_a_second = config.read_text().replace("scrape_timeout: 1s", "scrape_timeout: 1s, evaluation_interval: 1s")
        config.write_text(f"{once_a_second}rule_files: [rules.yml]\n")
        self.kill()
        self.start()

    def _ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError((self._folder / "log").read_text())
        return _answers(f"{self.url}/-/ready")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The rows of an instant query."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=5).json()
        rows: list[dict[str, Any]] = answer["data"]["result"]
        return rows

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


class Evaluator:
    """A `tocsin serve` process."""

    def __init__(self, arguments: list[str], environ: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tocsin.cli.main", "serve", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environ,
            )
        self.url = ""

    def ready(self) -> Self:
        """Wait for the line with the address."""
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline().decode() if readable else ""
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:[0-9]+)\n", line)
        if match is None:
            raise AssertionError(f"no address but {line!r}: {self.log.read_text()[-3000:]}")
        self.url = match[1]
        return self

    def get(self, path: str, **params: str) -> requests.Response:
        """Ask for *path*."""
        return requests.get(self.url + path, params=params, timeout=10)

    def metric(self, name: str) -> float:
        """One sample of `/metrics`, named with its labels."""
        text = self.get("/metrics").text
        match = re.search(rf"(?m)^{re.escape(name)} (\S+)$", text)
        return float(match[1]) if match else float("nan")

    def alerts(self, **params: str) -> list[dict[str, Any]]:
        """The alerts of the API."""
        found: list[dict[str, Any]] = self.get("/api/v1/alerts", **params).json()["alerts"]
        return found

    def ticks(self, more: int) -> None:
        """Wait for some more ticks."""
        name = 'tocsin_ticks_total{outcome="ok"}'
        goal = self.metric(name) + more
        until(lambda: self.metric(name) >= goal, f"{more} more ticks")

    def events(self) -> list[dict[str, Any]]:
        """The log, line by line."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Whatever happened, leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
scrape: {targets: ["localhost:1"]}
metrics:
  requests_total: {type: counter, labels: [code]}
  fault_level: {type: gauge}
  request_seconds: {type: histogram, unit: seconds}
slis:
  availability:
    ratio:
      bad: requests_total{job="shop",code=~"5.."}
      total: requests_total{job="shop"}
  speed:
    latency: {histogram: 'request_seconds{job="shop"}', within: 1s}
slos:
  uptime: {sli: availability, target: 99.9%, window: 30d, page: [email], ticket: [email]}
alerts:
  FaultLevel:
    value: fault_level{job="shop"}
    above: 5
    for: 0s
    keep_firing_for: 0s
    severity: critical
    notify: [email, slack, pagerduty]
    summary: The level is too high
    runbook: https://runbooks.example/shop
"""

NOTIFICATIONS = """\
apiVersion: tocsin/v1
kind: Notifications
name: platform
channels:
  email:
    email:
      smtp: {host: 127.0.0.1, port: {env: INBOX_PORT}, tls: none}
      from: tocsin@example.org
      to: [oncall@example.org]
  slack:
    slack: {webhook: {env: SLACK_WEBHOOK}, endpoint: {env: RECEIVER_URL}}
  pagerduty:
    pagerduty: {integration_key: {env: PAGERDUTY_KEY}, endpoint: {env: RECEIVER_URL}}
routes:
  - match: {}
    to: [email]
    group_by: [service]
    group_wait: 0s
    group_interval: 1s
    repeat_interval: 4h
"""


@dataclass
class Lab:
    """The world of one test."""

    folder: Path
    exporter: Exporter
    prometheus: Prometheus
    inbox: Inbox
    receiver: HttpReceiver
    stack: ExitStack
    rules: Path = field(init=False)
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = self.folder / "rules"
        self.rules.mkdir()
        self.write("shop.yaml", DEFINITIONS)
        self.write("notifications.yaml", NOTIFICATIONS)
        self.environ = os.environ | {
            "INBOX_PORT": str(self.inbox.port),
            "RECEIVER_URL": self.receiver.url,
            "SLACK_WEBHOOK": "https://hooks.slack.com/services/T00000000/B00000000/" + "x" * 24,
            "PAGERDUTY_KEY": "0123456789abcdef" * 2,
        }

    def write(self, name: str, text: str) -> None:
        """Put a definition file into the workspace."""
        (self.rules / name).write_text(text)

    def launch(self, *more: str) -> Evaluator:
        """Start `tocsin serve` on the workspace, always with the same state."""
        state = str(self.folder / "state.db")
        base = [str(self.rules), "--prometheus", self.prometheus.url, "--state", state, "--listen", "127.0.0.1:0"]
        evaluator = Evaluator([*base, "--interval", "1s", *more], self.environ, self.folder / "serve.log")
        self.stack.callback(evaluator.close)
        return evaluator

    def serve(self, *more: str) -> Evaluator:
        """Start it and wait until it answers."""
        return self.launch(*more).ready()

    def subjects(self, word: str) -> list[str]:
        """Subjects of the mails about our alert that contain *word*."""
        return [mail.subject for mail in self.inbox.mails if word in mail.subject and "FaultLevel" in mail.subject]

    def slack(self) -> list[str]:
        """What Slack was told about our alert, as text."""
        return [r.body.decode() for r in self.receiver.requests if r.service == "slack" and b"FaultLevel" in r.body]

    def pages(self, action: str) -> list[Received]:
        """What PagerDuty was told about our alert."""
        sent = [r for r in self.receiver.requests if r.service == "pagerduty"]
        ours = {r.json["dedup_key"] for r in sent if b"FaultLevel" in r.body}
        return [r for r in sent if r.json["dedup_key"] in ours and r.json["event_action"] == action]


@pytest.fixture
def web() -> Iterator[HttpReceiver]:
    """Slack and PagerDuty."""
    with HttpReceiver() as web:
        yield web


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """The mail server."""
    with Inbox() as inbox:
        yield inbox


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    """An empty store."""
    store = SqlStore(str(tmp_path / "tocsin.db"))
    yield store
    store.close()


@pytest.fixture
def clock() -> TestClock:
    """Noon, until the test says otherwise."""
    return TestClock()


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Exporter, Prometheus]]:
    """An exporter and its Prometheus, shared because the first scrape takes some seconds."""
    with ExitStack() as stack:
        exporter = Exporter()
        stack.callback(exporter.close)
        prometheus = Prometheus(tmp_path_factory.mktemp("prometheus") / "0", exporter.port)
        stack.callback(prometheus.kill)
        yield exporter, prometheus


@pytest.fixture
def lab(watched: tuple[Exporter, Prometheus], tmp_path: Path) -> Iterator[Lab]:
    """An exporter that is well and seen so by Prometheus, and receivers that accept everything."""
    exporter, prometheus = watched
    exporter.level, exporter.bad, exporter.status = 0.0, 0.0, 200
    prometheus.start()
    # The first evaluation is about the last whole second: the fault of the test before must be out of sight there, too.
    until(lambda: len(prometheus.query("max_over_time(fault_level[4s]) == 0")) == 1, "scrapes that show no fault")
    with ExitStack() as stack:
        inbox = stack.enter_context(Inbox())
        receiver = stack.enter_context(HttpReceiver())
        yield Lab(tmp_path, exporter, prometheus, inbox, receiver, stack)
