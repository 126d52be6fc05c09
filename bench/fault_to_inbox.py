"""From the first failing request to the mail: Prometheus with Alertmanager, and Tocsin on the same Prometheus.

`python -m bench.fault_to_inbox [--runs 30] [--seed 1]` breaks so many services, each at a random moment of three
minutes, and waits for both mails about each; six minutes. Both have default settings: Prometheus scrapes every 15 s (as
its own example does) and evaluates every minute, Alertmanager waits for 30 s (group_wait); Tocsin evaluates every 15 s
and waits for the same 30 s, and in a third column for the 10 s that `rules/` gives to what is critical.

Each service is a target of its own, for Prometheus spreads targets over the scrape interval: with one for all of them,
how long a scrape waits for Tocsin's next evaluation would be the same for every service of a run, and anything between
nothing and 15 s from run to run.

The closed form adds what nobody can avoid: on average half a scrape interval and half an evaluation interval, then
group_wait, at Tocsin in whole evaluations, for it looks at its timers with each. The condition holds at the first
scrape that has three seconds of failures (5 % of the minute before it), which adds some two seconds.
"""

import argparse
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.incumbents import ALERTMANAGER, PATIENCE, answers
from tocsin.adapters.children import LOOPBACK, Child, free_port
from tocsin.demo.loopback import LoopbackServer, exposed
from tocsin.demo.receivers import Inbox

SCRAPE, RULES, TICK = 15.0, 60.0, 15.0
EXPR = (
    'sum by (svc) (rate(requests_total{job="shop",code="500"}[1m])) / '
    'sum by (svc) (rate(requests_total{job="shop"}[1m])) > 0.05'
)


@dataclass
class Shop:
    """Services with a hundred requests a second; those that are *broken* fail all of them since then."""

    services: int
    broken: dict[int, float] = field(default_factory=dict)
    begin: float = field(default_factory=time.time)
    servers: list[LoopbackServer] = field(init=False)

    def __post_init__(self) -> None:
        self.servers = [exposed(partial(self._page, number)) for number in range(self.services)]

    def _page(self, number: int) -> tuple[int, str]:
        """The metrics of one service at this moment."""
        now = time.time()
        since = self.broken.get(number, now)
        lines = ["# TYPE requests_total counter"]
        for code, length in (("200", min(since, now) - self.begin), ("500", now - min(since, now))):
            lines.append(f'requests_total{{svc="s{number}",code="{code}"}} {100 * length:.0f}')
        return 200, "\n".join(lines) + "\n"

    def close(self) -> None:
        """All of them."""
        for server in self.servers:
            server.close()


def _mail(port: int) -> str:
    return f"{{smtp: {{host: {LOOPBACK}, port: {port}, tls: none}}, from: t@example.org, to: [o@example.org]}}"


def _definitions(port: int, wait: int) -> str:
    return (
        "apiVersion: tocsin/v1\nkind: Service\nname: shop\nscrape: {targets: ['shop:1']}\n"
        "metrics: {requests_total: {type: counter, labels: [svc, code]}}\n"
        f"alerts:\n  Fails:\n    expr: {EXPR}\n    severity: critical\n    summary: 'broken: {{{{ labels.svc }}}}'\n"
        "---\napiVersion: tocsin/v1\nkind: Notifications\nname: ways\n"
        f"channels: {{mail: {{email: {_mail(port)}}}}}\n"
        f"routes: [{{match: {{}}, to: [mail], group_by: [svc], group_wait: {wait}s}}]\n"
    )


