"""What one tick of the ledger's arithmetic costs, and what a day of it takes in a database.

Each size runs in a process of its own, so that its memory is its own. Objectives have 30 days of 1-minute slices, four
tiers and a rolling window; one in ten counts slices, a third of all burns. A tick takes in one minute for all of them
and counts all budgets, burn rates and states. Its processor time is the median of TICKS. Filling is
measured apart: it happens once. A new grid is due every hour, with the three days in which windows begin stated again.

Days are drawn from a pool of POOL, as making 300,000 of them would take longer than the arithmetic on them.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import median

import numpy as np

from bench.processes import megabytes
from tocsin.adapters.ledger_store import LedgerStore
from tocsin.ledger.budgets import budgets, rolling
from tocsin.ledger.burning import Watch, burns
from tocsin.ledger.chunk import pack
from tocsin.ledger.exact import Ratios
from tocsin.ledger.grain import settle
from tocsin.ledger.methods import Method, Occurrences, Timeslices, Units
from tocsin.ledger.model import DAY, Day
from tocsin.ledger.series import HOUR, Series, grid

SIZES = (100, 1_000, 10_000)
DAYS, POOL, TICKS = 30, 64, 20
MONTH = DAYS * DAY
FIRST = date(2026, 3, 1)
TIERS = ((HOUR, 300, "14.4"), (6 * HOUR, 1800, "6"), (DAY, 2 * HOUR, "3"), (3 * DAY, 6 * HOUR, "1"))
TARGETS = tuple(Decimal(target) for target in ("0.999", "0.9995", "0.99", "0.995"))


def traffic(number: int, kind: str = "bursty") -> Day:
    """One day of the pool: Poisson traffic with a daily wave and bursts, scraped every 15 s with jitter, in minutes."""
    random = np.random.default_rng(number)
    wave = (1 + 0.8 * np.sin(np.arange(5760) / 5760 * 2 * np.pi)) * 10 ** random.uniform(0, 3.5) / 4
    if kind == "bursty":
        wave *= random.lognormal(0, 1, 5760)
    events = random.poisson(wave).astype(np.float64) if kind != "idle" else np.zeros(5760)
    share = np.full(5760, 0.0005)
    if number % 8 == 0:
        start = int(random.integers(0, 5000))
        share[start : start + 240] = 0.1
    errors = random.binomial(events.astype(np.int64), share).astype(np.float64)
    later = random.uniform(0.2, 0.4, 5760)
    total, bad = (
        (counts * (1 - later) + np.append(0, (counts * later)[:-1])).reshape(1440, 4).sum(axis=1)
        for counts in (events, errors)
    )
    total, bad = settle(total, bad)
    return Day(f"pool/{number}", FIRST, 60, total, bad, np.ones(1440, dtype=np.bool_))


def start_of(day: int) -> int:
    """Unix time of a day's midnight."""
    return int(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC).timestamp()) + day * DAY


def shifted(units: Units, day: int) -> Units:
    """The same on another day."""
    return Units(start_of(day), units.step, units.total, units.bad, units.seen)


def measure(count: int) -> dict[str, float]:
    """Fill a series and let it tick."""
    import_mb = megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    methods: tuple[Method, ...] = (Occurrences(), Timeslices(60, Decimal("0.95")))
    pool = [[method.units(traffic(number)) for number in range(POOL)] for method in methods]
    random = np.random.default_rng(3)
    now = start_of(DAYS) + 7 * 60
    edges = grid(now, MONTH, 60, windows=[DAY, 3 * DAY, MONTH])
    series = Series.empty(edges, count, room=60)
    began = time.process_time()
    for column in range(count):
        drawn = enumerate(random.integers(0, POOL, DAYS + 1))
        series.state(column, *(shifted(pool[column % 10 == 0][number], day) for day, number in drawn))
    filling = time.process_time() - began
    targets = [TARGETS[column % len(TARGETS)] for column in range(count)]
    ratios = Ratios.of([1 - Fraction(target) for target in targets])
    watches = [
        Watch(long, short, Ratios.of([Fraction(factor) * ratio for ratio in ratios.exact]))
        for long, short, factor in TIERS
    ]
    newest = pool[0][0]
    totals = np.full(count, newest.total[0])
    bads = np.where(np.arange(count) % 3 == 0, np.rint(totals * 0.03), 0.0)
    cpu = []
    for _ in range(TICKS):
        began = time.process_time()
        now += 60
        series.extend(now, totals, bads, np.full(count, 60.0))
        windows = rolling(now, MONTH, count)
        state = budgets(series, windows, now, ratios, 0.9)
        rates = burns(series, now, watches, ratios)
        state.states(np.any([burn.firing for burn in rates], axis=0))
        cpu.append(time.process_time() - began)
    began = time.process_time()
    series.regrid(grid(now + HOUR, MONTH, 60, windows=[DAY, 3 * DAY, MONTH]), room=60)
    moving = time.process_time() - began
    began = time.process_time()
    for column in range(count):
        series.state(column, *(shifted(pool[column % 10 == 0][column % POOL], day) for day in (0, DAYS - 3, DAYS - 1)))
    detail = time.process_time() - began
    peak = megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    held = sum(array.nbytes for array in (series.total, series.bad, series.seen)) / 2**20
    return {
        "objectives": count,
        "edges": series.used,
        "tick cpu s": round(median(cpu), 4),
        "worst tick cpu s": round(max(cpu), 4),
        "filling cpu s": round(filling, 1),
        "new grid cpu s": round(moving, 2),
        "its days cpu s": round(detail, 2),
        "sums MB": round(held, 1),
        "resident MB": peak,
        "of it imports MB": import_mb,
    }


