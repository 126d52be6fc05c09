"""The same faults for Prometheus with Alertmanager, and for Tocsin on the same Prometheus: what the receivers are told.

`python -m bench.incumbents [name...]` starts real processes for each fault, some twenty seconds each. Alertmanager is
looked for as `alertmanager` or `prometheus-alertmanager` on PATH; without it only Tocsin's column is there.

Prometheus scrapes and evaluates every second and repeats an alert every second, so an alert lasts four seconds at
Alertmanager without another word (with default settings four minutes; the fault is the same, only sooner).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from tocsin.adapters.children import LOOPBACK, Child, free_port
from tocsin.demo.loopback import LoopbackServer, QuietHandler, exposed
from tocsin.demo.receivers import HttpReceiver

PATIENCE = 30.0
ALERTMANAGER = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")


@dataclass
class Exporter:
    """Shows *text*; answers with *status*."""

    text: str = 'heat{pod="a"} 1\n'
    status: int = 200
    server: LoopbackServer = field(init=False)

    def __post_init__(self) -> None:
        self.server = exposed(lambda: (self.status, self.text))


class Webhook:
    """What Alertmanager sends: *told* are status and number of alerts of each message."""

    def __init__(self) -> None:
        self.told: list[str] = []
        told = self.told

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told.append(message["status"].upper())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = LoopbackServer(Handler)


@dataclass
class World:
    """One Prometheus, an Alertmanager behind it, and Tocsin beside it."""

    folder: Path
    exporter: Exporter
    webhook: Webhook
    pagerduty: HttpReceiver
    expr: str
    keep: str = "0s"
    limit: int = 0
    wait: int = 1
    interval: int = 2
    ports: dict[str, int] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in ("prometheus", "alertmanager")}
        (self.folder / "rules.yml").write_text(
            f"groups: [{{name: g, limit: {self.limit}, rules: [{{alert: Hot, expr: '{self.expr}', "
            f"keep_firing_for: {self.keep}, labels: {{severity: critical, service: kiln}}}}]}}]\n"
        )
        peer = f"{LOOPBACK}:{self.ports['alertmanager']}"
        timers = f"group_wait: {self.wait}s, group_interval: {self.interval}s"
        target = self.exporter.server.url.removeprefix("http://")
        (self.folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"scrape_configs: [{{job_name: kiln, static_configs: [{{targets: ['{target}']}}]}}]\n"
            "rule_files: [rules.yml]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{peer}']}}]}}]}}\n"
        )
        (self.folder / "alertmanager.yml").write_text(
            f"route: {{receiver: hook, group_by: [alertname], {timers}}}\n"
            f"receivers: [{{name: hook, webhook_configs: [{{url: '{self.webhook.server.url}/'}}]}}]\n"
        )
        (self.folder / "kiln.yaml").write_text(
            "apiVersion: tocsin/v1\nkind: Service\nname: kiln\nscrape: {targets: ['kiln:1']}\n"
            "metrics: {heat: {type: gauge, labels: [pod]}, size: {type: gauge, labels: [pod]}}\n"
            f"alerts: {{Hot: {{expr: '{self.expr}', keep_firing_for: {self.keep}, severity: critical}}}}\n"
            "---\napiVersion: tocsin/v1\nkind: Notifications\nname: ways\n"
            "channels: {pd: {pagerduty: {integration_key: 0123456789abcdef0123456789abcdef, "
            f"endpoint: '{self.pagerduty.url}'}}}}}}\n"
            f"routes: [{{match: {{}}, to: [pd], {timers}}}]\n"
        )

    def start(self, *names: str) -> None:
        """Start the named processes and wait until they answer."""
        for name in names:
            if name == "alertmanager" and ALERTMANAGER is None:
                continue
            child = Child(name, self._command(name), self.folder / f"{name}.log", os.environ)
            self.children[name] = child
            child.wait_until(partial(self._ready, name), PATIENCE, "an answer")

    def _ready(self, name: str) -> bool:
        if name == "tocsin":
            return "listening" in self.children[name].last_words(99)
        return answers(f"http://{LOOPBACK}:{self.ports[name]}/-/ready")

    def _command(self, name: str) -> list[str]:
        at = f"{LOOPBACK}:{self.ports.get(name, 0)}"
        if name == "prometheus":
            return [
                "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address={at}", "--rules.alert.resend-delay=1s", "--log.level=warn",
            ]  # fmt: skip
        if name == "alertmanager":
            return [
                str(ALERTMANAGER), f"--config.file={self.folder}/alertmanager.yml", f"--web.listen-address={at}",
                f"--storage.path={self.folder}/am", "--cluster.listen-address=", "--log.level=warn",
            ]  # fmt: skip
        return [
            sys.executable, "-m", "tocsin.cli.main", "serve", f"{self.folder}/kiln.yaml", "--interval", "1s",
            "--prometheus", f"http://{LOOPBACK}:{self.ports['prometheus']}", "--state", f"{self.folder}/state.db",
            "--listen", f"{LOOPBACK}:0",
        ]  # fmt: skip

    def kill(self, *names: str) -> None:
        """`kill -9`."""
        for name in names:
            if name in self.children:
                self.children.pop(name).kill()

    def show(self, *values: float | str, more: str = "") -> None:
        """One series for each of *values*."""
        lines = [f'heat{{pod="{chr(97 + n)}"}} {value}' for n, value in enumerate(values)]
        self.exporter.text = "\n".join([*lines, more]) + "\n"

    def ours(self) -> list[str]:
        """What PagerDuty was told of the alert."""
        words = {"trigger": "FIRING", "resolve": "RESOLVED"}
        events = [r.json for r in self.pagerduty.requests]
        hot = {e["dedup_key"] for e in events if "Hot" in json.dumps(e)}
        return [words[e["event_action"]] for e in events if e["dedup_key"] in hot]

    def told(self, count: int = 1, seconds: float = PATIENCE) -> None:
        """Wait until both were told of *count* things."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if len(self.ours()) >= count and (ALERTMANAGER is None or len(self.webhook.told) >= count):
                return
            time.sleep(0.1)
        raise SystemExit(f"neither was told: {self.ours()}, {self.webhook.told}")


