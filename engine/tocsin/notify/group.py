"""Who is told what, and when: open alerts to conversations, conversations to notifications; pure.

`routing` says which channels and which conversation. The route also gives the timers, named as in Alertmanager and
with its defaults. They mean:

- `group_wait`: a new conversation waits this long for company before its first message;
- `group_interval`: the least time between two messages of a conversation while its alerts come and go, and between
  its last one and the first of the next conversation of the same group (`pacing` says how flapping is damped, and a
  route's `flapping` says by how much). Two
  kinds of news do not wait for it: an alert more severe than all that people were just told of waits only
  `group_wait`, and the end of the last open alert is told at once;
- `repeat_interval`: a conversation with open alerts and no news reminds after this long.

An alert that fires and resolves before anybody was told is never sent. A channel with one incident per alert
(PagerDuty) gets FIRE after `group_wait`, RESOLVE at once, and no reminders; each alert is paced by itself there. An
announced alert is closed on every channel that it reached, also when routes have changed since. A conversation is
resolved when all that people were told of is over; what still fires though it is muted stays in its messages, marked
so, for each takes the place of those before it, on the receiver's screen and in the outbox. A channel that is no longer
configured is told when all of a conversation is over, and nothing else, by whoever still has it (`service/reloading`)
or when it is there again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from tocsin.evaluate.memory import GroupEpisode, GroupKey, GroupState, Timers
from tocsin.evaluate.model import Acknowledgement, AlertView, Identity
from tocsin.notify import pacing
from tocsin.notify.courses import Course, goes_on_with
from tocsin.notify.digests import digested
from tocsin.notify.due import due_at, echo_of, ripe_at
from tocsin.notify.pacing import LONG_AGO, reading_order
from tocsin.notify.routing import Directory, alert_text
from tocsin.ports import Action, AlertText, Notification
from tocsin.spec import Digest, Notifications


def announce(
    groups: Mapping[GroupKey, GroupState],
    views: Iterable[AlertView],
    notifications: tuple[Notifications, ...],
    now: datetime,
) -> tuple[Mapping[GroupKey, GroupState | None], tuple[Notification, ...]]:
    """Bring all conversations up to date with the *views* of every open or just closed episode.

    An alert that is muted is not told, and what was told of it before is repeated only beside news of others; its end
    is told all the same.
    The same holds for what somebody has acknowledged; receivers with incidents of their own are told who has it.
    Nor does a route that is quiet now tell anything but ends.
    Returns the conversations that changed (None where one has ended) and what has to be sent. Called once per tick;
    an announced episode without a view is taken to be open, because nobody has seen it end.
    """
    directory = Directory.of(notifications)
    fired = {view.dedup_key: view for view in views if view.fired_at is not None}
    taken = {key: view.acknowledged for key, view in fired.items() if view.acknowledged is not None}
    muted = frozenset(key for key, view in fired.items() if view.silent or key in taken)
    opened = {key: view for key, view in fired.items() if view.resolved_at is None and key not in muted}
    told = _told(groups.values())
    routes = {key: frozenset(directory.destinations(view, now, told.get(key))) for key, view in opened.items()}
    texts = {key: alert_text(view) for key, view in fired.items()}
    scene = _Scene(directory, texts, fired, muted, now, taken, routes)
    live = {key: _brought_up(key, _set_back(state, now), scene) for key, state in groups.items()}
    _admit(live, groups, scene)
    changes: dict[GroupKey, GroupState | None] = {}
    outbox: list[Notification] = []
    for key in sorted(live):
        after, messages = _spoken(key, live[key], scene)
        outbox.extend(messages)
        kept = after if after.episodes or after.echoes else None
        if kept != groups.get(key):
            changes[key] = kept
    return changes, tuple(outbox)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every conversation of one tick sees."""

    directory: Directory
    texts: Mapping[str, AlertText]
    fired: Mapping[str, AlertView]
    muted: Collection[str]
    now: datetime
    taken: Mapping[str, Acknowledgement]
    routes: Mapping[str, frozenset[GroupKey]]
    """The conversations to which each open alert belongs now."""

    def course(self, key: GroupKey, state: GroupState) -> Course:
        """How a conversation goes on; the routes are asked anew about what they do not lead to it now."""
        found: dict[str, str | None] = {}
        for episode in state.episodes:
            name = episode.text.dedup_key
            if key in self.routes.get(name, ()):
                found[name] = key.route
            else:
                found[name] = goes_on_with(key, episode, self.directory, self.fired.get(name), self.now)
        return Course(self.directory, self.now, found)


