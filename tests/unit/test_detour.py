"""Past the outbox the same care is taken: the worst first, storms together, refused messages to their fallback."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.fakes import HandClock

from tocsin.adapters.outbox import UNANNOUNCED
from tocsin.evaluate.memory import Fallback
from tocsin.notify.fallback import DEADLINES
from tocsin.ports import Action, Delivery, Notification, Outcome, Rate
from tocsin.service.detour import AGAIN_AFTER, Detour


@dataclass
class Desk:
    """A channel that keeps what it is asked to send; its next answers are *outcomes*, then it accepts."""

    name: str
    joins: bool = True
    idempotent: bool = False
    rate: Rate | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Notification] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Keep it, once the gate is open."""
        self.asked.set()
        assert self.gate.wait(10)
        self.sent.append(notification)
        return Delivery(self.outcomes.pop(0) if self.outcomes else Outcome.SENT, "550 no", receipt="receipt")

    @property
    def told(self) -> list[tuple[str, Action]]:
        """Conversations and what was said in them, in order."""
        return [(one.dedup_key, one.action) for one in self.sent]


@dataclass
class Way:
    """Mail, with PagerDuty as its fallback."""

    mail: Desk = field(default_factory=lambda: Desk("email"))
    pager: Desk = field(default_factory=lambda: Desk("pagerduty", joins=False, idempotent=True))
    clock: HandClock = field(default_factory=lambda: HandClock(NOON))
    detour: Detour = field(init=False)

    def __post_init__(self) -> None:
        channels = {"email": self.mail, "pagerduty": self.pager}
        self.detour = Detour(channels, self.clock, {"email": Fallback("pagerduty", alone=True)})
        self.mail.gate.set()
        self.pager.gate.set()

    def send(self, *messages: Notification, after: float = 0) -> None:
        """One evaluation whose state cannot be stored."""
        self.clock.at += seconds(after)
        split = self.detour.sort(messages)
        self.detour.send(split.free)
        assert self.detour.wait(10)


@pytest.fixture
def way() -> Iterator[Way]:
    """Both channels work."""
    made = Way()
    yield made
    made.mail.gate.set()


def about(key: str, severity: str = "info", action: Action = Action.FIRE, seq: int = 0) -> Notification:
    """A message of a conversation about one alert of the same name."""
    over = NOON if action is Action.RESOLVE else None
    return message("email", action, text(key, severity=severity, resolved=over), key=key, seq=seq)


def test_a_storm_is_one_message_and_the_critical_page_comes_first(way: Way) -> None:
    """Sixty groups at once, the critical one last; what goes on after one of them was taken is in order, too."""
    storm = [about(f"k{n:02}") for n in range(59)]
    way.send(*storm, about("page", "critical"))
    # the first may be gone before the others are there
    said = [one for one in way.mail.sent if one.dedup_key.startswith("storm-")]

    assert len(way.mail.sent) == 2
    assert way.mail.sent[0].dedup_key == "page"
    assert [len(one.alerts) for one in said] == [59]
    assert [one.receipt for one in way.detour.sort(storm).sent] == [""] * 59


def test_without_a_storm_the_worst_comes_first(way: Way) -> None:
    """Each by itself, and each conversation in its own order."""
    way.send(about("a"), about("b", "warning"), about("c", "critical"))

    assert [key for key, _ in way.mail.told] == ["c", "b", "a"]


def test_an_incident_for_each_alert_stays_one(way: Way) -> None:
    """PagerDuty joins nothing."""
    way.send(*(replace(about(f"k{n}", "critical"), channel="pagerduty") for n in range(25)))

    assert len(way.pager.sent) == 25


def test_what_came_and_went_meanwhile_is_told_in_one_message(way: Way) -> None:
    """The mail server is away, too; when it is back nobody reads of faults that are over as if they were new."""
    way.mail.outcomes = [Outcome.RETRY]
    way.send(about("a"))
    way.send(about("a"), about("a", action=Action.RESOLVE, seq=1), after=30)

    assert way.mail.told == [("a", Action.FIRE), ("a", Action.RESOLVE)]
    assert UNANNOUNCED in way.mail.sent[-1].notes
    assert len(way.detour.sort([about("a"), about("a", action=Action.RESOLVE, seq=1)]).sent) == 2


def test_an_end_of_what_may_have_arrived_is_an_end(way: Way) -> None:
    """Its receiver took the page, and did not answer."""
    way.mail.outcomes = [Outcome.UNKNOWN]
    way.send(about("a"))
    way.send(about("a"), about("a", action=Action.RESOLVE, seq=1), after=30)

    assert UNANNOUNCED not in way.mail.sent[-1].notes


def test_what_is_refused_goes_to_the_fallback_once_with_what_follows(way: Way) -> None:
    """It is not sent to the channel again and again; its end closes the incident there."""
    way.mail.outcomes = [Outcome.REJECTED]
    page, end = about("a", "critical"), about("a", "critical", Action.RESOLVE, seq=1)
    way.send(page)
    way.send(page, after=30)
    way.send(page, end, after=30)
    way.send(page, end, after=30)

    assert way.mail.told == [("a", Action.FIRE)]
    assert way.pager.told == [("a", Action.FIRE), ("a", Action.RESOLVE)]
    assert way.pager.sent[0].notes[0] == "not delivered to email: 550 no"

    way.detour.end()
    assert [one.seq for one in way.detour.sort([page, end]).free] == [0, 1], "the outbox has the word again"


def test_a_fallback_that_fails_is_tried_again(way: Way) -> None:
    """Nothing else would."""
    way.mail.outcomes, way.pager.outcomes = [Outcome.REJECTED], [Outcome.RETRY] * 2
    for _ in range(4):
        way.send(about("a", "critical"), after=AGAIN_AFTER.total_seconds())

    assert way.pager.told == [("a", Action.FIRE)] * 3


def test_what_cannot_be_sent_for_long_goes_to_the_fallback(way: Way) -> None:
    """As long as it may wait in the outbox."""
    way.mail.outcomes = [Outcome.RETRY] * 9
    way.send(about("a", "critical"))
    assert way.pager.sent == []

    way.send(about("a", "critical"), after=DEADLINES[0].total_seconds() + 1)
    assert way.pager.told == [("a", Action.FIRE)]


def test_a_fallback_that_is_under_way_is_not_sent_twice(way: Way) -> None:
    """A slow receiver is asked once."""
    way.mail.outcomes = [Outcome.REJECTED]
    way.pager.gate.clear()
    way.detour.send([about("a", "critical")])
    while not way.detour.sort([replace(about("a", "critical"), channel="pagerduty")]).waiting:
        threading.Event().wait(0.01)
    way.detour.send([])
    way.pager.gate.set()
    assert way.detour.wait(10)

    assert len(way.pager.sent) == 1


def test_one_that_leads_no_more_sends_nothing_more() -> None:
    """What is under way ends, also refused: no fallback hears of it, and what waited behind it is not sent."""
    way = Way()
    way.mail.outcomes = [Outcome.REJECTED]
    way.mail.gate.clear()
    way.detour.send([message(key="a")])
    assert way.mail.asked.wait(10)
    way.detour.send([message(key="b")])
    way.detour.clear()
    way.mail.gate.set()
    assert way.detour.wait(10)

    assert (way.mail.told, way.pager.told) == ([("a", Action.FIRE)], [])
