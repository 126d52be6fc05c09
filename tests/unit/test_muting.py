"""What keeps an alert from being told, and what does not: the end of what was told is always told."""

from dataclasses import replace
from typing import Any

import pytest
from tests.alerts import NOON, SPAN, channel, notifications, route, seconds, view
from tests.talks import EMAIL, Talk, over

from tocsin.evaluate.model import AlertView, MuteKind, Phase
from tocsin.matchers import parse_matchers
from tocsin.notify.muting import Inhibition, Muting, muting_of
from tocsin.notify.silences import Silence
from tocsin.spec import ChannelSpec, Hours, Inhibit, Maintenance, Notifications, Once, Route, Stretch
from tocsin.workspace import Workspace


def silence(matchers: str, start: float = 0, end: float = 3_600, **more: Any) -> Silence:
    """One from *start* to *end*, in seconds after noon."""
    fields: dict[str, Any] = {"id": "s1", "created_by": "ana", "comment": "new disks", "updated_at": NOON}
    return Silence(
        matchers=parse_matchers(matchers),
        starts_at=NOON + seconds(start),
        ends_at=NOON + seconds(end),
        **(fields | more),
    )


def tier(key: str, name: str, **more: Any) -> AlertView:
    """An alert of one tier of an objective."""
    labels = {"alertname": "ErrorBudgetBurn", "slo": "uptime", "tier": name} | more.pop("labels", {})
    return view(key, labels=tuple(sorted(labels.items())), **more)


TIERS = Inhibition(parse_matchers("tier=fast"), parse_matchers("tier=slow"), ("service", "slo"))


class MutedTalk(Talk):
    """A conversation that minds what mutes."""

    def __init__(self, muting: Muting, *more: Any) -> None:
        super().__init__(*more or (EMAIL,))
        self.muting = muting

    def tick(self, at: float, *views: AlertView) -> list[tuple[str, str, tuple[str, ...]]]:
        """As the evaluator does it."""
        return super().tick(at, *self.muting.over(views, NOON + seconds(at)))


def said(talk: Talk, until: int, *views: AlertView, start: int = 0) -> list[tuple[int, str, tuple[str, ...]]]:
    """All that is sent from *start* on in steps of 10 s."""
    return [(at, action, keys) for at in range(start, until, 10) for _, action, keys in talk.tick(at, *views)]


def test_a_silenced_alert_is_told_when_the_silence_ends() -> None:
    """Nothing while it lasts, then as if it had just come: group_wait, FIRE."""
    talk = MutedTalk(Muting((silence("service=be-camera", end=600),)))

    assert said(talk, 700, view("a")) == [(610, "fire", ("a",))]


def test_a_silence_over_another_service_mutes_nothing() -> None:
    """All matchers have to hold."""
    talk = MutedTalk(Muting((silence('service="be-camera",severity="warning"'),)))

    assert said(talk, 20, view("a")) == [(10, "fire", ("a",))]


def test_what_was_told_before_is_not_repeated_while_silenced_but_closed() -> None:
    """No reminder for three hours; its end is told at once, or PagerDuty would keep an incident for ever."""
    for kind in ("email", "pagerduty"):
        ways = notifications(channel("c", kind), route("c"))
        talk = MutedTalk(Muting((silence("service=be-camera", start=60, end=36_000),)), ways)
        assert said(talk, 10_800, view("a")) == [(10, "fire", ("a",))]
        assert [m[1:] for m in talk.tick(10_800, over(view("a"), NOON + seconds(10_800)))] == [("resolve", ("a",))]


def test_the_end_of_the_silence_does_not_tell_anew_what_people_know() -> None:
    """The next reminder comes a repeat_interval after the last message, as if there had been no silence."""
    talk = MutedTalk(Muting((silence("service=be-camera", start=60, end=1_800),)))

    assert said(talk, 3_700, view("a")) == [(10, "fire", ("a",)), (3_610, "repeat", ("a",))]


def test_a_new_neighbour_is_told_beside_what_is_silenced() -> None:
    """The message takes the place of the one before it, so it still knows what fires, and says why it is silent."""
    talk = MutedTalk(Muting((silence("instance=a", start=60),)))
    a, b = view("a", labels=(("instance", "a"),)), view("b", labels=(("instance", "b"),))
    said(talk, 100, a)

    assert said(talk, 500, a, b, start=100) == [(310, "fire", ("b", "a"))]
    assert [text.facts[-1:] for text in talk.sent[-1].alerts][1] == (("muted", "silenced by ana: new disks"),)