def _told(states: Iterable[GroupState]) -> Mapping[str, datetime]:
    """When people were first told of each open episode, on any channel."""
    found: dict[str, datetime] = {}
    for episode in (episode for state in states for episode in state.episodes):
        key, at = episode.text.dedup_key, episode.told_at
        if at is not None:
            found[key] = min(found.get(key, at), at)
    return found


def _brought_up(key: GroupKey, state: GroupState, scene: _Scene) -> GroupState:
    """Close what has resolved; forget what was never told and has resolved or goes elsewhere now.

    What a digest will tell of is kept, also if it is over.
    """
    spec, texts, routes = scene.directory.channels.get(key.channel), scene.texts, scene.routes
    fresh = [e for e in state.episodes if not e.announced]
    alone = spec.per_alert if spec else state.alone
    together = bool(fresh) and not alone and scene.course(key, state).digest(fresh) is not None
    kept, echoes = [], {echo.alert: echo for echo in state.echoes}
    for episode in state.episodes:
        text = texts.get(episode.text.dedup_key)
        if not episode.announced:
            ended = text is not None and text.resolved_at is not None
            if together and (ended or not episode.open):
                kept.append(episode if text is None else replace(episode, text=text))
            elif text and not ended and key in routes.get(text.dedup_key, ()):
                kept.append(episode)
            subject = episode.alert if spec and spec.per_alert else None
            if text and text.resolved_at is not None and subject in echoes:
                echoes[subject] = pacing.flapped(echoes[subject], text.resolved_at)
        elif episode.open and text and text.resolved_at is not None:
            if spec.send_resolved if spec else state.ends:
                kept.append(replace(episode, text=text))
        else:
            kept.append(episode)
    return replace(state, episodes=tuple(kept), echoes=tuple(echoes.values()))


def _set_back(state: GroupState, now: datetime) -> GroupState:
    """Do not wait for an hour because the wall clock was set back by one."""
    times = (state.sent_at or now, *(e.seen_at for e in state.episodes), *(e.seen_at for e in state.echoes))
    if all(t <= now for t in times):
        return state
    sent_at = state.sent_at and min(state.sent_at, now)
    episodes = tuple(replace(e, seen_at=min(e.seen_at, now)) for e in state.episodes)
    echoes = tuple(pacing.set_back(echo, now) for echo in state.echoes)
    return replace(state, episodes=episodes, sent_at=sent_at, echoes=echoes)


def _admit(live: dict[GroupKey, GroupState], before: Mapping[GroupKey, GroupState], scene: _Scene) -> None:
    """Put every open alert into its conversations, unless its channel already has it in another one.

    What has waited for company *before* goes on waiting, also where its route has another name now.
    """
    known = {(key.channel, e.text.dedup_key) for key, state in live.items() for e in state.episodes}
    waiting = {
        (key.channel, e.text.dedup_key): e.seen_at
        for key, state in before.items()
        for e in state.episodes
        if not e.announced
    }
    now, fresh = scene.now, dict[GroupKey, list[GroupEpisode]]()
    for dedup_key, keys in scene.routes.items():
        for key in sorted(keys):
            if (key.channel, dedup_key) not in known:
                since = min(now, waiting.get((key.channel, dedup_key), now))
                episode = GroupEpisode(scene.texts[dedup_key], since, alert=scene.fired[dedup_key].identity)
                fresh.setdefault(key, []).append(episode)
    for key, episodes in fresh.items():
        state = live.get(key)
        if state is None or not state.episodes:
            state = GroupState(opened_at=_opened(episodes, now), echoes=state.echoes if state else ())
        live[key] = replace(state, episodes=(*state.episodes, *episodes))


