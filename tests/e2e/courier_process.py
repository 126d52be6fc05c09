"""A courier as a process of its own, so that a test can kill it; its settings are one JSON argument."""

import json
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta

from tocsin.adapters.store import SqlStore
from tocsin.service.delivery import Courier
from tocsin_notifiers import build


class WallClock:
    """The time."""

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


def main() -> None:
    """Deliver until SIGTERM."""
    options = json.loads(sys.argv[1])
    channels = {name: build(name, spec["kind"], spec["settings"]) for name, spec in options["channels"].items()}
    for channel in channels.values():
        channel.deadline = options["deadline"]  # type: ignore[attr-defined]  # every kind of ours has one
        channel.rate = None
    store = SqlStore(options["store"])
    store.reclaim(datetime.now(UTC))
    courier = Courier(
        store,
        channels,
        WallClock(),
        jitter=lambda: 0.02,
        poll=timedelta(milliseconds=20),
        lease=timedelta(seconds=options["lease"]),
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    courier.start()
    sys.stdout.write("delivering\n")
    sys.stdout.flush()
    stop.wait()
    courier.stop(timedelta(seconds=2))


if __name__ == "__main__":
    main()
