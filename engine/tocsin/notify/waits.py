"""What an alert waits for of which nobody was told yet, in words; pure."""

from collections.abc import Mapping
from datetime import datetime

from tocsin.evaluate.memory import GroupEpisode, GroupKey, GroupState, Timers
from tocsin.evaluate.model import AlertView
from tocsin.notify import pacing
from tocsin.notify.digests import due as digest_at
from tocsin.notify.due import due_at
from tocsin.notify.routing import Directory, alert_text

COMPANY = "its first message waits for company (group_wait)"


def waiting_for(view: AlertView, directory: Directory, groups: Mapping[GroupKey, GroupState], now: datetime) -> str:
    """Why its first message is not written yet, of the conversation that speaks first; empty where none has it."""
    found = [
        _of(view, key, state, episode, directory, now=now)
        for key, state in groups.items()
        for episode in state.episodes
        if episode.text.dedup_key == view.dedup_key and not episode.announced
    ]
    at, why = min(found, default=(now, ""))
    return why.format(at=f"{at:%Y-%m-%d %H:%M:%S} UTC")


def _of(
    view: AlertView, key: GroupKey, state: GroupState, episode: GroupEpisode, directory: Directory, *, now: datetime
) -> tuple[datetime, str]:
    spec, digest = directory.channels.get(key.channel), directory.digest(key.route)
    alone = spec is not None and spec.per_alert
    if digest is not None and not alone:
        return digest_at(digest, state), "it is told by digest, at {at}"
    timers = directory.timers(key.route) or state.timers or Timers()
    soon = episode.seen_at + timers.wait
    free = max(
        (
            pacing.free_at(echo, alert_text(view), pacing.hold(echo, timers.flap, timers.longest))
            for echo in state.echoes
            if echo.alert in {None, view.identity}
        ),
        default=soon,
    )
    if free > soon:
        return free, "people were told of it a moment ago, and are told again at {at} (flapping)"
    due = soon if alone else due_at(state, timers, now)
    if due > soon:
        return due, "others of its group were told a moment ago, and it is told at {at} (group_interval)"
    return soon, COMPANY
