"""How long it takes and how much memory it needs to compile N objectives, from YAML text to written rule files.

Three sizes, so that growth can be told; each is compiled three times by `tocsin compile` and, where it is installed, by
`sloth generate` in turns, and the least of each number counts. Both get the same objectives: ratios, ten to a service,
page and ticket alerts. Stages are those of one more run of ours inside one process.
"""

import gc
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.processes import Cost, cheapest, watched
from tocsin.adapters.artifacts import write_artifacts
from tocsin.adapters.files import read_sources
from tocsin.checks import CHECKS, Subject, run_checks
from tocsin.plan import plan
from tocsin.report import has_errors
from tocsin.targets.prometheus import prometheus
from tocsin.workspace import read_workspace

SIZES = (1_000, 3_000, 10_000)
TIMES = 3
PER_SERVICE = 10
BAD = ',code=~"5.."'
STAGES = ("read", "plan", "check", "write")


def definitions(service: int, count: int, *, latencies: bool = True) -> str:
    """The YAML of one service; every other SLI is a latency, or all are ratios."""
    lines = ["apiVersion: tocsin/v1", "kind: Service", f"name: service-{service}", "slis:"]
    for number in range(count):
        selector = f'job="service-{service}",route="/{number}"'
        sli = (
            f"""{{ratio: {{bad: 'http_requests_total{{{selector}{BAD}}}', """
            f"""total: 'http_requests_total{{{selector}}}'}}}}"""
            if number % 2 or not latencies
            else f"{{latency: {{histogram: 'http_request_duration_seconds{{{selector}}}', within: 250ms}}}}"
        )
        lines.append(f"  sli-{number}: {sli}")
    lines.append("slos:")
    lines += [f"  slo-{number}: {{sli: sli-{number}, target: 99.9%, window: 30d}}" for number in range(count)]
    return "\n".join(lines) + "\n"


def sloth_definitions(service: int, count: int) -> str:
    """The same service for Sloth, with ratios (it has no latency kind)."""
    lines = ["version: prometheus/v1", f"service: service-{service}", "slos:"]
    for number in range(count):
        selector = f'job="service-{service}",route="/{number}"'
        total, bad = (
            f"sum(rate(http_requests_total{{{some}}}[{{{{.window}}}}]))" for some in (selector, selector + BAD)
        )
        lines += [
            f"  - name: slo-{number}",
            "    objective: 99.9",
            "    sli:",
            "      events:",
            f"        error_query: '{bad}'",
            f"        total_query: '{total}'",
            f"    alerting: {{name: Burn{number}, page_alert: {{}}, ticket_alert: {{}}}}",
        ]
    return "\n".join(lines) + "\n"


def run(sizes: tuple[int, ...]) -> dict[str, object]:
    """Measure every size, and Sloth beside it where it is installed."""
    with tempfile.TemporaryDirectory() as bytecode:
        os.environ["PYTHONPYCACHEPREFIX"] = bytecode  # as an installed command, which is compiled
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        least = compared(PER_SERVICE, 2)["tocsin"]
        rows = [{"slos": size, **compared(size, TIMES), "stages": staged(size)} for size in sizes]
    return {
        "rows": rows,
        "least": least,
        "time_exponent": exponent(rows, "cpu", least["cpu"]),
        "memory_exponent": exponent(rows, "held", least["held"]),
    }


