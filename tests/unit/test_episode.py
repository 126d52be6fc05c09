"""`tocsin explain alert` in words."""

from dataclasses import replace
from typing import Any

import pytest
from tests.alerts import NOON, channel, notifications, route, seconds, view
from tests.talks import Talk, closed

from tocsin.cli.episode import text_of
from tocsin.evaluate.model import Acknowledgement, AlertView
from tocsin.notify.routing import Directory
from tocsin.notify.waits import waiting_for
from tocsin.ports import Action
from tocsin.service.deliveries import DeliveryOf
from tocsin.service.story import Story, WayOf, _ways, _why
from tocsin.spec import Digest
from tocsin.spec.notifications import Flapping
from tocsin.units import Duration


def delivery(channel: str, status: str, detail: str = "", **more: Any) -> DeliveryOf:
    """One message that told of the alert."""
    fields = {"key": "k", "action": "fire", "alerts": [], "created_at": NOON, "attempts": 1} | more
    return DeliveryOf.model_validate({"channel": channel, "status": status, "detail": detail, **fields})


SENT, DEAD, LATER = (
    delivery("email", "sent"),
    delivery("slack", "dead", "HTTP 401"),
    delivery("pager", "pending", "cannot connect"),
)


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([SENT], "email took it"),
        ([DEAD, SENT], "email took it; slack did not: HTTP 401"),
        ([delivery("email", "dead", "an earlier one"), DEAD, SENT], "email took it; slack did not: HTTP 401"),
        ([LATER, DEAD], "no receiver has taken it; pager has not yet: cannot connect; slack did not: HTTP 401"),
        ([LATER], "no receiver has taken it; pager has not yet: cannot connect"),
        ([delivery("pager", "superseded", "x"), LATER, SENT], "email took it; pager has not yet: cannot connect"),
        ([delivery("pager", "pending", attempts=0)], "its message waits in the outbox"),
        ([delivery("email", "sent", recipient="ana"), delivery("email", "sent", recipient="bo")], "email took it"),
        (
            [delivery("email", "sent", recipient="ana"), delivery("email", "pending", "mailbox full", recipient="bo")],
            "email to ana took it; email to bo has not yet: mailbox full",
        ),
    ],
)
def test_why_names_every_channel_with_its_own_answer(messages: list[DeliveryOf], why: str) -> None:
    """What still waits is not given up, and what one receiver said is not said of another."""
    ways = [WayOf(route="*", channel="pager", quiet="", told_at=NOON, last_message_at=NOON)]

    assert _why(view(), ways, messages, "") == why