def _opened(episodes: Iterable[GroupEpisode], now: datetime) -> datetime:
    """The instant at which a conversation begins; its microseconds tell with which alert.

    After the clock was set back an instant comes for the second time. A conversation of the same name as an earlier one
    would have said everything already, and nobody would be told.
    """
    first = min(episode.text.dedup_key for episode in episodes)
    return now + timedelta(microseconds=int(sha256(first.encode()).hexdigest()[:8], 16) % 1_000_000)


def _spoken(key: GroupKey, state: GroupState, scene: _Scene) -> tuple[GroupState, list[Notification]]:
    spec, now = scene.directory.channels.get(key.channel), scene.now
    course = scene.course(key, state)
    if spec is None:
        return _left(key, state, course, scene)
    state = replace(state, timers=course.timers(state.timers), alone=spec.per_alert, ends=spec.send_resolved)
    digest = None if spec.per_alert else course.digest(state.episodes)
    if digest is not None:
        return _by_digest(key, state, digest, course, scene)
    timers = state.timers or Timers()
    if spec.forwards:
        timers = replace(timers, wait=timedelta(), interval=timedelta(), flap=timedelta(), longest=timedelta())
    if spec.per_alert:
        after, messages = _each_alone(key, state, timers, scene)
    else:
        after, messages = _all_together(key, state, timers, course, scene)
    return replace(after, echoes=pacing.lasting(after.echoes, timers.flap, timers.longest, now)), messages


def _left(key: GroupKey, state: GroupState, course: Course, scene: _Scene) -> tuple[GroupState, list[Notification]]:
    """A channel that is not there: what was told is closed, when it is over; what a digest told is told of no more."""
    known = [e for e in state.episodes if e.told_at is not None]
    open_there = any(e.open for e in known) and not state.alone
    over = tuple(e for e in known if not e.open and not open_there)
    waits = tuple(e for e in state.episodes if e.announced and (e.open or (open_there and e in known)))
    state = replace(state, episodes=waits, echoes=())
    if not over:
        return state, []
    told, timers = replace(state, episodes=over), state.timers or Timers()
    after, messages = (
        _each_alone(key, told, timers, scene) if state.alone else _all_together(key, told, timers, course, scene)
    )
    return replace(after, episodes=waits, echoes=()), messages


def _by_digest(
    key: GroupKey, state: GroupState, digest: Digest, course: Course, scene: _Scene
) -> tuple[GroupState, list[Notification]]:
    """What was told by itself, before there was a digest, is closed by itself, where it began."""
    alone = tuple(e for e in state.episodes if e.told_at is not None)
    after, messages = state, list[Notification]()
    if alone:
        after, messages = _all_together(key, replace(state, episodes=alone), state.timers or Timers(), course, scene)
        alone = after.episodes
    rest = replace(after, episodes=tuple(e for e in state.episodes if e.told_at is None))
    silent = _silent(rest, course, scene)
    told, more = digested(key, rest, digest, scene.texts, silent=silent, now=scene.now)
    return replace(told, episodes=(*alone, *told.episodes)), [*messages, *more]


def _each_alone(
    key: GroupKey, state: GroupState, timers: Timers, scene: _Scene
) -> tuple[GroupState, list[Notification]]:
    """Nothing that is muted has a message due here: it is not admitted, and nobody is reminded."""
    now = scene.now
    kept: list[GroupEpisode] = []
    messages: list[Notification] = []
    echoes = {echo.alert: echo for echo in state.echoes}

    def say(action: Action, alert: Identity | None, text: AlertText, seq: int) -> None:
        notes = pacing.flap_notes(echoes.get(alert))
        messages.append(Notification(key.channel, text.dedup_key, action, (text,), now, key.labels, seq, notes))
        echoes[alert] = pacing.echoed(echoes.get(alert), alert, (text,), now, anew=action is Action.FIRE)

    for episode in state.episodes:
        text = scene.texts.get(episode.text.dedup_key, episode.text)
        if not episode.open:
            say(Action.RESOLVE, episode.alert, episode.text, 1)
        elif not episode.announced and now >= ripe_at(episode, text, echoes.get(episode.alert), timers):
            say(Action.FIRE, episode.alert, text, 0)
            kept.append(replace(episode, text=text, announced=True, told_at=now))
        elif episode.announced and not episode.taken and text.dedup_key in scene.taken:
            note = f"acknowledged by {scene.taken[text.dedup_key].by}"
            action = Action.ACKNOWLEDGE
            messages.append(Notification(key.channel, text.dedup_key, action, (text,), now, key.labels, 2, (note,)))
            kept.append(replace(episode, taken=True))
        else:
            kept.append(episode)
    sent_at = now if messages else state.sent_at
    said = state.said + len(messages)
    return replace(state, episodes=tuple(kept), sent_at=sent_at, said=said, echoes=tuple(echoes.values())), messages


