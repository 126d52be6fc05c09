"""What senders say of alerts: silence is no end, and one alert that two evaluate is one alert."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from tests import builders
from tests.worlds import BLIND, FIRED, RESOLVED, SIGHTED, START, World, seconds

from tocsin.adapters.claim_store import SqlClaims
from tocsin.errors import SourceUnreachableError, UnavailableError
from tocsin.evaluate.claims import Claim, fingerprint, later
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Truth
from tocsin.evaluate.received import Received
from tocsin.evaluate.rulings import Ruling
from tocsin.evaluate.tick import Watch
from tocsin.ports import WatchedRule, labels_of
from tocsin.service.inbox import MOST, FullError, Inbox

HOT = {"alertname": "TooHot", "service": "kiln", "severity": "critical", "pod": "a"}
FOUR = timedelta(minutes=4)
"""How long an alert of Prometheus lasts without another word."""
NOTHING = builders.workspace()


def claim(said: float, *, fires: bool = True, labels: dict[str, str] | None = None, **more: Any) -> Claim:
    """What Prometheus says *said* seconds after the start."""
    at = START + seconds(said)
    fields: dict[str, Any] = {"annotations": (), "starts_at": START, "tells_end": True, "url": "http://prom/graph"}
    return Claim(labels_of(labels or HOT), ends_at=at + FOUR if fires else at, said_at=at, **(fields | more))


def world(*claims: Claim, **more: Any) -> World:
    """A world whose senders have said *claims*."""
    there = World(more.get("workspace", NOTHING))
    there.received = Received(claims)
    return there


def nobody(_: tuple[Claim, ...], __: int) -> tuple[Ruling, ...]:
    """A metric source without rules."""
    return ()


RULE = "received:TooHot"
ALL = (FIRED, RESOLVED, BLIND, SIGHTED)


class TestOfOthers:
    """Alerts that none of our rules evaluates."""

    def test_it_fires_at_once_and_ends_when_its_sender_says_so(self) -> None:
        """Its sender has waited for `for` already."""
        there = world(claim(0))
        there.run(0, 60)
        there.received = Received((claim(70, fires=False),))
        there.run(75, 90)

        assert there.told(RULE, ALL) == [(0, FIRED), (75, RESOLVED)]

    def test_silence_is_no_end(self) -> None:
        """After four minutes it is blind, for days; when its sender speaks again it still fires: one episode."""
        there = world(claim(0))
        there.run(0, 600)
        there.run(600, 200_000, step=3_600)
        there.received = Received((claim(200_000),))
        there.run(200_010, 200_040)
        there.received = Received((claim(200_050, fires=False),))
        there.run(200_055, 200_055)

        assert there.told(RULE, ALL) == [(0, FIRED), (240, BLIND), (200_010, SIGHTED), (200_055, RESOLVED)]

    def test_one_alert_tells_of_the_silence(self) -> None:
        """Of three blind alerts, one message; it is over when the sender is heard."""
        pods = [{**HOT, "pod": pod} for pod in "abc"]
        there = world(*(claim(0, labels=each) for each in pods))
        there.run(0, 300)
        assert there.told("source:senders") == [(240, FIRED)]

        there.received = Received(tuple(claim(301, labels=each) for each in pods))
        there.run(315, 315)
        assert there.told("source:senders") == [(240, FIRED), (315, RESOLVED)]

    def test_an_end_that_was_given_is_an_end(self) -> None:
        """A script that says "until five" and is no Prometheus means it."""
        there = world(claim(0, tells_end=False))
        there.run(0, 300)
        end = f"{START + FOUR:%Y-%m-%d %H:%M:%S} UTC"

        assert there.told(RULE, ALL) == [(0, FIRED), (240, RESOLVED)]
        assert Received().sample(claim(0, tells_end=False), START + FOUR).reason == (
            f"it was to end at {end} unless it was sent again"
        )

    @pytest.mark.parametrize(
        ("rule", "over"),
        [
            ({}, True),
            ({"evaluated_at": START}, False),  # not since the last word
            ({"evaluated_at": None}, False),  # not at all, as after a restart
            ({"healthy": False}, False),  # it failed
            ({"alerts": (labels_of(HOT),)}, False),  # it has the alert, pending or firing
            ({"alerts": (labels_of({**HOT, "pod": "b"}),)}, True),  # it has another one
            ({"name": "TooCold"}, False),
            ({"labels": labels_of({"severity": "warning"})}, False),  # another rule of the same name
        ],
    )
    def test_its_rule_without_it_is_an_end(self, rule: dict[str, Any], over: bool) -> None:
        """After a long absence of Tocsin: the metric source has evaluated the rule since, and has no such alert."""
        known: dict[str, Any] = {
            "name": "TooHot",
            "labels": labels_of({"severity": "critical"}),
            "healthy": True,
            "evaluated_at": START + seconds(290),
        }
        there = world(claim(0))
        there.run(0, 285)
        there.received = Received((claim(0),), (Ruling(WatchedRule(**(known | rule)), external=labels_of(HOT)),))
        there.run(300, 300)

        assert (there.told(RULE)[-1] == (300, RESOLVED)) is over

    def test_a_restart_without_the_inbox_is_blind(self) -> None:
        """Nothing is known of the sender: the alert stays open, and is closed by its word."""
        there = world(claim(0))
        there.run(0, 30)
        there.restart()
        there.received = Received()
        there.run(45, 4_000)
        there.received = Received((claim(4_010, fires=False),))
        there.run(4_015, 4_015)

        assert there.told(RULE, ALL) == [(0, FIRED), (45, BLIND), (4_015, SIGHTED), (4_015, RESOLVED)]

    def test_what_people_read(self) -> None:
        """Names, words and links of the annotations; templates in them are not ours to fill."""
        words = labels_of({"summary": "{{ value }} <b>", "description": "do this", "runbook_url": "http://r", "x": "1"})
        there = world(claim(0, annotations=words))
        there.tick(0)
        assert there.last is not None
        (view,) = there.last.views

        assert (view.title, view.service, view.severity) == ("TooHot on kiln (a)", "kiln", "critical")
        assert (view.summary, view.description, view.runbook) == ("{ { value }} <b>", "do this", "http://r")
        assert view.labels == labels_of(HOT)
        assert view.facts == (("x", "1"), ("shown at", "http://prom/graph"))

    def test_other_labels_are_another_alert(self) -> None:
        """As in Alertmanager: the label set is the identity, its severity included."""
        there = world(claim(0), claim(0, labels={**HOT, "severity": "warning"}), claim(0, labels={**HOT, "pod": "b"}))
        there.tick(0)

        assert [kind for _, kind in there.told(RULE)] == [FIRED] * 3


class TestOfOurs:
    """Alerts that Prometheus evaluates by our compiled rules, and we ourselves."""

    ALERT = builders.alert("TooHigh", value='level{job="x"}', above="5", for_="1m", severity="critical")
    WORKSPACE = builders.workspace(builders.service(alerts=(ALERT,)))
    SAID: ClassVar = {
        "alertname": "TooHigh", "service": "shop", "severity": "critical", "ref": "shop/TooHigh",
        "job": "x", "pod": "a", "cluster": "eu",
    }  # fmt: skip

    def world(self, *values: float) -> World:
        """One value for every 15 s."""
        there = World(self.WORKSPACE)
        labels = {"__name__": "level", "job": "x", "pod": "a"}
        there.source.add(labels, [(START + seconds(15 * i), v) for i, v in enumerate(values)])
        return there

    def says(self, said: float, *, fires: bool = True) -> Received:
        """Prometheus, with a label of its own."""
        return Received((claim(said, fires=fires, labels=self.SAID),))

    def test_two_witnesses_are_one_alert(self) -> None:
        """Prometheus is earlier; when our own rule fires too, nothing new is told; the end needs both."""
        there = self.world(*[10] * 20, *[1] * 20)
        there.run(0, 15)
        there.received = self.says(20)
        there.run(30, 285)
        assert there.told("shop/TooHigh") == [(30, FIRED)]

        there.run(300, 330)  # ours says it is over, Prometheus' last word (20 s) has run out at 260 s
        assert there.told("shop/TooHigh") == [(30, FIRED), (300, RESOLVED)]
        assert len(there.memory.alerts) - sum("source" in i.rule for i in there.memory.alerts) == 1

    def test_it_stays_open_while_prometheus_says_so(self) -> None:
        """A rule that holds it longer there (keep_firing_for) holds it here."""
        there = self.world(*[10] * 10, *[1] * 30)
        there.received = self.says(0)
        there.run(0, 135)
        there.received = self.says(130)
        there.run(150, 360)
        there.received = self.says(365, fires=False)
        there.run(375, 375)

        assert there.told("shop/TooHigh") == [(0, FIRED), (375, RESOLVED)]

    def test_what_we_cannot_see_prometheus_may_tell(self) -> None:
        """While our question fails, its word opens the alert; our blindness does not close it, its end does."""
        there = World(self.WORKSPACE)
        there.source.down = "refused"
        there.received = self.says(0)
        there.run(0, 60)
        there.received = self.says(70, fires=False)
        there.run(75, 75)

        assert [kind for _, kind in there.told("shop/TooHigh")] == [FIRED, RESOLVED]

    @pytest.mark.parametrize("restart", [True, False])
    def test_a_removed_rule_is_over_though_prometheus_still_has_it(self, *, restart: bool) -> None:
        """What that says until it is reloaded is no news, and that it says nothing then is no silence."""
        there = self.world(*[10] * 20)
        there.received = self.says(0)
        there.run(0, 30)
        before = there.watch
        there.restart(builders.workspace(builders.service()))
        if not restart:
            there.watch.inherit(before)
        there.run(45, 120)
        there.received = self.says(110)
        there.run(135, 3_600)

        assert there.told("shop/TooHigh") == [(0, FIRED), (45, RESOLVED)]
        assert {rule for _, rule, _ in there.happened} == {"shop/TooHigh"}

    def test_another_rule_of_our_kind_is_not_removed(self) -> None:
        """Only of what was ours is known that it is gone; another Tocsin may have compiled what its Prometheus says."""
        there = World(builders.workspace(builders.service()))
        there.received = self.says(0)
        there.run(0, 30)

        assert there.told("received:TooHigh") == [(0, FIRED)]

    def test_a_rule_that_was_renamed_without_a_word(self) -> None:
        """Its Prometheus says the old name until it is reloaded: it is one alert."""
        there = self.world(*[10] * 20)
        there.received = self.says(0)
        there.run(0, 30)
        renamed = replace(self.ALERT, name="Higher")
        there.restart(builders.workspace(builders.service(alerts=(renamed,))))
        there.run(45, 285)

        assert [(second, rule) for second, rule, e in there.happened if e.kind is FIRED] == [(0, "shop/TooHigh")]
        assert [rule for _, rule, e in there.happened if e.kind is RESOLVED] == []


class TestInbox:
    """Claims between requests and ticks."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlClaims]:
        """On a real database."""
        store = SqlClaims(str(tmp_path / "state.db"))
        yield store
        store.close()

    def test_what_was_said_outlives_the_process(self, store: SqlClaims) -> None:
        """It is stored when the request has its answer."""
        Inbox(store, nobody).put((claim(0), claim(0, labels={"alertname": "ü"})))
        again = Inbox(store, nobody)
        again.load()

        assert {pair[0] for pair in again.read({}, START).theirs} == {claim(0), claim(0, labels={"alertname": "ü"})}

    def test_a_store_that_fails_takes_no_alert_away(self) -> None:
        """The sender says it again; meanwhile it counts."""

        class Broken:
            def all(self) -> tuple[Claim, ...]:
                raise UnavailableError("disk full")

            put = forget = lambda self, _: self.all()

        inbox = Inbox(Broken(), nobody)
        inbox.load()
        inbox.put((claim(0),))
        told = inbox.read({}, START)
        inbox.tidy(told, Memory(), START)

        assert [pair[0] for pair in told.theirs] == [claim(0)]

    def test_ends_are_forgotten_when_prometheus_does(self, store: SqlClaims) -> None:
        """After fifteen minutes; the silence of a sender is remembered for a week."""
        inbox = Inbox(store, nobody)
        inbox.put((claim(0, fires=False), claim(0, labels={"alertname": "B"})))
        for at, left in ((900, 2), (901, 1), (7 * 86_400 + 240, 1), (7 * 86_400 + 241, 0)):
            inbox.tidy(inbox.read({}, START + seconds(at)), Memory(), START + seconds(at))
            assert len(store.all()) == left, at

    def test_what_was_said_of_a_former_name_is_forgotten_in_silence(self, store: SqlClaims) -> None:
        """Its sender may say it by the new one; while it speaks, it is heard."""
        alert = replace(builders.alert("Hotter", value="t", above="9"), formerly=("shop/TooHot",))
        rules = Watch(builders.workspace(builders.service(alerts=(alert,)))).rules
        labels = {"alertname": "TooHot", "ref": "shop/TooHot", "service": "shop", "severity": "warning"}
        inbox = Inbox(store, nobody)
        inbox.put((claim(0, labels=labels),))
        for at, heard in ((239, [("shop/Hotter", 1)]), (240, [])):
            told = inbox.read(rules, START + seconds(at))
            inbox.tidy(told, Memory(), START + seconds(at))
            assert [(rule, len(pairs)) for rule, pairs in told.ours.items()] == heard
            assert (told.theirs, told.blind) == ((), ())
            assert len(store.all()) == len(heard)

    def test_the_metric_source_is_asked_only_about_silence_and_once_a_minute(self, store: SqlClaims) -> None:
        """No question while all is well, however often a tick comes."""
        asked: list[int] = []

        def rules(_: tuple[Claim, ...], turn: int) -> tuple[Ruling, ...]:
            asked.append(turn)
            raise SourceUnreachableError("refused")

        inbox = Inbox(store, rules)
        inbox.put((claim(0),))
        for at in range(0, 600, 15):
            inbox.read({}, START + seconds(at))

        assert asked == [1, 2, 3, 4, 5, 6]

    def test_the_earlier_start_and_the_later_word_count(self, store: SqlClaims) -> None:
        """Two Prometheus servers with one alert, or one that was restarted."""
        inbox = Inbox(store, nobody)
        inbox.put((claim(0), claim(60, starts_at=START + seconds(50))))
        ((told, _),) = inbox.read({}, START + seconds(60)).theirs

        assert (told.starts_at, told.said_at) == (START, START + seconds(60))

    @pytest.mark.parametrize("known", [True, False])
    def test_a_clock_far_behind_ours_ends_nothing(self, store: SqlClaims, *, known: bool) -> None:
        """Ours jumped by an hour: whoever puts the end off each minute says that it fires; an end stays where it is."""
        inbox = Inbox(store, nobody)
        if known:
            inbox.put((claim(0),))

        def says(at: float, end: float) -> Truth:
            inbox.put((replace(claim(3_600 + at), ends_at=START + seconds(end)),))
            return heard_at(inbox, 3_600 + at)

        first = [says(60 * n, 60 * n + 240) for n in range(1, 6)]
        assert first == [Truth.TRUE if known else Truth.FALSE, *[Truth.TRUE] * 4]
        assert [says(330 + 60 * n, 330) for n in range(5)] == [Truth.FALSE] * 5

    def test_an_end_that_comes_late(self, store: SqlClaims) -> None:
        """After a silence, and with a clock like ours: at once, or by the second word where it was long under way."""
        for end, told in ((1_000, [Truth.FALSE] * 2), (900, [Truth.TRUE, Truth.FALSE])):
            inbox, found = Inbox(store, nobody), []
            inbox.put((claim(0),))
            for at in (1_005, 1_065):
                inbox.put((replace(claim(at), ends_at=START + seconds(end)),))
                found.append(heard_at(inbox, at))
            assert found == told

    def test_one_of_a_pair_ends_nothing_that_the_other_one_says(self) -> None:
        """Two Prometheus servers with the same rules; the scrapes of one fail, and it repeats an end for 15 minutes."""
        said: list[tuple[float, bool, str]] = [(0, True, "a"), (5, True, "b")]
        said += [(30 + 60 * n, False, "b") for n in range(15)] + [(60 + 60 * n, True, "a") for n in range(16)]
        there = self.told(*said, (1_010, False, "a"))

        assert there.told(RULE, ALL) == [(0, FIRED), (1_020, RESOLVED)]

    def test_the_end_of_one_holds_once_the_other_one_is_silent(self) -> None:
        """It fell silent after its last word; the one that ended it says so again."""
        there = self.told((0, True, "a"), (30, False, "b"), (90, False, "b"), (270, False, "b"))

        assert there.told(RULE, ALL) == [(0, FIRED), (240, BLIND), (270, SIGHTED), (270, RESOLVED)]

    def test_an_end_that_a_person_tells_is_one_for_all(self) -> None:
        """Posted by amtool, which names no place where the alert is shown."""
        assert self.told((0, True, "a"), (5, True, "b"), (40, False, "")).told(RULE) == [(0, FIRED), (45, RESOLVED)]

    @pytest.mark.parametrize("ahead", [0.5, 14])
    def test_an_end_by_a_clock_that_is_ahead_is_an_end(self, ahead: float) -> None:
        """And no silence: a page about that would come with every end."""
        there = self.told((0, True, "a"), (60, False, "a"), ahead=ahead)

        assert there.told(RULE, ALL) == [(0, FIRED), (60, RESOLVED)]
        assert there.told("source:senders") == []

    @pytest.mark.parametrize(("before", "lasting"), [(4, 4), (240, 240), (14_400, 240)])
    def test_a_short_life_is_no_end(self, before: float, lasting: float) -> None:
        """A sender that speaks each second gives an alert four of them; after a reload it may give less than before."""
        first, word = (
            replace(claim(at), ends_at=START + seconds(at + life)) for at, life in ((0, before), (1, lasting))
        )

        assert not later(first, word).ended

    def told(self, *words: tuple[float, bool, str], ahead: float = 0) -> World:
        """A world that hears *words*: when, whether it fires, and from whom."""
        inbox, there = Inbox(Mock(), nobody), World(NOTHING)
        for at in range(0, 1_081, 15):
            for said, fires, who in sorted(words):
                if at - 15 < said <= at:
                    url = f"http://{who}:9090/graph?g0.expr=up" if who else ""
                    word = claim(said, fires=fires, url=url)
                    inbox.put((replace(word, ends_at=word.ends_at + seconds(ahead)),))
            now = START + seconds(at)
            there.received = Received(tuple(one for one, _ in inbox.read({}, now).theirs))
            there.tick(at)
        return there

    def test_memory_is_bounded(self, store: SqlClaims, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is too much is refused as a whole; what was known stays."""
        monkeypatch.setattr("tocsin.service.inbox.MOST", 2)
        inbox = Inbox(store, nobody)
        inbox.put((claim(0), claim(0, labels={"alertname": "B"})))
        with pytest.raises(FullError):
            inbox.put((claim(9), claim(9, labels={"alertname": "C"})))

        assert MOST == 100_000
        assert {pair[0].said_at for pair in inbox.read({}, START).theirs} == {START}


def heard_at(inbox: Inbox, at: float) -> Truth:
    """What the one claim means then."""
    [(_, sample)] = inbox.read({}, START + seconds(at)).theirs
    return sample.truth


def test_fingerprints_are_those_of_alertmanager() -> None:
    """Made by Alertmanager 0.25 (`amtool -o json alert query`) of the same labels."""
    labels = labels_of({"alertname": "TooHot", "instance": "a:1", "severity": "critical", "zone": "ü"})

    assert fingerprint(labels) == fingerprint(tuple(reversed(labels))) == "d2c881001fb5d07d"
    assert fingerprint(labels_of({"a": "b", "c": "d"})) == "53997eba86e1c7f5"
