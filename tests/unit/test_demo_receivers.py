"""The stand-ins for mail server, Slack and PagerDuty behave as the real ones do, and misbehave on request."""

import contextlib
import json
import smtplib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from tocsin.demo.receivers import HttpReceiver, Inbox, Reply

pytestmark = pytest.mark.real


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A mail server that accepts everything."""
    with Inbox() as inbox:
        yield inbox


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    """A Slack and PagerDuty that accept everything."""
    with HttpReceiver() as receiver:
        yield receiver


def mail(inbox: Inbox, subject: str = "tocsin rings", text: str = "budget left: 41 %\n", user: str = "") -> None:
    """Send one mail as any client would."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "alerts@example.org", "oncall@example.org"
    message.set_content(text)
    with smtplib.SMTP(inbox.host, inbox.port, timeout=5) as client:
        if user:
            client.login(user, "secret")
        client.send_message(message)


def post(url: str, body: Any, timeout: float = 5) -> tuple[int, bytes]:
    """Status and body of the answer to a POST of JSON."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_mail_is_kept_with_subject_text_and_envelope(inbox: Inbox) -> None:
    """What was sent can be read back as a person reads it, umlauts included."""
    mail(inbox, "be-camera brennt: Störung", "übrig: 41 %\n")
    (got,) = inbox.wait_for(lambda m: "brennt" in m.subject)

    assert (got.subject, got.text, got.recipients) == (
        "be-camera brennt: Störung",
        "übrig: 41 %\n",
        ("oncall@example.org",),
    )


def test_any_login_is_accepted_without_tls(inbox: Inbox) -> None:
    """Channels configured with user and password work against the local inbox."""
    mail(inbox, user="alerts")

    assert len(inbox.messages) == 1


@pytest.mark.parametrize(("stage", "code"), [("rcpt", 451), ("rcpt", 550), ("data", 451), ("data", 554)])
def test_an_inbox_refuses_as_scripted_and_then_accepts(stage: str, code: int) -> None:
    """Temporary and permanent refusals come at the stage asked for, once each."""
    with Inbox(**{stage: [f"{code} 4.3.0 not now"]}) as inbox:
        with pytest.raises((smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)) as caught:
            mail(inbox)
        mail(inbox)

        seen = caught.value
        answer = seen.smtp_code if isinstance(seen, smtplib.SMTPDataError) else next(iter(seen.recipients.values()))[0]  # type: ignore[attr-defined]
        assert (code, 1, 1) == (answer, inbox.refused, len(inbox.mails))


def test_waiting_in_vain_says_what_was_missed(inbox: Inbox) -> None:
    """A test that waits for a page that never comes fails with a count, not with a hang."""
    mail(inbox)

    with pytest.raises(TimeoutError, match=r"0 of 1 expected arrivals within 0\.05 s; 1 in all"):
        inbox.wait_for(lambda m: "RESOLVED" in m.subject, timeout=0.05)


def test_a_closed_inbox_frees_its_port_even_with_a_client_inside() -> None:
    """No socket outlives the inbox (warnings are errors), and nothing listens any more."""
    inbox = Inbox()
    with socket.create_connection((inbox.host, inbox.port)) as client:
        client.recv(100)
        inbox.close()
        inbox.close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((inbox.host, inbox.port), timeout=1)


def test_slack_says_ok_and_pagerduty_accepts_with_the_key(receiver: HttpReceiver) -> None:
    """The natural answers are those of the services' documentation."""
    slack = post(f"{receiver.url}/services/T/B/C", {"text": "hello"})
    pagerduty = post(f"{receiver.url}/v2/enqueue", {"event_action": "trigger", "dedup_key": "k1"})

    assert slack == (200, b"ok")
    assert (
        pagerduty[0],
        json.loads(pagerduty[1]),
    ) == (202, {"status": "success", "message": "Event processed", "dedup_key": "k1"})
    assert [r.service for r in receiver.requests] == ["slack", "pagerduty"]
    assert receiver.requests[1].json["event_action"] == "trigger"


def test_scripted_answers_come_in_turn_and_only_on_their_path(receiver: HttpReceiver) -> None:
    """Slack answers 500 three times, then 200, while PagerDuty is not touched by it."""
    receiver.answer(500, 500, Reply(429, {"Retry-After": "7"}), path="/services/")
    pagerduty = post(f"{receiver.url}/v2/enqueue", {"dedup_key": "k"})[0]
    slack = [post(f"{receiver.url}/services/T/B/C", {})[0] for _ in range(4)]

    assert (pagerduty, slack) == (202, [500, 500, 429, 200])


def test_a_hanging_receiver_takes_the_request_and_lets_go_on_close() -> None:
    """The client runs into its own timeout, and close() does not wait for it."""
    with HttpReceiver(Reply(hang=True)) as receiver:
        with pytest.raises(TimeoutError):
            post(f"{receiver.url}/services/T/B/C", {}, timeout=0.2)
        with socket.create_connection(("127.0.0.1", receiver.port)) as idle:
            idle.sendall(b"POST /services/x HTTP/1.0\r\nContent-Length: 5\r\n\r\n")
            started = time.monotonic()
            receiver.close()

        assert time.monotonic() - started < 10, "the receiver would hang for as long as it is open"
        assert len(receiver.requests) == 1


def test_a_dripping_receiver_sends_its_body_byte_by_byte(receiver: HttpReceiver) -> None:
    """Time-outs that count only silence do not notice it."""
    receiver.answer(Reply(200, body=b"slow", drip=0.05, delay=0.05))
    started = time.monotonic()
    answer = post(f"{receiver.url}/services/T/B/C", {})

    assert answer == (200, b"slow")
    assert time.monotonic() - started >= 0.2


def test_requests_can_be_waited_for(receiver: HttpReceiver) -> None:
    """wait_for returns as soon as enough matching requests are there."""
    for action in ("trigger", "trigger", "resolve"):
        post(f"{receiver.url}/v2/enqueue", {"event_action": action})

    assert len(receiver.wait_for(lambda r: r.json["event_action"] == "trigger", count=2)) == 2
    with contextlib.suppress(TimeoutError):
        receiver.wait_for(count=4, timeout=0.01)
        pytest.fail("a fourth request never came")
