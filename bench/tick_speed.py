"""What one tick of `tocsin serve` costs: all of it, from the questions to the committed state.

Each size runs in a process of its own on the parts of the service (`Watch`, `Evaluator`, the ledger's `Keeper` with its
sheets, the store in SQLite) and asks over HTTP. Objectives have 30-day windows, four tiers and budgets from the ledger,
which holds thirty days of minutes. Ticks follow each other by the evaluator's interval; the first one asks for all,
each later one asks whether objectives are calm, and sees a part of them whole: each once in a round, which is a minute,
and longer where there are more than 2,500. Processor time is the process's own, that of its threads included;
the median and the worst are those of the second round, for in the first texts are written that are kept from then on.

A stand-in answers at once, in a process of its own, so that nobody waits for evaluations; with `--real` it is a
Prometheus, whose time is not counted either. `--tiers N` takes the first N tiers, to show that the number of questions
does not grow with that of windows.
"""

import argparse
import gc
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs

from bench.evaluation_cost import DISTINCT, MINUTE, RAW_SECONDS, counters
from bench.ledger_speed import POOL, traffic
from bench.processes import megabytes
from tocsin.adapters.children import LOOPBACK
from tocsin.adapters.embedded import embedded
from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.adapters.store import SqlStore
from tocsin.evaluate.asking import MARK
from tocsin.evaluate.bookkeeping import Running, open_since
from tocsin.evaluate.tick import WHOLE, Watch
from tocsin.ledger.model import Day
from tocsin.ports import Answer, RangeAnswer
from tocsin.service.board import Board, Standing
from tocsin.service.detour import Detour
from tocsin.service.keeper import Keeper
from tocsin.service.lanes import ASKERS
from tocsin.service.loop import Evaluator
from tocsin.service.scheduler import Due
from tocsin.service.telemetry import Telemetry
from tocsin.spec import LedgerSettings
from tocsin.workspace import Source, Workspace, read_workspace

SIZES = (100, 1_000, 10_000)
INTERVAL = timedelta(seconds=15)
LEAST = 4
"""Ticks of a round: a minute of them."""
BEHIND = 300
"""Seconds that the ledger is behind: it leaves the newest five minutes to the metric source."""
DEADLINE = 60.0
"""Seconds for one question: the machine that is measured may be busy, and nobody waits for a page."""


def definitions(count: int) -> str:
    """As many objectives, over the counters of DISTINCT routes."""
    lines = ["apiVersion: tocsin/v1", "kind: Service", "name: service-0", "slis:"]
    for number in range(count):
        total = f'http_requests_total{{job="service-0",route="/{number % DISTINCT}"}}'
        bad = total.replace("}", ',code=~"5.."}')
        lines.append(f"  slo-{number}: {{ratio: {{bad: '{bad}', total: '{total}'}}}}")
    lines += [
        "slos:",
        *(f"  slo-{number}: {{sli: slo-{number}, target: 99.9%, window: 30d}}" for number in range(count)),
    ]
    return "\n".join(lines) + "\n"


def workspace(count: int, windows: int) -> Workspace:
    """Read them, and leave the first tiers."""
    found, _ = read_workspace([Source("service.yaml", definitions(count))])
    service = found.services[0]
    slos = tuple(replace(slo, tiers=slo.tiers[:windows]) for slo in service.slos)
    return replace(found, services=(replace(service, slos=slos),))


def history(now: int) -> Iterator[str]:
    """Raw counters of the last days, in seconds that end at *now*."""
    yield "# TYPE http_requests counter\n"
    for series, rate in counters(DISTINCT):
        for at in range(now - RAW_SECONDS, now + 1, MINUTE):
            yield f"{series} {(at - now + RAW_SECONDS) * rate // MINUTE} {at}\n"
    yield "# EOF\n"


