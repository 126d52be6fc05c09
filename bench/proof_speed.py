"""How long `tocsin test --generated` takes to prove 100 objectives with promtool.

Half of them are ratios, half latencies, ten to a service (the definitions of `compile_speed`). Objectives whose rules
differ in names only share their long scenarios: each has one that fires and is silent, the first of a shape has all.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.compile_speed import PER_SERVICE, definitions

SIZES = (10, 100)


def run(sizes: tuple[int, ...] = SIZES) -> list[dict[str, float]]:
    """Measure each number of objectives once."""
    return [measure(size) for size in sizes]


def measure(size: int) -> dict[str, float]:
    """Prove *size* objectives in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for service in range(size // PER_SERVICE):
            Path(folder, f"service-{service}.yaml").write_text(definitions(service, PER_SERVICE), encoding="utf-8")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tocsin.cli.main", "test", folder, "--generated"],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"the proofs of the benchmark's own definitions failed: {done.stdout[-1000:]}{done.stderr}")
    return {"slos": size, "seconds": round(seconds, 1)}


def table(rows: list[dict[str, float]]) -> str:
    """The numbers for people."""
    return "\n".join(f"{row['slos']:>4} objectives proved in {row['seconds']:.1f} s" for row in rows)


if __name__ == "__main__":
    print(table(run()))