def test_what_was_never_told_is_not_mentioned_while_silenced() -> None:
    """The end of the one that was told is the end of all that people know."""
    talk = MutedTalk(Muting((silence("instance=a"),)))
    a, b = view("a", labels=(("instance", "a"),)), view("b", labels=(("instance", "b"),))

    assert said(talk, 100, a, b) == [(10, "fire", ("b",))]
    assert [m[1:] for m in talk.tick(100, a, over(b, NOON + seconds(100)))] == [("resolve", ("b",))]


def test_a_mention_of_what_is_silenced_holds_no_page_back() -> None:
    """After a message that only mentions a critical alert, another critical one waits for group_wait alone."""
    talk = MutedTalk(Muting((silence("instance=a", start=60),)))
    a = view("a", labels=(("instance", "a"),))
    b, c = view("b", severity="warning"), view("c", severity="critical")
    said(talk, 400, a, b)
    ended = talk.tick(400, a, over(b, NOON + seconds(400)))

    assert [m[1:] for m in ended] == [("repeat", ("a", "b"))]
    assert said(talk, 1_000, a, c, start=410)[0] == (420, "fire", ("c", "a"))


def test_what_fires_and_resolves_under_a_silence_is_never_told() -> None:
    """Neither its begin nor its end; the view still says why."""
    muting = Muting((silence("service=be-camera"),))
    talk = MutedTalk(muting)
    talk.tick(0, view("a"))

    assert talk.tick(300, over(view("a"), NOON + seconds(300))) == []
    (shown,) = muting.over((view("a"),), NOON)
    assert [(m.kind, m.by, m.reason) for m in shown.muted] == [(MuteKind.SILENCE, "s1", "(silenced by ana: new disks)")]


def test_an_incident_sends_one_page() -> None:
    """While the fast tier fires, the slow one is not told; when the fast one is over, it is."""
    talk = MutedTalk(Muting((), (TIERS,)), notifications(channel("pd", "pagerduty"), route("pd")))
    fast, slow = tier("f", "fast"), tier("s", "slow", severity="warning")
    first = said(talk, 300, fast, slow)
    ended = [(300, action, keys) for _, action, keys in talk.tick(300, over(fast, NOON + seconds(300)), slow)]

    assert (first, ended) == ([(10, "fire", ("f",))], [(300, "resolve", ("f",))])
    assert said(talk, 400, slow, start=310) == [(310, "fire", ("s",))]


def test_only_equal_labels_inhibit() -> None:
    """Another objective's fast tier, one of another service, and a pending one mute nothing."""
    slow = tier("s", "slow")
    others = (
        tier("f1", "fast", labels={"slo": "latency"}),
        tier("f2", "fast", service="be-auth"),
        tier("f3", "fast", phase=Phase.PENDING, fired=None),
    )

    assert Muting((), (TIERS,)).reasons((slow, *others), NOON) == {}


def test_what_recovers_still_inhibits_and_what_is_over_does_not() -> None:
    """As long as people see the source firing, its targets are quiet."""
    slow, fast = tier("s", "slow"), tier("f", "fast", phase=Phase.RECOVERING)
    muting = Muting((), (TIERS,))

    assert list(muting.reasons((slow, fast), NOON)) == ["s"]
    assert muting.reasons((slow, over(fast, NOON)), NOON) == {}


def test_a_source_that_nobody_sees_any_more_inhibits_for_five_minutes() -> None:
    """A short gap sends nothing; what stays blind may be over or gone, and somebody has to hear of the others."""
    slow, blind = tier("s", "slow"), tier("f", "fast", blind_since=NOON)
    muting = Muting((), (TIERS,))

    assert list(muting.reasons((slow, blind), NOON + seconds(299))) == ["s"]
    assert muting.reasons((slow, blind), NOON + seconds(300)) == {}
    assert list(muting.reasons((slow, blind, tier("g", "fast")), NOON + seconds(300))) == ["s"]


def test_what_went_out_of_sight_with_its_source_is_no_news() -> None:
    """Prometheus is down: of an incident that was told by its source the targets are not told one after the other."""
    slow, fast = (tier(key, name, blind_since=NOON) for key, name in (("s", "slow"), ("f", "fast")))
    muting = Muting((), (TIERS,))

    assert [list(muting.reasons((slow, fast), NOON + seconds(at))) for at in (299, 300, 9_000)] == [["s"]] * 3
    assert muting.reasons((tier("s", "slow", blind_since=NOON + seconds(8_900)), fast), NOON + seconds(9_000)) == {}


