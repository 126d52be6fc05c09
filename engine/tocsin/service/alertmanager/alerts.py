"""Alerts over the API: those of senders come in, open ones are shown, alone and in the groups that share messages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import orjson
from pydantic import ValidationError

from tocsin.evaluate.claims import Claim, fingerprint
from tocsin.evaluate.model import AlertView, MuteKind
from tocsin.evaluate.received import TEXTS
from tocsin.matchers import LabelMatcher, Matchers, fulfilled
from tocsin.notify.routing import Directory
from tocsin.ports import Labels, labels_of
from tocsin.service.alertmanager.bounds import bounded_labels, bounded_notes, bounded_url
from tocsin.service.alertmanager.shapes import (
    AlertStatusShape,
    GettableAlert,
    GroupShape,
    PostableAlert,
    ReceiverShape,
)
from tocsin.service.alertmanager.work import Office, RefusedError, first_fault, in_utc
from tocsin.service.inbox import FullError

RESOLVE_TIMEOUT = timedelta(minutes=5)
"""How long an alert without an end lasts, as in Alertmanager (`resolve_timeout`)."""


def take(office: Office, body: bytes, agent: str) -> None:
    """Take in what a sender says; of a list with faults the rest counts, as in Alertmanager."""
    now = office.clock.now()
    try:
        posted = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, f"the body is no JSON: {error}") from None
    if not isinstance(posted, list):
        raise RefusedError(400, "the body is no list of alerts")
    claims: list[Claim] = []
    faults: list[str] = []
    for number, each in enumerate(posted):
        try:
            claims.append(_claim(PostableAlert.model_validate(each), agent, now))
        except ValidationError as error:
            faults.append(f"{number}: {first_fault(error)}")
        except ValueError as error:
            faults.append(str(error))
    try:
        office.inbox.put(claims)
    except FullError:
        raise RefusedError(503, "more alerts than can be remembered") from None
    if faults:
        raise RefusedError(400, "; ".join(faults[:10]))


def listed(office: Office, wanted: "Wanted") -> list[GettableAlert]:
    """Open alerts, by fingerprint."""
    found = [alert for _, alert in _open(office) if wanted.has(alert)]
    return sorted(found, key=lambda alert: alert.fingerprint)


def grouped(office: Office, wanted: "Wanted", receiver: LabelMatcher | None) -> list[GroupShape]:
    """Open alerts by the conversations that they belong to."""
    return [
        GroupShape(labels=dict(labels), receiver=ReceiverShape(name=name), alerts=members)
        for (name, labels), each in sorted(_groups(office).items())
        if (receiver is None or receiver.holds({"receiver": name}))
        and (members := [alert for alert in each if wanted.has(alert)])
    ]


def _claim(posted: PostableAlert, agent: str, now: datetime) -> Claim:
    """Raises ValueError for what is no alert; labels without a value are none, as in Alertmanager.

    Names of labels are any text, as Prometheus has them since 3.0 (`service.name` of OpenTelemetry).
    """
    labels = {name: value for name, value in posted.labels.items() if value}
    if not labels:
        raise ValueError("an alert needs at least one label")
    if "" in labels:
        raise ValueError("invalid label name ''")
    ends = in_utc(posted.ends_at) if posted.ends_at is not None and posted.ends_at.year > 1 else None
    starts = in_utc(posted.starts_at) if posted.starts_at is not None and posted.starts_at.year > 1 else None
    if ends is not None and starts is not None and ends < starts:
        raise ValueError("start time must be before end time")
    url = bounded_url(posted.generatorURL or "")
    return Claim(
        labels=labels_of(bounded_labels(labels)),
        annotations=labels_of(bounded_notes(posted.annotations or {}, (*TEXTS, "runbook_url"))),
        starts_at=starts or min(now, ends or now),
        ends_at=ends or now + RESOLVE_TIMEOUT,
        said_at=now,
        tells_end=ends is not None and (agent.startswith("Prometheus/") or bool(posted.generatorURL)),
        url=url,
        query=_query(url),
    )


def _query(url: str) -> str:
    """The expression of a rule of Prometheus: its alerts link to the graph of that."""
    try:
        return parse_qs(urlsplit(url).query).get("g0.expr", [""])[0]
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open alerts are asked for."""

    matchers: Matchers
    active: bool
    silenced: bool
    inhibited: bool
    receiver: LabelMatcher | None

    def has(self, alert: GettableAlert) -> bool:
        """Whether *alert* is one of them."""
        status = alert.status
        if not fulfilled(self.matchers, alert.labels):
            return False
        if self.receiver is not None and not any(self.receiver.holds({"receiver": r.name}) for r in alert.receivers):
            return False
        if status.state == "active":
            return self.active
        return not ((status.silenced_by and not self.silenced) or (status.inhibited_by and not self.inhibited))


def _open(office: Office) -> Iterator[tuple[AlertView, GettableAlert]]:
    standing, now = office.board.read(), office.clock.now()
    directory = Directory.of(standing.workspace.notifications)
    views = standing.open_alerts()
    names = {view.dedup_key: fingerprint(_labels(view)) for view in views}
    for view in views:
        told = dict.fromkeys(key.channel for key in directory.destinations(view))
        silenced = [mute.by for mute in view.muted if mute.kind is not MuteKind.INHIBITION and not mute.partly]
        inhibited = [names.get(mute.by, mute.by) for mute in view.muted if mute.kind is MuteKind.INHIBITION]
        yield (
            view,
            GettableAlert(
                annotations=_annotations(view),
                receivers=[ReceiverShape(name=name) for name in told],
                fingerprint=names[view.dedup_key],
                starts_at=view.fired_at or view.started_at,
                updated_at=standing.ticked_at or standing.started_at,
                ends_at=now + 4 * max(standing.interval, timedelta(minutes=1)),
                status=AlertStatusShape(
                    state="suppressed" if view.silent else "active", silenced_by=silenced, inhibited_by=inhibited
                ),
                labels=dict(_labels(view)),
                generatorURL=next((value for name, value in view.facts if name == "shown at"), ""),
            ),
        )


def _groups(office: Office) -> dict[tuple[str, Labels], list[GettableAlert]]:
    directory = Directory.of(office.board.read().workspace.notifications)
    found: dict[tuple[str, Labels], list[GettableAlert]] = {}
    for view, alert in _open(office):
        for key in directory.destinations(view):
            found.setdefault((key.channel, key.labels), []).append(alert)
    return found


def _labels(view: AlertView) -> Labels:
    """What `amtool` shows and matches: the alert's own labels; those of the definition are among them."""
    return labels_of({**dict(view.labels), **({"service": view.service} if view.service else {})})


def _annotations(view: AlertView) -> dict[str, str]:
    told = {"title": view.title, "summary": view.summary, "description": view.description, "reason": view.reason}
    told |= {name.replace(" ", "_"): value for name, value in view.facts}
    told["runbook_url"] = view.runbook or ""
    if view.blind_since is not None:
        told["blind_since"] = f"{view.blind_since:%Y-%m-%dT%H:%M:%SZ}"
    return {name: text for name, text in told.items() if text}
