"""Rendered messages as people see them: mails in a browser, blocks and events by what their receivers publish."""

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.alerts import NOON, message, text

from tocsin.notify.picture import SHOWN, draw
from tocsin.ports import Action, Graph, Notification, Picture, RangeRow, labels_of
from tocsin_notifiers import pagerduty, slack_blocks
from tocsin_notifiers.message import render
from tocsin_notifiers.message_html import html_of, render_html

EVENT = json.loads((Path(__file__).parents[1] / "schemas" / "pagerduty_event.v2.json").read_text(encoding="utf-8"))
LATER = NOON + timedelta(seconds=4)
FACTS = (
    ("SLO", "shop/checkout 99.9% over 30d"),
    ("burn rate", "43.2x over 1h, 51.9x over 5m (pages at 14.4x)"),
    ("errors by route", "/pay 90%, /cart 6%, 12 others 4%"),
    ("broken by", "shop/checkout 97%, auth/login 3%"),
    ("budget left", "38.2%"),
    ("budget exhausted in", "5h 18m at 51.9x"),
)
HOSTILE = (
    "<script>alert(1)</script>",
    "<!channel> <@U1> <https://evil.example|click>",
    '"><img src=x onerror=alert(1)>',
    "a\r\nBcc: eve@evil.example\r\n\r\nx",
    "\x1b[31m\x00\u202e\u2066\ud800",
    "{{ 7 * 7 }}{% for x in y %}",
    "`*_~" * 30,
    "W" * 3_000,
    "&lt;!here&gt;",
)


def links(key: str) -> Any:
    """As long as real ones."""
    page = f"https://tocsin.example/alerts/{key * 20}"
    graph = "https://prometheus.example/graph?g0.expr=" + "sum%28rate%28requests_total%5B5m%5D%29%29" * 8
    return (
        ("acknowledge", f"{page}?signature=00"),
        ("silence", f"{page}/silence?expires=1&signature=00"),
        ("graph", graph),
    )


def messages() -> Iterator[tuple[str, Notification]]:
    """A page, a group, its end, a reminder, and one for each hostile text in every place."""
    runbook = "https://runbooks.example/shop/checkout/when-it-burns#what-to-do-first"
    page = text(facts=FACTS, links=links("a"), runbook=runbook, description="Customers cannot pay.")
    over = text("k2", resolved=NOON, reason="81.2 is no longer > 90")
    yield "page", message("c", Action.FIRE, page)
    yield (
        "group",
        message("c", Action.FIRE, page, text("k3", severity="warning", links=links("b")), over, notes=("late",)),
    )
    yield "end", message("c", Action.RESOLVE, over, seq=1)
    yield "reminder", message("c", Action.REPEAT, page, seq=2)
    yield "many", message("c", Action.FIRE, *(text(f"k{i}", links=links("c")) for i in range(150)))
    for number, nasty in enumerate(HOSTILE):
        everywhere = text(
            title=nasty,
            summary=nasty,
            service=nasty,
            severity=nasty,
            labels=labels_of({"pod": nasty, nasty: "x"}),
            facts=((nasty, nasty),),
            runbook=nasty,
            description=nasty,
            links=((nasty, nasty), *links("d")),
        )
        yield f"hostile {number}", message("c", Action.FIRE, everywhere, notes=(nasty,))


MESSAGES = dict(messages())


def pictured(told: Notification) -> str:
    """Its HTML with a graph, which a browser finds inside."""
    rows = [RangeRow((), tuple((NOON.timestamp() - 60 * i, 0.05 if i < 9 else 0.001) for i in range(60, -1, -1)))]
    graph = Graph("x", "bad events over 5m", (0.0144,), percent=True)
    png = draw(graph, rows, NOON - timedelta(hours=1), NOON, step=timedelta(minutes=1), began=NOON)
    picture = Picture(png or b"", told.alerts[0].dedup_key, "Graph", SHOWN)
    return render_html(told, LATER, picture).replace(
        "cid:graph@tocsin", f"data:image/png;base64,{base64.b64encode(picture.png).decode()}"
    )