def test_an_alert_that_is_source_and_target_does_not_mute_itself_or_its_like() -> None:
    """Of two that are both, each would mute the other, and nobody would hear of either."""
    both = Inhibition(parse_matchers("tier=~.+"), parse_matchers("tier=~.+"), ("service",))

    assert Muting((), (both,)).reasons((tier("a", "fast"), tier("b", "slow")), NOON) == {}


def test_a_silenced_source_still_inhibits() -> None:
    """As in Alertmanager: silencing the page does not bring up the tickets."""
    muting = Muting((silence("tier=fast"),), (TIERS,))
    found = muting.reasons((tier("f", "fast"), tier("s", "slow")), NOON)

    assert {key: [m.kind for m in why] for key, why in found.items()} == {
        "f": [MuteKind.SILENCE],
        "s": [MuteKind.INHIBITION],
    }


def test_all_reasons_are_given() -> None:
    """A silenced and inhibited alert names both, so nobody wonders why ending the silence changes nothing."""
    muting = Muting((silence("slo=uptime"),), (TIERS,))
    found = muting.reasons((tier("f", "fast"), tier("s", "slow")), NOON)

    assert [mute.kind for mute in found["s"]] == [MuteKind.INHIBITION, MuteKind.SILENCE]


def test_a_silence_holds_from_its_start_until_before_its_end() -> None:
    """Half-open, as in Alertmanager."""
    one = silence("slo=uptime", start=60, end=120)
    states = [one.state(NOON + seconds(at)) for at in (59, 60, 119, 120)]

    assert states == ["pending", "active", "active", "expired"]
    assert [one.mutes({"slo": "uptime"}, NOON + seconds(at)) for at in (59, 60, 119, 120)] == [False, True, True, False]
    assert not replace(one, matchers=parse_matchers("slo=latency")).mutes({"slo": "uptime"}, NOON + seconds(60))


EVENING = Hours("evening", (Stretch(times=((13 * 60, 24 * 60),)),), SPAN)
"""From an hour after noon on."""


def quiet(*parts: ChannelSpec | Route, **more: Any) -> tuple[Notifications, ...]:
    """One document with channels, routes and the evening."""
    (document,) = notifications(*parts)
    return (replace(document, hours={"evening": EVENING}, **more),)


def resting(ways: tuple[Notifications, ...]) -> MutedTalk:
    """A conversation that minds all that *ways* say."""
    return MutedTalk(muting_of(Workspace(notifications=ways)), ways)


def test_an_alert_in_a_quiet_interval_is_told_when_it_ends() -> None:
    """As if it had come then; until then the view says which route is quiet, and until when."""
    ways = quiet(channel("email"), replace(route("email"), active=("evening",)))
    talk = resting(ways)

    assert said(talk, 3_700, view("a")) == [(3_610, "fire", ("a",))]
    (shown,) = talk.muting.over((view("a"),), NOON)
    assert [(m.kind, m.by, m.reason, m.until, m.partly) for m in shown.muted] == [
        (MuteKind.INTERVAL, "*", "(route * is quiet outside of evening)", NOON + seconds(3_600), False)
    ]


def test_what_was_told_before_the_quiet_hours_is_closed_in_them() -> None:
    """No reminders, and the end at once."""
    for kind in ("email", "pagerduty"):
        talk = resting(quiet(channel("c", kind), replace(route("c", repeat=600), mute=("evening",))))
        told = said(talk, 7_200, view("a"))
        assert [action for _, action, _ in told] == (["fire", *["repeat"] * 5] if kind == "email" else ["fire"])
        assert max(at for at, *_ in told) < 3_600
        assert [m[1:] for m in talk.tick(7_200, over(view("a"), NOON + seconds(7_200)))] == [("resolve", ("a",))]


