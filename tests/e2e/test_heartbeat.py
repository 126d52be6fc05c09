"""A watcher elsewhere hears Tocsin while all of it works, and misses it within two intervals when a stage is cut."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.e2e.conftest import Evaluator, Lab, until

from tocsin.demo.loopback import LoopbackServer, QuietHandler

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


class Watcher:
    """Counts requests, and when the last one came."""

    def __init__(self) -> None:
        self.beats: list[float] = []
        watcher = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:  # noqa: N802
                watcher.beats.append(time.monotonic())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = LoopbackServer(Handler)
        self.url = f"http://127.0.0.1:{self.server.port}/ping/0f3c-secret"

    def beats_again(self) -> None:
        """Wait for two more."""
        count = len(self.beats)
        until(lambda: len(self.beats) >= count + 2, "two more beats")

    def falls_silent(self, evaluator: Evaluator) -> None:
        """Wait until none has come for five intervals of a second, while evaluation goes on."""
        until(lambda: time.monotonic() - self.beats[-1] > 5, "silence")
        evaluator.metric("tocsin_leads")

    def misses(self, evaluator: Evaluator) -> None:
        """A stage has just been cut: two more may come, one in each interval of a second, then it falls silent."""
        count = len(self.beats)
        self.falls_silent(evaluator)
        assert len(self.beats) - count <= 2


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """Listens."""
    made = Watcher()
    yield made
    made.server.close()


def test_it_beats_while_all_is_well_and_stops_when_the_source_is_dead(lab: Lab, watcher: Watcher) -> None:
    """Prometheus killed: silence; Prometheus back: it beats. Its URL is in no log, metric or answer."""
    evaluator = lab.serve("--heartbeat", watcher.url, "--heartbeat-every", "1s")
    watcher.beats_again()
    lab.prometheus.kill()
    watcher.misses(evaluator)
    lab.prometheus.start()
    watcher.beats_again()

    told = evaluator.log.read_text() + evaluator.get("/metrics").text + evaluator.get("/api/v1/status").text
    assert "0f3c-secret" not in told
    assert evaluator.metric('tocsin_deliveries_total{channel="(heartbeat)",outcome="sent"}') >= 4
    assert evaluator.stop() == 0


def test_it_stops_when_the_state_cannot_be_stored(lab: Lab, watcher: Watcher) -> None:
    """Pages take a detour past a store that fails; a heartbeat does not."""
    evaluator = lab.serve("--heartbeat", watcher.url, "--heartbeat-every", "1s")
    watcher.beats_again()
    with sqlite3.connect(lab.folder / "state.db", timeout=30) as locked:
        locked.execute("BEGIN EXCLUSIVE")
        lab.exporter.level = 10
        watcher.misses(evaluator)
        until(lambda: lab.subjects("FIRING"), "the page, past the outbox")
        locked.rollback()
    watcher.beats_again()
    assert evaluator.stop() == 0


def test_it_stops_when_no_channel_takes_anything(lab: Lab, watcher: Watcher) -> None:
    """Where all of them only fail nobody hears of anything, though Tocsin itself is well."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        closed = taken.getsockname()[1]
    lab.environ |= {"INBOX_PORT": str(closed), "RECEIVER_URL": f"http://127.0.0.1:{closed}"}
    evaluator = lab.serve("--heartbeat", watcher.url, "--heartbeat-every", "1s")
    watcher.beats_again()
    lab.exporter.level = 10
    watcher.falls_silent(evaluator)
    assert evaluator.get("/readyz").status_code == 200


def test_a_dead_process_is_missed(lab: Lab, watcher: Watcher) -> None:
    """Kill -9."""
    evaluator = lab.serve("--heartbeat", watcher.url, "--heartbeat-every", "1s")
    watcher.beats_again()
    evaluator.kill()
    count = len(watcher.beats)
    time.sleep(3)
    assert len(watcher.beats) <= count + 1
