"""Servers that evaluate rules: a Prometheus over blocks that were made before, and vmalert, which asks one.

Both tell what they did on a page of metrics. What they cost is read from the kernel: with ten thousand objectives that
page has millions of lines at vmalert, and writing it would be most of what is measured.
"""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from bench.processes import Spent, spent
from tocsin.adapters.children import LOOPBACK, free_port
from tocsin.adapters.embedded import answers

PATIENCE = 900.0
"""Seconds for the first evaluation of each group, and for reading rules."""
LOOK = 5
"""Seconds between two looks at whether they were evaluated."""


def page(url: str, names: Iterable[str]) -> dict[str, list[float]]:
    """The values of some metrics, one for each series, as a server tells them now."""
    found: dict[str, list[float]] = {name: [] for name in names}
    with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE) as answer:
        for line in answer:
            name = re.split(rb"[ {]", line, maxsplit=1)[0].decode()
            if name in found:
                found[name].append(float(line.rsplit(b" ", 1)[1]))
    return found


def written(rules: Iterable[str], folder: Path) -> str:
    """Write rule files to *folder*; the pattern that finds them."""
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(rules):
        (folder / f"rules-{number}.yml").write_text(text, encoding="utf-8")
    return f"{folder}/rules-*.yml"


class Evaluating:
    """A child process with a page of metrics that counts evaluations of rules."""

    EVALUATIONS, FAILURES, MISSED = "", "", ""
    """What it calls them."""

    def __init__(self, command: Sequence[str], address: str, log: Path) -> None:
        self.url = f"http://{address}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)

    def wait(self, path: str) -> None:
        """Until it answers there."""
        deadline = time.monotonic() + PATIENCE
        while not answers(f"{self.url}{path}"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.process.args!r} does not answer")
            time.sleep(0.2)

    def count(self) -> tuple[float, float, float]:
        """Rules evaluated, evaluations that failed, and rounds of a group that were missed, since it was started."""
        told = page(self.url, (self.EVALUATIONS, self.FAILURES, self.MISSED))
        evaluated, failed, missed = (sum(told[name]) for name in (self.EVALUATIONS, self.FAILURES, self.MISSED))
        return evaluated, failed, missed

    def cost(self) -> Spent:
        """What the kernel says that it took."""
        return spent(self.process.pid)

    def close(self) -> None:
        """Stop it and wait."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Server(Evaluating):
    """A Prometheus with rule files and one page to scrape; it takes what is written to it."""

    EVALUATIONS = "prometheus_rule_evaluations_total"
    FAILURES = "prometheus_rule_evaluation_failures_total"
    MISSED = "prometheus_rule_group_iterations_missed_total"
    LAST = "prometheus_rule_group_last_duration_seconds"
    TOTAL = "prometheus_rule_group_duration_seconds_sum"

    def __init__(
        self, folder: Path, blocks: Path, scraped: str, rules: Iterable[str] = (), interval: str = "1m"
    ) -> None:
        shutil.copytree(blocks, folder / "data")
        self._rules = folder / "rules"
        scrape = {"job_name": "bench", "honor_labels": True, "static_configs": [{"targets": [scraped]}]}
        config = {
            "global": {"evaluation_interval": interval, "scrape_interval": "1m"},
            "rule_files": [written(rules, self._rules)],
            "scrape_configs": [scrape],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        address = f"{LOOPBACK}:{free_port()}"
        command = [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address={address}",
            "--query.timeout=10m",
            "--web.enable-lifecycle",
            "--web.enable-remote-write-receiver",
        ]
        super().__init__(command, address, folder / "prometheus.log")

    def load(self, rules: Iterable[str]) -> None:
        """Give it rules while it runs."""
        written(rules, self._rules)
        order = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        urllib.request.urlopen(order, timeout=PATIENCE).close()

    def get(self, path: str, **parameters: str) -> Any:  # JSON
        """Ask its API."""
        query = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(query, timeout=60) as answer:
            return json.load(answer)["data"]

    def last(self) -> Mapping[str, float]:
        """Seconds of the last evaluation of each group, by its name; 0 before the first."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        found = re.findall(rf'^{self.LAST}{{rule_group="[^;]*;([^"]+)"}} (\S+)$', text, re.MULTILINE)
        return {f"{number}:{name}": float(value) for number, (name, value) in enumerate(found)}

    def warm(self) -> None:
        """Wait until every group has been evaluated."""
        self.wait("/-/ready")
        deadline = time.monotonic() + PATIENCE
        while not (groups := self.last()) or not all(groups.values()):
            if time.monotonic() > deadline:
                raise SystemExit("the rules were not evaluated in time")
            time.sleep(LOOK)

    def seconds(self) -> float:
        """Rule seconds since it was started."""
        return sum(page(self.url, [self.TOTAL])[self.TOTAL])


class Vmalert(Evaluating):
    """vmalert, which asks *source* for the value of each rule and writes there what it records."""

    EVALUATIONS = "vmalert_execution_total"
    FAILURES = "vmalert_execution_errors_total"
    MISSED = "vmalert_iteration_missed_total"

    def __init__(self, folder: Path, source: str, rules: Iterable[str], interval: str) -> None:
        address = f"{LOOPBACK}:{free_port()}"
        command = [
            "vmalert",
            f"-rule={written(rules, folder / 'rules')}",
            f"-datasource.url={source}",
            f"-remoteWrite.url={source}",
            f"-notifier.url={source}",
            f"-evaluationInterval={interval}",
            f"-httpListenAddr={address}",
            "-loggerLevel=WARN",
        ]
        super().__init__(command, address, folder / "vmalert.log")

    @staticmethod
    def reads(rules: str, folder: Path) -> bool:
        """Whether it takes these rules."""
        (folder / "tried.yml").write_text(rules, encoding="utf-8")
        command = ["vmalert", "-dryRun", f"-rule={folder}/tried.yml"]
        return not subprocess.run(command, capture_output=True, check=False).returncode