def test_a_quiet_route_mutes_its_own_conversations_only() -> None:
    """Another route that leads elsewhere tells; the view says that the mute is partly."""
    routes = (replace(route("email", goes_on=True), active=("evening",)), route("slack"))
    talk = resting(quiet(channel("email"), channel("slack"), *routes))
    first = [talk.tick(at, view("a")) for at in (0, 10)]
    (shown,) = talk.muting.over((view("a"),), NOON)

    assert first == [[], [("slack", "fire", ("a",))]]
    assert [(mute.kind, mute.partly) for mute in shown.muted] == [(MuteKind.INTERVAL, True)]
    assert not shown.silent
    talk.tick(3_600, view("a"))
    assert talk.tick(3_610, view("a"))[0] == ("email", "fire", ("a",))


def test_a_channel_of_two_routes_is_told_by_the_one_that_is_not_quiet() -> None:
    """A page too many beats one too few."""
    routes = (replace(route("email", goes_on=True), active=("evening",)), route("email"))
    talk = resting(quiet(channel("email"), *routes))

    assert said(talk, 20, view("a")) == [(10, "fire", ("a",))]


def test_maintenance_mutes_openings_and_reminders() -> None:
    """With its reason and owner; what is told before is closed, and what still fires when it ends is told."""
    window = Maintenance(
        "disks", parse_matchers("service=be-camera"), Once(NOON, NOON + seconds(600)), "new disks", "ops", SPAN
    )
    talk = resting(quiet(channel("email"), route("email"), maintenance={"disks": window}))
    (shown,) = talk.muting.over((view("a"),), NOON)

    assert said(talk, 700, view("a")) == [(610, "fire", ("a",))]
    assert [(m.kind, m.by, m.reason, m.until) for m in shown.muted] == [
        (MuteKind.MAINTENANCE, "disks", "(maintenance by ops: new disks)", NOON + seconds(600))
    ]


def test_an_inhibition_that_somebody_wrote_holds_beside_those_of_tiers() -> None:
    """While the host is down, its other alerts are not told."""
    rule = Inhibit(parse_matchers("alertname=HostDown"), parse_matchers("alertname!=HostDown"), ("instance",), SPAN)
    talk = resting(quiet(channel("email"), route("email"), inhibit=(rule,)))
    down = view("a", labels=(("alertname", "HostDown"), ("instance", "i")))
    here, there = (view(name, labels=(("alertname", "Slow"), ("instance", name))) for name in ("i", "j"))

    assert said(talk, 20, down, here, there) == [(10, "fire", ("a", "j"))]


def hushing() -> dict[str, tuple[MutedTalk, str]]:
    """A conversation in which what has instance=a is muted from a minute after noon on, and the words for it."""
    late = Hours("late", (Stretch(times=((12 * 60 + 1, 24 * 60),)),), SPAN)
    (document,) = notifications(channel("email"), replace(route("email"), mute=("late",)))
    matchers = parse_matchers("instance=a")
    window = Maintenance("disks", matchers, Once(NOON + seconds(60), NOON + seconds(9_000)), "new disks", "ops", SPAN)
    tended = quiet(channel("email"), route("email"), maintenance={"disks": window})
    rule = Inhibition(parse_matchers("alertname=HostDown"), matchers)
    return {
        "silence": (MutedTalk(Muting((silence("instance=a", start=60, end=9_000),))), "silenced by ana: new disks"),
        "inhibition": (MutedTalk(Muting((), (rule,))), "while this fires: HostDown"),
        "maintenance": (resting(tended), "maintenance by ops: new disks"),
        "interval": (resting((replace(document, hours={"late": late}),)), "route * is quiet in late"),
    }


@pytest.mark.parametrize("kind", ["silence", "inhibition", "maintenance", "interval"])
def test_a_conversation_is_not_resolved_while_what_people_know_of_fires(kind: str) -> None:
    """The end of its neighbour is an update that says why the other is silent; its own end is the RESOLVE."""
    talk, why = hushing()[kind]
    a, b = view("a", labels=(("instance", "a"),)), view("b")
    cause = view("cause", title="HostDown", labels=(("alertname", "HostDown"),), service="other", fired=NOON)
    causes = (cause,) if kind == "inhibition" else ()
    said(talk, 60, a, b)
    at = NOON + seconds(70)
    update = [m[1:] for m in talk.tick(70, a, over(b, at), *causes)]
    named = {text.dedup_key: (text.resolved_at, dict(text.facts).get("muted")) for text in talk.sent[-1].alerts}
    end = [m[1:] for m in talk.tick(400, over(a, NOON + seconds(400)))]

    assert (update, end) == ([("repeat", ("a", "b"))], [("resolve", ("a",))])
    assert named == {"a": (None, why), "b": (at, None)}