@dataclass
class Bench:
    """Everything that runs."""

    folder: Path
    shop: Shop
    boxes: dict[str, Inbox]
    ports: dict[str, int] = field(default_factory=lambda: {n: free_port() for n in ("prometheus", "alertmanager")})

    def write(self) -> None:
        """All configurations."""
        peer = f"{LOOPBACK}:{self.ports['alertmanager']}"
        targets = json.dumps([server.url.removeprefix("http://") for server in self.shop.servers])
        rule = f"{{alert: Fails, expr: '{EXPR}', annotations: {{summary: 'broken: {{{{ $labels.svc }}}}'}}}}"
        (self.folder / "rules.yml").write_text(f"groups: [{{name: g, rules: [{rule}]}}]\n")
        (self.folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {SCRAPE:.0f}s}}\nrule_files: [rules.yml]\n"
            f"scrape_configs: [{{job_name: shop, static_configs: [{{targets: {targets}}}]}}]\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{peer}']}}]}}]}}\n"
        )
        mail = f"{{to: o@example.org, from: a@example.org, smarthost: '{LOOPBACK}:{self.boxes['theirs'].port}', "
        mail += "require_tls: false, text: '{{ .CommonAnnotations.summary }}'}"
        (self.folder / "alertmanager.yml").write_text(
            f"route: {{receiver: m, group_by: [svc]}}\nreceivers: [{{name: m, email_configs: [{mail}]}}]\n"
        )
        for name, wait in (("ours", 30), ("ours10", 10)):
            (self.folder / f"{name}.yaml").write_text(_definitions(self.boxes[name].port, wait))

    def start(self, name: str) -> Child:
        """One process, once it answers."""
        at = f"{LOOPBACK}:{self.ports.get(name, 0)}"
        commands = {
            "prometheus": [
                "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--web.listen-address={at}",
                f"--storage.tsdb.path={self.folder}/data", "--log.level=warn",
            ],
            "alertmanager": [
                str(ALERTMANAGER), f"--config.file={self.folder}/alertmanager.yml", f"--web.listen-address={at}",
                f"--storage.path={self.folder}/am", "--cluster.listen-address=", "--log.level=warn",
            ],
        }  # fmt: skip
        ours = [
            sys.executable, "-m", "tocsin.cli.main", "serve", f"{self.folder}/{name}.yaml", "--listen", f"{LOOPBACK}:0",
            "--prometheus", f"http://{LOOPBACK}:{self.ports['prometheus']}", "--state", f"{self.folder}/{name}.db",
        ]  # fmt: skip
        child = Child(name, commands.get(name, ours), self.folder / f"{name}.log", os.environ)
        child.wait_until(partial(self._ready, name, child), PATIENCE, "an answer")
        return child

    def _ready(self, name: str, child: Child) -> bool:
        if name in self.ports:
            return answers(f"http://{LOOPBACK}:{self.ports[name]}/-/ready")
        return "listening" in child.last_words(99)

    def mailed(self, name: str) -> dict[int, float]:
        """When each service's first mail came."""
        found: dict[int, float] = {}
        for mail in self.boxes[name].mails:
            for number in re.findall(r"broken: s([0-9]+)", f"{mail.subject}\n{mail.text}"):
                found.setdefault(int(number), mail.received_at.timestamp())
        return found


def measured(runs: int, seed: int) -> dict[str, list[float]]:
    """Seconds from the first failing request to the mail, for each way and service."""
    names = [*(["theirs"] if ALERTMANAGER else []), "ours", "ours10"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shop = Shop(runs)
        stack.callback(shop.close)
        boxes = {name: stack.enter_context(Inbox()) for name in ("theirs", "ours", "ours10")}
        bench = Bench(folder, shop, boxes)
        bench.write()
        for name in (*(["alertmanager"] if ALERTMANAGER else []), "prometheus", "ours", "ours10"):
            stack.enter_context(bench.start(name))
        chance = random.Random(seed)
        start = time.time() + 75  # rates over a minute need one
        moments = sorted(start + chance.uniform(0, 180) for _ in range(runs))
        for number, moment in enumerate(moments):
            time.sleep(max(0.0, moment - time.time()))
            shop.broken[number] = time.time()
        end = time.time() + 180
        while time.time() < end and any(len(bench.mailed(name)) < runs for name in names):
            time.sleep(1)
        return {name: [bench.mailed(name).get(n, float("inf")) - shop.broken[n] for n in range(runs)] for name in names}


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if ALERTMANAGER is None:
        print("left out: Alertmanager (not on PATH)")
    forms = {
        "theirs": ("Prometheus + Alertmanager, defaults", SCRAPE / 2 + RULES / 2 + 30),
        "ours": ("Tocsin, defaults", SCRAPE / 2 + TICK / 2 + 30),
        "ours10": ("Tocsin, group_wait 10s", SCRAPE / 2 + TICK / 2 + TICK),
    }
    print("| | closed form, mean s | mean s | median s | worst s |\n| --- | --- | --- | --- | --- |")
    for name, took in measured(asked.runs, asked.seed).items():
        title, form = forms[name]
        mean, median = statistics.mean(took), statistics.median(took)
        print(f"| {title} | {form:.1f} | {mean:.1f} | {median:.1f} | {max(took):.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
