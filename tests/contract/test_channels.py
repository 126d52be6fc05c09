"""What every channel promises, with real servers at the other end: it sends once, in time, and keeps its secrets."""

import asyncio
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.alerts import NOON, message, text
from tests.lines import KINDS, OVER_HTTP, SECRET, make

from tocsin.demo.receivers import HttpReceiver, Inbox, Reply
from tocsin.errors import MisuseError
from tocsin.ports import Action, Outcome
from tocsin.spec.notifications import PER_ALERT
from tocsin_notifiers import CHANNELS, build, web
from tocsin_notifiers.attempt import MOST_ABANDONED
from tocsin_notifiers.email import REMEMBERED
from tocsin_schemas import schema_for

pytestmark = pytest.mark.real

OWN = ("slack", "slack-bot", "pagerduty")

PATIENCE = 5.0
"""Far longer than any deadline that a test sets, far less than what hangs would take; the machine may be busy."""


@dataclass
class Line:
    """A channel and what stands at its other end."""

    channel: Any
    arrived: Callable[[], list[str]]
    """The raw texts that came in."""
    web: HttpReceiver
    inbox: Inbox


@pytest.fixture
def ends() -> Iterator[tuple[HttpReceiver, Inbox]]:
    """A web server and a mail server."""
    with HttpReceiver() as web, Inbox() as inbox:
        yield web, inbox


def connect(kind: str, ends: tuple[HttpReceiver, Inbox], **more: Any) -> Line:
    """Build a channel to its end."""
    web, inbox = ends
    if kind == "email":
        mailed = make(kind, "127.0.0.1", inbox.port, **more)
        return Line(mailed, lambda: [f"{m.subject}\n{m.text}" for m in inbox.mails], web, inbox)
    channel = make(kind, "127.0.0.1", web.port, **more)
    return Line(channel, lambda: [r.body.decode() for r in web.requests if b"thread_ts" not in r.body], web, inbox)


@pytest.fixture(params=KINDS)
def line(request: pytest.FixtureRequest, ends: tuple[HttpReceiver, Inbox]) -> Line:
    """Every kind of channel."""
    return connect(request.param, ends)


@pytest.fixture(params=OVER_HTTP)
def http(request: pytest.FixtureRequest, ends: tuple[HttpReceiver, Inbox]) -> Line:
    """Every kind of channel that speaks HTTP."""
    return connect(request.param, ends)


@pytest.fixture(params=OWN)
def own(request: pytest.FixtureRequest, ends: tuple[HttpReceiver, Inbox]) -> Line:
    """Every kind whose answers we know better than Apprise does."""
    return connect(request.param, ends)


# --- all of them -------------------------------------------------------------------------------------------


def test_every_kind_is_tested() -> None:
    """A kind that is listed is held to this contract."""
    assert {kind.removesuffix("-bot") for kind in KINDS} == set(CHANNELS)


def test_the_language_knows_the_same_kinds() -> None:
    """A channel that can be written can be built, and the other way round."""
    written = schema_for("Notifications")["$defs"]["channel"]["properties"].keys() - {
        "send_resolved",
        "rate",
        "fallback",
        "canary",
    }

    assert written == CHANNELS.keys()
    assert CHANNELS.keys() >= PER_ALERT


def test_a_message_arrives_once_and_names_the_alert(line: Line) -> None:
    """And the channel says so."""
    delivery = line.channel.send(message(line.channel.name), NOON)

    assert (delivery.outcome, delivery.detail) == (Outcome.SENT, "")
    (arrived,) = line.arrived()
    assert "be-camera/uptime burns its error budget" in arrived


def test_the_end_arrives(line: Line) -> None:
    """A RESOLVE is an event of its own."""
    line.channel.send(message(line.channel.name), NOON)
    delivery = line.channel.send(message(line.channel.name, Action.RESOLVE, seq=1), NOON)

    assert (delivery.outcome, len(line.arrived())) == (Outcome.SENT, 2)


def test_links_arrive_whole(line: Line) -> None:
    """What is written into a message can be followed from it. An Alertmanager has links of its own."""
    url = "https://tocsin.example/alerts/k1?signature=0123456789abcdef0123456789abcdef"
    line.channel.send(message(line.channel.name, Action.FIRE, text(links=(("acknowledge", url),))), NOON)
    (arrived,) = line.arrived()

    assert (url in arrived) == (line.channel.name != "alertmanager")


