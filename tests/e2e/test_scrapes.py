"""Scrapes that fail while an alert fires, in a real Prometheus, which marks the series as stale at the first one."""

import pytest
from tests.e2e.conftest import Evaluator, Lab, until
from tests.e2e.test_serve import everybody_knows, everybody_relieved

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


def blind(evaluator: Evaluator) -> bool:
    """Whether our alert is open, and nobody can look."""
    alerts = evaluator.get("/api/v1/status").json()["alerts"]
    return any(alert["blindSince"] for alert in alerts if alert["rule"] == "shop/FaultLevel")


def test_one_three_and_ten_that_fail_resolve_nothing(lab: Lab) -> None:
    """The alert is blind, not over; once the target answers again it goes on, and ends when the fault does, once."""
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: everybody_knows(lab), "the page on every channel")
    for scrapes in (1, 3, 10):
        goal = lab.exporter.failed + scrapes
        lab.exporter.status = 500
        until(lambda goal=goal: lab.exporter.failed >= goal, f"{scrapes} failed scrapes")  # type: ignore[misc]
        assert scrapes < 10 or blind(evaluator)
        lab.exporter.status = 200
        until(lambda: lab.prometheus.query("fault_level"), "the series again")
        evaluator.ticks(2)
        assert not blind(evaluator)
    told = (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED")), len(lab.slack()), len(lab.pages("resolve")))
    lab.exporter.level = 0
    until(lambda: everybody_relieved(lab), "the end on every channel")
    evaluator.ticks(3)

    assert told == (1, 0, 1, 0)
    assert (len(lab.subjects("FIRING")), len(lab.subjects("RESOLVED")), len(lab.slack())) == (1, 1, 2)
    assert (len(lab.pages("trigger")), len(lab.pages("resolve"))) == (1, 1)