class Counting:
    """A metric source that counts the questions."""

    def __init__(self, source: PrometheusSource) -> None:
        self._source = source
        self.asked = 0

    def instant(self, query: str, at: datetime) -> Answer:
        """Count and ask."""
        self.asked += 1
        return self._source.instant(query, at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Count and ask."""
        self.asked += 1
        return self._source.range(query, start, end, step)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Count and ask."""
        self.asked += 1
        return self._source.raw(selector, start, end)


class Drawn(LedgerStore):
    """A ledger in which every objective has days drawn from a pool: writing 300,000 of them would take an hour."""

    pool: tuple[Day, ...] = ()

    def read(self, refs: Iterable[str], start: date, end: date) -> Iterator[Day]:
        """Days as if they had been written."""
        for ref in refs:
            for n in range((end - start).days):
                drawn = self.pool[hash((ref, n)) % POOL]
                yield replace(drawn, ref=ref, day=start + timedelta(n))

    def written(self, refs: Iterable[str], start: date, end: date) -> Mapping[tuple[str, date], datetime]:
        """All of them long ago."""
        late = datetime.max.replace(tzinfo=UTC)
        return {(ref, start + timedelta(n)): late for ref in refs for n in range((end - start).days)}


class Fixed:
    """A clock that is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """What it says."""
        return self.at


class Nobody:
    """Delivers nothing."""

    def wake(self) -> None:
        """Stay asleep."""


def kept(found: Workspace, source: Counting, store: Drawn, clock: Fixed) -> Keeper:
    """The ledger with all days read, up to a few minutes ago."""
    keeper = Keeper(found, source, store, clock, LedgerSettings())
    while keeper._unread:  # noqa: SLF001 - the rest of its work would ask for each of the running days
        keeper.piece()
    now = int(clock.now().timestamp())
    for one in keeper._kept.values():  # noqa: SLF001
        one.mark, one.stated_at = now - BEHIND, clock.now()
        one.running = Running(one.entry, open_since(clock.now()))
    return keeper


def measure(count: int, windows: int, url: str, end: int, rounds: int = 2) -> dict[str, object]:
    """Tick, and count; so many *rounds* after the first tick."""
    gc.set_threshold(100_000, 20, 20)  # as every command of Tocsin
    imports = megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    clock = Fixed(datetime.fromtimestamp(end - MINUTE * 2, UTC))
    found = workspace(count, windows)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        plain = stack.enter_context(closing(PrometheusSource(url, DEADLINE, connections=ASKERS)))
        source = Counting(plain)
        state = str(Path(folder, "state.db"))
        store = stack.enter_context(closing(SqlStore(state)))
        days = stack.enter_context(closing(Drawn(state)))
        days.pool = tuple(traffic(number) for number in range(POOL))
        keeper = kept(found, source, days, clock)
        board = Board(Standing(workspace=found, interval=INTERVAL, started_at=clock.now()))
        evaluator = Evaluator(
            watch=Watch(found, interval=INTERVAL, ledger=keeper, together=True),
            notifications=found.notifications,
            memory=store.load(),
            source=source,
            store=store,
            deliverer=Nobody(),
            board=board,
            telemetry=Telemetry("bench"),
            clock=clock,
            detour=Detour({}, clock),
            spread=stack.enter_context(ThreadPoolExecutor(ASKERS)).map,
        )
        cpu, wall, asked = [], [], []
        a_round = max(LEAST, -(-count // WHOLE))
        for _ in range(1 + rounds * a_round):
            source.asked = 0
            began, started = time.process_time(), time.monotonic()
            evaluator.tick(Due(clock.now()))
            cpu.append(time.process_time() - began)
            wall.append(time.monotonic() - started)
            asked.append(source.asked)
            clock.at += INTERVAL
        snapshot = board.read().snapshot
        assert snapshot is not None
        assert all(slo.budget_from == "ledger" and slo.remaining is not None for slo in snapshot.slos)
        states = sorted({slo.state for slo in snapshot.slos})
    return {
        "objectives": count,
        "tiers": windows,
        "first tick cpu s": round(cpu[0], 2),
        "tick cpu s": round(median(cpu[-a_round:]), 3),
        "worst tick cpu s": round(max(cpu[-a_round:]), 3),
        "all ticks cpu s": [round(one, 3) for one in cpu],
        "ticks wall s": [round(one, 1) for one in wall],
        "questions": asked,
        "states": states,
        "resident MB": megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss),
        "of it imports MB": imports,
    }


# --- a stand-in -----------------------------------------------------------------------------------------------


@contextmanager
def standing_in() -> Iterator[str]:
    """The URL of a server, in a process of its own, that gives each marked expression a value, and at once."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.tick_speed", "--stand-in"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def stand_in() -> None:
    """Answer until terminated: rates of 10 and 0.005 events a second, as of the histories that a real server gets."""
    named = re.compile(rf'"{MARK}", "([^"]+)"')

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            names = named.findall(form["query"][0])
            rows = [{"metric": {MARK: name}, "value": [0, "0.005" if "bad" in name else "10"]} for name in names] or [
                {"metric": {}, "value": [0, "1"]}
            ]
            data = json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Page) as server:
        print(f"http://{LOOPBACK}:{server.server_address[1]}", flush=True)
        server.serve_forever()


@contextmanager
def prometheus(end: int) -> Iterator[str]:
    """The URL of a real one, with three days of counters."""
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples.txt")
        with samples.open("w", encoding="utf-8") as file:
            file.writelines(history(end))
        with embedded(samples) as running:
            yield running.url


def main() -> int:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--tiers", type=int, default=4, help="how many of the four")
    parser.add_argument("--real", action="store_true", help="ask a real Prometheus, which takes minutes of its time")
    parser.add_argument("--stand-in", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, metavar=("URL", "END"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stand_in:
        stand_in()
        return 0
    if options.one:
        url, end = options.one
        print(json.dumps(measure(options.sizes[0], options.tiers, url, int(end))))
        return 0
    now = int(time.time()) // MINUTE * MINUTE - 10 * MINUTE
    with prometheus(now) if options.real else standing_in() as url:
        for size in options.sizes:
            command = [sys.executable, "-m", "bench.tick_speed", str(size), "--tiers", str(options.tiers)]
            command += ["--one", url, str(now)]
            print(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