@pytest.mark.parametrize("kind", ["email", "slack", "slack-bot"])
def test_a_workspace_may_write_its_own_text(ends: tuple[HttpReceiver, Inbox], kind: str) -> None:
    """Instead of ours."""
    line = connect(kind, ends, text_template="{{ headline }} at the shop", subject_template="shop: {{ topic }}")
    line.channel.send(message(line.channel.name), NOON)
    (arrived,) = line.arrived()

    assert "firing at the shop" in arrived
    assert "7.2% of requests fail" not in arrived
    assert kind != "email" or arrived.startswith("[FIRING] shop: be-camera/uptime burns its error budget (critical)")


def test_hostile_text_arrives_as_text(line: Line) -> None:
    """Markup, mentions, header injection, control characters, and far too much of it."""
    nasty = (
        "<!channel> <script>alert(1)</script>\r\nBcc: all@example.org\x00\x1b[2J\u202e&action=resolve " + "x" * 99_999
    )
    alert = text(title=nasty, summary=nasty, facts=((nasty, nasty),), labels=((nasty, nasty),), runbook=nasty)
    delivery = line.channel.send(message(line.channel.name, Action.FIRE, alert), NOON)

    assert delivery.outcome is Outcome.SENT
    (arrived,) = line.arrived()
    bad = ("\x00", "\x1b", "\u202e", "\\u0000", "\\u001b", "\\u202e")
    assert [piece for piece in bad if piece in arrived] == []
    assert len(arrived) < 20_000


def test_a_server_that_is_not_there_is_tried_again(line: Line) -> None:
    """Nothing was sent, so trying again is safe."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = make(line.channel.name, "127.0.0.1", port)
    delivery = channel.send(message(channel.name), NOON)

    assert delivery.outcome is Outcome.RETRY
    assert delivery.detail.endswith("cannot connect: connection refused")


def test_a_server_that_says_nothing_does_not_hold_us(line: Line) -> None:
    """The channel returns at its deadline; nobody knows what became of the message, unless it is one of a mail.

    That is handed over late (DATA), and not to a server that has not even greeted.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = make(line.channel.name, "127.0.0.1", silent.getsockname()[1])
        channel.deadline = 0.3
        begin = time.monotonic()
        delivery = channel.send(message(channel.name), NOON)
        took = time.monotonic() - begin

    assert delivery.outcome is (Outcome.RETRY if line.channel.name == "email" else Outcome.UNKNOWN)
    assert took < PATIENCE


