"""What is wrong with a deployment, and what to do: the judgements of `tocsin doctor`, whoever was asked; pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from pydantic import Field

from tocsin.evaluate.memory import GroupEpisode, GroupKey, Letter, Memory
from tocsin.evaluate.rule import key_of
from tocsin.notify.canary import Canary
from tocsin.notify.silences import Silence
from tocsin.service.board import SHOWN
from tocsin.service.shapes import Shape
from tocsin.spec import Notifications

SOON = timedelta(days=1)
LONGEST_SILENCE = timedelta(days=30)
RECENT = timedelta(days=7)
"""What was given up longer ago is past mending, and only noted."""
LATE = timedelta(hours=2)
"""A test message that is not delivered after this has gone to the fallback, or is still tried."""
MOST_NAMES = 5

Weight = Literal["wrong", "unknown", "note"]


class Symptom(Shape):
    """One thing that was seen; `unknown` is what nobody could look at, a `note` asks for nothing."""

    weight: Weight
    part: str
    what: str
    remedy: str = ""


class Checkup(Shape):
    """All that was looked at, and what was seen there."""

    healthy: bool
    looked_at: list[str] = Field(description="In words, with how it stands.")
    symptoms: list[Symptom] = Field(description="What is wrong first.")


def checkup(looked_at: Iterable[str], symptoms: Iterable[Symptom]) -> Checkup:
    """Put the worst first."""
    rank = {"wrong": 0, "unknown": 1, "note": 2}
    found = sorted(symptoms, key=lambda symptom: rank[symptom.weight])
    healthy = all(symptom.weight == "note" for symptom in found)
    return Checkup(healthy=healthy, looked_at=list(looked_at), symptoms=found)


def of_silences(silences: Iterable[Silence], now: datetime) -> Iterator[Symptom]:
    """Silences that nobody may be thinking of: without a reason, for very long, or over soon."""
    for silence in silences:
        if silence.state(now) == "expired":
            continue
        name = f"silence {silence.id} by {silence.created_by or 'nobody'} ({', '.join(map(str, silence.matchers))})"
        end = f"ends at {silence.ends_at:%Y-%m-%d %H:%M} UTC"
        change = f"amtool silence update {silence.id}"
        if not silence.comment.strip():
            yield _wrong("silences", f"{name} does not say why", f"{change} --comment='…', or amtool silence expire")
        if silence.ends_at - silence.starts_at > LONGEST_SILENCE:
            days = (silence.ends_at - silence.starts_at) // SOON
            remedy = f"mend or delete the alert instead, or make it shorter: {change} --duration=…"
            yield _wrong("silences", f"{name} lasts {days} days, and {end}", remedy)
        if silence.ends_at - now <= SOON:
            yield Symptom(weight="note", part="silences", what=f"{name} {end}", remedy=f"{change} --duration=…")


def of_letters(letters: Iterable[Letter], now: datetime) -> Iterator[Symptom]:
    """Messages that were given up, by channel; *letters* are newest first."""
    for channel, given_up in groupby(sorted(letters, key=lambda letter: letter.channel), lambda each: each.channel):
        dead = list(given_up)
        last = dead[0]
        at = last.settled_at or last.created_at
        what = f"{channel} gave up {count(len(dead), 'message')}, the last at {at:%Y-%m-%d %H:%M} UTC"
        what += f" about {', '.join(last.titles[:MOST_NAMES]) or 'something unreadable'}: {last.detail or 'no reason'}"
        if missed := sum(letter.fallback is None for letter in dead):
            what += f"; {missed} went to no other channel"
        remedy = "mend the channel; they are not sent again. A `fallback:` would get what it does not take"
        weight: Weight = "wrong" if now - at <= RECENT else "note"
        yield Symptom(weight=weight, part="delivery", what=what, remedy=remedy)


def of_canaries(
    canaries: Mapping[str, Canary], notifications: Iterable[Notifications], now: datetime
) -> Iterator[Symptom]:
    """Channels that take no test messages any more."""
    for spec in (spec for document in notifications for spec in document.channels.values()):
        last = canaries.get(spec.name)
        if spec.canary is None or last is None:
            continue
        arrived = last.delivered_at
        if now - (arrived or last.sent_at) > (LATE if arrived is None else 2 * spec.canary.timedelta):
            since = f"since {arrived:%Y-%m-%d %H:%M} UTC" if arrived else "ever"
            what = f"no test message went through {spec.name} {since}, the last is of {last.sent_at:%Y-%m-%d %H:%M}"
            remedy = "`GET /api/v1/deliveries` says what the receiver answered; none is sent while it burns there"
            yield _wrong("canary", what, remedy)


def of_gone_channels(letters: Iterable[Letter], memory: Memory, channels: Iterable[str]) -> Iterator[Symptom]:
    """What is meant for channels that the definitions do not have: nobody will send it."""
    known = set(channels)
    waiting = sorted(letter.channel for letter in letters if letter.channel not in known)
    for channel, messages in groupby(waiting):
        number = count(len(list(messages)), "message")
        remedy = "define the channel again (under that name) until they are sent; after 30 days they are given up"
        yield _wrong("delivery", f"{number} for {channel}, which the definitions do not have", remedy)
    open_there = sorted(key.channel for key, _ in open_pages(memory) if key.channel not in known)
    for channel, pages in groupby(open_there):
        number = count(len(list(pages)), "open page")
        remedy = "define the channel again until it is over, or close it there by hand"
        what = (
            f"{number} on {channel}, which the definitions do not have: who has been started since cannot tell the end"
        )
        yield _wrong("pages", what, remedy)


def of_orphans(memory: Memory) -> Iterator[Symptom]:
    """Open pages without a live alert: no evaluation will ever close them."""
    for key, episode in orphans(memory):
        since = f" since {episode.told_at:%Y-%m-%d %H:%M} UTC" if episode.told_at else ""
        what = f"{key.channel} has an open page{since} without a live alert: {episode.text.title}"
        remedy = "stop the evaluator, `tocsin doctor PATH… --state … --close`, start it; and report how it came about"
        yield _wrong("pages", f"{what} ({episode.text.dedup_key})", remedy)


def open_pages(memory: Memory) -> Iterator[tuple[GroupKey, GroupEpisode]]:
    """What people were told of and have not been told the end of, by conversation."""
    for key in sorted(memory.groups):
        yield from ((key, e) for e in memory.groups[key].episodes if e.announced and e.open)


def orphans(memory: Memory) -> tuple[tuple[GroupKey, GroupEpisode], ...]:
    """Open pages whose episode no alert that fires has.

    An alert knows its episode by what it was seen as and by its own number; either will do, for a page that stays
    open disturbs less than one that is closed while it burns.
    """
    firing = {identity: state for identity, state in memory.alerts.items() if state.phase in SHOWN}
    live = {view.dedup_key for view in memory.views.values() if view.identity in firing}
    live |= {key_of(i, s) for i, s in firing.items() if s.active_at is not None}
    return tuple((key, episode) for key, episode in open_pages(memory) if episode.text.dedup_key not in live)


def _wrong(part: str, what: str, remedy: str) -> Symptom:
    return Symptom(weight="wrong", part=part, what=what, remedy=remedy)


def count(number: int, what: str) -> str:
    """Say how many."""
    return f"{number} {what}{'' if number == 1 else 's'}"
