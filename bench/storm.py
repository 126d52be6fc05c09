"""Ten thousand alerts at once, through the whole of `tocsin serve`, as real processes.

`python -m bench.storm [--alerts 10000] [--state URL_OR_PATH | --postgres]` posts them as a Prometheus does
(Alertmanager's API, 64 in a request, again every minute), the mildest first, of a hundred services; a twentieth is
critical, a fifth a warning. Critical ones and warnings go to PagerDuty, all of them to Slack and by mail. When all are
told all end at once. What is printed: seconds, messages of each channel, the largest one, the order at PagerDuty, what
is missing there, and what the process took: its memory before and at its peak, its processor time, and the slowest
evaluation. `--postgres` keeps the state in a PostgreSQL of its own, with its data synced, which goes with the storm.

PagerDuty's stand-in takes a thousand events a second here: at its 100 a minute the storm would last for the closed form
of half an hour. Slack's takes one message in a second, as Slack does.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
from tests.postgres import synced

from bench.incumbents import answers
from tocsin.adapters.children import LOOPBACK, Child, free_port
from tocsin.demo.receivers import HttpReceiver, Inbox, Received

BATCH = 64
"""Alerts in a request of a Prometheus (`notifier.DefaultMaxBatchSize` of later ones is 256)."""
AGAIN = 60.0
"""Seconds after which a Prometheus says what fires again (`--rules.alert.resend-delay`)."""
PATIENCE = 1800.0
SERVICES = 100
SEVERITIES = ("info",) * 15 + ("warning",) * 4 + ("critical",)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a storm; seconds are since its first request, memory is in megabytes."""

    alerts: int
    said: float
    """Until the sender was rid of all of it."""
    critical: float
    """Until PagerDuty had the last critical one."""
    told: float
    """Until nothing waited any more."""
    over: float
    """From the first end to the last message."""
    messages: dict[str, int]
    largest: dict[str, int]
    """Bytes."""
    overtaken: int
    """Milder incidents that PagerDuty was told while a critical one waited."""
    lost: int
    """Critical ones and warnings that PagerDuty has not opened, or not closed; and any that were not known."""
    twice: int
    """What it was told again, by the same key, as its answer had taken too long."""
    before: float
    peak: float
    cpu: float
    slowest: float


