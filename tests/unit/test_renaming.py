"""Rules that get another name while their alerts are open: everything goes on, and nobody is told anything."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests import builders
from tests.alerts import view
from tests.worlds import FIRED, RESOLVED, START, World, incident, seconds, world

from tocsin.adapters.codec import decode, encode
from tocsin.evaluate.claims import Claim
from tocsin.evaluate.memory import Echo, GroupEpisode, GroupKey, GroupState, Memory
from tocsin.evaluate.model import AlertState, EventKind, Identity, Phase
from tocsin.evaluate.received import Received
from tocsin.evaluate.renaming import carried, means
from tocsin.evaluate.rule import AT_ONCE, dedup_key
from tocsin.evaluate.tick import Watch
from tocsin.notify.routing import alert_text
from tocsin.ports import Row, labels_of
from tocsin.spec import AlertRule
from tocsin.spec.condition import Composite, Part
from tocsin.units import Duration

OLD, NEW = "shop/QueueTooLong", "shop/QueueGrows"
ALL = tuple(EventKind)


def too_long(name: str = "QueueTooLong", *, formerly: tuple[str, ...] = (), keep: str = "0s", **more: str) -> AlertRule:
    """A queue of more than five."""
    made = builders.alert(name, value="q", above="5", **more)  # type: ignore[arg-type]
    return replace(made, formerly=formerly, keep_firing_for=Duration.parse(keep))


def queues(*alerts: AlertRule) -> World:
    """One queue, `p`, with nine in it."""
    there = World(builders.workspace(builders.service(alerts=alerts)))
    fill(there, 9.0)
    return there


def fill(there: World, length: float) -> None:
    """How long it is from now on."""
    there.source.scripts["q"] = lambda _: (Row((("pod", "p"),), length),)


def rename(there: World, *alerts: AlertRule) -> None:
    """Read other definitions, after a restart: alert states come from the store."""
    states = {identity: decode(AlertState, encode(state)) for identity, state in there.memory.alerts.items()}
    there.memory = replace(there.memory, alerts=states)
    there.restart(builders.workspace(builders.service(alerts=alerts)))


def everything(there: World) -> list[tuple[float, str, EventKind]]:
    """All that happened."""
    return [(second, rule, event.kind) for second, rule, event in there.happened]


class TestFormerly:
    """The definition says what the alert was called."""

    def test_an_open_alert_goes_on(self) -> None:
        """The same episode under the new name; its end is told once, and the next one has a key of its own."""
        there = queues(too_long())
        there.run(0, 30)
        before = there.view(OLD)
        rename(there, too_long("QueueGrows", formerly=(OLD,)))
        there.run(45, 60)
        now = there.view(NEW)

        assert there.told(OLD) == [(0, FIRED)]
        assert there.told(NEW) == []
        assert (now.dedup_key, now.fired_at, now.started_at) == (before.dedup_key, before.fired_at, before.started_at)
        assert (before.title, now.title) == ("QueueTooLong on shop (p)", "QueueGrows on shop (p)")
        assert {identity.rule for identity in (*there.memory.alerts, *there.memory.views)} == {NEW}

        fill(there, 0.0)
        there.tick(75)
        assert there.told(NEW) == [(75, RESOLVED)]
        assert there.view(NEW).dedup_key == before.dedup_key

        fill(there, 9.0)
        there.tick(90)
        identity = Identity(NEW, (("pod", "p"),))
        assert there.view(NEW).dedup_key == dedup_key(identity, 2, START + seconds(90))

    def test_twice(self) -> None:
        """Also of one that was renamed before, and back to its first name; the key stays."""
        there = queues(too_long())
        there.tick(0)
        key = there.view(OLD).dedup_key
        for second, (name, was) in enumerate([("QueueGrows", OLD), ("Third", NEW), ("QueueTooLong", "shop/Third")], 1):
            rename(there, too_long(name, formerly=(was,)))
            there.tick(15 * second)
            assert there.view(f"shop/{name}").dedup_key == key

        assert everything(there) == [(0, OLD, EventKind.PENDING), (0, OLD, FIRED)]

    def test_a_pending_alert_goes_on_waiting(self) -> None:
        """What it has waited counts, and so does its key, which the page may have shown."""
        there = queues(too_long(for_="60s"))
        there.run(0, 30)
        assert there.last is not None
        [coming] = there.last.snapshot.alerts
        rename(there, too_long("QueueGrows", formerly=(OLD,), for_="60s"))
        there.run(45, 60)

        assert there.told(NEW, ALL) == [(60, FIRED)]
        assert there.view(NEW).dedup_key == coming.dedup_key

    def test_a_recovering_alert_goes_on_recovering(self) -> None:
        """`keep_firing_for` does not begin anew."""
        there = queues(too_long(keep="60s"))
        there.tick(0)
        fill(there, 0.0)
        there.run(15, 45)
        rename(there, too_long("QueueGrows", formerly=(OLD,), keep="60s"))
        there.run(60, 90)

        assert there.told(NEW, ALL) == [(75, RESOLVED)]

    def test_a_blind_alert_stays_blind(self) -> None:
        """A source that is away while the rule is renamed ends nothing, and is told once."""
        there = queues(too_long())
        there.tick(0)
        there.source.down = "connection refused"
        there.run(15, 30)
        rename(there, too_long("QueueGrows", formerly=(OLD,)))
        there.run(45, 60)

        assert there.told(NEW, ALL) == []
        assert there.view(NEW).blind_since == START + seconds(15)
        assert there.view(NEW).title == "QueueGrows on shop (p)"

    def test_an_objective(self) -> None:
        """The alerts of its tiers, of each group, and that of its traffic."""
        there, unbroken = world(*incident(1.0, 300)), world(*incident(1.0, 300))
        unbroken.run(-60, 1_500)
        there.run(-60, 120)
        before = there.view("shop/uptime:fast")
        [service] = there.workspace.services
        renamed = replace(service.slos[0], name="answers", formerly=("shop/uptime",))
        there.restart(builders.workspace(replace(service, slos=(renamed,))))
        there.tick(135)
        assert there.view("shop/answers:fast").dedup_key == before.dedup_key
        assert there.view("shop/answers:fast").title == "shop/answers burns its error budget too fast (fast)"
        assert {identity.rule for identity in there.memory.alerts} <= there.watch.rules.keys()

        there.run(150, 1_500)
        for tier in ("fast", "medium"):
            as_one = there.told(f"shop/uptime:{tier}") + there.told(f"shop/answers:{tier}")
            assert as_one == unbroken.told(f"shop/uptime:{tier}")
        assert [kind for _, kind in there.told("shop/answers:fast")] == [RESOLVED]

    def test_another_service(self) -> None:
        """The name may have been one of another service."""
        there = queues(too_long())
        there.tick(0)
        other = builders.service("depot", alerts=(replace(too_long(formerly=(OLD,)), service="depot"),))
        there.restart(builders.workspace(other))
        there.tick(15)

        assert there.told("depot/QueueTooLong") == []
        assert there.view("depot/QueueTooLong").service == "depot"

    def test_a_name_that_is_in_use(self) -> None:
        """What is open there is that alert's own."""
        there = queues(too_long())
        there.tick(0)
        rename(there, too_long(), too_long("QueueGrows", formerly=(OLD,)))
        there.tick(15)

        assert (there.told(OLD), there.told(NEW)) == ([(0, FIRED)], [(15, FIRED)])

    def test_one_that_fires_itself(self) -> None:
        """Two alerts that become one: the one that is open under that name goes on, the other one is closed."""
        there = queues(too_long(), too_long("QueueGrows"))
        there.tick(0)
        key = there.view(NEW).dedup_key
        rename(there, too_long("QueueGrows", formerly=(OLD,)))
        there.tick(15)

        assert (there.told(OLD), there.told(NEW)) == ([(0, FIRED), (15, RESOLVED)], [(0, FIRED)])
        assert there.view(NEW).dedup_key == key

    def test_one_that_was_open_long_ago(self) -> None:
        """Its last episode is over, so it takes over, and repeats no number."""
        there = queues(too_long(), too_long("QueueGrows"))
        state = there.memory.alerts
        there.tick(0)
        quiet = Identity(NEW, (("pod", "p"),))
        over = replace(there.memory.alerts[quiet], phase=Phase.INACTIVE, episode=7, resolved_at=START)
        there.memory = replace(there.memory, alerts={**there.memory.alerts, quiet: over})
        key = there.view(OLD).dedup_key
        rename(there, too_long("QueueGrows", formerly=(OLD,)))
        there.tick(15)

        assert state == {}
        assert there.told(OLD) == [(0, FIRED)]
        assert there.view(NEW).dedup_key == key
        assert there.memory.alerts[quiet].episode == 7

    def test_conversations_know_it_by_its_new_name(self) -> None:
        """How often it flapped, and which episode is whose."""
        was, other = Identity(OLD, (("pod", "p"),)), Identity("shop/Other")
        state = AlertState(AT_ONCE, Phase.FIRING, 1, active_at=START, fired_at=START)
        episode = GroupEpisode(alert_text(view()), START, announced=True, alert=was)
        echoes = tuple(Echo(alert, (), START, START, flaps=3) for alert in (was, other, None))
        key = GroupKey("pd", "-")
        memory = Memory(alerts={was: state}, groups={key: GroupState(START, (episode,), echoes=echoes)})
        rules = Watch(builders.workspace(builders.service(alerts=(too_long("QueueGrows", formerly=(OLD,)),)))).rules
        found = carried(memory, rules)

        now = Identity(NEW, (("pod", "p"),))
        assert [each.alert for each in found.groups[key].episodes] == [now]
        assert [(each.alert, each.flaps) for each in found.groups[key].echoes] == [(now, 3), (other, 3), (None, 3)]
        assert found.memory.groups == found.groups
        assert (found.alerts[was], found.names) == (None, {OLD: NEW})

    def test_a_sender_that_still_says_the_old_name(self) -> None:
        """A Prometheus with the rules of yesterday speaks of the same alert, and pages nobody anew."""
        labels = {"alertname": "QueueTooLong", "ref": OLD, "service": "shop", "severity": "warning", "pod": "p"}
        claim = Claim(labels_of(labels), (), START, START + timedelta(minutes=4), START, tells_end=True)
        there = queues(too_long())
        there.received = Received((claim,))
        there.tick(0)
        rename(there, too_long("QueueGrows", formerly=(OLD,)))
        there.run(15, 300)

        assert everything(there) == [(0, OLD, EventKind.PENDING), (0, OLD, FIRED)]
        assert list(there.memory.views) == [Identity(NEW, (("pod", "p"),))]

    def test_a_sender_of_an_objective(self) -> None:
        """Its labels name the tier, and the objective as it was."""
        there = world(*incident(1.0, 300))
        there.run(-60, 60)
        rule = there.watch.rules["shop/uptime:fast"]
        claim = Claim(rule.labels, (), START, START + timedelta(hours=1), START, tells_end=True)
        there.received = Received((claim,))
        [service] = there.workspace.services
        renamed = replace(service.slos[0], name="answers", formerly=("shop/uptime",))
        there.restart(builders.workspace(replace(service, slos=(renamed,))))
        there.run(75, 120)

        assert [rule for _, rule, kind in everything(there) if kind is FIRED] == ["shop/uptime:fast"]