def test_no_secret_is_shown(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the log at its most talkative, nor in what the channel prints, nor where the receiver echoes it."""
    caplog.set_level(logging.DEBUG)
    echo = Reply(403, body=f"invalid token {SECRET}".encode())
    line.web.answer(echo)
    line.inbox.rcpt.append(f"550 5.7.1 {SECRET} is not welcome")
    refused = line.channel.send(message(line.channel.name), NOON)
    sent = line.channel.send(message(line.channel.name, seq=1), NOON)

    assert (refused.outcome, sent.outcome) == (Outcome.REJECTED, Outcome.SENT)
    assert "***" in refused.detail
    ours = "".join(r.getMessage() for r in caplog.records if not r.name.startswith(("mail.log", "asyncio")))
    assert SECRET not in f"{refused} {sent} {line.channel!r} {ours}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_setting_is_named_and_not_shown(kind: str) -> None:
    """At the start, not at the first page; what was written there may be half a password."""
    wrong: dict[str, dict[str, Any]] = {
        "email": {"to": (f"{SECRET} at example",)},
        "slack": {"webhook": f"https://hooks.slack.com/{SECRET}"},
        "slack-bot": {"token": f"{SECRET} !"},
        "pagerduty": {"endpoint": f"ftp://{SECRET}"},
        "alertmanager": {"urls": (f"ftp://{SECRET}",)},
        "apprise": {"url": f"nosuchservice://{SECRET}"},
    }
    with pytest.raises(MisuseError) as error:
        make(kind, "127.0.0.1", 9, **wrong[kind])

    assert f"channel '{kind}'" in str(error.value)
    assert kind == "email" or SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "gone"),
    [("email", "host"), ("email", "to"), ("slack", "webhook"), ("pagerduty", "integration_key"), ("apprise", "url")],
)
def test_a_missing_setting_is_named(kind: str, gone: str) -> None:
    """An environment variable that is empty is missing, too."""
    empty: dict[str, Any] = {gone: ""}
    with pytest.raises(MisuseError, match=gone):
        make(kind, "127.0.0.1", 9, **empty)


@pytest.mark.parametrize("address", ["jürgen@example.org", "a@bücher.example"])
def test_an_address_that_no_server_takes_is_refused(address: str) -> None:
    """At the start, and with a word: most mail servers take ASCII alone before the mail itself."""
    with pytest.raises(MisuseError, match="is not an email address"):
        make("email", "127.0.0.1", 9, to=(address,))


def test_an_unknown_kind_is_refused() -> None:
    """With the kinds that are known."""
    with pytest.raises(MisuseError, match="known are alertmanager, apprise, email, pagerduty, slack"):
        build("x", "pigeon", {})


# --- over HTTP ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, "rejected"), (404, "rejected"), (410, "rejected"), (429, "retry"), (500, "retry"), (503, "retry")],
)
def test_a_status_decides_what_comes_next(http: Line, status: int, outcome: str) -> None:
    """One request, whatever the answer: trying again is the courier's business."""
    http.web.answer(status)
    delivery = http.channel.send(message(http.channel.name), NOON)

    assert (delivery.outcome, len(http.web.requests)) == (outcome, 1)
    assert f"HTTP {status}" in delivery.detail


def test_retry_after_is_handed_on(http: Line) -> None:
    """The receiver knows best when it can take more."""
    http.web.answer(Reply(429, {"Retry-After": "30"}))

    assert http.channel.send(message(http.channel.name), NOON).retry_after == timedelta(seconds=30)


def test_a_redirect_is_not_followed(http: Line) -> None:
    """It would carry the key and the message to whoever it names."""
    with HttpReceiver() as elsewhere:
        http.web.answer(Reply(307, {"Location": f"{elsewhere.url}/v2/enqueue"}))
        delivery = http.channel.send(message(http.channel.name), NOON)

        assert (delivery.outcome, elsewhere.requests) == (Outcome.REJECTED, ())


def test_a_success_that_is_none_is_not_believed(own: Line) -> None:
    """A proxy's page with status 200, the word OK in it, is not the receiver's answer."""
    own.web.answer(Reply(200, body=b"<html>OK: BROKEN PROXY</html>"))

    assert own.channel.send(message(own.channel.name), NOON).outcome is Outcome.UNKNOWN


def test_an_answer_byte_by_byte_does_not_hold_us(own: Line) -> None:
    """Each byte in time does not make the whole in time."""
    own.web.answer(Reply(200, body=b"x" * 600, drip=0.1))
    own.channel.deadline = 0.5
    begin = time.monotonic()
    delivery = own.channel.send(message(own.channel.name), NOON)

    assert delivery.outcome is Outcome.UNKNOWN
    assert time.monotonic() - begin < PATIENCE


def test_what_hangs_is_not_piled_up(ends: tuple[HttpReceiver, Inbox]) -> None:
    """After a few attempts that still hang, a channel does not begin another one."""
    line = connect("pagerduty", ends)
    line.channel.deadline = 0.05
    line.web.answer(*[Reply(200, body=b"x" * 10_000, drip=0.01)] * 9)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = make("email", "127.0.0.1", silent.getsockname()[1])
        channel.deadline = 0.05
        details = [channel.send(message(seq=i), NOON).detail for i in range(MOST_ABANDONED + 2)]

    hanging = "earlier attempts still hang; this one was not begun"
    assert details == ["no answer within the deadline"] * MOST_ABANDONED + [hanging] * 2


# --- Slack -------------------------------------------------------------------------------------------------


def test_slack_gets_text_that_mentions_nobody(ends: tuple[HttpReceiver, Inbox]) -> None:
    """`<!channel>` in a label would wake a whole company."""
    line = connect("slack", ends)
    line.channel.send(message("slack", Action.FIRE, text(summary="<!channel> a & b")), NOON)
    (request,) = line.web.requests
    (attachment,) = request.json["attachments"]

    assert request.path == f"/services/T0/B0/{SECRET}"
    assert attachment["title"] == "[FIRING] be-camera/uptime burns its error budget (critical)"
    assert attachment["text"].startswith("&lt;!channel&gt; a &amp; b\nsince 2026-11-23 11:56:40 UTC (for 3m 20s)\n")
    assert request.json["mrkdwn"] is False


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'{"ok":true,"ts":"1.2"}', "sent"),
        (b'{"ok":false,"error":"channel_not_found"}', "rejected"),
        (b'{"ok":false,"error":"ratelimited"}', "retry"),
        (b"[]", "unknown"),
    ],
)
def test_slacks_api_says_in_the_body_whether_it_worked(
    ends: tuple[HttpReceiver, Inbox], body: bytes, outcome: str
) -> None:
    """The status is 200 in any case."""
    line = connect("slack-bot", ends)
    line.web.answer(Reply(200, body=body))

    assert line.channel.send(message("slack-bot"), NOON).outcome == outcome


