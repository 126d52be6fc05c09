"""What a command costs: time, processor time, and the memory of all its processes together.

Processes of one fork share memory, so neither the largest of them nor their sum says what a command holds. The
proportional set size does: a page that two processes share counts a half for each. Pages of files (the interpreter and
its libraries) are shared with whatever else runs on the machine, so they count whole, once for all processes. This is
read from the kernel every few hundredths of a second, and the largest sum is the peak; the largest resident size of one
process stands beside it.
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
    """Seconds and megabytes of one run: *rss* of the largest process, *held* by all, None where no kernel tells."""

    wall: float
    cpu: float
    rss: float
    held: float | None


def watched(command: Sequence[str]) -> Cost:
    """Run *command* to its end and look at it all the while."""
    start, peak = time.perf_counter(), 0.0
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, _held(process.pid))
        time.sleep(EVERY)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} ended with {process.returncode}")
    wall = time.perf_counter() - start
    return Cost(round(wall, 2), round(usage.ru_utime + usage.ru_stime, 2), megabytes(usage.ru_maxrss), peak or None)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process that goes on has taken since its start: processor seconds; and megabytes that it holds now."""

    cpu: float
    rss: float


def spent(pid: int) -> Spent:
    """Read it from the kernel, at no cost to the process."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    ticks = int(told[11]) + int(told[12])  # utime and stime: the fields after the name begin with the third
    return Spent(ticks / os.sysconf("SC_CLK_TCK"), round(_sizes(pid).get("Rss", 0) / 2**10, 1))


def cheapest(costs: Sequence[Cost]) -> Cost:
    """The least of each number: what others on the machine add is no cost of the command."""
    told = [cost.held for cost in costs if cost.held is not None]
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


def _held(pid: int) -> float:
    """Megabytes of a process and all below it, each page once."""
    sizes = [_sizes(each) for each in _tree(pid)]
    own = sum(size.get("Pss_Anon", 0) + size.get("Pss_Shmem", 0) for size in sizes)
    return (own + max(size.get("Rss", 0) - size.get("Anonymous", 0) for size in sizes)) / 2**10


def _sizes(pid: int) -> dict[str, int]:
    """Kilobytes by the kernel's names; nothing of a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
