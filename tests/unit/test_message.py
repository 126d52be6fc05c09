"""What a person reads: the words of a message, whatever stands in labels and annotations."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts import NOON, message, seconds, text

from tocsin.ports import Action, AlertText, labels_of
from tocsin_notifiers.message import IN_FULL, LISTED, printable, render
from tocsin_notifiers.slack_blocks import sign
from tocsin_notifiers.subjects import subject

PAGE = """\
FIRING

be-camera/uptime burns its error budget
7.2% of requests fail

Service            be-camera
SLO                be-camera/uptime
Severity           critical
Since              2026-11-23 11:56:40 UTC (for 3m 20s)
Burn rate over 1h  43.2x
Budget left        91.3%
Runbook            https://runbooks.example/be-camera
Labels             slo=uptime, tier=fast

--
Evaluated 2026-11-23 12:00:00 UTC, sent 2026-11-23 12:00:00 UTC by Tocsin.
"""

RESOLVED = """\
RESOLVED

be-camera/uptime burns its error budget
the burn rate is 0.2x

Service            be-camera
SLO                be-camera/uptime
Severity           critical
Since              2026-11-23 11:56:40 UTC
Resolved           2026-11-23 12:00:00 UTC (after 3m 20s)
Burn rate over 1h  43.2x
Budget left        91.3%
Labels             slo=uptime, tier=fast

