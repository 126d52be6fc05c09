"""Who is told what, and when: open alerts to conversations, conversations to notifications; pure.

`routing` says which channels and which conversation. The route also gives the timers, named as in Alertmanager and
with its defaults. They mean:

- `group_wait`: a new conversation waits this long for company before its first message;
- `group_interval`: the least time between two messages of a conversation while its alerts come and go. Two kinds of
  news do not wait for it: an alert more severe than all that people already know of waits only `group_wait`, and the
  end of the last open alert is told at once;
- `repeat_interval`: a conversation with open alerts and no news reminds after this long.

An alert that fires and resolves before anybody was told is never sent. A channel with one incident per alert
(PagerDuty) gets FIRE after `group_wait`, RESOLVE at once, and no reminders. An announced alert is closed on every
channel that it reached, also when routes have changed since. A channel that is no longer configured cannot be told
anything: its conversations are kept while their alerts are open, in case it comes back, and then forgotten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from tocsin.evaluate.memory import GroupEpisode, GroupKey, GroupState
from tocsin.evaluate.model import AlertView
from tocsin.evaluate.routing import Directory, Timers, alert_text
from tocsin.ports import Action, AlertText, Notification
from tocsin.spec import Notifications

SEVERITIES = ("critical", "warning", "info")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def announce(
    groups: Mapping[GroupKey, GroupState],
    views: Iterable[AlertView],
    notifications: tuple[Notifications, ...],
    now: datetime,
) -> tuple[Mapping[GroupKey, GroupState | None], tuple[Notification, ...]]:
    """Bring all conversations up to date with the *views* of every open or just closed episode.

    Returns the conversations that changed (None where one has ended) and what has to be sent. Called once per tick;
    an announced episode without a view is taken to be open, because nobody has seen it end.
    """
    directory = Directory.of(notifications)
    fired = {view.dedup_key: view for view in views if view.fired_at is not None}
    routes = {key: frozenset(directory.destinations(view)) for key, view in fired.items() if view.resolved_at is None}
    texts = {key: alert_text(view) for key, view in fired.items()}
    live = {key: _brought_up(key, _set_back(state, now), directory, texts, routes) for key, state in groups.items()}
    _admit(live, routes, texts, now)
    changes: dict[GroupKey, GroupState | None] = {}
    outbox: list[Notification] = []
    for key in sorted(live):
        after, messages = _spoken(key, live[key], directory, texts, now)
        outbox.extend(messages)
        kept = after if after.episodes else None
        if kept != groups.get(key):
            changes[key] = kept
    return changes, tuple(outbox)


def _brought_up(
    key: GroupKey,
    state: GroupState,
    directory: Directory,
    texts: Mapping[str, AlertText],
    routes: Mapping[str, frozenset[GroupKey]],
) -> GroupState:
    """Close what has resolved; forget what was never told and has resolved or goes elsewhere now."""
    spec = directory.channels.get(key.channel)
    kept = []
    for episode in state.episodes:
        text = texts.get(episode.text.dedup_key)
        if not episode.announced:
            if text and text.resolved_at is None and key in routes[text.dedup_key]:
                kept.append(episode)
        elif episode.open and text and text.resolved_at is not None:
            if spec and spec.send_resolved:
                kept.append(replace(episode, text=text))
        else:
            kept.append(episode)
    return replace(state, episodes=tuple(kept))


def _set_back(state: GroupState, now: datetime) -> GroupState:
    """Do not wait for an hour because the wall clock was set back by one."""
    if all(t <= now for t in (state.sent_at or now, *(e.seen_at for e in state.episodes))):
        return state
    episodes = tuple(replace(e, seen_at=min(e.seen_at, now)) for e in state.episodes)
    return replace(state, episodes=episodes, sent_at=state.sent_at and min(state.sent_at, now))


def _admit(
    live: dict[GroupKey, GroupState],
    routes: Mapping[str, frozenset[GroupKey]],
    texts: Mapping[str, AlertText],
    now: datetime,
) -> None:
    """Put every open alert into its conversations, unless its channel already has it in another one."""
    known = {(key.channel, e.text.dedup_key) for key, state in live.items() for e in state.episodes}
    for dedup_key, keys in routes.items():
        for key in sorted(keys):
            if (key.channel, dedup_key) not in known:
                state = live.get(key)
                if state is None or not state.episodes:
                    state = GroupState(opened_at=now)
                live[key] = replace(state, episodes=(*state.episodes, GroupEpisode(texts[dedup_key], now)))


def _spoken(
    key: GroupKey, state: GroupState, directory: Directory, texts: Mapping[str, AlertText], now: datetime
) -> tuple[GroupState, list[Notification]]:
    spec = directory.channels.get(key.channel)
    if spec is None:
        return replace(state, episodes=tuple(e for e in state.episodes if e.announced and e.open)), []
    timers = directory.timers(key.route)
    if spec.per_alert:
        return _each_alone(key, state, timers, texts, now)
    return _all_together(key, state, timers, texts, now)


def _each_alone(
    key: GroupKey, state: GroupState, timers: Timers, texts: Mapping[str, AlertText], now: datetime
) -> tuple[GroupState, list[Notification]]:
    kept: list[GroupEpisode] = []
    messages: list[Notification] = []

    def say(action: Action, text: AlertText, seq: int) -> None:
        messages.append(Notification(key.channel, text.dedup_key, action, (text,), now, key.labels, seq))

    for episode in state.episodes:
        if not episode.open:
            say(Action.RESOLVE, episode.text, 1)
        elif not episode.announced and now >= episode.seen_at + timers.wait:
            text = texts[episode.text.dedup_key]
            say(Action.FIRE, text, 0)
            kept.append(replace(episode, text=text, announced=True))
        else:
            kept.append(episode)
    sent_at = now if messages else state.sent_at
    return replace(state, episodes=tuple(kept), sent_at=sent_at, said=state.said + len(messages)), messages


def _all_together(
    key: GroupKey, state: GroupState, timers: Timers, texts: Mapping[str, AlertText], now: datetime
) -> tuple[GroupState, list[Notification]]:
    if not state.episodes or now < _due(state, timers):
        return state, []
    told = tuple(
        replace(e, text=texts.get(e.text.dedup_key, e.text), announced=True) if e.open else e for e in state.episodes
    )
    still_open = tuple(e for e in told if e.open)
    if not still_open:
        action = Action.RESOLVE
    elif all(e.announced for e in state.episodes):
        action = Action.REPEAT
    else:
        action = Action.FIRE
    alerts = tuple(sorted((e.text for e in told), key=reading_order))
    message = Notification(key.channel, _thread(key, state), action, alerts, now, key.labels, state.said)
    return replace(state, episodes=still_open, sent_at=now, said=state.said + 1), [message]


def _due(state: GroupState, timers: Timers) -> datetime:
    """When the conversation speaks next, if nothing more happens; long ago for what cannot wait."""
    fresh = [e for e in state.episodes if not e.announced]
    closed = [e.text.resolved_at for e in state.episodes if e.text.resolved_at is not None]
    running = [e for e in state.episodes if e.announced and e.open]
    wait = timers.wait
    if state.sent_at is None:
        return min(e.seen_at for e in fresh) + wait
    if not fresh and not closed:
        return state.sent_at + timers.repeat
    if not fresh and not running:
        return _EPOCH
    since = min([e.seen_at for e in fresh] + closed)
    worst = min((severity_rank(e.text) for e in running), default=len(SEVERITIES) + 1)
    urgent = [e.seen_at + wait for e in fresh if severity_rank(e.text) < worst]
    return min([max(since + wait, state.sent_at + timers.interval), *urgent])


def severity_rank(text: AlertText) -> int:
    """0 for critical; what is unknown comes last."""
    return SEVERITIES.index(text.severity) if text.severity in SEVERITIES else len(SEVERITIES)


def reading_order(text: AlertText) -> tuple[bool, int, str, str]:
    """Open alerts first, the most severe first."""
    return (text.resolved_at is not None, severity_rank(text), text.title, text.dedup_key)


def _thread(key: GroupKey, state: GroupState) -> str:
    """Name one conversation: a new one of the same group gets a new name, so its messages never meet old ones."""
    opened = int((state.opened_at - _EPOCH) / timedelta(microseconds=1))
    return sha256(repr((key.channel, key.route, key.labels, opened)).encode()).hexdigest()[:40]