class TestAlike:
    """The definition says nothing, and there is no doubt."""

    def test_one_for_one(self) -> None:
        """One is gone, one is new, and both mean the same: also after a restart, from what is stored."""
        there = queues(too_long(for_="30s"))
        there.run(0, 45)
        key = there.view(OLD).dedup_key
        rename(there, too_long("QueueGrows", for_="30s", summary="Another text"))
        there.run(60, 90)

        assert (there.told(OLD), there.told(NEW)) == ([(30, FIRED)], [])
        assert there.view(NEW).dedup_key == key

    @pytest.mark.parametrize(
        "new",
        [
            (too_long("QueueGrows", severity="critical"),),
            (too_long("QueueGrows", for_="15s"),),
            (too_long("QueueGrows", keep="1m"),),
            (builders.alert("QueueGrows", value="q", above="6"),),
            (too_long("QueueGrows"), too_long("QueueSwells")),
        ],
        ids=["severity", "for", "keep_firing_for", "bound", "two of them"],
    )
    def test_whatever_else_is_another_alert(self, new: tuple[AlertRule, ...]) -> None:
        """Its own end, its own begin."""
        there = queues(too_long())
        there.tick(0)
        rename(there, *new)
        there.run(15, 45)

        assert there.told(OLD) == [(0, FIRED), (15, RESOLVED)]
        assert [kind for _, kind in there.told(NEW)] == [FIRED]

    def test_two_that_are_gone(self) -> None:
        """Nobody knows which of them it was."""
        there = queues(too_long(), too_long("QueueSwells"))
        there.tick(0)
        rename(there, too_long("QueueGrows"))
        there.tick(15)

        assert there.told(OLD)[1:] == there.told("shop/QueueSwells")[1:] == [(15, RESOLVED)]
        assert there.told(NEW) == [(15, FIRED)]

    def test_a_twin_that_was_there(self) -> None:
        """It has its own state, and is not new."""
        there = queues(too_long(), too_long("QueueGrows"))
        there.tick(0)
        rename(there, too_long("QueueGrows"))
        there.tick(15)

        assert (there.told(OLD), there.told(NEW)) == ([(0, FIRED), (15, RESOLVED)], [(0, FIRED)])

    def test_what_is_said_goes_before_what_is_alike(self) -> None:
        """The former name says which of two it is."""
        there = queues(too_long())
        there.tick(0)
        key = there.view(OLD).dedup_key
        rename(there, too_long("QueueSwells"), too_long("QueueGrows", formerly=(OLD,)))
        there.tick(15)

        assert there.view(NEW).dedup_key == key
        assert there.told("shop/QueueSwells") == [(15, FIRED)]

    def test_what_was_over_when_it_went(self) -> None:
        """There is nothing to go on with."""
        there = queues(too_long())
        there.tick(0)
        fill(there, 0.0)
        there.tick(15)
        rename(there, too_long("QueueGrows"))
        fill(there, 9.0)
        there.tick(30)

        assert there.told(NEW) == [(30, FIRED)]
        assert there.view(NEW).dedup_key == dedup_key(Identity(NEW, (("pod", "p"),)), 1, START + seconds(30))

    def test_what_an_alert_means(self) -> None:
        """Texts, names and places make no difference, what it is made of does."""
        parts = [Composite((Part(ref, builders.at(9)),), (), ()) for ref in ("shop/A", "shop/B")]
        made, other = (means(replace(too_long(), condition=condition)) for condition in parts)
        moved = builders.alert("X", value="q", above="5", span=builders.at(7), summary="Else")

        assert made != other
        assert means(moved) == means(too_long())
        assert means(replace(too_long(), service="depot")) != means(too_long())
        assert means(replace(too_long(), on_missing="resolve")) != means(too_long())


class TestChangedFor:
    """The same name, and another `for`."""

    def test_an_open_alert_stays_open(self) -> None:
        """It has fired, however long the next one has to wait."""
        there = queues(too_long())
        there.tick(0)
        rename(there, too_long(for_="10m"))
        there.run(15, 60)

        assert there.told(OLD, ALL) == [(0, EventKind.PENDING), (0, FIRED)]

    @pytest.mark.parametrize(("before", "after", "fired"), [("10m", "30s", 75), ("30s", "2m", 120), ("5m", "60s", 75)])
    def test_a_pending_alert_counts_from_its_start(self, before: str, after: str, fired: float) -> None:
        """What was observed before the change counts."""
        there = queues(too_long(for_=before))
        there.run(0, 15 if before == "30s" else 60)
        rename(there, too_long(for_=after))
        there.run(30 if before == "30s" else 75, 180)

        assert there.told(OLD) == [(fired, FIRED)]