def compared(size: int, times: int) -> dict[str, dict[str, float]]:
    """What *size* objectives cost each tool, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder, sloth = Path(name), shutil.which("sloth")
        write_definitions(folder, size)
        ours = [sys.executable, "-m", "tocsin.cli.main"]
        costs: dict[str, list[Cost]] = {}
        for number in range(times):
            output = folder / f"tocsin-{number}"
            command = [*ours, "compile", f"{folder}/rules", "-o", str(output), "-t", "prometheus"]
            costs.setdefault("tocsin", []).append(watched(command))
            shutil.rmtree(output)
            if sloth is not None:
                output = folder / f"sloth-{number}"
                output.mkdir()  # Sloth wants it to be there
                command = [sloth, "generate", "-i", f"{folder}/sloth", "-o", str(output)]
                costs.setdefault("sloth", []).append(watched(command))
                shutil.rmtree(output)
    return {tool: _numbers(cheapest(each)) for tool, each in costs.items()}


def _numbers(cost: Cost) -> dict[str, float]:
    return {"wall": cost.wall, "cpu": cost.cpu, "rss": cost.rss, "held": cost.held or cost.rss}


def write_definitions(folder: Path, size: int) -> None:
    """The same objectives for both tools, below `rules` and `sloth`."""
    for tool, text in (("rules", lambda n: definitions(n, PER_SERVICE, latencies=False)), ("sloth", _of_sloth)):
        (folder / tool).mkdir()
        for service in range(size // PER_SERVICE):
            (folder / tool / f"service-{service}.yaml").write_text(text(service), encoding="utf-8")


def _of_sloth(service: int) -> str:
    return sloth_definitions(service, PER_SERVICE)


def exponent(rows: list[dict[str, Any]], key: str, least: float) -> float | None:
    """How *key* grows from the smallest to the largest size, above the *least*: 1 is linear, 2 quadratic."""
    if len(rows) < 2:
        return None
    first, last = rows[0], rows[-1]
    grown = [max(row["tocsin"][key] - least, 0.01) for row in (first, last)]
    return round(math.log(grown[1] / grown[0]) / math.log(last["slos"] / first["slos"]), 2)


def staged(size: int) -> dict[str, float]:
    """The stages of one compilation, in a process of its own."""
    command = [sys.executable, "-m", "bench.compile_speed", str(size)]
    stages: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return stages


def measure(size: int) -> dict[str, float]:
    """Compile *size* objectives once, in this process, stage by stage."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_definitions(folder, size)
        gc.set_threshold(100_000, 20, 20)  # as the command does
        clock = [time.perf_counter()]
        sources, unread = read_sources([f"{folder}/rules"])
        workspace, misread = read_workspace(sources)
        clock.append(time.perf_counter())
        planned, unplanned = plan(workspace)
        clock.append(time.perf_counter())
        read = (*unread, *misread, *unplanned)
        findings = (*read, *run_checks(CHECKS, Subject(workspace, planned, read)))
        clock.append(time.perf_counter())
        write_artifacts(prometheus(planned, workspace), f"{folder}/out")  # rules are made while they are written
        clock.append(time.perf_counter())
        output_mb = round(sum(path.stat().st_size for path in (folder / "out").rglob("*.yml")) / 2**20, 1)
    if has_errors(findings):
        raise SystemExit(f"the benchmark's own definitions are wrong: {findings[0]}")
    stages = {name: round(clock[i + 1] - clock[i], 2) for i, name in enumerate(STAGES)}
    return {**stages, "groups": len(planned.groups), "output_mb": output_mb}


def table(result: dict[str, Any]) -> str:
    """The numbers for people."""
    rows = result["rows"]
    lines = [f"{'SLOs':>7}  {'':6}  {'wall s':>7}  {'cpu s':>7}  {'all MB':>7}  {'largest MB':>10}"]
    for row in rows:
        for tool in (tool for tool in ("tocsin", "sloth") if tool in row):
            cost = row[tool]
            numbers = f"{cost['wall']:7.2f}  {cost['cpu']:7.2f}  {cost['held']:7.1f}  {cost['rss']:10.1f}"
            lines.append(f"{row['slos']:7,}  {tool:6}  {numbers}")
        stages = row["stages"]
        said = ", ".join(f"{name} {stages[name]:.2f}" for name in STAGES)
        lines.append(f"{'':7}  stages in s: {said}; {stages['groups']:,} groups, {stages['output_mb']} MB of output")
    lines.append(
        "all MB: what all processes hold at the peak, shared pages once; largest MB: the largest of them alone"
    )
    growth = f"processor time {result['time_exponent']}, memory {result['memory_exponent']}"
    lines.append(f"growth exponent from {rows[0]['slos']:,} to {rows[-1]['slos']:,} SLOs (1 is linear): {growth}")
    if "sloth" not in rows[0]:
        lines.append("left out: sloth (not on PATH)")
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
