"""How many messages a second go through the outbox, on each database: put in, taken out, told and settled.

`python -m bench.outbox_speed [--messages 2000]` commits so many messages about an alert each in one transaction, then
lets a worker send them one by one to a receiver that takes each at once (each is leased, sent and settled in two
transactions that are on the disk before the next step), and again as storms of up to 500. SQLite lies in a temporary
folder; PostgreSQL is started there if the machine has one, with its data synced as well. Receivers are slower: Slack
takes one message in a second, PagerDuty 100 in a minute.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.alerts import message, text
from tests.postgres import binaries, synced

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit
from tocsin.ports import Action, Delivery, Notification, Outcome, Rate
from tocsin.service.delivery import Courier


@dataclass
class Taker:
    """A channel that takes everything at once."""

    name: str
    joins: bool
    idempotent: bool = True
    rate: Rate | None = None

    def send(self, _notification: Notification, _now: datetime) -> Delivery:
        """Take it."""
        return Delivery(Outcome.SENT)


class WallClock:
    """The time."""

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Speeds:
    """Messages a second: committed, sent one by one, sent as storms."""

    put: float
    alone: float
    joined: float


def speeds(url: str, messages: int) -> Speeds:
    """Measure on the database at *url*."""
    with closing(SqlStore(url)) as store:
        found = {}
        for name, joins in (("alone", False), ("joined", True)):
            courier = Courier(store, {name: Taker(name, joins)}, WallClock())
            now = datetime.now(UTC)
            told = [message(name, Action.FIRE, text(f"{name}{n}"), key=f"{name}{n}", at=now) for n in range(messages)]
            begun = time.perf_counter()
            store.commit(Commit(now, outbox=tuple(told)))
            put = messages / (time.perf_counter() - begun)
            begun = time.perf_counter()
            while courier.step(name):
                pass
            found[name] = messages / (time.perf_counter() - begun)
            assert not any(depth.pending for depth in store.depths())
    return Speeds(put, found["alone"], found["joined"])


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """URLs by name."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"SQLite": f"{folder}/outbox.db"}
        if binaries() is None:
            yield found
            return
        with synced() as url:
            yield found | {"PostgreSQL": url}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=2000)
    asked = parser.parse_args()
    print("| messages a second | committed | sent one by one | sent as storms |\n| --- | --- | --- | --- |")
    with databases() as urls:
        for name, url in urls.items():
            found = speeds(url, asked.messages)
            print(f"| {name} | {found.put:.0f} | {found.alone:.0f} | {found.joined:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
