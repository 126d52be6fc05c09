"""The silence link of a message: a form that silences exactly its alert; forged and old links do nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.alerts import NOON, message, view
from tests.forms import FormSite

from tocsin.evaluate.model import Snapshot
from tocsin.notify.muting import Muting
from tocsin.ports import SourceHealth, labels_of
from tocsin.service.links import Links
from tocsin.service.signing import VALID

ALERT = view("k1", labels=labels_of({"pod": 'a"b\\c<i>', "empty": "", "ref": "be-camera/uptime"}))
FORM = {"duration": "4h", "by": "ana", "comment": "the fix is on its way"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FormSite]:
    """With a secret, and one open alert."""
    made = FormSite(tmp_path, "hush", ALERT)
    yield made
    made.close()


def signed_link(key: str = "k1", secret: str = "hush") -> tuple[str, dict[str, str]]:
    """As a message of NOON has it: what is fetched, and what the form sends back."""
    page = replace(message(), alerts=(replace(message().alerts[0], dedup_key=key),))
    (sent,) = Links("https://t.example", secret=secret).added([page], [])
    path = dict(sent.alerts[0].links)["silence"].removeprefix("https://t.example")
    return path, dict(part.split("=") for part in path.partition("?")[2].split("&") if part)


def test_nothing_is_silenced_when_the_link_is_only_fetched(site: FormSite) -> None:
    """Mail programs fetch links; the page shows what would be silenced, as text."""
    shown = site.ask("GET", signed_link()[0])

    assert (shown.status_code, site.quiet.now_known()) == (200, ())
    assert "<button" in shown.text
    assert "pod=&#34;a\\&#34;b\\\\c&lt;i&gt;&#34;" in shown.text
    assert "hush" not in shown.text


def test_the_form_silences_this_alert_and_no_other(site: FormSite) -> None:
    """All its labels as they are, for as long as was chosen; the page then says until when, and how to end it."""
    path, permit = signed_link()
    sent = site.ask("POST", path.partition("?")[0], data={**permit, **FORM})
    (made,) = site.quiet.now_known()
    other = replace(ALERT, dedup_key="k2", labels=labels_of({**dict(ALERT.labels), "pod": "z"}))
    muted = Muting((made,)).over([ALERT, other], NOON)

    assert (sent.status_code, sent.headers["location"]) == (303, f"./silence{path[path.index('?') :]}")
    assert (made.created_by, made.comment) == ("ana", "the fix is on its way")
    assert made.ends_at - made.starts_at == timedelta(hours=4)
    assert [one.silent for one in muted] == [True, False]
    after = site.ask("GET", path).text
    assert "Silenced until 16:00:00 UTC" in after
    assert f"amtool silence expire {made.id}" in after


def test_a_form_sent_twice_makes_one_silence(site: FormSite) -> None:
    """The second one changes how long it holds."""
    path, permit = signed_link()
    for duration in ("1h", "2h"):
        site.ask("POST", path.partition("?")[0], data={**permit, **FORM, "duration": duration})

    assert [one.ends_at for one in site.quiet.now_known()] == [NOON + timedelta(hours=2)]


@pytest.mark.parametrize(
    ("key", "secret", "changed"),
    [
        ("k1", "other", {}),
        ("k2", "hush", {}),
        ("k1", "hush", {"expires": "99999999999"}),
        ("k1", "hush", {"signature": ""}),
        ("k1", "hush", {"signature": "é" * 32}),
        ("k1", "hush", {"expires": "soon"}),
    ],
)
def test_a_forged_link_is_refused(site: FormSite, key: str, secret: str, changed: dict[str, str]) -> None:
    """Another secret, another episode, a later end, none at all; there is no form either."""
    permit = signed_link(key, secret)[1] | changed

    assert site.ask("POST", "/alerts/k1/silence", data={**permit, **FORM}).status_code == 403
    assert "<button" not in site.ask("GET", "/alerts/k1/silence", params=permit).text
    assert site.quiet.now_known() == ()


def test_the_link_that_acknowledges_does_not_silence(site: FormSite) -> None:
    """Its signature is for something else."""
    permit = {"expires": "", "signature": site.taken.signature("k1")}

    assert site.ask("POST", "/alerts/k1/silence", data={**permit, **FORM}).status_code == 403


def test_an_old_link_is_refused(site: FormSite) -> None:
    """A week later somebody else may have the mailbox."""
    path, permit = signed_link()
    site.clock.at = NOON + VALID
    answer = site.ask("POST", "/alerts/k1/silence", data={**permit, **FORM})

    assert (answer.status_code, "expired" in answer.text) == (403, True)
    assert "the link has expired" in site.ask("GET", path).text


def test_the_link_ends_with_its_alert(site: FormSite) -> None:
    """What is over needs no silence."""
    path, permit = signed_link()
    site.board.update(snapshot=Snapshot(NOON, SourceHealth(ok=True, since=NOON)))

    assert site.ask("GET", path).status_code == 404
    assert site.ask("POST", "/alerts/k1/silence", data={**permit, **FORM}).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"by": " "}, {"comment": ""}, {"duration": "0s"}, {"duration": "99d"}, {"duration": "x"}]
)
def test_a_form_that_is_not_filled_in_is_refused(site: FormSite, wrong: dict[str, str]) -> None:
    """Who, why, and a sane while."""
    assert site.ask("POST", "/alerts/k1/silence", data={**signed_link()[1], **FORM, **wrong}).status_code == 422


def test_the_form_of_another_site_is_refused(site: FormSite) -> None:
    """A page elsewhere cannot silence in the name of its reader, nor send a huge form."""
    permit = signed_link()[1]
    foreign = site.ask("POST", "/alerts/k1/silence", data={**permit, **FORM}, headers={"sec-fetch-site": "cross-site"})

    assert foreign.status_code == 403
    assert site.ask("POST", "/alerts/k1/silence", data={"comment": "x" * 20_000}).status_code == 413


def test_without_a_secret_who_reaches_the_page_may(tmp_path: Path) -> None:
    """As over the API, which amtool uses."""
    site = FormSite(tmp_path)
    path, permit = signed_link(secret="")

    assert (path, permit) == ("/alerts/k1/silence", {})
    assert site.ask("POST", path, data=FORM).status_code == 303
    assert [one.created_by for one in site.quiet.now_known()] == ["ana"]
    site.close()
