"""Email: a conversation is one thread, text and HTML say the same, and a page does not depend on one address."""

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.couriers import TestClock, post

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import Inbox
from tocsin.ports import Action, AlertText, Outcome
from tocsin.service.delivery import Courier
from tocsin_notifiers import build

pytestmark = pytest.mark.real

OVER = text(resolved=NOON + seconds(600))


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """The mail server."""
    with Inbox() as inbox:
        yield inbox


def make(inbox: Inbox, *to: str) -> Any:
    """Build a channel to it."""
    settings = {"host": inbox.host, "port": str(inbox.port), "tls": "none", "from": "Tocsin <t@ops.example>"}
    return build("email", "email", settings | {"to": to or ("oncall@ops.example",)})


def html(mail: EmailMessage) -> str:
    """The HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_the_first_mail_is_the_root_of_the_thread(inbox: Inbox) -> None:
    """Later ones refer to it; another incident has another root."""
    channel = make(inbox)
    channel.send(message(key="a"), NOON)
    channel.send(message(action=Action.RESOLVE, key="a", seq=1), NOON)
    channel.send(message(key="b"), NOON)
    first, second, other = inbox.messages

    assert first["Message-ID"] == "<tocsin.a.0@ops.example>"
    assert (first["References"], first["In-Reply-To"]) == (None, None)
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]
    assert len({m["Message-ID"] for m in (first, second, other)}) == 3
    assert other["References"] is None


def test_the_base_subject_stays_while_the_conversation_grows(inbox: Inbox, tmp_path: Path) -> None:
    """Also after a restart. The state stands in brackets before it, which is no part of it (RFC 5256, 2.1)."""
    clock = TestClock()
    told = [(Action.FIRE, (text(),)), (Action.FIRE, (text(), text("k2"))), (Action.RESOLVE, (OVER,))]
    for n, (action, alerts) in enumerate(told):
        store = SqlStore(str(tmp_path / "tocsin.db"))
        post(store, message("email", action, *alerts, seq=n), at=clock.at)
        assert Courier(store, {"email": make(inbox)}, clock).step("email")
        store.close()

    base = "be-camera/uptime burns its error budget (critical)"
    assert [m["Subject"] for m in inbox.messages] == [f"[FIRING] {base}", f"[FIRING:2] {base}", f"[RESOLVED] {base}"]
    assert "2 FIRING" in inbox.mails[1].text


def level(name: str, *, over: bool = False, severity: str = "critical", begun: float = 0) -> AlertText:
    """An alert of the group, and whether it is over."""
    at = NOON + seconds(begun)
    ends = NOON + seconds(600) if over else None
    return text(name, title=f"Level on be-camera ({name})", severity=severity, started_at=at, resolved=ends)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            None,
            [
                "[FIRING] Level on be-camera (a, warning)",
                "[FIRING:2] Level on be-camera (a, warning)",
                "[FIRING] Level on be-camera (a1, warning)",  # a is over
                "[FIRING:3] Level on be-camera (c, critical)",  # what is worse is what wakes people
                "[FIRING:2] Level on be-camera (c, critical)",
                "[FIRING] Level on be-camera (b, critical)",  # a and c are over
                "[RESOLVED] Level on be-camera (b, critical)",
            ],
        ),
        (
            "{{ (firing + resolved)[0].service }}",  # true of all of them
            [f"[{state}] be-camera" for state in ("FIRING", "FIRING:2", "FIRING", "FIRING:3", "FIRING:2", "FIRING")]
            + ["[RESOLVED] be-camera"],
        ),
        (
            "{{ (firing + resolved)[0].title }}!",
            [
                "[FIRING] Level on be-camera (a)!",
                "[FIRING:2] Level on be-camera (a)!",
                "[FIRING] Level on be-camera (a1)!",
                "[FIRING:3] Level on be-camera (b)!",
                "[FIRING:2] Level on be-camera (b)!",
                "[FIRING] Level on be-camera (b)!",
                "[RESOLVED] Level on be-camera (b)!",
            ],
        ),
    ],
    ids=["ours", "group", "title"],
)
def test_a_subject_never_names_what_is_over(inbox: Inbox, template: str | None, said: list[str]) -> None:
    """It stays while it is true; at the end it says what the conversation was about last."""
    settings = {
        "host": inbox.host,
        "port": str(inbox.port),
        "tls": "none",
        "from": "t@ops.example",
        "to": "o@ops.example",
    }
    channel = build("email", "email", settings | ({"subject_template": template} if template else {}))
    a, a1 = (level(name, severity="warning") for name in ("a", "a1"))
    b, c = level("b"), level("c", begun=60)
    steps = [(a,), (a, a1), (a1, level("a", over=True)), (b, c, a1), (b, c), (b, level("c", over=True)), ()]
    receipt = ""
    for seq, alerts in enumerate(steps):
        action = Action.FIRE if alerts else Action.RESOLVE
        told = message("email", action, *(alerts or (level("b", over=True), level("c", over=True))), seq=seq)
        receipt = channel.send(replace(told, receipt=receipt), NOON + seconds(700)).receipt

    assert [mail["Subject"] for mail in inbox.messages] == said
    assert {mail["References"] for mail in inbox.messages[1:]} == {inbox.messages[0]["Message-ID"]}


def test_a_copy_has_the_same_id(inbox: Inbox) -> None:
    """So that mail programs can drop it."""
    page = message(notes=("this may be a repeat",))
    make(inbox).send(page, NOON)
    make(inbox).send(page, NOON + seconds(60))

    assert len({m["Message-ID"] for m in inbox.messages}) == 1


def test_text_and_html_say_the_same(inbox: Inbox) -> None:
    """The text comes first, for programs that show nothing else; the last part is the one that others prefer."""
    alert = text(runbook="https://runbooks.example/be-camera", description="Frames are lost.")
    make(inbox).send(message("email", Action.FIRE, alert), NOON)
    (mail,) = inbox.messages
    spoken = html(mail)

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for words in ("7.2% of requests fail", "Frames are lost.", "43.2x", "FIRING", "2026-11-23 11:56:40 UTC"):
        assert words in inbox.mails[0].text
        assert words in spoken
    assert '<a href="https://runbooks.example/be-camera"' in spoken


class Tags(HTMLParser):
    """Which tags and attributes a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.seen.append((tag, dict(attrs)))