def exactness(objectives: int = 64) -> dict[str, float]:
    """How far 30-day windows are off, in parts of the budget, by what is kept: worst and mean over an hour of ends."""
    pool = [Occurrences().units(traffic(number)) for number in range(POOL)]
    random = np.random.default_rng(5)
    drawn = random.integers(0, POOL, (objectives, DAYS + 2))
    first, last = start_of(0), start_of(DAYS + 2)
    minutes = np.arange(first, last + 1, 60)
    exact = Series.empty(minutes, objectives)
    hours = Series.empty(np.arange(first, last + 1, HOUR), objectives)
    for column in range(objectives):
        for day, number in enumerate(drawn[column]):
            for series in (exact, hours):
                series.state(column, shifted(pool[number], day))
    single = exact.bad.astype(np.float32)
    errors: dict[str, list[float]] = {"hours at both ends": [], "float32 sums": []}
    for begin in range(first + HOUR, first + DAY, 7 * 60):
        row = (begin - first) // 60
        true = exact.between(begin, begin + MONTH)
        allowed = true.total * 0.001
        errors["hours at both ends"] += list(np.abs(hours.between(begin, begin + MONTH).bad - true.bad) / allowed)
        short = (single[row + MONTH // 60] - single[row]).astype(np.float64)
        errors["float32 sums"] += list(np.abs(short - true.bad) / allowed)
    worst = {f"{name}, worst": float(max(found)) for name, found in errors.items()}
    return worst | {f"{name}, mean": float(np.mean(found)) for name, found in errors.items()}


def kept(objectives: int = 300) -> dict[str, float]:
    """Bytes of a day by traffic, and the pace of a SQLite file, two days of *objectives*."""
    sizes = {
        kind: round(float(np.mean([len(pack(traffic(number, kind))) for number in range(POOL)])))
        for kind in ("idle", "steady", "bursty")
    }
    days = [
        Day(f"s{number}/up", FIRST + timedelta(days=day), 60, one.total, one.bad, one.covered)
        for day in range(2)
        for number in range(objectives)
        for one in [traffic(number % POOL)]
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = LedgerStore(str(Path(folder, "ledger.db")))
        now, spent = datetime(2026, 3, 3, tzinfo=UTC), []
        for act in (
            lambda: store.write(days, now),
            lambda: store.write(days, now),
            lambda: list(store.read((day.ref for day in days), FIRST, FIRST + timedelta(days=2))),
        ):
            began = time.perf_counter()
            act()
            spent.append(round(1000 * (time.perf_counter() - began) / len(days), 3))
        store.close()
    return {f"bytes a day, {kind}": size for kind, size in sizes.items()} | dict(
        zip(("ms to write a day", "ms to write it again", "ms to read it"), spent, strict=True)
    )


def main() -> int:
    """Measure each size in a process of its own and print what it says."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return 0
    for size in [int(size) for size in sys.argv[1:]] or SIZES:
        command = [sys.executable, "-m", "bench.ledger_speed", "--one", str(size)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)
    print(json.dumps(exactness()))
    print(json.dumps(kept()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
