"""Slack by a bot's token: one message per conversation that is kept up to date, its history in a thread."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.couriers import TestClock, post

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import HttpReceiver, Reply
from tocsin.ports import Action, Delivery, Outcome, Picture
from tocsin.service.delivery import Courier
from tocsin_notifiers import build, slack_files
from tocsin_notifiers.slack_blocks import LONGEST_HEADER, LONGEST_SECTION, MOST_BLOCKS

pytestmark = pytest.mark.real

TOKEN = "xoxb-s3cr3t0123456789"
OVER = text(resolved=NOON + seconds(600))


@pytest.fixture
def web() -> Iterator[HttpReceiver]:
    """Slack."""
    with HttpReceiver() as web:
        yield web


@pytest.fixture
def bot(web: HttpReceiver) -> Any:
    """A bot that writes there."""
    return make(web)


def make(web: HttpReceiver) -> Any:
    """Build a bot, without waits."""
    bot: Any = build("slack", "slack", {"token": TOKEN, "channel": "ops", "endpoint": web.url})
    bot.rate = None
    return bot


def calls(web: HttpReceiver) -> list[tuple[str, dict[str, Any]]]:
    """Methods of Slack's API with their arguments."""
    return [(r.path.removeprefix("/api/chat."), r.json) for r in web.requests]


def failing(error: str) -> Reply:
    """Slack's way to say no."""
    return Reply(200, body=f'{{"ok":false,"error":"{error}"}}'.encode())


def send(bot: Any, action: Action = Action.FIRE, *alerts: Any, receipt: str = "", seq: int = 0) -> Delivery:
    """Send one message of a conversation."""
    delivery: Delivery = bot.send(replace(message("slack", action, *alerts, seq=seq), receipt=receipt), NOON)
    return delivery