--
Evaluated 2026-11-23 12:00:00 UTC, sent 2026-11-23 12:00:00 UTC by Tocsin.
"""


def test_a_page_says_what_where_how_bad_and_since_when() -> None:
    """The whole mail, to the letter."""
    page = message("email", Action.FIRE, text(runbook="https://runbooks.example/be-camera"))
    mail = render(page, NOON)

    assert mail.subject == "[FIRING] be-camera/uptime burns its error budget (critical)"
    assert mail.body == PAGE


def test_the_end_says_how_long_it_took_and_why_it_is_over() -> None:
    """The subject differs in its first word only."""
    mail = render(message("email", Action.RESOLVE, text(resolved=NOON, reason="the burn rate is 0.2x")), NOON)

    assert mail.subject == "[RESOLVED] be-camera/uptime burns its error budget (critical)"
    assert mail.body == RESOLVED


@pytest.mark.parametrize("template", ["email.txt.j2", "slack.j2"])
def test_what_was_wrong_is_not_told_as_if_it_still_were(template: str) -> None:
    """The end has its own words, also where no reason is known and where the template fails."""
    over = text(summary="burns 21 times too fast", description="drain the node", resolved=NOON)
    for name in (template, "no-such-template.j2"):
        body = render(message("email", Action.RESOLVE, over), NOON, name).body

        assert "21 times" not in body
        assert "drain the node" not in body
        assert "the condition no longer holds" in body


@pytest.mark.parametrize("template", ["email.txt.j2", "slack.j2"])
def test_the_description_follows_the_summary(template: str) -> None:
    """What it means and what to do, in the lines in which it was written."""
    page = message("email", Action.FIRE, text(description="Frames are lost.\nDrain the node."))
    body = render(page, NOON, template).body

    assert body.index("7.2% of requests fail") < body.index("Frames are lost.\nDrain the node.\n")
    assert body.index("Drain the node.") < body.lower().index("since")


def test_a_title_without_its_service_gets_it() -> None:
    """`HighCpuUsage` alone would not say where."""
    assert (
        subject(message("email", Action.FIRE, text(title="HighCpuUsage")))
        == "[FIRING] be-camera: HighCpuUsage (critical)"
    )


def test_a_title_that_ends_in_brackets_shares_them() -> None:
    """The tier and the severity stand in one pair."""
    page = message("email", Action.FIRE, text(title="be-camera/uptime burns too fast (fast)"))

    assert subject(page) == "[FIRING] be-camera/uptime burns too fast (fast, critical)"


def test_the_objective_stands_beside_the_service() -> None:
    """As the evaluator words it; when that was is said once, below."""
    facts = (("burn rate", "43x"), ("SLO", "be-camera/uptime 99.9% over 30d"), ("evaluated at", "noon"))
    lines = render(message("email", Action.FIRE, text(facts=facts)), NOON).body.splitlines()

    assert [line.split()[0] for line in lines[5:10]] == ["Service", "SLO", "Severity", "Since", "Burn"]
    assert "SLO        be-camera/uptime 99.9% over 30d" in lines
    assert not any("noon" in line for line in lines)


def test_several_alerts_are_numbered_and_counted() -> None:
    """The subject names the worst and counts what else fires; each alert has its own section."""
    alerts = (text("a"), text("b", title="HighCpuUsage", severity="warning"), text("c", resolved=NOON))
    mail = render(message("email", Action.FIRE, *alerts), NOON)

    assert mail.subject == "[FIRING] be-camera/uptime burns its error budget and 1 more (critical)"
    assert "2 FIRING, 1 RESOLVED\n" in mail.body
    assert [line[4:13] for line in mail.body.splitlines() if line.startswith("--- ")] == [
        "1. firing",
        "2. firing",
        "3. resolv",
    ]


def test_the_title_names_what_fires_the_most_severe_and_newest() -> None:
    """Not what is over; where nothing fires, what was over."""
    old, new = (text(n, title=f"Level on shop ({n})", started_at=NOON - seconds(s)) for n, s in (("b", 60), ("c", 30)))
    light = text("d", title="Level on shop (d)", severity="warning", started_at=NOON)
    over = text("a", title="Level on shop (a)", resolved=NOON)
    said = [subject(message("slack", Action.FIRE, *alerts, over)) for alerts in ((old, new, light), (light,))]

    assert said == [
        "[FIRING] be-camera: Level on shop (c) and 2 more (critical)",
        "[FIRING] be-camera: Level on shop (d, warning)",
    ]
    assert subject(message("slack", Action.RESOLVE, over)) == "[RESOLVED] be-camera: Level on shop (a, critical)"


def test_what_is_over_makes_nothing_worse() -> None:
    """A page that ended beside a warning that goes on: subject and sign are those of a warning."""
    both = (text("w", severity="warning"), text("c", resolved=NOON))
    told, over = message("email", Action.FIRE, *both), message("email", Action.RESOLVE, both[1])

    assert subject(told).endswith("error budget (warning)")
    assert subject(over).endswith("(critical)")
    assert (sign(told), sign(message())) == ("\N{LARGE YELLOW CIRCLE}", "\N{LARGE RED CIRCLE}")


def test_a_reminder_says_so() -> None:
    """It opens nothing new."""
    assert render(message("email", Action.REPEAT), NOON).body.startswith("STILL FIRING\n")


def test_a_storm_fits_into_one_mail() -> None:
    """Ten thousand alerts make a mail that can be read: some in full, more by title, the rest counted."""
    alerts = tuple(text(f"k{i}", title=f"alert {i}") for i in range(10_000))
    body = render(message("email", Action.FIRE, *alerts), NOON).body

    assert f"… and {10_000 - IN_FULL - LISTED} more\n" in body
    assert len(body) < 30_000


def test_a_late_message_says_how_late() -> None:
    """Nobody should take a page of an hour ago for news."""
    mail = render(message(), NOON + timedelta(minutes=5))

    assert mail.body.startswith("Note: delayed 5m: decided at 2026-11-23 12:00:00 UTC.\n\nFIRING\n")


def test_notes_of_the_delivery_come_first() -> None:
    """Such as that the message may be a repeat."""
    assert render(message(notes=("this may be a repeat",)), NOON).body.startswith(
        "Note: this may be a repeat.\n\nFIRING"
    )


def test_braces_in_a_label_are_no_template() -> None:
    """What metrics say is never evaluated."""
    hostile = text(summary="{{ 7 * 7 }} {% for x in y %}", labels=labels_of({"pod": "{{ 6 * 7 }}"}))
    body = render(message("email", Action.FIRE, hostile), NOON).body

    assert "{{ 7 * 7 }} {% for x in y %}" in body
    assert "pod={{ 6 * 7 }}" in body


def test_a_broken_template_still_sends_the_facts() -> None:
    """A page without beauty is better than none."""
    mail = render(message(), NOON, "no-such-template.j2")

    assert "be-camera/uptime burns its error budget (critical) since 2026-11-23 11:56:40 UTC" in mail.body
    assert "TemplateNotFound" in mail.body


@pytest.mark.parametrize("template", ["email.txt.j2", "slack.j2"])
@given(words=st.text(max_size=200), name=st.text(max_size=20), action=st.sampled_from(Action))
def test_any_text_can_be_told(template: str, words: str, name: str, action: Action) -> None:
    """Whatever stands in a title, summary or label: the subject is one line, and nothing unprintable leaves."""
    odd = AlertText(words, words, words, words, NOON, "k", ((name, words),), ((name, words),), None, words, words)
    mail = render(message("email", action, odd), NOON, template)

    assert "\n" not in mail.subject
    assert printable(mail.subject + mail.body, 10**6) == mail.subject + mail.body
    assert len(mail.subject) < 600


def test_a_megabyte_of_summary_is_cut() -> None:
    """A query gone wild must not fill mailboxes."""
    assert len(render(message("email", Action.FIRE, text(summary="x" * 10**6)), NOON).body) < 5_000