def test_hostile_values_are_text_in_html(inbox: Inbox) -> None:
    """No tag of theirs, no script, no image, nothing that a reader would load from elsewhere."""
    nasty = "<img src=https://evil/x.png onerror=alert(1)>\"'><script>alert(1)</script> javascript:alert(1)"
    alert = text(
        title=nasty,
        summary=nasty,
        description=nasty,
        runbook="javascript:alert(1)",
        facts=((nasty, nasty), ("link", 'https://x.example/"onmouseover="alert(1)')),
        labels=(("pod", nasty),),
    )
    many = [alert, *(replace(alert, dedup_key=f"k{n}") for n in range(20))]
    make(inbox).send(message("email", Action.FIRE, *many, notes=(nasty,)), NOON)
    tags = Tags(html(inbox.messages[0])).seen
    links = {attributes["href"] for tag, attributes in tags if tag == "a"}

    assert {tag for tag, _ in tags} <= {"html", "head", "meta", "title", "body", "div", "p", "span", "table", "tr"} | {
        "td",
        "a",
        "ul",
        "li",
    }
    assert {name for _, attributes in tags for name in attributes} <= {"lang", "charset", "name", "content"} | {
        "style",
        "href",
        "rel",
    }
    assert links == {'https://x.example/"onmouseover="alert(1)'}
    assert "url(" not in html(inbox.messages[0])


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_bad_address_of_three_is_told_and_the_others_have_the_page(inbox: Inbox, bad: int) -> None:
    """Whichever of them it is."""
    people = ("a@x.org", "b@x.org", "c@x.org")
    channel = make(inbox, *people)
    refuse(inbox, people[bad])
    delivery = channel.send(message(), NOON)

    assert delivery.outcome is Outcome.SENT
    assert delivery.detail == "not to everybody: SMTP 550 5.1.1 no such user"
    assert {m.recipients for m in inbox.mails} == {(p,) for n, p in enumerate(people) if n != bad}
    assert all(m["To"] == r[0] for m, r in ((mail.message, mail.recipients) for mail in inbox.mails))


def refuse(inbox: Inbox, bad: str) -> None:
    """Let the server not know one address."""
    takes = type(inbox).handle_RCPT

    async def handle(server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address == bad:
            return "550 5.1.1 no such user"
        return await takes(inbox, server, session, envelope, address, options)

    inbox.handle_RCPT = handle  # type: ignore[method-assign,assignment]


def test_a_connection_that_is_lost_half_way_leaves_the_others_for_the_next_time(inbox: Inbox) -> None:
    """421 ends the session: who has the mail is not written to again."""
    channel = make(inbox, "a@x.org", "b@x.org")
    inbox.rcpt.append("421 4.3.2 closing")
    first = channel.send(message(), NOON)
    second = channel.send(message(), NOON)

    assert (first.outcome, second.outcome) == (Outcome.RETRY, Outcome.SENT)
    assert sorted(m.recipients for m in inbox.mails) == [("a@x.org",), ("b@x.org",)]


def test_lines_and_headers_are_those_of_mail(inbox: Inbox) -> None:
    """Letters of all kinds in seven bits, no line longer than 998 characters, and no holiday replies."""
    make(inbox, "Bereitschaft Süd <a@x.org>").send(
        message("email", Action.FIRE, text(summary="überlastet: " + "ü" * 1_900)), NOON
    )
    (mail,) = inbox.messages
    raw = mail.as_bytes()

    assert max(map(len, raw.splitlines())) <= 998
    assert raw.isascii()
    assert mail["To"] == "Bereitschaft Süd <a@x.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "ü" * 1_900 in inbox.mails[0].text


@pytest.mark.parametrize(
    "title", ["be-camera/uptime burns its error budget too fast (fast)", "überlastet: " + "ü" * 90]
)
def test_a_long_subject_begins_with_its_state(inbox: Inbox, title: str) -> None:
    """Nothing is put before it by folding the header, and nothing is lost."""
    make(inbox).send(message("email", Action.FIRE, text(title=title, service="be-camera")), NOON)

    assert inbox.mails[0].subject.startswith("[FIRING] be-camera")
    assert inbox.messages[0]["Subject"].endswith("critical)")
