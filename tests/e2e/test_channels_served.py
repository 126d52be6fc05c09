"""Channels of a running evaluator: one Slack message across a crash, an Alertmanager, and a fallback."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.e2e.conftest import DEFINITIONS, Lab, until

pytestmark = pytest.mark.real

NOTIFICATIONS = """\
apiVersion: tocsin/v1
kind: Notifications
name: platform
channels:
  email:
    email:
      smtp: {host: 127.0.0.1, port: {env: INBOX_PORT}, tls: none}
      from: tocsin@example.org
      to: [oncall@example.org]
  slack: {slack: {token: xoxb-1, channel: "#ops", endpoint: {env: RECEIVER_URL}}, rate: 100/s}
  pagerduty: {pagerduty: {integration_key: {env: PAGERDUTY_KEY}, endpoint: {env: RECEIVER_URL}}, fallback: email}
  am: {alertmanager: {urls: [{env: RECEIVER_URL}]}}
routes:
  - {to: [email], group_wait: 0s, group_interval: 1s}
"""


@pytest.fixture
def there(lab: Lab) -> Lab:
    """Slack by a bot, and an Alertmanager."""
    lab.write("notifications.yaml", NOTIFICATIONS)
    lab.write("shop.yaml", DEFINITIONS.replace("[email, slack, pagerduty]", "[slack, pagerduty, am]"))
    return lab


def told(lab: Lab, path: str) -> list[Any]:
    """Bodies about our alert."""
    return [r.json for r in lab.receiver.requests if r.path.endswith(path) and b"FaultLevel" in r.body]


def test_a_crash_does_not_part_a_conversation(there: Lab) -> None:
    """`kill -9` while it fires: the next process changes the same Slack message, and ends the alert at Alertmanager."""
    evaluator = there.serve()
    there.exporter.level = 10
    until(lambda: len(told(there, "chat.postMessage")) == 2 and bool(told(there, "/api/v2/alerts")), "all were told")
    waiting = [f'tocsin_outbox_depth{{channel="{channel}"}}' for channel in ("slack", "am")]
    until(lambda: all(evaluator.metric(each) == 0 for each in waiting), "what was told is settled")
    evaluator.kill()
    there.exporter.level = 0
    again = there.serve()
    until(lambda: bool(told(there, "chat.update")), "the message is changed")
    until(lambda: len(told(there, "/api/v2/alerts")) == 2, "the alert has ended there")
    (update,) = told(there, "chat.update")
    ((fire,), (over,)) = told(there, "/api/v2/alerts")
    thread = {reply["thread_ts"] for reply in told(there, "chat.postMessage") if "thread_ts" in reply}

    assert thread == {update["ts"]}
    assert "RESOLVED" in update["text"]
    assert fire["labels"] == over["labels"]
    assert fire["labels"]["alertname"] == "FaultLevel"
    assert fire["startsAt"] == over["startsAt"]
    assert lasts(fire) > timedelta(minutes=3) > lasts(over)
    assert again.metric('tocsin_delivery_breaker_state{channel="slack"}') == 0


def lasts(alert: Any) -> timedelta:
    """How long an alert lasts there."""
    return datetime.fromisoformat(alert["endsAt"]) - datetime.fromisoformat(alert["startsAt"])


def test_a_refused_page_is_told_by_email_and_listed(there: Lab) -> None:
    """PagerDuty does not know the key: the mail says so, page and API list it, and the end follows."""
    there.receiver.answer(400, path="/v2")
    evaluator = there.serve()
    there.exporter.level = 10
    until(lambda: len(there.subjects("FIRING")) == 1, "the page has come by email")
    there.exporter.level = 0
    until(lambda: len(there.subjects("RESOLVED")) == 1, "its end has come by email")
    (dead,) = evaluator.get("/api/v1/deliveries").json()["deliveries"]
    first = next(mail for mail in there.inbox.mails if "FaultLevel" in mail.subject)

    assert "Note: not delivered to pagerduty: HTTP 400" in first.text
    assert (dead["channel"], dead["fallback"], dead["action"]) == ("pagerduty", "email", "fire")
    assert "Messages given up" in evaluator.get("/").text


@pytest.mark.soak
def test_what_fires_is_said_again_every_minute(there: Lab) -> None:
    """Also after a restart, and until it ends."""
    evaluator = there.serve()
    there.exporter.level = 10
    until(lambda: bool(told(there, "/api/v2/alerts")), "it was told")
    wait(lambda: len(told(there, "/api/v2/alerts")) >= 2)
    evaluator.kill()
    there.serve()
    before = len(told(there, "/api/v2/alerts"))
    wait(lambda: len(told(there, "/api/v2/alerts")) > before)
    ends = [datetime.fromisoformat(one["endsAt"]) for (one,) in told(there, "/api/v2/alerts")]

    assert ends == sorted(set(ends))


def wait(holds: Callable[[], bool]) -> None:
    """Wait for more than a minute."""
    end = time.monotonic() + 75
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
