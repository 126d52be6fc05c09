"""What a back-test of thirty days costs for a hundred alerts, with the embedded Prometheus and the reading of its file.

OBJECTIVES objectives with five alerts each (four tiers, and traffic that stops) and THRESHOLDS alerts on gauges; all
series are scraped every SCRAPE seconds. Each objective has three incidents. Processor time is that of the command and
of its promtool and Prometheus: a machine that does other things as well makes the wall clock lie.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner

from tocsin.cli.backtest import command

OBJECTIVES, THRESHOLDS, SCRAPE, DAY = 16, 20, 30, 86_400
START = 1_793_491_200


def definitions() -> str:
    """A service for each."""
    texts = []
    for number in range(OBJECTIVES):
        total = f'requests_total{{job="s{number}"}}'
        bad = total.replace("}", ',code="500"}')
        texts.append(
            f"apiVersion: tocsin/v1\nkind: Service\nname: s{number}\n"
            f"slis: {{a: {{ratio: {{bad: '{bad}', total: '{total}'}}}}}}\n"
            "slos: {uptime: {sli: a, target: 99.9%, window: 30d}}\n"
        )
    texts += [
        f"apiVersion: tocsin/v1\nkind: Service\nname: q{number}\nalerts:\n"
        f"  Deep: {{value: 'depth{{job=\"q{number}\"}}', above: 50, for: 0s, severity: warning, summary: deep}}\n"
        for number in range(THRESHOLDS)
    ]
    return "---\n".join(texts)


def samples(days: float, scrape: int) -> Iterator[str]:
    """Counters and gauges, series by series."""
    chance, count = random.Random(1), int(days * DAY / scrape)
    yield "# TYPE requests counter\n"
    for number in range(OBJECTIVES):
        incidents = [
            (chance.uniform(0.1, 0.95) * days * DAY, chance.choice((600, 1800, 3600)), chance.choice((0.02, 0.3, 1.0)))
            for _ in range(3)
        ]
        for code in ("200", "500"):
            value = 0.0
            for at in range(0, (count + 1) * scrape, scrape):
                bad = next((errors for start, long, errors in incidents if start <= at < start + long), 0.0002)
                value += scrape * (5 + number) * (bad if code == "500" else 1 - bad)
                yield f'requests_total{{job="s{number}",instance="a",code="{code}"}} {value:.2f} {START + at}\n'
    yield "# TYPE depth gauge\n"
    for number in range(THRESHOLDS):
        for at in range(0, (count + 1) * scrape, scrape):
            depth = 90 if chance.random() < 0.0002 else 10 + at % 7
            yield f'depth{{job="q{number}"}} {depth} {START + at}\n'
    yield "# EOF\n"


def run(days: float = 30, scrape: int = SCRAPE) -> dict[str, float]:
    """Measure one back-test in this process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(definitions(), encoding="utf-8")
        with (folder / "history.om").open("w", encoding="utf-8") as file:
            file.writelines(samples(days, scrape))
        before, began = os.times(), time.monotonic()
        arguments = [str(folder / "rules.yaml"), "--metrics", str(folder / "history.om"), "--format", "json"]
        result = CliRunner().invoke(command, arguments)
        after, wall = os.times(), time.monotonic() - began
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["after"]
    own = after.user + after.system - before.user - before.system
    children = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "days": days,
        "alerts": 5 * OBJECTIVES + THRESHOLDS,
        "samples": (2 * OBJECTIVES + THRESHOLDS) * (int(days * DAY / scrape) + 1),
        "episodes": found["pages"] + found["tickets"],
        "wall s": round(wall, 1),
        "cpu s, ours": round(own, 1),
        "cpu s, promtool and Prometheus": round(children, 1),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--scrape", type=int, default=SCRAPE)
    options = parser.parse_args()
    for name, value in run(options.days, options.scrape).items():
        print(f"{name:32} {value:>12,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
