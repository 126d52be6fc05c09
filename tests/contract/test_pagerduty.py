"""PagerDuty: one incident per alert; each event is one that the Events API v2 takes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.alerts import NOON, message, seconds, text

from tocsin.adapters.outbox import folded
from tocsin.demo.receivers import HttpReceiver
from tocsin.errors import MisuseError
from tocsin.ports import Action, Outcome
from tocsin_notifiers import build
from tocsin_notifiers.pagerduty import event

KEY = "s3cr3t0123456789abcdefs3cr3t0123"
SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "pagerduty_event.v2.json").read_text(encoding="utf-8"))
VALID = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture
def web() -> Iterator[HttpReceiver]:
    """PagerDuty."""
    with HttpReceiver() as web:
        yield web


@pytest.fixture
def channel(web: HttpReceiver) -> Any:
    """An integration."""
    return build("pagerduty", "pagerduty", {"integration_key": KEY, "service": "vision", "endpoint": web.url})


@pytest.mark.real
def test_trigger_acknowledge_and_resolve_are_tied_by_the_key(web: HttpReceiver, channel: Any) -> None:
    """The trigger carries what is known, the others no more than the key."""
    facts = (("burn rate over 1h", "43.2x"), ("silence", "https://tocsin.example/silence?id=1"))
    long = text(summary="x" * 1_900, runbook="https://runbooks.example/be-camera", facts=facts)
    for seq, action in enumerate((Action.FIRE, Action.ACKNOWLEDGE, Action.RESOLVE)):
        delivery = channel.send(message("pagerduty", action, long, key="episode", seq=seq), NOON)
        assert (delivery.outcome, delivery.detail) == (Outcome.SENT, "")
    trigger, acknowledge, resolve = (r.json for r in web.requests)
    payload = trigger["payload"]

    assert acknowledge == {"routing_key": KEY, "event_action": "acknowledge", "dedup_key": "episode"}
    assert resolve == {"routing_key": KEY, "event_action": "resolve", "dedup_key": "episode"}
    assert (trigger["event_action"], trigger["dedup_key"]) == ("trigger", "episode")
    assert len(payload["summary"]) == 1_024
    assert payload["timestamp"] == "2026-11-23T11:56:40+00:00"
    assert payload["custom_details"]["summary"] == "x" * 1_900
    assert payload["custom_details"]["burn rate over 1h"] == "43.2x"
    assert trigger["links"] == [
        {"href": "https://runbooks.example/be-camera", "text": "runbook"},
        {"href": "https://tocsin.example/silence?id=1", "text": "silence"},
    ]
    assert [payload[name] for name in ("severity", "source", "component", "class", "group")] == [
        "critical",
        "be-camera",
        "uptime",
        "be-camera/uptime",
        "vision",
    ]


words = st.text(max_size=3_000)


@given(st.sampled_from(Action), words, words, words, words, st.lists(st.tuples(words, words), max_size=3), words, words)
def test_every_event_is_one_that_pagerduty_takes(
    action: Action,
    title: str,
    summary: str,
    service: str,
    severity: str,
    facts: list[tuple[str, str]],
    runbook: str,
    key: str,
) -> None:
    """Whatever stands in an alert: lengths, severities and links are those of the schema."""
    told = text(title=title, summary=summary, service=service, severity=severity, facts=tuple(facts), runbook=runbook)
    made = event(message("p", action, told, key=f"k{key}"), NOON, KEY)

    assert [error.message for error in VALID.iter_errors(made)] == []
    assert len(json.dumps(made)) < 512_000


@pytest.mark.parametrize(
    ("ours", "theirs"), [("critical", "critical"), ("warning", "warning"), ("info", "info"), ("page", "error")]
)
def test_severities(ours: str, theirs: str) -> None:
    """One that PagerDuty does not have is an error, not nothing."""
    assert event(message("p", Action.FIRE, text(severity=ours)), NOON, KEY)["payload"]["severity"] == theirs


def test_an_acknowledgement_opens_nothing_and_hides_no_page() -> None:
    """What waits unsent together with its acknowledgement goes out as a page: PagerDuty knows nothing of it yet."""
    waiting = [message("p"), message("p", Action.ACKNOWLEDGE, seq=1)]
    over = [*waiting, message("p", Action.RESOLVE, text(resolved=NOON + seconds(9)), seq=2)]

    assert folded(waiting, reached=False).action is Action.FIRE
    assert folded(waiting[1:], reached=True).action is Action.ACKNOWLEDGE
    assert folded(over, reached=True).action is Action.RESOLVE


def test_a_key_that_can_be_none_is_refused_at_the_start() -> None:
    """Half a key would be found out by the first page; it is not shown."""
    with pytest.raises(MisuseError, match="32 letters and digits") as error:
        build("p", "pagerduty", {"integration_key": KEY[:-3]})

    assert KEY[:-3] not in str(error.value)
