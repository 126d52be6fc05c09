"""Slack by a bot's token: one message per conversation that is kept up to date, and a thread with its history.

The first message is posted, and its `ts` becomes the receipt; later ones change it (chat.update) and are added to its
thread, where each stays as it was, and a new alert shows its graph. What has to be noticed again (another alert, a
reminder) is shown in the channel, too, as nobody is told of a change. A message that somebody deleted is posted anew.
https://docs.slack.dev/reference/methods/chat.update
"""

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tocsin.errors import MisuseError
from tocsin.ports import Action, Delivery, Illustrator, Notification, Outcome, Rate, unillustrated
from tocsin_notifiers import answers, slack_blocks
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.message import printable
from tocsin_notifiers.slack_files import Uploads
from tocsin_notifiers.web import post_json

DEADLINE_SECONDS = 10.0
RATE = Rate(1, timedelta(seconds=2))
"""Two requests for each message, and one a second is Slack's limit."""
API = "https://slack.com/api/"

PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
"""Errors that pass. https://docs.slack.dev/reference/methods/chat.postMessage#errors"""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""The message that was to be changed is not there any more, or not ours."""

MEANING = {
    "invalid_auth": "the token is not valid",
    "not_authed": "no token arrived there",
    "account_inactive": "the bot or its workspace is gone",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "missing_scope": "the bot needs the scope chat:write",
    "channel_not_found": "no such channel, or a private one that the bot is not in",
    "not_in_channel": "invite the bot to the channel",
    "is_archived": "the channel is archived",
    "restricted_action": "the workspace does not let the bot write there",
    "msg_too_long": "the message is too long",
    "invalid_blocks": "the message is not well formed",
}
"""What to do about errors that stay."""


@dataclass(slots=True)
class SlackBot:
    """A channel of a Slack workspace, with the token of a bot that may write there."""

    name: str
    channel: str
    token: str = field(repr=False)
    endpoint: str | None = None
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = False
    joins: bool = True
    rate: Rate | None = RATE
    text_template: str | None = None
    illustrate: Illustrator = unillustrated
    _gate: Gate = field(default_factory=Gate)
    _uploads: Uploads = field(init=False)
    _showing: threading.Thread | None = None

    def __post_init__(self) -> None:
        """Pictures have a gate of their own: one that hangs keeps no message waiting for its turn."""
        self._uploads = Uploads(self.name, self.token, self.endpoint)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Post or change the message, then add to its thread."""
        fresh, shown = True, Delivery(Outcome.REJECTED, "Slack says message_not_found")
        state = slack_blocks.state(notification, now, self.text_template)
        if notification.receipt:
            channel, _, ts = notification.receipt.partition(":")
            shown, fresh = self._call("chat.update", {"channel": channel, "ts": ts, **state}, now), False
        if shown.outcome is Outcome.REJECTED and any(shown.detail.startswith(f"Slack says {e}") for e in GONE):
            shown, fresh = self._call("chat.postMessage", {"channel": self.channel, **_PLAIN, **state}, now), True
        if shown.outcome is not Outcome.SENT or not shown.receipt:
            return replace(shown, receipt=notification.receipt) if not fresh else shown
        added = self._add(notification, shown.receipt, now, aloud=not fresh and _aloud(notification))
        if added.outcome is Outcome.SENT and notification.action is Action.FIRE:
            self._picture(notification, shown.receipt)
        return added

    def _picture(self, notification: Notification, receipt: str) -> None:
        """Show in the thread what an alert that is new looks like, beside what goes on.

        The message is there already: neither the record of that nor the next message waits for the picture. While one
        is under way there is no other.
        """
        if self._uploads.ready() and (self._showing is None or not self._showing.is_alive()):
            self._showing = threading.Thread(target=self._show, args=(notification, receipt), daemon=True)
            self._showing.start()

    def _show(self, notification: Notification, receipt: str) -> None:
        picture = self.illustrate(notification)
        if picture is not None:
            channel, _, ts = receipt.partition(":")
            self._uploads.add(picture, channel, ts)

    def _add(self, notification: Notification, receipt: str, now: datetime, *, aloud: bool) -> Delivery:
        """Add to the thread; the message itself is there already, so only what can safely be repeated is."""
        channel, _, ts = receipt.partition(":")
        reply = {
            "channel": channel,
            "thread_ts": ts,
            **_PLAIN,
            **slack_blocks.event(notification, now, self.text_template),
        }
        added = self._call("chat.postMessage", reply | ({"reply_broadcast": True} if aloud else {}), now)
        if added.outcome is Outcome.RETRY:
            return replace(added, receipt=receipt)
        detail = f"not in its thread: {added.detail}" if added.outcome is not Outcome.SENT else ""
        return Delivery(Outcome.SENT, detail, receipt=receipt)

    def _call(self, method: str, words: dict[str, Any], now: datetime) -> Delivery:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json; charset=utf-8"}
        attempt = self._gate.run(lambda: post_json(API + method, words, headers), self.deadline, self.endpoint)
        if not attempt.answers:
            return answers.unfinished(attempt) or Delivery(Outcome.REJECTED, "the message could not be built")
        answer, secrets = attempt.answers[-1], (self.token, self.token.partition("-")[2])
        delivery = answers.http_delivery(answer, now, secrets)
        if delivery.outcome is not Outcome.SENT:
            return delivery
        said = answers.document_of(answer)
        if "ok" not in said:
            return answers.strange(answer, secrets)
        if said["ok"] is True:
            ts, channel = said.get("ts"), said.get("channel", words["channel"])
            return Delivery(Outcome.SENT, receipt=f"{channel}:{ts}" if ts else "")
        error = printable(answers.redacted(str(said.get("error")), secrets), 100)
        meaning = f": {MEANING[error]}" if error in MEANING else ""
        wait = answers.waiting(answer, now) if error in PASSING else None
        return Delivery(Outcome.RETRY if error in PASSING else Outcome.REJECTED, f"Slack says {error}{meaning}", wait)


_PLAIN = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "mrkdwn": False}


def _aloud(notification: Notification) -> bool:
    """Whether people have to notice: something new, or a reminder that tells of nothing that is over."""
    if notification.action is Action.REPEAT:
        return all(text.resolved_at is None for text in notification.alerts)
    return notification.action is Action.FIRE


def build(
    name: str, token: str, channel: str | None, endpoint: str | None, text_template: str | None = None
) -> SlackBot:
    """Build for a channel by its name or id."""
    if not channel:
        raise MisuseError("a token needs a channel to post to")
    if not token.startswith("xox") or not token.isascii() or any(c.isspace() for c in token):
        raise MisuseError("token is not of the form xoxb-…")
    plain = channel[0] in "#@" or (channel[0] in "CDGU" and channel.isupper())
    return SlackBot(name, channel if plain else f"#{channel}", token, endpoint, text_template=text_template)