def test_a_webhook_of_another_host_is_sent_there() -> None:
    """A stand-in or a proxy can be named in the webhook itself."""
    with HttpReceiver() as web:
        channel = build("s", "slack", {"webhook": f"{web.url}/services/a/b/c"})
        channel.send(message("s"), NOON)

        assert [r.path for r in web.requests] == ["/services/a/b/c"]


# --- what Apprise knows ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "key", "most"),
    [
        (f"discord://123456789012345678/{'a' * 68}", "content", 2_000),
        ("tgram://123456789:abcdefghijklmnopqrstuvwxyz123456789/12315544/", "text", 4_096),
    ],
)
def test_a_service_of_apprise_gets_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str, most: int
) -> None:
    """No more characters than it would refuse, and nothing by which a label would call a whole company."""
    nasty = "@everyone <@&7> a@example.org " + "x" * 2_000
    with HttpReceiver() as there:
        monkeypatch.setattr(web, "_redirected", lambda url, _: there.url + "/" + url.split("/", 3)[3])
        channel = build("a", "apprise", {"url": url})
        channel.send(message("a", Action.FIRE, *(text(f"k{n}", title=nasty, summary=nasty) for n in range(9))), NOON)
        (request,) = there.requests

    assert 0.9 * most < len(request.json[key]) <= most
    assert "a@example.org" in request.json[key]
    assert "@everyone" not in request.json[key]
    assert not re.search(r"(<|&lt;)@", request.json[key])


# --- email -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("421 4.3.2 closing", "retry"), ("451 4.7.1 greylisted", "retry"), ("550 5.1.1 no such user", "rejected")],
)
@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_smtp_replies_decide_what_comes_next(
    ends: tuple[HttpReceiver, Inbox], stage: str, reply: str, outcome: str
) -> None:
    """4yz passes, 5yz stays, at either stage."""
    line = connect("email", ends)
    getattr(line.inbox, stage).append(reply)
    delivery = line.channel.send(message(), NOON)

    assert (delivery.outcome, delivery.detail) == (outcome, f"SMTP {reply}")


class SlowToPart(Inbox):
    """Takes every mail, and never answers QUIT."""

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        """Say nothing."""
        await asyncio.sleep(60)
        return "221 bye"


def test_a_mail_that_all_have_is_sent_whatever_follows() -> None:
    """The server hangs at QUIT: nobody is written to again, neither a recipient nor, for want of one, the sender."""
    with SlowToPart() as inbox:
        to = ("Ops <a@example.org>", "b@example.org")
        channel = make("email", "127.0.0.1", inbox.port, user="", password="", to=to)
        channel.deadline = 0.5
        outcomes = [channel.send(message(), NOON).outcome for _ in range(3)]

        assert outcomes == [Outcome.SENT] * 3
        assert sorted(m.recipients for m in inbox.mails) == [("a@example.org",), ("b@example.org",)]


def test_a_mail_that_could_not_be_recorded_as_sent_is_not_sent_again(ends: tuple[HttpReceiver, Inbox]) -> None:
    """The outbox asks again when its database failed after the mail had left; another message is another one."""
    line = connect("email", ends)
    again = [line.channel.send(message(seq=seq), NOON).outcome for seq in (0, 0, 1)]

    assert again == [Outcome.SENT] * 3
    assert len(line.inbox.mails) == 2


def test_who_has_which_mail_is_not_remembered_for_ever(ends: tuple[HttpReceiver, Inbox]) -> None:
    """The oldest are forgotten first."""
    line = connect("email", ends)
    (mailbox,) = line.channel.recipients.values()
    for seq in range(REMEMBERED + 9):
        mailbox._remember((message().dedup_key, seq))
    sent = [line.channel.send(message(seq=seq), NOON).outcome for seq in (REMEMBERED, 0)]

    assert len(mailbox._accepted) == REMEMBERED
    assert sent == [Outcome.SENT] * 2
    assert [m["Message-ID"] for m in line.inbox.messages] == ["<tocsin.thread.0@example.org>"]


def test_no_mail_leaves_without_the_encryption_that_was_asked_for(ends: tuple[HttpReceiver, Inbox]) -> None:
    """A server, or somebody before it, that does not offer STARTTLS gets neither password nor message."""
    line = connect("email", ends, tls="starttls")
    delivery = line.channel.send(message(), NOON)

    assert (delivery.outcome, line.inbox.messages) == (Outcome.RETRY, ())
    assert "STARTTLS" in delivery.detail
