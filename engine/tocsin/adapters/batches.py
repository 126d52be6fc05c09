"""Many files in few promtool processes, several of them at a time."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tocsin.adapters.promtool import Promtool, TestReport
from tocsin.targets.trace import Complaint

MOST_FILES = 100
"""Test files in one process: its start costs 26 ms, and what one process has not told is lost when it is killed."""

LEAST_RULES = 100_000
"""Characters of rule files that are worth a process of their own: promtool checks as many in the time of its start."""


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


def check_rules(promtool: Promtool, files: Mapping[str, str], processes: int) -> tuple[Complaint, ...]:
    """What promtool has against rule files, asked in as many processes as pay."""
    parts = max(1, min(processes, sum(map(len, files.values())) // LEAST_RULES))
    if parts == 1:
        return promtool.check_rules(files)
    long_first = sorted(files, key=lambda path: -len(files[path]))
    some = [{path: files[path] for path in long_first[number::parts]} for number in range(parts)]
    with ThreadPoolExecutor(max_workers=parts) as pool:
        return tuple(complaint for found in pool.map(promtool.check_rules, some) for complaint in found)


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