def _all_together(
    key: GroupKey, state: GroupState, timers: Timers, course: Course, scene: _Scene
) -> tuple[GroupState, list[Notification]]:
    now, texts = scene.now, scene.texts
    silent = _silent(state, course, scene)
    hushed = {episode.text.dedup_key for episode in silent}  # all open: an end is told
    heard = (e for e in state.episodes if not e.open or e.text.dedup_key not in hushed)
    audible = replace(state, episodes=tuple(heard))
    if not audible.episodes or now < due_at(audible, timers, now):
        return state, []
    told = tuple(_now_told(e, texts, now) if e.open else e for e in audible.episodes)
    still_open = tuple(e for e in told if e.open)
    known = tuple(_hushed(e, course, scene) for e in silent if e.announced)
    if not still_open and not known:
        action = Action.RESOLVE
    elif all(e.announced for e in audible.episodes):
        action = Action.REPEAT
    else:
        action = Action.FIRE
    news = sorted((e.text for e in told), key=reading_order)
    ended = [text for text in news if text.resolved_at is not None]
    alerts = (*news[: len(news) - len(ended)], *sorted(known, key=reading_order), *ended)
    echo = echo_of(state)
    notes = pacing.flap_notes(echo)
    message = Notification(key.channel, _thread(key, state), action, alerts, now, key.labels, state.said, notes)
    echoes = (pacing.echoed(echo, None, news, now, anew=state.sent_at is None),)  # nothing waits for what is muted
    return replace(state, episodes=(*still_open, *silent), sent_at=now, said=state.said + 1, echoes=echoes), [message]


def _silent(state: GroupState, course: Course, scene: _Scene) -> tuple[GroupEpisode, ...]:
    """The open episodes of which nothing is told now."""
    return tuple(e for e in state.episodes if e.open and (e.text.dedup_key in scene.muted or course.quiet(e)))


def _hushed(episode: GroupEpisode, course: Course, scene: _Scene) -> AlertText:
    """What people were told of and still fires, with why they hear nothing of it by itself."""
    text = scene.texts.get(episode.text.dedup_key, episode.text)
    view, here = scene.fired.get(text.dedup_key), course.rests(episode)
    mutes = [mute for mute in view.muted if here or not mute.partly] if view else []
    why = [mute.reason.removeprefix("(").removesuffix(")") for mute in mutes]
    if text.dedup_key in scene.taken:
        why.append(f"acknowledged by {scene.taken[text.dedup_key].by}")
    return replace(text, facts=(*text.facts, ("muted", "; ".join(why) or course.quiet(episode))), muted=True)


def _now_told(episode: GroupEpisode, texts: Mapping[str, AlertText], now: datetime) -> GroupEpisode:
    text = texts.get(episode.text.dedup_key, episode.text)
    return replace(episode, text=text, announced=True, told_at=episode.told_at or now)


def _thread(key: GroupKey, state: GroupState) -> str:
    """Name one conversation: a new one of the same group gets a new name, so its messages never meet old ones."""
    opened = int((state.opened_at - LONG_AGO) / timedelta(microseconds=1))
    return sha256(repr((key.channel, key.route, key.labels, opened)).encode()).hexdigest()[:40]
