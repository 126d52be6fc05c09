"""Somebody has it: no reminders, no escalation, and the end is told as ever. Nobody has it: others are told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.alerts import NOON, channel, notifications, route, seconds, view
from tests.databases import read_only
from tests.forms import FormSite
from tests.talks import Talk, over

from tocsin.evaluate.model import Acknowledgement, AlertView
from tocsin.spec import Escalation
from tocsin.units import Duration


def has_it(one: AlertView, at: float = 0) -> AlertView:
    """Ana has *one*."""
    return replace(one, acknowledged=Acknowledgement("ana", NOON + seconds(at)))


def said(talk: Talk, start: int, end: int, *views: AlertView) -> list[tuple[int, str, str]]:
    """All that is sent in steps of 10 s: when, where, what."""
    return [(at, name, action) for at in range(start, end, 10) for name, action, _ in talk.tick(at, *views)]


STEPS = (Escalation(Duration.of(minutes=10), ("pd",)), Escalation(Duration.of(minutes=30), ("boss",)))
CHANNELS = (channel("email"), channel("pd", "pagerduty"), channel("boss"))
ESCALATING = notifications(*CHANNELS, replace(route("email"), escalate=STEPS))


def test_what_nobody_takes_goes_to_the_next_channels_and_is_closed_everywhere() -> None:
    """After 10 and 30 minutes since people were told (each waits group_wait); all of them hear the end, once."""
    talk = Talk(ESCALATING)
    told = said(talk, 0, 2_400, view("a"))
    end = talk.tick(2_400, over(view("a"), NOON + seconds(2_400)))

    assert told == [(10, "email", "fire"), (620, "pd", "fire"), (1_820, "boss", "fire")]
    assert sorted((name, action) for name, action, _ in end) == [
        ("boss", "resolve"),
        ("email", "resolve"),
        ("pd", "resolve"),
    ]


def test_what_somebody_has_does_not_escalate_further() -> None:
    """Acknowledged between two steps: PagerDuty is told who has it, the boss sleeps on, and no reminder comes."""
    talk = Talk(ESCALATING)
    said(talk, 0, 700, view("a"))
    later = said(talk, 700, 8_000, has_it(view("a")))

    assert later == [(700, "pd", "acknowledge")]
    assert talk.sent[-1].notes == ("acknowledged by ana",)
    assert talk.sent[-1].dedup_key == "a"
    assert {name for name, *_ in talk.tick(8_000, over(has_it(view("a")), NOON + seconds(8_000)))} == {"email", "pd"}


def test_a_withdrawn_acknowledgement_lets_it_go_on() -> None:
    """Escalation counts from when people were told, so a step that was missed comes at once."""
    talk = Talk(ESCALATING)
    said(talk, 0, 100, view("a"))
    said(talk, 100, 900, has_it(view("a")))

    assert said(talk, 900, 1_000, view("a")) == [(910, "pd", "fire")]


def test_neighbours_of_what_somebody_has_are_told() -> None:
    """A new alert of the group makes its message; the one that is taken stands below it, and who has it."""
    talk = Talk(notifications(channel("email"), route("email")))
    said(talk, 0, 100, view("a"))
    messages = [m for at in range(100, 500, 10) for m in talk.tick(at, has_it(view("a")), view("b"))]

    assert messages == [("email", "fire", ("b", "a"))]
    assert talk.sent[-1].alerts[1].facts[-1:] == (("muted", "acknowledged by ana"),)


def test_a_silenced_alert_does_not_escalate() -> None:
    """Nobody was told, so nobody is late."""
    talk = Talk(ESCALATING)

    assert said(talk, 0, 4_000) == []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    """Without a secret."""
    made = FormSite(tmp_path)
    yield made
    made.close()


def test_who_came_first_has_it(site: FormSite) -> None:
    """Over the API; it outlives the process, and can be given back."""
    first = site.ask("POST", "/api/v1/alerts/k1/acknowledge", json={"by": "ana", "comment": "on it"})
    second = site.ask("POST", "/api/v1/alerts/k1/acknowledge", json={"by": "ben"})

    assert (first.status_code, first.json()["by"], second.json()["by"]) == (200, "ana", "ana")
    assert site.taken.known()["k1"] == Acknowledgement("ana", NOON, "on it")
    assert site.ask("DELETE", "/api/v1/alerts/k1/acknowledge").status_code == 204
    assert site.taken.known() == {}


def test_what_is_taken_while_the_state_is_away_holds(site: FormSite) -> None:
    """Nothing escalates; the answer and the page say that it is held, and it is stored when that works again."""
    read_only(site.taken._store)
    taken = site.ask("POST", "/api/v1/alerts/k1/acknowledge", json={"by": "ana"})
    again = site.ask("POST", "/api/v1/alerts/k1/acknowledge", json={"by": "ben"})

    assert [(one.status_code, one.json()["by"], one.json()["held"]) for one in (taken, again)] == [
        (200, "ana", True)
    ] * 2
    assert site.taken.known()["k1"].by == "ana"
    assert "not stored yet" in site.ask("GET", "/alerts/k1").text

    read_only(site.taken._store, on=False)
    assert site.taken.known()["k1"].by == "ana"
    assert site.taken._store.all()["k1"].by == "ana"
    assert not site.taken.is_held("k1")
    assert "not stored yet" not in site.ask("GET", "/alerts/k1").text


def test_what_is_held_can_be_given_back(site: FormSite) -> None:
    """It is never stored then."""
    read_only(site.taken._store)
    site.ask("POST", "/api/v1/alerts/k1/acknowledge", json={"by": "ana"})

    assert site.ask("DELETE", "/api/v1/alerts/k1/acknowledge").status_code == 204
    assert site.ask("DELETE", "/api/v1/alerts/k1/acknowledge").status_code == 503
    read_only(site.taken._store, on=False)
    assert site.taken.known() == {}


def test_nothing_happens_when_a_link_is_only_fetched(site: FormSite) -> None:
    """Mail programs fetch links; the page shows a form, and the form does it."""
    shown = site.ask("GET", "/alerts/k1")
    assert (shown.status_code, site.taken.known()) == (200, {})
    assert "<button" in shown.text

    sent = site.ask("POST", "/alerts/k1", data={"by": "<b>ana</b>"})
    assert (sent.status_code, sent.headers["location"]) == (303, "./k1")
    assert "&lt;b&gt;ana&lt;/b&gt; has it" in site.ask("GET", "/alerts/k1").text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/alerts/none/acknowledge", {"by": "ana"}, 404),
        ("/api/v1/alerts/k1/acknowledge", {"by": " "}, 422),
        ("/api/v1/alerts/k1/acknowledge", {}, 422),
    ],
)
def test_what_cannot_be_acknowledged_is_refused(site: FormSite, path: str, body: dict[str, str], status: int) -> None:
    """No such alert, and nobody."""
    assert site.ask("POST", path, json=body).status_code == status


def test_the_form_of_another_site_is_refused(site: FormSite) -> None:
    """A page elsewhere cannot acknowledge in the name of its reader."""
    assert site.ask("POST", "/alerts/k1", data={"by": "x"}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert site.ask("POST", "/alerts/k1", data={"by": "x"}, headers={"origin": "http://evil.test"}).status_code == 403
    assert site.ask("POST", "/alerts/k1", data={"by": "x"}, headers={"origin": "null"}).status_code == 403


def test_with_a_secret_only_the_link_of_the_message_may(tmp_path: Path) -> None:
    """The signature is of one episode; a wrong one, none, and that of another are refused."""
    site = FormSite(tmp_path, "hush")
    good, other = site.taken.signature("k1"), site.taken.signature("k2")
    for signature, status in (("", 403), (other, 403), ("x" * 32, 403), (good, 200)):
        body = {"by": "ana", "signature": signature}
        assert site.ask("POST", "/api/v1/alerts/k1/acknowledge", json=body).status_code == status
    assert "<button" not in site.ask("GET", "/alerts/k1").text
    assert "hush" not in site.ask("GET", f"/alerts/k1?signature={good}").text
    site.close()
