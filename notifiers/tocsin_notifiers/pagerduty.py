"""PagerDuty, Events API v2: one incident per alert, opened and resolved by its dedup key.

https://developer.pagerduty.com/docs/send-alert-event
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tocsin.ports import Action, AlertText, Delivery, Notification, Outcome
from tocsin_notifiers import answers, border
from tocsin_notifiers.attempt import Answer, Gate
from tocsin_notifiers.message import cleaned, moment, notes, one_line, titled
from tocsin_notifiers.settings import Settings, endpoint, optional, required

DEADLINE_SECONDS = 10.0
LONGEST_SUMMARY = 1024
SEVERITIES = frozenset({"critical", "warning", "info"})


@dataclass(slots=True)
class PagerDutyChannel:
    """An integration of a PagerDuty service; it takes about 120 events a minute."""

    name: str
    integration_key: str = field(repr=False)
    group: str | None = None
    endpoint: str | None = None
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = True
    pace: timedelta = timedelta(seconds=0.6)
    _gate: Gate = field(default_factory=Gate)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Trigger or resolve one incident."""
        clean = cleaned(notification)
        text = clean.alerts[0]
        attempt = border.send(
            self._gate,
            self._event(clean, text, now),
            title="",
            body=one_line(f"{titled(text)}: {text.summary}" if text.summary else titled(text), LONGEST_SUMMARY),
            mood="info",
            seconds=self.deadline,
            endpoint=self.endpoint,
        )
        if attempt.answers:
            return self._verdict(attempt.answers[-1], now)
        return answers.unfinished(attempt) or Delivery(Outcome.REJECTED, "the event could not be built")

    def _event(self, notification: Notification, text: AlertText, now: datetime) -> dict[str, Any]:
        labels = dict(text.labels)
        event = _service(self.integration_key) | {
            "dedup": notification.dedup_key,
            "action": "resolve" if notification.action is Action.RESOLVE else "trigger",
            "source": text.service or "tocsin",
            "component": labels.get("slo") or labels.get("ref") or text.service or "tocsin",
            "class_id": labels.get("ref") or one_line(text.title, 100),
            "severity": text.severity if text.severity in SEVERITIES else "error",
            "details": _details(notification, text, now),
        }
        if self.group:
            event["group"] = self.group
        if text.runbook and text.runbook.startswith(("https://", "http://")):
            event["click"] = text.runbook
        return event

    def _verdict(self, answer: Answer, now: datetime) -> Delivery:
        delivery = answers.http_delivery(answer, now, (self.integration_key,))
        if delivery.outcome is not Outcome.SENT:
            return delivery
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = None
        if isinstance(said, dict) and said.get("status") == "success":
            return delivery
        return answers.strange(answer, (self.integration_key,))


def _service(integration_key: str) -> dict[str, Any]:
    return {"schema": "pagerduty", "apikey": "unused", "integrationkey": integration_key, "include_image": False}


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
    border.load(_service(key))
    return PagerDutyChannel(name, key, optional(settings, "service"), endpoint(settings))
