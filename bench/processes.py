"""What a command costs: time, processor time, and the memory of all its processes together.

Processes of one fork share memory, so neither the largest of them nor their sum says what a command holds. The
proportional set size does: a page that three processes share counts a third for each. It is read from the kernel every
few hundredths of a second, and the largest sum is the peak; the largest resident size of one process stands beside it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY = 0.04
"""Seconds between two looks; they cost the command some hundredths of its time, each command alike."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds and megabytes of one run; *pss* is None where the kernel does not tell."""

    wall: float
    cpu: float
    rss: float
    pss: float | None


def watched(command: Sequence[str]) -> Cost:
    """Run *command* to its end and look at it all the while."""
    start, peak = time.perf_counter(), 0.0
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, sum(map(_pss, _tree(process.pid))))
        time.sleep(EVERY)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} ended with {process.returncode}")
    wall = time.perf_counter() - start
    return Cost(round(wall, 2), round(usage.ru_utime + usage.ru_stime, 2), megabytes(usage.ru_maxrss), peak or None)


def cheapest(costs: Sequence[Cost]) -> Cost:
    """The least of each number: what others on the machine add is no cost of the command."""
    told = [cost.pss for cost in costs if cost.pss is not None]
    return Cost(
        min(cost.wall for cost in costs),
        min(cost.cpu for cost in costs),
        min(cost.rss for cost in costs),
        round(min(told), 1) if told else None,
    )


def megabytes(maxrss: int) -> float:
    """The kernel's unit is kilobytes, but for macOS."""
    return round(maxrss / (2**20 if sys.platform == "darwin" else 2**10), 1)


def _tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        tasks = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:  # it has just ended
        return
    for child in " ".join(tasks).split():
        yield from _tree(int(child))


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 2**10
