"""How long it takes and how much memory it needs to compile N objectives, from YAML text to written rule files.

Each size runs in a process of its own, so that its peak memory is its own. Half of the objectives are ratios, half
latencies, ten to a service, with all four tiers each: 24 or 25 rules and about 16 kB of output per objective.
"""

import gc
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tocsin.adapters.files import read_sources, write_artifacts
from tocsin.checks import CHECKS, Subject, run_checks
from tocsin.plan import plan
from tocsin.report import has_errors
from tocsin.targets.prometheus import prometheus
from tocsin.workspace import read_workspace

SIZES = (100, 1_000, 10_000)
PER_SERVICE = 10
BAD = ',code=~"5.."'
STAGES = ("read", "plan", "check", "write")


def definitions(service: int, count: int) -> str:
    """The YAML of one service."""
    lines = ["apiVersion: tocsin/v1", "kind: Service", f"name: service-{service}", "slis:"]
    for number in range(count):
        selector = f'job="service-{service}",route="/{number}"'
        sli = (
            f"""{{ratio: {{bad: 'http_requests_total{{{selector}{BAD}}}', """
            f"""total: 'http_requests_total{{{selector}}}'}}}}"""
            if number % 2
            else f"{{latency: {{histogram: 'http_request_duration_seconds{{{selector}}}', within: 250ms}}}}"
        )
        lines.append(f"  sli-{number}: {sli}")
    lines.append("slos:")
    lines += [f"  slo-{number}: {{sli: sli-{number}, target: 99.9%, window: 30d}}" for number in range(count)]
    return "\n".join(lines) + "\n"


def sloth_definitions(service: int, count: int) -> str:
    """The same service for Sloth, with ratios only (it has no latency kind)."""
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
    rows = []
    for size in sizes:
        child = subprocess.run(
            [sys.executable, "-m", "bench.compile_speed", str(size)], capture_output=True, text=True, check=True
        )
        row = json.loads(child.stdout)
        row["sloth"], row["sloth_mb"] = sloth_cost(size)
        rows.append(row)
    return {"rows": rows, "time_exponent": exponent(rows, "cpu"), "memory_exponent": exponent(rows, "grown_mb")}


def exponent(rows: list[dict[str, float]], key: str) -> float | None:
    """How *key* grows between the two largest sizes: 1 is linear, 2 quadratic."""
    if len(rows) < 2:
        return None
    first, last = rows[-2:]
    return round(math.log(last[key] / first[key]) / math.log(last["slos"] / first["slos"]), 2)


def measure(size: int) -> dict[str, float]:
    """Compile *size* objectives once, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        rules, out = Path(folder, "rules"), Path(folder, "out")
        rules.mkdir()
        for service in range(size // PER_SERVICE):
            (rules / f"service-{service}.yaml").write_text(definitions(service, PER_SERVICE), encoding="utf-8")
        gc.set_threshold(100_000, 20, 20)  # as the command does
        before = peak_mb()
        clock, processor = [time.perf_counter()], processor_seconds()
        sources, unread = read_sources([str(rules)])
        workspace, misread = read_workspace(sources)
        clock.append(time.perf_counter())
        planned, unplanned = plan(workspace)
        clock.append(time.perf_counter())
        read = (*unread, *misread, *unplanned)
        findings = (*read, *run_checks(CHECKS, Subject(workspace, planned, read)))
        clock.append(time.perf_counter())
        artifacts = prometheus(planned, workspace)  # rules are made while they are written
        write_artifacts(artifacts, str(out))
        clock.append(time.perf_counter())
        cpu = processor_seconds() - processor
        output_mb = round(sum(path.stat().st_size for path in out.rglob("*.yml")) / 2**20, 1)
    if has_errors(findings):
        raise SystemExit(f"the benchmark's own definitions are wrong: {findings[0]}")
    stages = {name: round(clock[i + 1] - clock[i], 3) for i, name in enumerate(STAGES)}
    return {
        "slos": size,
        **stages,
        "total": round(clock[-1] - clock[0], 3),
        "cpu": round(cpu, 3),
        "peak_mb": peak_mb(),
        "writer_mb": peak_mb(resource.RUSAGE_CHILDREN),
        "grown_mb": peak_mb() - before,
        "groups": len(planned.groups),
        "output_mb": output_mb,
    }


def processor_seconds() -> float:
    """What this process used, and the processes that write for it."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_mb(who: int = resource.RUSAGE_SELF) -> float:
    """The most memory this process ever held, or the largest of those that write (most of which it shares)."""
    return megabytes(resource.getrusage(who).ru_maxrss)


def megabytes(maxrss: int) -> float:
    """The kernel's unit is kilobytes, but for macOS."""
    return round(maxrss / (2**20 if sys.platform == "darwin" else 2**10), 1)


def sloth_cost(size: int) -> tuple[float | None, float | None]:
    """Seconds and peak memory of Sloth for the same number of objectives; None where it is not installed."""
    sloth = shutil.which("sloth")
    if sloth is None:
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder, "in")
        rules.mkdir()
        Path(folder, "out").mkdir()  # Sloth wants it to be there
        for service in range(size // PER_SERVICE):
            (rules / f"service-{service}.yml").write_text(sloth_definitions(service, PER_SERVICE), encoding="utf-8")
        start = time.perf_counter()
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(
            [sloth, "generate", "-i", str(rules), "-o", f"{folder}/out"], stdout=quiet, stderr=quiet
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"sloth ended with {child.returncode}")
        return round(time.perf_counter() - start, 3), megabytes(usage.ru_maxrss)


def table(result: dict[str, object]) -> str:
    """The numbers for people."""
    rows = result["rows"]
    assert isinstance(rows, list)
    with_sloth = any(row["sloth"] is not None for row in rows)
    head = [
        "SLOs",
        *(f"{stage} s" for stage in STAGES),
        "total s",
        "cpu s",
        "peak MB",
        "writer MB",
        "groups",
        "output MB",
    ]
    keys = ["slos", *STAGES, "total", "cpu", "peak_mb", "writer_mb", "groups", "output_mb"]
    if with_sloth:
        head, keys = [*head, "sloth s", "sloth MB"], [*keys, "sloth", "sloth_mb"]
    cells = [head, *([f"{row[key]:,}" if row[key] is not None else "-" for key in keys] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    lines.append(
        f"growth exponent (1 is linear): processor time {result['time_exponent']}, memory {result['memory_exponent']}"
    )
    if not with_sloth:
        lines.append("left out: sloth (not on PATH)")
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
