"""Slack: one message per group, through an incoming webhook or a bot."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tocsin.errors import MisuseError
from tocsin.ports import Action, Delivery, Notification, Outcome
from tocsin_notifiers import answers
from tocsin_notifiers.border import Answer, Gate, load
from tocsin_notifiers.message import printable, render
from tocsin_notifiers.settings import Settings, endpoint, optional

DEADLINE_SECONDS = 10.0
LONGEST_TEXT = 3_000
LONGEST_TITLE = 150
PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
"""Errors of the Web API that pass. https://docs.slack.dev/reference/methods/chat.postMessage#errors"""

_WEBHOOK = re.compile(r"/services/([^/]+)/([^/]+)/([^/]+)/?")
_MOODS = {"critical": "failure", "warning": "warning", "info": "info"}


@dataclass(slots=True)
class SlackChannel:
    """A Slack workspace; one message a second is its limit. https://docs.slack.dev/apis/web-api/rate-limits."""

    name: str
    service: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    endpoint: str | None = None
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = False
    pace: timedelta = timedelta(seconds=1)
    _gate: Gate = field(default_factory=Gate)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Post once."""
        message = render(notification, now, "slack.j2")
        worst = _MOODS.get(notification.alerts[0].severity, "warning")
        attempt = self._gate.send(
            self.service,
            title=printable(message.subject, LONGEST_TITLE),
            body=printable(message.body, LONGEST_TEXT),
            mood="success" if notification.action is Action.RESOLVE else worst,
            seconds=self.deadline,
            endpoint=self.endpoint,
        )
        if attempt.answers:
            return self._verdict(attempt.answers[-1], now)
        return answers.unfinished(attempt) or Delivery(Outcome.REJECTED, "the message could not be built")

    def _verdict(self, answer: Answer, now: datetime) -> Delivery:
        delivery = answers.http_delivery(answer, now, self.secrets)
        if delivery.outcome is not Outcome.SENT:
            return delivery
        if "access_token" in self.service:
            return self._bot(answer)
        return delivery if answer.body.strip() == b"ok" else answers.strange(answer, self.secrets)

    def _bot(self, answer: Answer) -> Delivery:
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = None
        if not isinstance(said, dict) or "ok" not in said:
            return answers.strange(answer, self.secrets)
        if said["ok"] is True:
            return Delivery(Outcome.SENT)
        error = printable(str(said.get("error")), 100)
        return Delivery(Outcome.RETRY if error in PASSING else Outcome.REJECTED, f"Slack says {error}")


def build(name: str, settings: Settings) -> SlackChannel:
    """Build from `webhook` or `token`, `channel` and `endpoint`."""
    webhook, token, channel = (optional(settings, key) for key in ("webhook", "token", "channel"))
    where = endpoint(settings)
    service: dict[str, Any] = {"schema": "slack", "include_footer": False, "include_image": False, "format": "text"}
    if (webhook is None) == (token is None):
        raise MisuseError("needs either webhook or token")
    if channel:
        service["targets"] = [channel if channel.startswith(("#", "@", "+")) else f"#{channel}"]
    if token is not None:
        if not channel:
            raise MisuseError("a token needs a channel to post to")
        service["access_token"] = token
        secrets: tuple[str, ...] = (token, token.partition("-")[2])
    else:
        parts = urlsplit(webhook or "")
        match = _WEBHOOK.fullmatch(parts.path)
        if match is None or parts.scheme not in {"http", "https"}:
            raise MisuseError(
                "webhook is not of the form https://hooks.slack.com/services/T…/B…/…",
                hint="for a service that only resembles Slack use an apprise channel",
            )
        service |= {"token_a": match[1], "token_b": match[2], "token_c": match[3]}
        secrets = (webhook or "", parts.path, match[3])
        if where is None and parts.netloc != "hooks.slack.com":
            where = f"{parts.scheme}://{parts.netloc}"
    load(service)
    return SlackChannel(name, service, secrets, where)
