"""A test message through every real channel with the first evaluation, and none with the next start."""

import pytest
from tests.e2e.conftest import NOTIFICATIONS, Lab, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

SUCCESS = 'tocsin_canary_success_timestamp_seconds{channel="%s"}'


def test_each_channel_is_tried_once(lab: Lab) -> None:
    """PagerDuty's is resolved with the same key; the metric says when, also after a `kill -9`."""
    asked = NOTIFICATIONS
    for line in ("  slack:\n", "  pagerduty:\n", "  email:\n"):
        asked = asked.replace(line, f"{line}    canary: 7d\n", 1)
    lab.write("notifications.yaml", asked)
    first = lab.serve()

    def tests(service: str) -> list[bytes]:
        return [r.body for r in lab.receiver.requests if r.service == service and b"This is a test" in r.body]

    def resolved() -> list[str]:
        sent = [r.json for r in lab.receiver.requests if r.service == "pagerduty"]
        return [each["dedup_key"] for each in sent if each["event_action"] == "resolve"]

    until(lambda: resolved() and tests("slack") and lab.inbox.mails, "a test on every channel")
    until(lambda: first.metric(SUCCESS % "email") > 0 and first.metric(SUCCESS % "slack") > 0, "noted")
    at = first.metric(SUCCESS % "pagerduty")
    first.kill()
    second = lab.serve()
    second.ticks(3)

    assert [mail.subject for mail in lab.inbox.mails] == [
        "[TEST] This is a test: Tocsin reaches you through this channel (info)"
    ]
    assert (len(tests("slack")), len(tests("pagerduty")), len(resolved())) == (1, 1, 1)
    assert second.metric(SUCCESS % "pagerduty") == at > 0
