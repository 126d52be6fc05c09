"""Planned maintenance on real processes: nobody is woken while it runs, and what was opened before is closed."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.e2e.conftest import NOTIFICATIONS, Evaluator, Lab, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def reload(lab: Lab, evaluator: Evaluator, more: str) -> None:
    """Use other notifications."""
    before = evaluator.metric("tocsin_config_last_reload_success_timestamp_seconds")
    lab.write("notifications.yaml", NOTIFICATIONS + more)
    evaluator.process.send_signal(signal.SIGHUP)
    name = "tocsin_config_last_reload_success_timestamp_seconds"
    until(lambda: evaluator.metric(name) > before, "the reload")


def muted(evaluator: Evaluator) -> list[dict[str, Any]]:
    """What mutes our alert, by the API."""
    alerts = evaluator.get("/api/v1/status").json()["alerts"]
    return [why for alert in alerts if alert["rule"] == "shop/FaultLevel" for why in alert["muted"]]


def test_maintenance_mutes_the_page_and_not_its_end(lab: Lab) -> None:
    """Nobody is told while it runs; then everybody; begun again, the end of what was told is told at once."""
    today = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    start, end = (today + timedelta(days=days) for days in (-1, 1))
    window = (
        f"maintenance: {{disks: {{match: {{service: shop}}, from: {start.isoformat()}, to: {end.isoformat()}, "
        "reason: new disks, owner: ana}}\n"
    )
    lab.write("notifications.yaml", NOTIFICATIONS + window)
    evaluator = lab.serve()
    lab.exporter.level = 10
    (why,) = until(lambda: muted(evaluator), "the alert is muted")
    evaluator.ticks(2)

    assert (why["kind"], why["by"], why["reason"]) == ("maintenance", "disks", "(maintenance by ana: new disks)")
    assert datetime.fromisoformat(why["until"]) == end.replace(tzinfo=UTC)
    assert (lab.pages("trigger"), lab.subjects("FIRING")) == ([], [])

    reload(lab, evaluator, "")
    until(lambda: lab.pages("trigger"), "the page, when it is over")
    reload(lab, evaluator, window)
    lab.exporter.level = 0
    until(lambda: lab.pages("resolve"), "the end, although it runs again")
    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)
