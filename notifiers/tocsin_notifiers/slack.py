"""Slack: through an incoming webhook, where each message stands alone; `slack_bot` is the better way."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tocsin.errors import MisuseError
from tocsin.ports import Action, Channel, Delivery, Notification, Outcome, Rate
from tocsin_notifiers import answers, border, own_words, slack_bot
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.message import cleaned, printable, whole_lines
from tocsin_notifiers.settings import Settings, endpoint, optional
from tocsin_notifiers.subjects import subject

DEADLINE_SECONDS = 10.0
RATE = Rate(1, timedelta(seconds=1))
"""https://docs.slack.dev/apis/web-api/rate-limits."""
LONGEST_TEXT = 3_000
LONGEST_TITLE = 150

_WEBHOOK = re.compile(r"/services/([^/]+)/([^/]+)/([^/]+)/?")
_MOODS = {"critical": "failure", "warning": "warning", "info": "info"}


@dataclass(slots=True)
class SlackWebhook:
    """A channel of a workspace; one message a second is its limit. https://docs.slack.dev/apis/web-api/rate-limits."""

    name: str
    service: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    endpoint: str | None = None
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = False
    joins: bool = True
    rate: Rate | None = RATE
    text_template: str | None = None
    _gate: Gate = field(default_factory=Gate)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Post once."""
        words = own_words.body(notification, now, self.text_template, "slack.j2")
        worst = _MOODS.get(notification.alerts[0].severity, "warning")
        attempt = border.send(
            self._gate,
            self.service,
            title=printable(subject(cleaned(notification)), LONGEST_TITLE),
            body=whole_lines(words, LONGEST_TEXT),
            mood="success" if notification.action is Action.RESOLVE else worst,
            seconds=self.deadline,
            endpoint=self.endpoint,
        )
        if not attempt.answers:
            return answers.unfinished(attempt) or Delivery(Outcome.REJECTED, "the message could not be built")
        answer = attempt.answers[-1]
        delivery = answers.http_delivery(answer, now, self.secrets)
        if delivery.outcome is not Outcome.SENT or answer.body.strip() == b"ok":
            return delivery
        return answers.strange(answer, self.secrets)


def build(name: str, settings: Settings) -> Channel:
    """Build from `webhook` or `token`, `channel` and `endpoint`."""
    webhook, token, channel = (optional(settings, key) for key in ("webhook", "token", "channel"))
    where, own = endpoint(settings), optional(settings, "text_template")
    if (webhook is None) == (token is None):
        raise MisuseError("needs either webhook or token")
    if token is not None:
        return slack_bot.build(name, token, channel, where, own)
    service: dict[str, Any] = {"schema": "slack", "include_footer": False, "include_image": False, "format": "text"}
    if channel:
        service["targets"] = [channel if channel.startswith(("#", "@", "+")) else f"#{channel}"]
    parts = urlsplit(webhook or "")
    match = _WEBHOOK.fullmatch(parts.path)
    if match is None or parts.scheme not in {"http", "https"}:
        raise MisuseError(
            "webhook is not of the form https://hooks.slack.com/services/T…/B…/…",
            hint="for a service that only resembles Slack use an apprise channel",
        )
    service |= {"token_a": match[1], "token_b": match[2], "token_c": match[3]}
    if where is None and parts.netloc != "hooks.slack.com":
        where = f"{parts.scheme}://{parts.netloc}"
    border.load(service)
    return SlackWebhook(name, service, (webhook or "", parts.path, match[3]), where, text_template=own)