@dataclass
class Storm:
    """The processes, the receivers, and the sender of *alerts* alerts."""

    folder: Path
    alerts: int
    inbox: Inbox
    receiver: HttpReceiver
    state: str
    interval: str = "5s"
    children: list[Child] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    said_at: float = 0.0

    def start(self) -> None:
        """Write the definitions, start Prometheus and Tocsin."""
        smtp = f"{{host: {LOOPBACK}, port: {self.inbox.port}, tls: none}}"
        mail = f"{{smtp: {smtp}, from: t@example.org, to: [o@example.org]}}"
        here, hook = self.receiver.url, "https://hooks.slack.com/services/T00000000/B00000000/" + "x" * 24
        (self.folder / "ways.yaml").write_text(
            "apiVersion: tocsin/v1\nkind: Notifications\nname: ways\nchannels:\n"
            f"  email: {{email: {mail}}}\n  slack: {{slack: {{webhook: '{hook}', endpoint: '{here}'}}}}\n"
            f"  pager: {{pagerduty: {{integration_key: {'k' * 32}, endpoint: '{here}'}}, rate: 1000/s}}\n"
            "routes:\n"
            "  - {match: {severity: critical}, to: [pager], group_wait: 2s, continue: true}\n"
            "  - {match: {severity: warning}, to: [pager], group_wait: 2s, continue: true}\n"
            "  - {match: {}, to: [slack, email], group_by: [service], group_wait: 2s, group_interval: 10s}\n"
        )
        source = free_port()
        (self.folder / "prometheus.yml").write_text("{}\n")
        prometheus = [
            "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={LOOPBACK}:{source}", "--log.level=warn",
        ]  # fmt: skip
        self._child("prometheus", prometheus, f"http://{LOOPBACK}:{source}/-/ready")
        tocsin = [
            sys.executable, "-m", "tocsin.cli.main", "serve", f"{self.folder}/ways.yaml", "--state", self.state,
            "--prometheus", f"http://{LOOPBACK}:{source}", "--listen", f"{LOOPBACK}:{self.port}",
            "--interval", self.interval,
        ]  # fmt: skip
        self._child("tocsin", tocsin, f"{self.url}/healthz")

    def _child(self, name: str, command: Sequence[str], url: str) -> None:
        child = Child(name, command, self.folder / f"{name}.log", os.environ)
        self.children.append(child)
        child.wait_until(partial(answers, url), 30.0, "an answer")

    def stop(self) -> None:
        """End both."""
        for child in reversed(self.children):
            child.stop()

    @property
    def url(self) -> str:
        """Where Tocsin answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def say(self, ends_at: datetime | None = None) -> None:
        """All alerts, the mildest first; they fire unless they have ended."""
        self.said_at = time.monotonic()
        posted = list(self._posted(ends_at))
        for start in range(0, len(posted), BATCH):
            answer = requests.post(f"{self.url}/api/v2/alerts", json=posted[start : start + BATCH], timeout=30)
            answer.raise_for_status()

    def _posted(self, ends_at: datetime | None) -> Iterable[dict[str, Any]]:
        numbers = sorted(range(self.alerts), key=lambda n: len(SEVERITIES) - n % len(SEVERITIES), reverse=True)
        for number in numbers:
            labels = {
                "alertname": "TooHot", "unit": f"u{number}", "service": f"s{number // 20 % SERVICES}",
                "severity": SEVERITIES[number % len(SEVERITIES)], "job": "storm", "instance": f"10.0.0.{number}:9100",
            }  # fmt: skip
            yield {
                "labels": labels,
                "annotations": {"summary": f"unit {number} is too hot", "runbook_url": "https://runbooks.example/hot"},
                "startsAt": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
                "endsAt": (ends_at or datetime.now(UTC) + timedelta(minutes=4)).isoformat(),
                "generatorURL": "http://prometheus.example/graph?g0.expr=heat",
            }

    def wait(self, done: Callable[[], bool], *, fires: bool = True) -> None:
        """Wait, and meanwhile do as a Prometheus does."""
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end:
                raise SystemExit(f"not within {PATIENCE:g} s: {self.children[1].last_words()}")
            if fires and time.monotonic() - self.said_at > AGAIN:
                self.say()
            time.sleep(0.5)

    def pages(self) -> tuple[Received, ...]:
        """What PagerDuty was told."""
        return tuple(r for r in self.receiver.requests if r.service == "pagerduty")

    def last_put(self) -> datetime:
        """When the last begin for PagerDuty came into the outbox."""
        lines = self.children[1].log.read_text(encoding="utf-8").splitlines()
        put = (json.loads(line) for line in lines if "into the outbox" in line)
        mine = (line["at"] for line in put if (line["channel"], line["action"]) == ("pager", "fire"))
        return datetime.fromisoformat(max(mine))

    def metrics(self) -> str:
        """Those of the process."""
        return requests.get(f"{self.url}/metrics", timeout=60).text

    def idle(self) -> bool:
        """Whether nothing waits for a channel."""
        return not any(float(n) for n in re.findall(r"(?m)^tocsin_outbox_depth\{.*\} (\S+)$", self.metrics()))


def paged(number: int) -> bool:
    """Whether an alert goes to PagerDuty."""
    return SEVERITIES[number % len(SEVERITIES)] != "info"


def play(folder: Path, alerts: int, state: str, interval: str = "15s") -> Result:
    """One storm, from quiet to quiet."""
    with ExitStack() as stack:
        inbox, receiver = stack.enter_context(Inbox()), stack.enter_context(HttpReceiver())
        storm = Storm(folder, alerts, inbox, receiver, state, interval)
        stack.callback(storm.stop)
        storm.start()
        storm.wait(lambda: answers(f"{storm.url}/readyz"))
        wanted, before, begun = sum(map(paged, range(alerts))), memory(storm, "VmRSS"), datetime.now(UTC)
        storm.say()
        said = datetime.now(UTC)
        storm.wait(lambda: len(storm.pages()) >= wanted)
        storm.wait(storm.idle)
        told, known = datetime.now(UTC), len(requests.get(f"{storm.url}/api/v2/alerts", timeout=60).json())
        storm.say(datetime.now(UTC))
        storm.wait(lambda: len(storm.pages()) >= 2 * wanted, fires=False)
        storm.wait(storm.idle, fires=False)
        over, text = datetime.now(UTC), storm.metrics()
        events = [(r.at, r.json) for r in storm.pages()]
        critical = max(at for at, event in events if severity(event) == "critical")
        milder = [at for at, event in events if severity(event) == "warning"]
        waited_since = storm.last_put() + timedelta(seconds=1)
        sequences: dict[str, list[str]] = {}
        for _, event in events:
            sequences.setdefault(event["dedup_key"], []).append(event["event_action"])
        sizes = {
            "pager": [len(r.body) for r in storm.pages()],
            "slack": [len(r.body) for r in receiver.requests if r.service == "slack"],
            "email": [len(mail.message.as_bytes()) for mail in inbox.mails],
        }
        return Result(
            alerts=alerts,
            said=seconds(said - begun),
            critical=seconds(critical - begun),
            told=seconds(told - begun),
            over=seconds(over - told),
            messages={name: len(each) for name, each in sizes.items()},
            largest={name: max(each) for name, each in sizes.items()},
            overtaken=sum(waited_since < at < critical for at in milder),
            lost=wanted - sum(map(whole, sequences.values())) + alerts - known,
            twice=sum(len(each) - len(set(each)) for each in sequences.values()),
            before=before,
            peak=memory(storm, "VmHWM"),
            cpu=round(float(re.findall(r"(?m)^process_cpu_seconds_total (\S+)$", text)[0]), 1),
            slowest=slowest(text),
        )


def severity(event: dict[str, Any]) -> str:
    """What PagerDuty is told of it; nothing where it ends."""
    return str(event.get("payload", {}).get("severity", ""))


def whole(told: Sequence[str]) -> bool:
    """Whether an incident was opened, then closed; PagerDuty joins what it is told again."""
    return list(dict.fromkeys(told)) == ["trigger", "resolve"]


def seconds(time: timedelta) -> float:
    """Tenths are enough."""
    return round(time.total_seconds(), 1)


def memory(storm: Storm, which: str) -> float:
    """Megabytes of the process: resident now (VmRSS), or at its peak (VmHWM)."""
    status = Path(f"/proc/{storm.children[1].pid}/status").read_text(encoding="ascii")
    return round(int(re.findall(rf"{which}:\s+(\d+) kB", status)[0]) / 1024, 1)


def slowest(metrics: str) -> float:
    """The smallest bound that no evaluation took longer than."""
    rows = re.findall(r'(?m)^tocsin_tick_duration_seconds_bucket\{le="([^"]+)"\} (\S+)$', metrics)
    most = max(float(count) for _, count in rows)
    return min(float(bound) for bound, count in rows if float(count) == most)


def main() -> int:
    """One storm, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--interval", default="15s")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--state", help="a database URL; a SQLite file unless given")
    where.add_argument("--postgres", action="store_true", help="start a PostgreSQL for the state")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        state = stack.enter_context(synced()) if asked.postgres else asked.state or f"{folder}/state.db"
        result = play(Path(folder), asked.alerts, state, asked.interval)
    print(json.dumps(asdict(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