def answers(url: str) -> bool:
    """Whether something is well there."""
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


@contextmanager
def world(expr: str = "heat > 5", **more: object) -> Iterator[World]:
    """Everything of one fault, stopped at its end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        exporter, webhook = Exporter(), Webhook()
        pagerduty = stack.enter_context(HttpReceiver())
        made = World(folder, exporter, webhook, pagerduty, expr, **more)  # type: ignore[arg-type]  # by name
        stack.callback(exporter.server.close)
        stack.callback(webhook.server.close)
        stack.callback(lambda: made.kill(*tuple(made.children)))
        made.start("alertmanager", "prometheus", "tocsin")
        yield made


# --- the faults --------------------------------------------------------------------------------------------

AFTER = 10.0
"""Seconds in which whatever is told wrongly is told."""


def _fired(there: World, *values: float) -> None:
    there.show(*values or (10,))
    there.told()


def _many_to_many(there: World) -> None:
    there.show(10, more='size{pod="a"} 1')
    there.told()
    there.show(10, more='size{pod="a"} 1\nsize{pod="a",copy="2"} 1')
    time.sleep(AFTER)


def _over_the_limit(there: World) -> None:
    _fired(there, 10, 10, 10)
    there.show(10, 10, 10, 10)
    time.sleep(AFTER)


def _not_a_number(there: World) -> None:
    _fired(there)
    there.show("NaN")
    time.sleep(AFTER)


def _scrape_fails(there: World) -> None:
    _fired(there)
    there.exporter.status = 500
    time.sleep(AFTER)


def _prometheus_dies(there: World) -> None:
    _fired(there)
    there.kill("prometheus")
    time.sleep(AFTER)


def _restart_while_kept(there: World) -> None:
    _fired(there)
    there.show(1)
    time.sleep(3)
    there.kill("prometheus", "tocsin")
    there.start("prometheus", "tocsin")
    time.sleep(AFTER)


def _dies_before_the_end(there: World) -> None:
    _fired(there)
    there.kill("alertmanager", "tocsin")
    there.show(1)
    time.sleep(5)
    there.start("alertmanager", "tocsin")
    time.sleep(AFTER)


def _dies_while_it_fires(there: World) -> None:
    _fired(there)
    there.kill("alertmanager", "tocsin")
    there.start("alertmanager", "tocsin")
    time.sleep(AFTER)


def _short(there: World) -> None:
    there.show(10)
    time.sleep(3)
    there.show(1)
    time.sleep(AFTER)


def _dip(there: World) -> None:
    _fired(there)
    there.show(1)
    time.sleep(3)
    there.show(10)
    time.sleep(AFTER + 10)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what happens, and the settings it needs."""

    what: str
    play: Callable[[World], None]
    right: str
    """What a receiver should be told, while the incident goes on or after it."""
    settings: dict[str, object] = field(default_factory=dict)


FAULTS = {
    "many-to-many": Fault(
        "the rule fails: one series too many on its right side", _many_to_many, "FIRING",
        {"expr": "heat * on(pod) size > 5"},
    ),
    "limit": Fault("one series more than the group's limit", _over_the_limit, "FIRING", {"limit": 3}),
    "nan": Fault("the value becomes NaN", _not_a_number, "FIRING"),
    "scrape": Fault("the target answers 500", _scrape_fails, "FIRING"),
    "prometheus": Fault("Prometheus is killed and stays down", _prometheus_dies, "FIRING"),
    "kept": Fault("a restart of all during keep_firing_for", _restart_while_kept, "FIRING", {"keep": "1h"}),
    "end": Fault("kill -9 of the sender, the incident ends, restart", _dies_before_the_end, "FIRING, RESOLVED"),
    "again": Fault("kill -9 of the sender while it fires, restart", _dies_while_it_fires, "FIRING"),
    "short": Fault("fires and is over within group_wait", _short, "nothing", {"wait": 8}),
    "dip": Fault("over and back within group_interval", _dip, "FIRING, or each change", {"interval": 20}),
}  # fmt: skip


def main() -> int:
    """Play all faults, or those that are named, and print the table."""
    names = sys.argv[1:] or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        print(f"there is no {', '.join(unknown)}; there are {', '.join(FAULTS)}", file=sys.stderr)
        return 2
    if ALERTMANAGER is None:
        print("left out: Alertmanager (not on PATH)")
    else:
        said = subprocess.run([ALERTMANAGER, "--version"], capture_output=True, text=True, check=False)
        print(said.stdout.splitlines()[0] if said.stdout else ALERTMANAGER)
    print("| fault | should be told | Prometheus + Alertmanager | Tocsin |\n| --- | --- | --- | --- |")
    for name in names:
        fault = FAULTS[name]
        with world(**fault.settings) as there:  # type: ignore[arg-type]  # by name
            fault.play(there)
            theirs = "-" if ALERTMANAGER is None else _sequence(there.webhook.told)
            print(f"| {fault.what} | {fault.right} | {theirs} | {_sequence(there.ours())} |", flush=True)
    return 0


def _sequence(told: list[str]) -> str:
    return ", ".join(told) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
