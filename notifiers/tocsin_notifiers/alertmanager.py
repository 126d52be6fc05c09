"""An Alertmanager cluster as a channel: alerts go there as from a Prometheus, and its routes decide what follows.

Every member gets every alert, as each member of a cluster expects; one that takes it is enough, for all of it is sent
again every minute (`renew`). An alert lasts there for *lasting* without news, so that nobody is told of an end when
Tocsin is only being restarted. https://prometheus.io/docs/alerting/latest/clients/
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tocsin.errors import MisuseError
from tocsin.ports import AlertText, Delivery, Notification, Outcome, Rate
from tocsin_notifiers import answers
from tocsin_notifiers.attempt import Gate
from tocsin_notifiers.message import one_line, readable
from tocsin_notifiers.settings import Settings
from tocsin_notifiers.web import post_json

DEADLINE_SECONDS = 10.0
PATH = "/api/v2/alerts"
AT_ONCE = 500
"""Alerts in one request."""
LONGEST_NAME = 200
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(slots=True)
class Member:
    """One Alertmanager; *shown* is its address without a password."""

    url: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(repr=False)
    gate: Gate = field(default_factory=Gate)


@dataclass(slots=True)
class AlertmanagerChannel:
    """The members of one cluster."""

    name: str
    members: tuple[Member, ...]
    deadline: float = DEADLINE_SECONDS
    idempotent: bool = True
    joins: bool = True
    rate: Rate | None = None
    lasting: timedelta = timedelta(minutes=4)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Send all alerts of the message to every member."""
        return self._post(one_of_each(notification.alerts), now)

    def renew(self, texts: tuple[AlertText, ...], now: datetime) -> Delivery:
        """Send again what still fires and what has just ended."""
        whole = one_of_each(texts)
        told = [self._post(whole[start : start + AT_ONCE], now) for start in range(0, len(whole), AT_ONCE)]
        sent = Delivery(Outcome.SENT)
        return next((each for each in told if each != sent), sent)

    def _post(self, texts: Iterable[AlertText], now: datetime) -> Delivery:
        document = [alert(text, now, self.lasting) for text in texts]
        told = [(member, self._give(member, document, now)) for member in self.members]
        bad = [(member, each) for member, each in told if each.outcome is not Outcome.SENT]
        if not bad:
            return Delivery(Outcome.SENT)
        without = ", ".join(f"{member.shown}: {each.detail}" for member, each in bad)
        if len(bad) < len(told):
            return Delivery(Outcome.SENT, one_line(f"not by every member: {without}", answers.LONGEST_DETAIL))
        outcomes = {each.outcome for _, each in bad}
        worst = next(o for o in (Outcome.RETRY, Outcome.UNKNOWN, Outcome.REJECTED) if o in outcomes)
        waits = [each.retry_after for _, each in bad if each.retry_after is not None]
        return Delivery(worst, one_line(without, answers.LONGEST_DETAIL), min(waits, default=None))

    def _give(self, member: Member, document: list[dict[str, Any]], now: datetime) -> Delivery:
        attempt = member.gate.run(lambda: post_json(member.url, document), self.deadline / len(self.members))
        if attempt.answers:
            return answers.http_delivery(attempt.answers[-1], now, member.secrets)
        return answers.unfinished(attempt) or Delivery(Outcome.REJECTED, "the alerts could not be sent")


def one_of_each(texts: Iterable[AlertText]) -> tuple[AlertText, ...]:
    """The last episode of each label set: an end of an earlier one would end the one that fires."""
    found: dict[frozenset[tuple[str, str]], AlertText] = {}
    for text in sorted(texts, key=lambda each: each.started_at):
        found[frozenset(_labels(text).items())] = text
    return tuple(found.values())


def alert(text: AlertText, now: datetime, lasting: timedelta) -> dict[str, Any]:
    """One alert as Alertmanager's API takes it: identity in the labels, words in the annotations."""
    labels, text = _labels(text), readable(text)
    facts = {f"fact_{re.sub(r'[^a-zA-Z0-9]+', '_', name).strip('_').lower()}": value for name, value in text.facts}
    words = {
        "title": text.title,
        "summary": text.summary,
        "description": text.description,
        "reason": text.reason,
        "runbook_url": text.runbook or "",
        **facts,
    }
    return {
        "labels": labels,
        "annotations": {name: value for name, value in words.items() if value},
        "startsAt": text.started_at.isoformat(),
        "endsAt": (text.resolved_at or now + lasting).isoformat(),
    }


def _labels(text: AlertText) -> dict[str, str]:
    """As they are, also those that no person could read: they say which alert it is.

    Only names that an Alertmanager before 0.27 would refuse are written as Prometheus writes them for those.
    """
    given = [(name, value) for name, value in text.labels if value and len(name) <= LONGEST_NAME]
    labels = {_legacy(name): value for name, value in given} | {n: value for n, value in given if _LABEL.fullmatch(n)}
    return {"alertname": one_line(text.title, 100) or "Alert"} | labels


def _legacy(name: str) -> str:
    """With underscores.

    >>> _legacy("service.name"), _legacy("2xx")
    ('service_name', '_2xx')
    """
    return re.sub(r"^(?=[0-9])|[^a-zA-Z0-9_]", "_", name) or "_"


def build(name: str, settings: Settings) -> AlertmanagerChannel:
    """Build from `urls`."""
    given = settings.get("urls") or ()
    urls = [each.strip() for each in ((given,) if isinstance(given, str) else given) if each.strip()]
    if not urls:
        raise MisuseError("urls names no Alertmanager")
    return AlertmanagerChannel(name, tuple(_member(url) for url in urls))


def _member(url: str) -> Member:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise MisuseError("urls has one that is not of the form http://alertmanager:9093")
    shown = parts.hostname + (f":{parts.port}" if parts.port else "")
    secrets = tuple(secret for secret in (parts.password, parts.username) if secret)
    return Member(url.rstrip("/").removesuffix(PATH) + PATH, shown, secrets)
