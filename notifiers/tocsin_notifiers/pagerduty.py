"""PagerDuty, Events API v2: one incident per alert; triggered, acknowledged and resolved by its dedup key.

Events are sent by ourselves, as Apprise's plugin knows neither acknowledgements nor times nor several links.
https://developer.pagerduty.com/docs/send-alert-event
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tocsin.errors import MisuseError
from tocsin.ports import Action, AlertText, Delivery, Notification, Outcome, Rate
from tocsin_notifiers import answers
from tocsin_notifiers.attempt import Answer, Gate
from tocsin_notifiers.message import cleaned, moment, notes, one_line
from tocsin_notifiers.settings import Settings, endpoint, optional, required
from tocsin_notifiers.subjects import titled
from tocsin_notifiers.web import post_json

DEADLINE_SECONDS = 10.0
RATE = Rate(100, timedelta(minutes=1))
"""Per integration key; some 120 are told of. https://developer.pagerduty.com/docs/events-api-v2-overview."""
ENQUEUE = "https://events.pagerduty.com/v2/enqueue"
LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
LONGEST_LINK = 2_000

SEVERITIES = {"critical": "critical", "warning": "warning", "info": "info"}
"""PagerDuty's fourth, `error`, is for what has none of ours."""

_ACTIONS = {Action.RESOLVE: "resolve", Action.ACKNOWLEDGE: "acknowledge"}
_URL = re.compile(r"https?://\S+")


@dataclass(slots=True)
class PagerDutyChannel:
    """An integration of a PagerDuty service; it takes about 120 events a minute."""

    name: str
    integration_key: str = field(repr=False)
    group: str | None = None
    endpoint: str | None = None
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = True
    joins: bool = False
    rate: Rate | None = RATE
    _gate: Gate = field(default_factory=Gate)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Trigger, acknowledge or resolve one incident."""
        told = event(notification, now, self.integration_key, self.group)
        attempt = self._gate.run(lambda: post_json(ENQUEUE, told), self.deadline, self.endpoint)
        if attempt.answers:
            return self._verdict(attempt.answers[-1], now)
        return answers.unfinished(attempt) or Delivery(Outcome.REJECTED, "the event could not be built")

    def _verdict(self, answer: Answer, now: datetime) -> Delivery:
        delivery = answers.http_delivery(answer, now, (self.integration_key,))
        if delivery.outcome is not Outcome.SENT:
            return delivery
        if answers.document_of(answer).get("status") == "success":
            return delivery
        return answers.strange(answer, (self.integration_key,))


def event(notification: Notification, now: datetime, integration_key: str, group: str | None = None) -> dict[str, Any]:
    """One event; what acknowledges or resolves needs no more than the key."""
    clean = cleaned(notification)
    text = clean.alerts[0]
    action = _ACTIONS.get(notification.action, "trigger")
    head = {"routing_key": integration_key, "event_action": action, "dedup_key": notification.dedup_key[:LONGEST_KEY]}
    if action != "trigger":
        return head
    labels = dict(text.labels)
    payload: dict[str, Any] = {
        "summary": one_line(_summary(text), LONGEST_SUMMARY) or "an alert",
        "source": text.service or "tocsin",
        "severity": SEVERITIES.get(text.severity, "error"),
        "timestamp": text.started_at.isoformat(),
        "component": labels.get("slo") or labels.get("ref") or text.service or "tocsin",
        "class": labels.get("ref") or one_line(text.title, 100),
        "custom_details": _details(clean, text, now),
    }
    if group:
        payload["group"] = group
    links = list(_links(text))
    return head | {"client": "Tocsin", "payload": payload} | ({"links": links} if links else {})


def _summary(text: AlertText) -> str:
    """Title and summary; of a summary that begins with the title, the summary."""
    if text.summary.startswith(text.title):
        return text.summary
    return ": ".join(filter(None, (titled(text), text.summary)))


def _links(text: AlertText) -> list[dict[str, str]]:
    """Every address that the alert names, with what it leads to."""
    named = [*text.links, ("runbook", text.runbook or ""), *text.facts]
    return [
        {"href": value, "text": name} for name, value in named if _URL.fullmatch(value) and len(value) <= LONGEST_LINK
    ]


def _details(notification: Notification, text: AlertText, now: datetime) -> dict[str, Any]:
    details: dict[str, Any] = {"summary": text.summary, "since": moment(text.started_at), **dict(text.facts)}
    if text.description:
        details["description"] = text.description
    if text.runbook:
        details["runbook"] = text.runbook
    if notes(notification, now):
        details["note"] = "; ".join(notes(notification, now))
    return details | {"labels": dict(text.labels)}


def build(name: str, settings: Settings) -> PagerDutyChannel:
    """Build from `integration_key`, `service` and `endpoint`."""
    key = required(settings, "integration_key")
    if not re.fullmatch(r"[A-Za-z0-9]{32}", key):
        raise MisuseError("integration_key is not of 32 letters and digits")
    return PagerDutyChannel(name, key, optional(settings, "service"), endpoint(settings))
