"""Why an alert did or did not notify: from what was seen to what each receiver answered."""

import logging
from collections.abc import Mapping
from datetime import datetime

from tocsin.evaluate.memory import GroupKey, GroupState, receiver
from tocsin.evaluate.model import AlertView
from tocsin.notify.routing import Directory
from tocsin.notify.waits import COMPANY, waiting_for
from tocsin.service.api import Desk
from tocsin.service.deliveries import DeliveryOf, delivery_of
from tocsin.service.parameters import ApiError
from tocsin.service.shapes import Muted, Shape
from tocsin.service.shaping import muted_of

log = logging.getLogger(__name__)


class WayOf(Shape):
    """One way of the alert to people: a route (`-`: none matched) and a channel, and how far it got there."""

    route: str
    channel: str
    quiet: str
    told_at: datetime | None
    last_message_at: datetime | None


class Story(Shape):
    """Everything that is known of one episode; *why* says it in a sentence."""

    id: str
    title: str
    rule: str
    service: str
    severity: str
    state: str
    started_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    blind_since: datetime | None
    reason: str
    facts: list[tuple[str, str]]
    labels: dict[str, str]
    muted: list[Muted]
    acknowledged_by: str | None
    ways: list[WayOf]
    messages: list[DeliveryOf]
    why: str


def told(desk: Desk, name: str) -> Story:
    """The story of the episode *name*; open or over."""
    standing, now = desk.board.read(), desk.clock.now()
    view = next((each for each in standing.alerts if each.dedup_key == name), None)
    try:
        view = view or desk.store.episode(name)
        letters = desk.store.letters_about(name)
        groups = desk.store.load().groups
    except Exception as error:
        log.exception("the state could not be read")
        raise ApiError(503, "store-unavailable", "the state could not be read") from error
    if view is None:
        raise ApiError(
            404, "unknown-alert", "there is no alert with this id", "tocsin status, or /api/v1/alerts, has them"
        )
    directory = Directory.of(standing.workspace.notifications)
    messages = [delivery_of(letter) for letter in letters]
    ways = _ways(view, directory, groups, messages, now)
    return Story(
        id=name,
        title=view.title,
        rule=view.identity.rule,
        service=view.service,
        severity=view.severity,
        state="resolved" if view.resolved_at is not None else view.phase.value,
        started_at=view.started_at,
        fired_at=view.fired_at,
        resolved_at=view.resolved_at,
        blind_since=view.blind_since,
        reason=view.reason,
        facts=list(view.facts),
        labels=dict(view.labels),
        muted=muted_of(view),
        acknowledged_by=view.acknowledged.by if view.acknowledged is not None else None,
        ways=ways,
        messages=messages,
        why=_why(view, ways, messages, waiting_for(view, directory, groups, now)),
    )


def _ways(
    view: AlertView,
    directory: Directory,
    groups: Mapping[GroupKey, GroupState],
    messages: list[DeliveryOf],
    now: datetime,
) -> list[WayOf]:
    """A conversation that is over is forgotten; then the messages that were written say when people were told."""
    mine = {key: [e for e in state.episodes if e.text.dedup_key == view.dedup_key] for key, state in groups.items()}
    keys = dict.fromkeys([*(way.key for way in directory.ways(view)), *(key for key, found in mine.items() if found)])
    still_told = {key.channel for key, found in mine.items() if any(episode.announced for episode in found)}
    found = []
    for key in keys:
        at = next((episode.told_at for episode in mine.get(key, ()) if episode.announced), None)
        last = groups[key].sent_at if at is not None else None
        if key.channel not in still_told:
            written = [each.created_at for each in messages if each.channel == key.channel]
            at, last = min(written, default=None), max(written, default=None)
        quiet = directory.quiet(key.route, now)
        found.append(WayOf(route=key.route, channel=key.channel, quiet=quiet, told_at=at, last_message_at=last))
    return found


def _why(view: AlertView, ways: list[WayOf], messages: list[DeliveryOf], waits: str) -> str:
    """In a sentence: what receivers said, else the first thing that decides; *waits* says what it waits for."""
    if view.fired_at is None:
        return "it has not fired: its condition has to hold for longer (for)"
    if any(each.status in {"sent", "dead"} or each.detail for each in messages):
        return _said([each for each in messages if each.status != "superseded"])
    if view.silent:
        return f"nobody was told {next(mute.reason for mute in view.muted if not mute.partly)}"
    if view.acknowledged is not None and view.resolved_at is None and not waits:
        return f"{view.acknowledged.by} took it up before anybody was told"
    if not ways:
        return "it names no channel, and no route matches its labels"
    if waits:
        return waits
    if all(way.quiet for way in ways):
        return f"its routes are quiet {ways[0].quiet}"
    if any(each.status == "pending" for each in messages):
        return "its message waits in the outbox"
    if view.resolved_at is not None:
        return "it was over before the first message was due (group_wait), so nobody was told"
    return COMPANY


def _said(messages: list[DeliveryOf]) -> str:
    """Which channels took it, and what those said that did not, or have not yet."""
    last = {receiver(each.channel, each.recipient): each for each in messages}
    took = {receiver(each.channel, each.recipient) for each in messages if each.status == "sent"}
    failed = {name: each for name, each in last.items() if name not in took}
    partly = {each.channel for each in failed.values()}
    sent = {name if last[name].channel in partly else last[name].channel for name in took}
    parts = [f"{', '.join(sorted(sent))} took it" if sent else "no receiver has taken it"]
    for name, each in sorted(failed.items()):
        verb = "did not" if each.status == "dead" else "has not yet"
        parts.append(f"{name} {verb}: {each.detail or 'its message waits in the outbox'}")
    return "; ".join(parts)
