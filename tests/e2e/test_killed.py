"""`kill -9` of the whole service, again and again at random moments, while its receiver fails half of all requests.

Alerts come both ways: pushed by a sender as a Prometheus does, and evaluated by our own rule on a real Prometheus.
"""

import logging
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from tests.e2e.conftest import Lab, until
from tests.e2e.lives import Lives
from tests.postgres import Postgres, binaries

from tocsin.adapters.children import LOOPBACK
from tocsin.demo.receivers import HttpReceiver, Received, Reply

pytestmark = pytest.mark.real
needs_postgres = pytest.mark.skipif(binaries() is None, reason="there is no PostgreSQL on this machine")
log = logging.getLogger(__name__)

DEFINITIONS = """\
apiVersion: tocsin/v1
kind: Service
name: shop
scrape: {targets: ["localhost:1"]}
metrics: {fault_level: {type: gauge}}
alerts:
  FaultLevel: {value: 'fault_level{job="shop"}', above: 5, for: 0s, keep_firing_for: 0s, severity: critical}
---
apiVersion: tocsin/v1
kind: Notifications
name: platform
channels:
  pager:
    pagerduty: {integration_key: {env: PAGERDUTY_KEY}, endpoint: {env: PAGER_URL}}
    rate: 1000/s
routes:
  - {match: {}, to: [pager], group_wait: 0s, group_interval: 1s}
"""
LONGEST_LIFE = 1.2
"""Seconds: a start takes a third of one, an evaluation comes every second.

They count from the start in every other life, else from when it answers, so that something happens on slow machines.
"""
LONGEST_LIFE_LEASED = 5.0
"""Seconds, where a life waits for two until the lease of the one before has run out."""
NEW, OPEN = 3, 30
"""Incidents that begin in each life, unless so many are not over yet: a worker sends one after the other."""


