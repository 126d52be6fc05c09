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
  four times. A round is as many evaluations as there are rules: where the machine is too slow for a whole one in
  LONGEST seconds, the cost of the evaluations that were made is divided by their share of a round.
- *vmalert*: the same rules, asked of a Prometheus with the same history, to which it writes what it records; its own
  processor time, and that of the Prometheus that answers and stores.

Of each Prometheus, what it spends without rules and questions (scraping one page a minute) is taken off. Memory is what
is resident at the end. Nothing is extrapolated. Rows that say so are left out where the program is not on PATH.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench import tick_speed
from bench.evaluation_cost import DISTINCT, filled, sloth_rules
from bench.rounds import LARGE, TIERS, Row, own_rules, windows
from bench.servers import page
from tocsin.service.loop import Evaluator
from tocsin.service.scheduler import Due

CPU, RSS = "process_cpu_seconds_total", "process_resident_memory_bytes"
HEAD = "  {:24}{:>11}{:>11}{:>11}{:>11}{:>11}  {}".format(
    "", "own cpu s", "source's", "together", "own MB", "source's", "for what"
)


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


def rounds(sizes: Sequence[int], *, together: bool) -> Iterator[tuple[int, Row]]:
    """Each row of a server that evaluates rules, with its size; small sizes run together."""
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), int(time.time()) // 60 * 60
        rules = {"prometheus, our rules": own_rules()}
        if (others := sloth_rules(folder, DISTINCT)) is not None:
            rules["prometheus, Sloth's rules"] = others
        blocks = filled(folder, now, rules)
        if shutil.which("vmalert"):
            rules["vmalert, our rules"] = rules["prometheus, our rules"]
        small = [size for size in sizes if size < LARGE or together]
        batches = [[(who, text, size) for size in small for who, text in rules.items()]] if small else []
        batches += [[(who, text, size)] for size in sizes if size not in small for who, text in rules.items()]
        for batch in batches:
            yield from windows(batch, blocks, now)


def compared(
    sizes: Sequence[int], *, rules: bool, ticked: bool, always: bool, together: bool
) -> Iterator[tuple[int, Row]]:
    """Each row with its size: servers first, then ticks."""
    if rules:
        yield from rounds(sizes, together=together)
    for size in sizes if ticked else ():
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
    parser.add_argument("--ticks", action="store_true", help="only ticks")
    parser.add_argument(
        "--real", action="store_true", help=f"ticks on a real Prometheus also from {LARGE} objectives on"
    )
    parser.add_argument("--together", action="store_true", help=f"all servers at once, also from {LARGE} on")
    parser.add_argument("--one", nargs=2, metavar=("URL", "END"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if any(size % DISTINCT or size < 1 for size in options.sizes):
        parser.error(f"sizes are multiples of {DISTINCT}")
    if options.one:
        print(json.dumps(real_ticks(options.sizes[0], options.one[0], int(options.one[1]))))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no server is left behind
    for line in versions():
        print(line, flush=True)
    rows: dict[int, list[Row]] = {}
    wanted = {"rules": not options.ticks, "ticked": not options.rules}
    for size, row in compared(options.sizes, **wanted, always=options.real, together=options.together):
        rows.setdefault(size, []).append(row)
        print(f"{size:>6}{row} [{disturbed()}]", flush=True)
    for size, found in rows.items():
        print(f"\n{size:,} objectives\n{HEAD}")
        for row in found:
            print(row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
