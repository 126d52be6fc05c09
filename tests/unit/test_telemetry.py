"""What Tocsin says about itself: one JSON object per line, and nothing of what others would blurt out."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from tests import alerts
from tests.alerts import NOON

from tocsin.ports import Delivery, Notification, Outcome, Rate
from tocsin.service.telemetry import Telemetry, configure_logging


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile."""
    stream = io.StringIO()
    with configure_logging(stream=stream):
        yield stream


def test_each_line_is_an_object() -> None:
    """Also with a traceback, line breaks, and values that JSON does not know."""
    with logged() as stream:
        logging.getLogger("tocsin.x").info("one\ntwo", extra={"instant": NOON, "channel": "email"})
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            logging.getLogger("tocsin.x").exception("a tick failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())

    assert ("info", "one\ntwo", "email", str(NOON)) == tuple(first[k] for k in ("level", "event", "channel", "instant"))
    assert "ZeroDivisionError: integer division" in second["traceback"]


def test_libraries_that_repeat_urls_are_silent() -> None:
    """Apprise logs the URL of a webhook when it fails, and with it the secret."""
    with logged() as stream:
        logging.getLogger("apprise").error("failed: https://hooks.slack.com/services/T/B/secret")
        logging.getLogger("urllib3.connectionpool").warning("retry /services/T/B/secret")

    assert stream.getvalue() == ""


def test_logging_is_put_back() -> None:
    """A process that serves for a while leaves nothing behind."""
    names = ("", "apprise", "uvicorn")
    before = logging.getLogger().handlers[:], [logging.getLogger(name).level for name in names]
    with logged():
        pass

    assert before == (logging.getLogger().handlers, [logging.getLogger(name).level for name in names])


class Wall:
    """Five seconds after noon."""

    def now(self) -> datetime:
        """Return the time."""
        return NOON + timedelta(seconds=5)


class Fickle:
    """A channel that accepts every second message."""

    name, idempotent, joins = "email", False, True
    rate: Rate | None = None

    def __init__(self) -> None:
        self.outcomes = [Outcome.RETRY, Outcome.SENT]

    def send(self, notification: Notification, now: object) -> Delivery:
        """Answer in turn."""
        return Delivery(self.outcomes.pop(0))


def test_deliveries_are_counted_by_outcome_and_timed() -> None:
    """From the evaluated instant to the acceptance; what was not accepted has no time."""
    telemetry = Telemetry("0")
    channel = telemetry.counted(Fickle(), Wall())
    value, failing = telemetry.registry.get_sample_value, []
    for _ in range(2):
        channel.send(alerts.message(at=NOON), NOON)
        failing.append(value("tocsin_delivery_failures_in_a_row", {"channel": "email"}))

    assert failing == [1, 0]
    assert value("tocsin_deliveries_total", {"channel": "email", "outcome": "sent"}) == 1
    assert value("tocsin_deliveries_total", {"channel": "email", "outcome": "retry"}) == 1
    assert value("tocsin_last_delivery_success_timestamp_seconds", {"channel": "email"}) == Wall().now().timestamp()
    assert value("tocsin_delivery_latency_seconds_count", {"channel": "email"}) == 1
    assert value("tocsin_delivery_latency_seconds_sum", {"channel": "email"}) == 5