class Pager(HttpReceiver):
    """An incident for each idempotency key: a trigger opens it unless it is open, a resolve closes it if it is.

    Unless it is *calm* half of all requests fail: some before it acts on them, some after.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.calm = False
        self.asked = self.failed = 0
        self._chance = chance
        self._told: dict[str, str] = {}
        self._units: dict[str, str] = {}
        self._incidents = threading.Lock()

    @property
    def told(self) -> dict[str, str]:
        """What became of each incident: `o` for each time it was opened, `c` for each time it was closed."""
        with self._incidents:
            return dict(self._told)

    def units(self, last: str) -> set[str]:
        """What incidents are about that are open (`o`) or closed (`c`)."""
        with self._incidents:
            return {self._units[key] for key, told in self._told.items() if told.endswith(last)}

    def take(self, request: Received) -> Reply | None:
        """Act, fail, or both."""
        with self._incidents:
            fault = "" if self.calm or self._chance.random() < 0.5 else self._chance.choice("eEoOxXhHg")
            self.asked += 1
            self.failed += bool(fault)
            if fault in {"", *"EOXHg"}:
                self._act(request)
        match fault.lower():
            case "x":
                raise ConnectionResetError
            case "h":
                return Reply(hang=True)
            case "g":
                return Reply(200, body=b"<html>welcome to the proxy</html>")
            case "e" | "o":
                return Reply(500 if fault.lower() == "e" else 429)
        return None

    def _act(self, request: Received) -> None:
        event = request.json
        key, action = event["dedup_key"], event["event_action"]
        told = self._told.get(key, "")
        if action == "trigger" and not told.endswith("o"):
            self._told[key] = told + "o"
            self._units[key] = event["payload"]["custom_details"]["labels"].get("unit", "")
        elif action == "resolve" and told.endswith("o"):
            self._told[key] = told + "c"


class Sender:
    """Says each begin and each end of its alerts until somebody has taken it in, then no more."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._unsaid: dict[str, dict[str, Any]] = {}
        self._alerts: dict[str, dict[str, Any]] = {}

    def begin(self, unit: str) -> None:
        """It fires."""
        now = datetime.now(UTC)
        labels = {"alertname": "Broken", "unit": unit, "service": "shop", "severity": "critical"}
        url = "http://prometheus/graph"
        self._alerts[unit] = {"labels": labels, "startsAt": now.isoformat(), "generatorURL": url}
        self._unsaid[unit] = self._alerts[unit] | {"endsAt": (now + timedelta(hours=4)).isoformat()}

    def end(self, unit: str) -> None:
        """It is over."""
        if alert := self._alerts.pop(unit, None):
            self._unsaid[unit] = alert | {"endsAt": datetime.now(UTC).isoformat()}

    def answered(self) -> bool:
        """Whether somebody listens."""
        try:
            return requests.get(f"{self._url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def say(self) -> None:
        """Try once."""
        if not self._unsaid:
            return
        said = dict(self._unsaid)
        try:
            answer = requests.post(f"{self._url}/api/v2/alerts", json=[*said.values()], timeout=2)
        except requests.RequestException:
            return
        if answer.ok:
            self._unsaid = {unit: alert for unit, alert in self._unsaid.items() if said.get(unit) is not alert}


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that nobody takes while a life is over: it stays bound, and a life may listen there all the same."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((LOOPBACK, 0))
        yield keeper.getsockname()[1]


def play(lab: Lab, kills: int, seed: int, state: str = "", longest: float = LONGEST_LIFE) -> None:
    """Kill so many lives, then let one live until all is told: every incident was opened once, then closed once."""
    chance, port = random.Random(seed), lab.stack.enter_context(kept_port())
    pager = lab.stack.enter_context(Pager(random.Random(seed)))
    lab.write("shop.yaml", DEFINITIONS)
    (lab.rules / "notifications.yaml").unlink()
    arguments = ["serve", str(lab.rules), "--prometheus", lab.prometheus.url, "--interval", "1s"]
    arguments += ["--state", state or str(lab.folder / "state.db"), "--listen", f"127.0.0.1:{port}"]
    lives = Lives(arguments, lab.environ | {"PAGER_URL": pager.url}, lab.folder / "serve.log")
    lab.stack.callback(lives.close)
    begun: set[str] = set()
    sender = Sender(f"http://127.0.0.1:{port}")
    for life in range(kills):
        lives.begin()
        span = chance.uniform(0, longest)
        opened, closed = pager.units("o"), pager.units("c")
        for number in range(NEW if len(begun - closed) < OPEN else 0):
            begun.add(f"{life}.{number}")
            sender.begin(f"{life}.{number}")
        lab.exporter.level = 0 if "" in opened else 10
        for unit in opened:
            sender.end(unit)
        if life % 2:
            answer(sender, lives)
        end = time.monotonic() + span
        while (left := end - time.monotonic()) > 0:
            sender.say()
            time.sleep(min(left, 0.05))
        lives.kill()
    pager.calm = True
    lab.exporter.level = 0
    lives.begin()
    answer(sender, lives)

    def over() -> bool:
        for unit in pager.units("o"):
            sender.end(unit)
        sender.say()
        return begun <= pager.units("c") and not pager.units("o")

    until(over, "everything is closed", 600)
    log.warning("%d incidents, %d requests, %d of them failed", len(begun), pager.asked, pager.failed)
    assert pager.failed > kills / 2
    assert {key: told for key, told in pager.told.items() if told != "oc"} == {}
    assert len(pager.told) > len(begun)  # our own rule's come on top


def answer(sender: Sender, lives: Lives) -> None:
    """Wait until the life answers; one that does not says why."""
    try:
        until(sender.answered, "an answer")
    except AssertionError as error:
        raise AssertionError(f"{error}; the life {lives.account()}") from None


@pytest.mark.timeout(900)
def test_fifty_kills_open_and_close_every_incident_once(lab: Lab) -> None:
    """More than fifty incidents of a sender, and those of our own rule."""
    play(lab, 50, seed=7)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_thousand_kills_open_and_close_every_incident_once(lab: Lab) -> None:
    """The same at length, from another seed each time; the seed is told where it fails."""
    seed = random.SystemRandom().randrange(2**32)
    log.warning("seed %d", seed)
    play(lab, 1000, seed)


@needs_postgres
@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_three_hundred_kills_on_postgresql(lab: Lab) -> None:
    """There a life leads when the lease of the one before has run out, after two seconds; else the same."""
    seed = random.SystemRandom().randrange(2**32)
    log.warning("seed %d", seed)
    with closing(Postgres()) as server:
        server.start()
        play(lab, 300, seed, state=server.url, longest=LONGEST_LIFE_LEASED)
