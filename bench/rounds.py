"""Rounds of rules: servers that evaluate those of many objectives, and what a round costs each of them.

How it is counted is said in `bench.tick_beside`.
"""

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from bench.evaluation_cost import DISTINCT, exporter
from bench.processes import Spent
from bench.servers import Evaluating, Server, Vmalert
from bench.tick_speed import workspace
from tocsin.plan import plan
from tocsin.plan.budget import INTERVAL
from tocsin.targets.prometheus import rule_file

TIERS = 4
EVERY = int(INTERVAL.seconds)
"""Seconds between two evaluations of a rule: that of budgets, so that a round holds each rule once."""
LONGEST = 20 * 60
"""Seconds that are waited for a whole round, where the machine is too slow for it."""
IDLE = 30
"""Seconds in which is measured what a server spends without rules."""
LARGE = 5_000
"""Objectives from which on a server is measured in a time of its own, and from its first evaluations on: two cores are
not enough for all at once."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: processor seconds and megabytes of the evaluator and, if it is another process, of its source."""

    who: str
    own: float
    resident: float
    source: float | None = None
    source_resident: float | None = None
    said: str = ""

    def __str__(self) -> str:
        total = self.own + (self.source or 0)
        cells = [f"{self.own:.3f}", _or_none(self.source, ".2f"), f"{total:.2f}", f"{self.resident:,.0f}"]
        cells.append(_or_none(self.source_resident, ",.0f"))
        return f"  {self.who:24}" + "".join(f"{cell:>11}" for cell in cells) + f"  {self.said}"


def _or_none(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


# --- rules ---------------------------------------------------------------------------------------------------


def own_rules(count: int = DISTINCT) -> str:
    """What `tocsin compile` makes of the objectives whose ticks are measured."""
    return rule_file(plan(workspace(count, TIERS))[0].groups)


def copies(rules: str, count: int) -> Iterator[str]:
    """The rules of *count* objectives, a file for DISTINCT of them.

    Names of groups and values of labels stand at the end of a line, selectors within expressions do not: a copy records
    under its own name, and reads what its original has recorded for thirty days.
    """
    for copy in range(count // DISTINCT):
        yield re.sub(r"(?m)slo-(\d+)$", partial(_renamed, copy), rules)


def _renamed(copy: int, named: re.Match[str]) -> str:
    return f"slo-{int(named[1]) + DISTINCT * copy}"


def rule_count(rules: str) -> int:
    """Of all groups."""
    return sum(len(group["rules"]) for group in yaml.load(rules, yaml.CSafeLoader)["groups"])


def without_keeping(rules: str) -> str:
    """For a vmalert that is older than `keep_firing_for`."""
    return re.sub(r"(?m)^ *keep_firing_for: .*\n", "", rules)


# --- servers -------------------------------------------------------------------------------------------------


class Bench:
    """One server, or vmalert and its source, over a window of EVERY."""

    def __init__(self, case: tuple[str, str, int], folder: Path, blocks: Path, now: int) -> None:
        self.who, self.rules, self.size = case
        self.folder = folder
        folder.mkdir()
        self.stack = ExitStack()
        scraped = self.stack.enter_context(exporter(now, DISTINCT))
        self.server = self.stack.enter_context(Server(folder, blocks, scraped, interval=f"{EVERY}s"))
        self.server.wait("/-/ready")
        self.at, self.idle, self.note = time.monotonic(), 0.0, ""
        self.own = self.source = self.server.cost()
        self.counted = (0.0, 0.0, 0.0)
        self.evaluating: Evaluating = self.server
        self.total = rule_count(self.rules) * (self.size // DISTINCT)

    def load(self) -> None:
        """Give it the rules, after some seconds without."""
        if self.size >= LARGE:
            self.note = "; the first evaluations, which read cold blocks"
        self.idle = _between(self.source, self.server.cost()) / (time.monotonic() - self.at)
        if not self.who.startswith("vmalert"):
            self.server.load(copies(self.rules, self.size))
            return
        if not Vmalert.reads(self.rules, self.folder):
            self.rules = without_keeping(self.rules)
            self.note += "; without keep_firing_for, which this vmalert does not know"
        self.evaluating = Vmalert(self.folder, self.server.url, copies(self.rules, self.size), f"{EVERY}s")
        self.stack.enter_context(self.evaluating)
        self.evaluating.wait("/health")

    def ready(self) -> bool:
        """Whether it can be counted: the first evaluation reads cold blocks, and is waited for where that is short."""
        return self.size >= LARGE or self.evaluating.count()[0] >= self.total

    def begin(self) -> None:
        """Look at the clocks."""
        self.counted = self.evaluating.count()
        self.at, self.own, self.source = time.monotonic(), self.evaluating.cost(), self.server.cost()

    def rounds(self) -> float:
        """How many were made since the clocks were looked at: evaluations that failed are none."""
        evaluated, failed, _ = (now - then for now, then in zip(self.evaluating.count(), self.counted, strict=True))
        return (evaluated - failed) / self.total

    def end(self) -> Row:
        """Look again, and divide by the rounds that were made."""
        own, source, seconds = self.evaluating.cost(), self.server.cost(), time.monotonic() - self.at
        _, failed, missed = (now - then for now, then in zip(self.evaluating.count(), self.counted, strict=True))
        rounds = self.rounds()
        idle = self.idle * seconds
        said = f"a round of {self.total:,} rules ({rounds:.2f} rounds in {seconds:.0f} s"
        said += f", {failed:.0f} failed, {missed:.0f} of groups missed){self.note}"
        if self.evaluating is self.server:
            last = self.server.last()
            budgets = sum(seconds for name, seconds in last.items() if "slo-budget:" in name)
            said += f"; last durations {sum(last.values()):.1f} s"
            said += f", of which budgets {budgets:.1f} s" if budgets else ""
            return Row(self.who, (_between(self.own, own) - idle) / rounds, own.rss, said=said)
        spent = (_between(self.source, source) - idle) / rounds
        return Row(self.who, _between(self.own, own) / rounds, own.rss, spent, source.rss, said)


def _between(then: Spent, now: Spent) -> float:
    return now.cpu - then.cpu


def windows(cases: Sequence[tuple[str, str, int]], blocks: Path, now: int) -> Iterator[tuple[int, Row]]:
    """Start these servers, and measure them over the same minutes."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        benches = []
        for number, case in enumerate(cases):
            benches.append(Bench(case, Path(name, str(number)), blocks, now))
            stack.callback(benches[-1].stack.close)
        time.sleep(IDLE)
        for bench in benches:
            bench.load()
        while not all(bench.ready() for bench in benches):
            time.sleep(20)
        for bench in benches:
            bench.begin()
        deadline = time.monotonic() + LONGEST
        time.sleep(EVERY)
        while time.monotonic() < deadline and not all(bench.rounds() >= 1 for bench in benches):
            time.sleep(20)
        for bench in benches:
            yield bench.size, bench.end()
