"""A tick of `tocsin serve` beside a real Prometheus, and vmalert, that evaluate the rules of the same objectives.

Objectives, four tiers, budgets and the tick are those of `bench.tick_speed`, which is run as it is. What a row counts:

- *tocsin, stand-in*: the processor time of the evaluator's own process for one tick, every 15 s, the median of those
  after the first; its questions are answered at once, by a process that counts nowhere.
- *tocsin, real*: the same, and beside it what a real Prometheus spends on the questions of such a tick. Both together
  are what evaluation costs. Filling the ledger is not a part of a tick, and is not counted.
- *prometheus*: one round of all rules, burn rates and budgets once each, inside the server that also stores what they
  record. It loads what `tocsin compile` makes, or Sloth, for DISTINCT objectives, each of them many times under names
  of their own: copies record their own series, and read the history of the one that they are a copy of, for 30 days of
  recorded series of ten thousand objectives are 10^10 samples. Rules are evaluated every EVERY seconds, as budgets are
  anyway; the default is a minute. So a round is what a server does for burn rates in a minute, in which Tocsin ticks
  four times. A round is as many evaluations as there are rules: where the machine is too slow for a whole one in the
  window, the cost of the evaluations that were made is divided by their share of a round.
- *vmalert*: the same rules, asked of a Prometheus with the same history, to which it writes what it records; its own
  processor time, and that of the Prometheus that answers and stores.

Of each Prometheus, what it spends without rules and questions (scraping one page a minute) is taken off. Memory is what
is resident at the end. Nothing is extrapolated. Rows that say so are left out where the program is not on PATH.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import yaml

from bench import tick_speed
from bench.evaluation_cost import DISTINCT, exporter, filled, sloth_rules
from bench.processes import Spent
from bench.servers import Evaluating, Server, Vmalert, page
from tocsin.plan import plan
from tocsin.plan.budget import INTERVAL
from tocsin.service.loop import Evaluator
from tocsin.service.scheduler import Due
from tocsin.targets.prometheus import rule_file

TIERS = 4
EVERY = int(INTERVAL.seconds)
"""Seconds between two evaluations of a rule: that of budgets, so that a round holds each rule once."""
IDLE = 30
"""Seconds in which is measured what a server spends without rules."""
LARGE = 5_000
"""Objectives from which on a server is measured in a time of its own, and from its first evaluations on: two cores are
not enough for all at once."""
CPU, RSS = "process_cpu_seconds_total", "process_resident_memory_bytes"


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


HEAD = "  {:24}{:>11}{:>11}{:>11}{:>11}{:>11}  {}".format(
    "", "own cpu s", "source's", "together", "own MB", "source's", "for what"
)


def _or_none(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


# --- rules ---------------------------------------------------------------------------------------------------


def own_rules(count: int = DISTINCT) -> str:
    """What `tocsin compile` makes of the objectives whose ticks are measured."""
    return rule_file(plan(tick_speed.workspace(count, TIERS))[0].groups)


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


# --- Tocsin --------------------------------------------------------------------------------------------------


def ticks(size: int, *, always: bool) -> Iterator[Row]:
    """The tick, of a stand-in and of a real Prometheus."""
    command = [sys.executable, "-m", "bench.tick_speed", str(size), "--tiers", str(TIERS)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    asked = told["questions"]
    yield Row(
        "tocsin, stand-in",
        told["tick cpu s"],
        told["resident MB"],
        said=f"a tick (first {told['first tick cpu s']} s); {asked[-1]} questions (first {asked[0]})",
    )
    if size >= LARGE and not always:
        print(f"  left out: ticks of {size:,} objectives on a real Prometheus, an hour's work (--real measures them)")
        return
    end = int(time.time()) // 60 * 60 - 600
    with tick_speed.prometheus(end) as url:
        command = [sys.executable, "-m", "bench.tick_beside", str(size), "--one", url, str(end)]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        resident = page(url, [RSS])[RSS][0] / 2**20
    spent, own = told["source cpu s"], told["all ticks cpu s"]
    yield Row(
        "tocsin, real",
        median(own[1:]),
        told["resident MB"],
        median(spent[1:]),
        resident,
        f"a tick, median of {len(own) - 1} (first {own[0]:.2f} s and {spent[0]:.1f} s);"
        f" {told['questions'][-1]} questions; waited {median(told['ticks wall s'][1:]):.0f} s",
    )


def real_ticks(size: int, url: str, end: int) -> dict[str, object]:
    """The measurement of `bench.tick_speed`, with what the server has spent at each tick."""
    spent: list[float] = []

    class Metered(Evaluator):
        """Looks at the server's clock before and after."""

        def tick(self, due: Due) -> None:
            before = page(url, [CPU])[CPU][0]
            super().tick(due)
            spent.append(round(page(url, [CPU])[CPU][0] - before, 2))

    vars(tick_speed)["Evaluator"] = Metered
    return {**tick_speed.measure(size, TIERS, url, end, rounds=1), "source cpu s": spent}