@pytest.mark.real
def test_mails_fit_every_screen_and_run_nothing(browser: str, tmp_path: Path) -> None:
    """In a browser, on a telephone and on a desk: nothing is wider than the window, no text became an element."""
    pages = {name: pictured(told) for name, told in MESSAGES.items()}
    pages |= {f"own {name}": html_of("x", render(told, LATER).body) for name, told in MESSAGES.items()}
    frames = "".join(
        f'<iframe width="{width}" height="600" name="{name} at {width}" srcdoc="{escape(page, quote=True)}"></iframe>'
        for name, page in pages.items()
        for width in (320, 800)
    )
    script = """
      const frames = () => [...document.querySelectorAll("iframe")]
      onload = () => { document.body.textContent = JSON.stringify(frames().map(frame => {
        const page = frame.contentDocument
        return [frame.name, page.documentElement.scrollWidth, frame.clientWidth,
          page.querySelectorAll("script, iframe, object, form, [onerror], [src]:not([src^='data:image/png'])").length,
          page.body.innerText.length]
      })) }
    """
    site = tmp_path / "all.html"
    site.write_text(f"<!doctype html><meta charset=utf-8><script>{script}</script>{frames}", encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run([*command, "--dump-dom", site.as_uri()], capture_output=True, timeout=120, check=True)
    dom = done.stdout.decode()
    found = re.search(r"<body>(.*)</body>", dom, re.DOTALL)
    assert found is not None
    seen = json.loads(unescape(found[1]))

    assert len(seen) == 2 * len(pages)
    assert [(name, wide) for name, wide, window, *_ in seen if wide > window] == []
    assert [name for name, _, _, strange, _ in seen if strange] == []
    assert [name for name, *_, letters in seen if letters < 50] == []


@pytest.mark.parametrize("name", MESSAGES)
def test_slack_takes_the_blocks(name: str) -> None:
    """Its published limits, and nobody is mentioned; links lead where we said, and nowhere else."""
    told = MESSAGES[name]
    for said in (slack_blocks.state(told, LATER), slack_blocks.event(told, LATER)):
        blocks = said["blocks"]
        words = [block["text"] for block in blocks]
        marked = [each["text"] for each in words if each["type"] == "mrkdwn"]
        addresses = re.findall(r"<([^>|]*)\|", "".join(marked))

        assert 1 <= len(blocks) <= 50
        assert {block["type"] for block in blocks} <= {"header", "section"}
        limits = {"header": 150, "section": 3_000}
        assert all(1 <= len(block["text"]["text"]) <= limits[block["type"]] for block in blocks)
        assert len(json.dumps(blocks, ensure_ascii=False)) < 16_000
        assert len(said["text"]) <= 4_000
        assert not re.search("<(?!https://(tocsin|prometheus|runbooks).example/)", "".join([said["text"], *marked]))
        assert all(re.fullmatch(r"https://(tocsin|prometheus|runbooks)\.example/\S+", address) for address in addresses)
        json.dumps(said).encode("utf-8")


@pytest.mark.parametrize("name", MESSAGES)
def test_pagerduty_takes_the_event(name: str) -> None:
    """By its schema and its limit of 512 kB; the numbers people need are among the details."""
    event = pagerduty.event(MESSAGES[name], LATER, "k" * 32)

    assert [error.message for error in Draft202012Validator(EVENT).iter_errors(event)] == []
    assert len(json.dumps(event)) < 512_000
    assert {each["href"].split("/")[2] for each in event.get("links", ())} <= {
        "tocsin.example",
        "prometheus.example",
        "runbooks.example",
    }


def test_every_channel_tells_the_numbers() -> None:
    """Burn, budget left, time to exhaustion, whose errors they are, who broke the journey; runbook and links."""
    told = MESSAGES["page"]
    blocks = "\n".join(block["text"]["text"] for block in slack_blocks.state(told, LATER)["blocks"])
    event = pagerduty.event(told, LATER, "k" * 32)
    forms = {
        "text": render(told, LATER).body,
        "html": unescape(render_html(told, LATER)),
        "slack": unescape(blocks),
        "pagerduty": json.dumps(event),
    }
    for form in forms.values():
        assert [value for _, value in FACTS if value not in form] == []
        assert [url for _, url in (*told.alerts[0].links, ("", told.alerts[0].runbook or "")) if url not in form] == []
    assert event["payload"]["custom_details"]["broken by"] == "shop/checkout 97%, auth/login 3%"
    assert "<https://runbooks.example/shop/checkout/when-it-burns#what-to-do-first|Runbook>" in blocks


def test_the_text_of_a_mail_has_no_control_characters() -> None:
    """Nor what turns the direction of reading."""
    for told in MESSAGES.values():
        assert not re.search(
            "[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", render(told, LATER).body
        )
