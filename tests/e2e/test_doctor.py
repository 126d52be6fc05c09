"""`tocsin doctor` beside a real evaluator: well, with a page that nobody would close, and after closing it."""

import sqlite3
import subprocess
import sys

import pytest
from tests.e2e.conftest import Lab, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]


def doctor(lab: Lab, *arguments: str) -> tuple[int, str]:
    """Exit code and what it says."""
    command = [sys.executable, "-m", "tocsin.cli.main", "doctor", str(lab.rules), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=lab.environ)
    return done.returncode, done.stdout + done.stderr


def test_a_page_without_an_alert_is_found_and_closed(lab: Lab) -> None:
    """All is well while it fires; when the alert is lost its page stays open, until it is closed for the next start."""
    state = str(lab.folder / "state.db")
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: lab.pages("trigger") and lab.subjects("FIRING"), "the page")
    until(lambda: evaluator.metric('tocsin_outbox_depth{channel="pagerduty"}') == 0, "settled")
    evaluator.ticks(2)
    well = doctor(lab, "--url", evaluator.url, "--state", state)
    refused = doctor(lab, "--state", state, "--close")
    evaluator.kill()
    lab.exporter.level = 0
    until(lambda: len(lab.prometheus.query("max_over_time(fault_level[4s]) == 0")) == 1, "the fault is out of sight")
    with sqlite3.connect(state) as database:
        database.execute("DELETE FROM alerts WHERE rule LIKE '%FaultLevel%'")
    database.close()
    second = lab.serve()
    second.ticks(2)
    second.stop()
    ill = doctor(lab, "--state", state)
    before = lab.pages("resolve")
    closed = doctor(lab, "--state", state, "--close")
    third = lab.serve()
    until(lambda: lab.pages("resolve") and lab.subjects("RESOLVED"), "the end")
    third.ticks(2)
    cured = doctor(lab, "--url", third.url, "--state", state)

    assert well[0] == 0, well[1]
    assert (refused[0], "leads" in refused[1]) == (2, True), refused[1]
    assert (ill[0], "without a live alert: FaultLevel" in ill[1]) == (1, True), ill[1]
    assert (before, len(lab.pages("resolve"))) == ([], 1)
    assert (closed[0], closed[1].count("closed on")) == (0, 3), closed[1]
    assert cured[0] == 0, cured[1]