WAITS = {
    "group_wait": (route("email", wait=600), "its first message waits for company (group_wait)"),
    "digest": (
        replace(route("email"), digest=Digest(at=15 * 60)),
        "it is told by digest, at 2026-11-23 15:00:00 UTC",
    ),
    "flapping": (
        replace(route("email", wait=0), flapping=Flapping(Duration.of(hours=1))),
        "people were told of it a moment ago, and are told again at 2026-11-23 13:00:20 UTC (flapping)",
    ),
    "group_interval": (
        replace(route("email", wait=0), flapping=Flapping(Duration.of(seconds=1))),
        "others of its group were told a moment ago, and it is told at 2026-11-23 12:05:00 UTC (group_interval)",
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_it_waits_for(name: str) -> None:
    """Each with when that is: a digest, damped flapping, or others of its group that were just told."""
    way, why = WAITS[name]
    talk = Talk(notifications(channel("email"), way))
    others = (view("b"),) if name == "group_interval" else ()
    if name in {"flapping", "group_interval"}:
        talk.tick(0, *(others or (view("a"),)))
    if name == "flapping":
        talk.tick(20, closed("a", 20))
    new = view("c")
    talk.tick(30, new, *others)

    assert told_why(talk, new) == why


def test_what_a_digest_tells_though_it_is_over() -> None:
    """It is not true that nobody is told of it."""
    way, why = WAITS["digest"]
    talk = Talk(notifications(channel("email"), way))
    talk.tick(0, view("a"))
    talk.tick(20, closed("a", 20))

    assert told_why(talk, closed("a", 20)) == why
    talk.tick(3 * 3_600 + 10)
    assert [message.notes for message in talk.sent] == [("a digest: 1 came and went",)]


def test_who_took_it_up_before_anybody_was_told() -> None:
    """Its first message waits for nothing, and never comes."""
    talk = Talk(notifications(channel("email"), route("email", wait=600)))
    taken = replace(view("a"), acknowledged=Acknowledgement("ana", NOON))
    talk.tick(0, view("a"))
    talk.tick(10, taken)

    assert told_why(talk, taken) == "ana took it up before anybody was told"


def told_why(talk: Talk, one: AlertView) -> str:
    """The sentence about it."""
    directory = Directory.of(talk.workspace)
    ways = _ways(one, directory, talk.groups, [], talk.now)
    return _why(one, ways, [], waiting_for(one, directory, talk.groups, talk.now))


def test_what_nobody_took_is_not_told() -> None:
    """A message that was written is none that arrived; of what is forgotten since, the conversation knows."""
    ways = [
        WayOf(route="*", channel=name, quiet="", told_at=NOON, last_message_at=NOON)
        for name in ("email", "slack", "pager", "old")
    ]
    lines = text_of(story(ways=ways, messages=[SENT, DEAD, LATER])).splitlines()

    assert [line.split(",")[0].strip() for line in lines if "by route" in line] == [
        "email by route *: told at 2026-11-23 12:00:00 UTC",
        "slack by route *: not taken",
        "pager by route *: not taken",
        "old by route *: told at 2026-11-23 12:00:00 UTC",
    ]


@pytest.mark.parametrize("kind", ["pagerduty", "email"])
def test_a_conversation_that_is_over_was_told(kind: str) -> None:
    """The conversation is forgotten with its last alert; the messages say when people were told, and a new one not."""
    talk = Talk(notifications(channel("pd", kind), channel("slack"), route("pd"), route("slack")))
    for at, one in ((0, view("a")), (10, view("a")), (700, closed("a", 700))):
        talk.tick(at, one)
    assert [message.action for message in talk.sent] == [Action.FIRE, Action.RESOLVE]
    messages = [
        delivery(each.channel, "sent", created_at=each.evaluated_at, action=each.action.value) for each in talk.sent
    ]
    first, last = NOON + seconds(10), NOON + seconds(700)
    directory = Directory.of(talk.workspace)

    [way] = _ways(closed("a", 700), directory, talk.groups, messages, last)
    assert (way.channel, way.told_at, way.last_message_at) == ("pd", first, last)
    assert "pd by route *: told at 2026-11-23 12:00:10 UTC, last message at 2026-11-23 12:11:40 UTC" in text_of(
        story(ways=[way], messages=messages)
    )
    [fresh] = _ways(view("b"), directory, talk.groups, [], last)
    assert (fresh.told_at, fresh.last_message_at) == (None, None)


def story(**more: Any) -> Story:
    """One that has nothing to say."""
    fields = {
        "id": "k", "title": "t", "rule": "r", "service": "s", "severity": "info", "state": "firing", "started_at": NOON,
        "fired_at": NOON, "resolved_at": None, "blind_since": None, "reason": "", "facts": [], "labels": {},
        "muted": [], "acknowledged_by": None, "ways": [], "messages": [], "why": "x",
    }  # fmt: skip
    return Story.model_validate(fields | more)


def test_values_cannot_steer_the_terminal() -> None:
    """Escapes, bells and line breaks of labels are shown as a mark, so no line is made up and none hidden."""
    evil = "a\x1b[2J\x07b\n  critical: none"
    text = text_of(story(title=evil, facts=[("path", evil)], labels={"path": evil}))

    assert text.count("a\ufffd[2J\ufffdb\ufffd  critical: none") == 3
    assert not {"\x1b", "\x07"} & set(text)
    assert "\n  critical" not in text