# --- rules in servers ----------------------------------------------------------------------------------------


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
        self.idle = _between(self.source, self.server.cost()) / (time.monotonic() - self.at)
        if not self.who.startswith("vmalert"):
            self.server.load(copies(self.rules, self.size))
            return
        if not Vmalert.reads(self.rules, self.folder):
            self.rules = without_keeping(self.rules)
            self.note = "; without keep_firing_for, which this vmalert does not know"
        self.evaluating = Vmalert(self.folder, self.server.url, copies(self.rules, self.size), f"{EVERY}s")
        self.stack.enter_context(self.evaluating)
        self.evaluating.wait("/health")

    def ready(self) -> bool:
        """Whether it can be counted: the first evaluation reads cold blocks, and is waited for where that is short."""
        evaluated, _, _ = self.evaluating.count()
        if self.size >= LARGE:
            self.note += "; the first evaluations, which read cold blocks"
            return True
        return evaluated >= self.total

    def begin(self) -> None:
        """Look at the clocks."""
        self.counted = self.evaluating.count()
        self.at, self.own, self.source = time.monotonic(), self.evaluating.cost(), self.server.cost()

    def end(self) -> Row:
        """Look again, and divide by the rounds that were made."""
        own, source, seconds = self.evaluating.cost(), self.server.cost(), time.monotonic() - self.at
        evaluated, failed, missed = (
            now - then for now, then in zip(self.evaluating.count(), self.counted, strict=True)
        )
        rounds = evaluated / self.total
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
        time.sleep(EVERY)
        for bench in benches:
            yield bench.size, bench.end()


# --- all of it -----------------------------------------------------------------------------------------------


def compared(sizes: Sequence[int], *, only_rules: bool, always: bool) -> Iterator[tuple[int, Row]]:
    """Each row with its size: servers first, small sizes together, then ticks."""
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), int(time.time()) // 60 * 60
        rules = {"prometheus, our rules": own_rules()}
        if (others := sloth_rules(folder, DISTINCT)) is not None:
            rules["prometheus, Sloth's rules"] = others
        blocks = filled(folder, now, rules)
        if shutil.which("vmalert"):
            rules["vmalert, our rules"] = rules["prometheus, our rules"]
        small = [size for size in sizes if size < LARGE]
        batches = [[(who, text, size) for size in small for who, text in rules.items()]] if small else []
        batches += [[(who, text, size)] for size in sizes if size >= LARGE for who, text in rules.items()]
        for batch in batches:
            yield from windows(batch, blocks, now)
    if not only_rules:
        for size in sizes:
            for row in ticks(size, always=always):
                yield size, row


def versions() -> Iterator[str]:
    """Of what is compared, and what is left out."""
    for tool in ("prometheus", "vmalert", "sloth"):
        if (found := shutil.which(tool)) is None:
            yield f"left out: {tool} (not on PATH)"
            continue
        asked = [found, "version" if tool == "sloth" else "--version"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        lines = [line for line in f"{told.stdout}\n{told.stderr}".splitlines() if line and "INFO" not in line]
        yield f"{tool}: {lines[0] if lines else 'it does not say which version'}"


def disturbed() -> str:
    """How busy the machine is."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} with ours"


def main() -> int:
    """Print a row as soon as it is measured, and the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=tick_speed.SIZES, help=f"multiples of {DISTINCT}")
    parser.add_argument("--rules", action="store_true", help="only Prometheus and vmalert")
    parser.add_argument(
        "--real", action="store_true", help=f"ticks on a real Prometheus also from {LARGE} objectives on"
    )
    parser.add_argument("--one", nargs=2, metavar=("URL", "END"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if any(size % DISTINCT or size < 1 for size in options.sizes):
        parser.error(f"sizes are multiples of {DISTINCT}")
    if options.one:
        print(json.dumps(real_ticks(options.sizes[0], options.one[0], int(options.one[1]))))
        return 0
    for line in versions():
        print(line)
    rows: dict[int, list[Row]] = {}
    for size, row in compared(options.sizes, only_rules=options.rules, always=options.real):
        rows.setdefault(size, []).append(row)
        print(f"{size:>6}{row} [{disturbed()}]", flush=True)
    for size, found in rows.items():
        print(f"\n{size:,} objectives\n{HEAD}")
        for row in found:
            print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