def test_the_first_message_is_posted_and_opens_its_thread(web: HttpReceiver, bot: Any) -> None:
    """With the token as a header, and what Slack calls it as the receipt."""
    delivery = send(bot)
    (root, said), (reply, told) = calls(web)

    assert (delivery.outcome, root, reply) == (Outcome.SENT, "postMessage", "postMessage")
    assert said["channel"] == "#ops"
    assert said["blocks"][0]["text"]["text"].endswith("[FIRING] be-camera/uptime burns its error budget (critical)")
    assert f"C0DEMO:{told['thread_ts']}" == delivery.receipt
    assert "reply_broadcast" not in told
    assert {r.headers["Authorization"] for r in web.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in "".join(r.body.decode() for r in web.requests)


def test_what_follows_changes_the_message_and_adds_to_the_thread(web: HttpReceiver, bot: Any) -> None:
    """The end of an alert: the message is green, the thread says when."""
    first = send(bot)
    over = send(bot, Action.RESOLVE, OVER, receipt=first.receipt, seq=1)
    (update, changed), (reply, told) = calls(web)[2:]

    assert (over.outcome, over.receipt, update, reply) == (Outcome.SENT, first.receipt, "update", "postMessage")
    assert f"{changed['channel']}:{changed['ts']}" == f"C0DEMO:{told['thread_ts']}" == first.receipt
    assert "[RESOLVED]" in changed["blocks"][0]["text"]["text"]
    assert "[RESOLVED]" in told["text"]


@pytest.mark.parametrize(
    ("action", "alerts", "aloud"),
    [
        (Action.FIRE, (text(), text("k2")), True),
        (Action.REPEAT, (text(),), True),
        (Action.REPEAT, (text(), text("k2", resolved=NOON)), False),
        (Action.ACKNOWLEDGE, (text(),), False),
        (Action.RESOLVE, (OVER,), False),
    ],
)
def test_what_must_be_noticed_is_shown_in_the_channel_too(
    web: HttpReceiver, bot: Any, action: Action, alerts: tuple[Any, ...], *, aloud: bool
) -> None:
    """Slack tells nobody of a change or of a reply: another alert and a reminder are, what calms down is not."""
    send(bot, action, *alerts, receipt="C0DEMO:1.5", seq=1)

    assert calls(web)[-1][1].get("reply_broadcast", False) is aloud


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_message_that_was_deleted_is_posted_anew(web: HttpReceiver, bot: Any, error: str) -> None:
    """And the thread goes on below the new one."""
    web.answer(failing(error))
    delivery = send(bot, Action.RESOLVE, OVER, receipt="C0DEMO:1.5", seq=1)

    assert delivery.outcome is Outcome.SENT
    assert [method for method, _ in calls(web)] == ["update", "postMessage", "postMessage"]
    assert delivery.receipt not in {"", "C0DEMO:1.5"}


@pytest.mark.parametrize(
    ("error", "outcome", "detail"),
    [
        ("ratelimited", Outcome.RETRY, "Slack says ratelimited"),
        ("internal_error", Outcome.RETRY, "Slack says internal_error"),
        ("invalid_blocks", Outcome.REJECTED, "Slack says invalid_blocks: the message is not well formed"),
        ("invalid_auth", Outcome.REJECTED, "Slack says invalid_auth: the token is not valid"),
        ("not_in_channel", Outcome.REJECTED, "Slack says not_in_channel: invite the bot to the channel"),
        (
            "channel_not_found",
            Outcome.REJECTED,
            "Slack says channel_not_found: no such channel, or a private one that the bot is not in",
        ),
    ],
)
def test_a_refusal_with_status_200_says_what_to_do(
    web: HttpReceiver, bot: Any, error: str, outcome: Outcome, detail: str
) -> None:
    """What passes is tried again, what stays is not."""
    web.answer(failing(error))
    delivery = send(bot)

    assert (delivery.outcome, delivery.detail, len(web.requests)) == (outcome, detail, 1)


def test_a_reply_that_has_to_wait_does_not_post_the_message_again(web: HttpReceiver, bot: Any) -> None:
    """Slack asks for a pause between the two: the next attempt changes what is there."""
    web.answer(Reply(200, body=b'{"ok":true,"channel":"C1","ts":"7.7"}'), Reply(429, {"Retry-After": "3"}))
    first = send(bot)
    second = send(bot, receipt=first.receipt)

    assert (first.outcome, first.receipt, first.retry_after) == (Outcome.RETRY, "C1:7.7", timedelta(seconds=3))
    assert second.outcome is Outcome.SENT
    assert [method for method, _ in calls(web)] == ["postMessage", "postMessage", "update", "postMessage"]


def test_a_thread_that_fails_for_good_costs_no_page(web: HttpReceiver, bot: Any) -> None:
    """The message stands in the channel; the detail says what is missing."""
    web.answer(Reply(200, body=b'{"ok":true,"channel":"C1","ts":"7.7"}'), failing("restricted_action"))
    delivery = send(bot)

    assert (delivery.outcome, delivery.receipt) == (Outcome.SENT, "C1:7.7")
    assert delivery.detail.startswith("not in its thread: Slack says restricted_action")


def test_blocks_keep_slacks_limits_and_mention_nobody(web: HttpReceiver, bot: Any) -> None:
    """A storm of alerts with far too long and hostile texts."""
    nasty = "<!channel> <https://evil|click> & " + "x" * 5_000
    alerts = [text(f"k{n}", title=nasty, summary=nasty, facts=((nasty, nasty),) * 40) for n in range(60)]
    send(bot, Action.FIRE, *alerts)
    root = calls(web)[0][1]
    texts = [block["text"]["text"] for block in root["blocks"]]

    assert len(root["blocks"]) <= MOST_BLOCKS
    assert len(texts[0]) <= LONGEST_HEADER
    assert all(0 < len(each) <= LONGEST_SECTION for each in texts[1:])
    assert sum(map(len, texts)) < 13_200
    assert not any("<" in each for each in [root["text"], *texts[1:]])
    assert root["blocks"][0]["text"]["type"] == "plain_text"


MARKS = "*bold* _it_ ~no~ `code` ```x``` :fire: > quote"


def test_slack_formats_no_value(web: HttpReceiver, bot: Any) -> None:
    """What a label or an annotation says stands there letter by letter, and can be copied."""
    notes: dict[str, Any] = {"summary": MARKS, "description": MARKS, "facts": ((MARKS, MARKS),), "runbook": None}
    links = (("graph", "https://prometheus.example/graph"),)
    alerts = [text(f"k{n}", title=f"{n} {MARKS}", service="shop", links=links, **notes) for n in range(2)]
    delivery = send(bot, Action.FIRE, *alerts)
    send(bot, Action.REPEAT, *alerts, receipt=delivery.receipt, seq=1)
    asked = [said for _, said in calls(web)]
    literal = MARKS.replace(">", "&gt;")

    for said in asked:
        plain = [block["text"] for block in said["blocks"] if block["text"]["type"] == "plain_text"]
        marked = [block["text"] for block in said["blocks"] if block["text"]["type"] == "mrkdwn"]
        assert "".join(each["text"] for each in plain[1 if len(plain) > 1 else 0 :]).count(literal) >= 8
        assert not any(each["emoji"] for each in plain)
        assert not set("*_~`") & set("".join(each["text"] for each in marked))
        assert ":fire:" not in "".join(each["text"] for each in marked)
    assert [said["mrkdwn"] for said in asked if "ts" not in said] == [False] * 3
    assert "Graph>" in asked[0]["blocks"][-1]["text"]["text"]


def test_one_conversation_is_one_message_also_after_a_restart(web: HttpReceiver, tmp_path: Path) -> None:
    """The receipt stands in the outbox: another process changes the message that the first one posted."""
    clock = TestClock()
    for n, action in enumerate((Action.FIRE, Action.REPEAT, Action.RESOLVE)):
        store = SqlStore(str(tmp_path / "tocsin.db"))
        clock.at = NOON + seconds(60 * n)
        post(store, message("slack", action, seq=n), at=clock.at)
        assert Courier(store, {"slack": make(web)}, clock).step("slack")
        store.close()

    post_, change = "postMessage", "update"
    assert [method for method, _ in calls(web)] == [post_, post_, change, post_, change, post_]
    assert len({told["ts"] for method, told in calls(web) if method == "update"}) == 1


def test_the_receipt_of_half_a_message_survives(web: HttpReceiver, tmp_path: Path) -> None:
    """Posted, not yet in the thread, and folded with what follows: it is changed, and says nothing of coming alone."""
    store, clock = SqlStore(str(tmp_path / "tocsin.db")), TestClock()
    web.answer(Reply(200, body=b'{"ok":true,"channel":"C1","ts":"7.7"}'), Reply(503))
    post(store, message("slack"), at=NOON)
    courier = Courier(store, {"slack": make(web)}, clock, jitter=lambda: 1.0)
    assert courier.step("slack")
    post(store, message("slack", Action.RESOLVE, OVER, seq=1), at=NOON)
    clock.at = NOON + seconds(90)
    assert courier.step("slack")
    store.close()
    update, changed = calls(web)[2]

    assert (update, changed["ts"]) == ("update", "7.7")
    assert "before a message about it" not in str(changed)


PICTURE = Picture(b"\x89PNG...", "k1", "Graph of <be-camera/uptime>", (600, 220))


def steps(web: HttpReceiver, bot: Any) -> list[str]:
    """The paths that are no messages, once the picture that is under way is done with."""
    if bot._showing is not None:
        bot._showing.join(20)
    return [request.path for request in web.requests if "/api/chat." not in request.path]


def test_a_new_alert_shows_its_graph_in_the_thread(web: HttpReceiver, bot: Any) -> None:
    """Uploaded as Slack wants it: a place asked for, the bytes sent there, and shared below the message."""
    bot.illustrate = lambda _: PICTURE
    delivery = send(bot)
    channel, _, ts = delivery.receipt.partition(":")

    assert steps(web, bot) == [
        "/api/files.getUploadURLExternal",
        "/upload/v1/demo",
        "/api/files.completeUploadExternal",
    ]
    asked, sent, done = web.requests[2:]
    assert parse_qs(asked.body.decode())["length"] == [str(len(PICTURE.png))]
    assert (sent.body, "Authorization" in sent.headers) == (PICTURE.png, False)
    files = [{"id": "F0DEMO", "title": "Graph of <be-camera/uptime>"}]
    assert done.json == {"files": files, "channel_id": channel, "thread_ts": ts}


def test_only_what_is_new_shows_a_graph(web: HttpReceiver, bot: Any) -> None:
    """No upload for a reminder or an end."""
    bot.illustrate = lambda _: PICTURE
    send(bot, Action.REPEAT, text(), receipt="C0DEMO:1.5", seq=1)
    send(bot, Action.RESOLVE, OVER, receipt="C0DEMO:1.5", seq=2)

    assert steps(web, bot) == []


@pytest.mark.parametrize(
    "reply",
    [
        failing("missing_scope"),
        Reply(500),
        Reply(200, body=b'{"ok": true, "file_id": "F", "upload_url": "https://evil.example/upload"}'),
        Reply(200, body=b'{"ok": true, "file_id": "F", "upload_url": "http://files.slack.com/upload"}'),
    ],
)
def test_a_graph_that_cannot_be_shown_costs_only_itself(web: HttpReceiver, bot: Any, reply: Reply) -> None:
    """The message is sent; the next one does not try again; nothing is sent to anybody but Slack."""
    drawn: list[Any] = []

    def illustrate(told: Any) -> Picture:
        drawn.append(told)
        return PICTURE

    bot.illustrate = illustrate
    web.answer(reply, path="/api/files.")
    first, asked, second = send(bot), steps(web, bot), send(bot)

    assert (first.outcome, second.outcome) == (Outcome.SENT, Outcome.SENT)
    assert asked == steps(web, bot) == ["/api/files.getUploadURLExternal"]
    assert len(drawn) == 1


def test_no_message_waits_for_a_picture(web: HttpReceiver, bot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as sent before, so that a crash does not send it anew; the next one goes without."""
    drawn = threading.Event()

    def illustrate(_: Any) -> Picture:
        drawn.wait(20)
        return PICTURE

    monkeypatch.setattr(slack_files, "SECONDS", 0.5)
    bot.illustrate = illustrate
    web.answer(Reply(hang=True), path="/upload/")

    assert [send(bot).outcome for _ in range(3)] == [Outcome.SENT] * 3
    drawn.set()
    assert steps(web, bot) == ["/api/files.getUploadURLExternal", "/upload/v1/demo"]
