"""One question hangs: a real `tocsin serve` before a real Prometheus that lets one query wait."""

import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
import requests
from tests.e2e.conftest import Lab, until

from tocsin.demo.loopback import LoopbackServer, QuietHandler

pytestmark = pytest.mark.real

SLOW = """\
apiVersion: tocsin/v1
kind: Service
name: attic
alerts:
  Slowly: {value: 'count(up) + hangs_here', above: 5, severity: critical, notify: [email]}
"""


class Gate:
    """Passes questions on to *upstream*, and keeps those about `hangs_here` until it is opened."""

    def __init__(self, upstream: str) -> None:
        gate, self.open = self, threading.Event()
        self.kept = 0

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if "hangs_here" in parse_qs(form)["query"][0]:
                    gate.kept += 1
                    gate.open.wait(20)
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                answer = requests.post(upstream + self.path, data=form, headers=kind, timeout=10)
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

        self.server = LoopbackServer(Handler)


@pytest.fixture
def gate(lab: Lab) -> Iterator[Gate]:
    """Before the Prometheus of the lab."""
    gate = Gate(lab.prometheus.url)
    yield gate
    gate.open.set()
    gate.server.close()


def test_other_alerts_are_decided_and_told_in_time(lab: Lab, gate: Gate) -> None:
    """While a question hangs, evaluation goes on each second, an alert opens and closes; then the slow one is answered.

    The deadline of a question is five seconds, so with an evaluation that waits for it there would be one in six.
    """
    lab.write("attic.yaml", SLOW)
    evaluator = lab.serve("--prometheus", gate.server.url)
    until(lambda: gate.kept or None, "the question that hangs")
    evaluator.ticks(1)
    began, before = time.monotonic(), evaluator.metric('tocsin_ticks_total{outcome="ok"}')
    lab.exporter.level = 10
    until(lambda: lab.pages("trigger") or None, "the page")
    lab.exporter.level = 0
    until(lambda: lab.pages("resolve") or None, "the end")
    took = time.monotonic() - began
    evaluations = evaluator.metric('tocsin_ticks_total{outcome="ok"}') - before

    assert evaluations >= took / 2
    until(lambda: evaluator.metric("tocsin_late_questions") == 1 or None, "only the one that hangs is late")
    until(lambda: [a for a in evaluator.alerts() if "some questions" in a["title"]] or None, "who says so")

    gate.open.set()
    until(lambda: evaluator.metric("tocsin_late_questions") == 0 or None, "the question is answered in time again")
