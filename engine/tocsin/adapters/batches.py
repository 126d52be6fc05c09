"""Many test files in few promtool processes, several of them at a time."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tocsin.adapters.promtool import Promtool, TestReport

MOST_FILES = 100
"""Test files in one process: its start costs 26 ms, and what one process has not told is lost when it is killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """One test file and everything that it names; *cost* tells long ones from short ones."""

    path: str
    files: Mapping[str, str]
    cost: float = 1.0


def run_jobs(promtool: Promtool, jobs: Sequence[Job], processes: int) -> Mapping[str, TestReport]:
    """Run all *jobs*, at most *processes* at a time; the report of each by its path.

    The long ones begin first, so that no process is left alone with one at the end.
    """
    batches = _batches(jobs, processes)
    reports: dict[str, TestReport] = {}
    with ThreadPoolExecutor(max_workers=max(1, processes)) as pool:
        try:
            for found in pool.map(lambda batch: _run(promtool, batch), batches):
                reports |= found
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return reports


def _batches(jobs: Sequence[Job], processes: int) -> list[list[Job]]:
    """Two or more batches for each process, of about the same cost."""
    number = max(-(-len(jobs) // MOST_FILES), min(len(jobs), 2 * processes if processes > 1 else 1))
    batches: list[list[Job]] = [[] for _ in range(number)]
    costs = [0.0] * number
    for job in sorted(jobs, key=lambda job: -job.cost):
        open_ones = [n for n in range(number) if len(batches[n]) < MOST_FILES]
        least = min(open_ones, key=costs.__getitem__)
        batches[least].append(job)
        costs[least] += job.cost
    return [batch for batch in batches if batch]


def _run(promtool: Promtool, batch: Iterable[Job]) -> Mapping[str, TestReport]:
    batch = tuple(batch)
    files = {path: text for job in batch for path, text in job.files.items()}
    return promtool.test_rules(files, [job.path for job in batch])
