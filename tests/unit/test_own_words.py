"""Templates of the workspace: what they may do, what is found in them, and that no page is lost by one."""

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from jinja2.exceptions import SecurityError
from tests.alerts import NOON, message, seconds, text

from tocsin.definitions import read_definitions
from tocsin.ports import Action
from tocsin.service.wiring import build_channels
from tocsin_notifiers import filling, own_words, slack_blocks
from tocsin_notifiers.confined import SECONDS, misfits
from tocsin_notifiers.email import _address, written
from tocsin_notifiers.message import cleaned

SENDER = _address("from", "tocsin@example.org")


@pytest.mark.parametrize(
    "template",
    [
        "{{ headline }}",
        "{% for alert in firing + resolved %}{{ alert | titled }}: {{ alert | gist }}{% endfor %}",
        "{% for alert in firing + resolved %}{{ alert | about(now) }}{{ alert.runbook or 'none' }}{% endfor %}",
        "{{ subject }} {% for n, u in (firing + resolved)[0].links %}{{ n }} {{ u }}{% endfor %}",
        "{{ topic }} {% for a in firing + resolved %}{{ a.labels.zone }}{{ a.labels['zone'] }}{% endfor %}",
    ],
)
def test_what_is_right_is_taken(template: str) -> None:
    """Loops, filters, all that is documented."""
    assert misfits(template) == ()


@pytest.mark.parametrize(
    ("template", "where", "message"),
    [
        ("{{ headline }}\n{{ headlin }}", "headlin", "headlin is no word of a message"),
        ("a\n{% for x in firing %}", "{% for x in firing %}", "not well formed: Unexpected end of template"),
        ("{{ headline | upside }}", "{{ headline | upside }}", "No filter named 'upside'"),
        ("x\n\n{{ (firing + resolved)[0].titel }}", "titel", "there is no titel here"),
        ("{{ topic }}{{ (firing + resolved)[0].labels.gett('a') }}", "gett", "there is no gett here"),
        ("{{ topic }}{{ firing.title }}", "title", "there is no title here"),
        ("{{ labels.team }}", "labels", "labels is no word of a message"),
        ("{{ firing[0].title }}", "{{ firing[0].title }}", "fails for a sample alert"),
        ("{{ 1 / 0 }}", "{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ ''.__class__.__mro__ }}", "{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{% include 'email.txt.j2' %}", "{% include 'email.txt.j2' %}", "TypeError"),
        ("{% if false %}x{% endif %}", "{% if false %}x{% endif %}", "it is empty"),
    ],
)
def test_what_is_wrong_is_found_where_it_stands(template: str, where: str, message: str) -> None:
    """Syntax, names, fields, what only comes up when it is filled, and what a sandbox forbids."""
    (misfit,) = misfits(template)

    assert template[misfit.start : misfit.end] == where
    assert message in misfit.message


LABELS = (("count", "7"), ("get", "g"), ("team", "db"), ("zone", "a"))


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{ labels.get('team') }} {{ labels.get('x', 'none') }} {{ labels.get('x') }}", "db none None"),
        ("{% for name, value in labels.items() %}{{ name }}={{ value }} {% endfor %}", "count=7 get=g team=db zone=a"),
        ("{% for name, value in labels %}{{ name }}={{ value }} {% endfor %}", "count=7 get=g team=db zone=a"),
        ("{% for name, value in labels | dictsort(reverse=true) %}{{ name }} {% endfor %}", "zone team get count"),
        ("{{ 'team' in labels }} {{ 'db' in labels }} {{ 'x' not in labels }}", "True False True"),
        ("{{ labels.team }} {{ labels['team'] }} {{ labels.count }} {{ labels['get'] }}", "db db 7 g"),
        ("{{ labels.keys() | join }} {{ labels.values() | join }} {{ labels | length }}", "countgetteamzone 7gdba 4"),
        ("[{{ labels.x }}{{ labels['x'] }}] {{ labels.x or 'none' }} {{ labels.x | default('none') }}", "[] none none"),
        ("{{ 'yes' if labels.x is defined else 'no' }}{% if labels.x == 'a' %}!{% endif %}", "no"),
        ("{{ facts['budget left'] }} {{ links.graph }} {{ links[0][1] }}", "91.3% https://g.example https://g.example"),
    ],
)
def test_labels_are_asked_by_name(template: str, made: str) -> None:
    """As people know it of Jinja2 and Alertmanager; one that an alert lacks is empty, which is no failure at night."""
    words = "{% set labels, facts, links = firing[0].labels, firing[0].facts, firing[0].links %}"
    page = message("email", Action.FIRE, text(labels=LABELS, links=(("graph", "https://g.example"),)))

    assert filling.filled(words + template, cleaned(page), NOON) == made


@pytest.mark.parametrize(
    "template", ["labels.__class__", "labels['__class__']", "labels._fields", "labels.index", "facts.count"]
)
def test_labels_lead_nowhere_else(template: str) -> None:
    """Nothing of the object itself can be reached: it is no label, or forbidden."""
    page = cleaned(message("email", Action.FIRE, text()))

    assert filling.filled(f"made: {{{{ firing[0].{template} }}}}", page, NOON) == "made:"
    with pytest.raises(SecurityError):
        filling.filled("{{ firing[0].labels.get.__func__ }}", page, NOON)


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ topic }}{{ (firing + resolved)[0].labels.gett('a') }}", "it has get, items, keys, values; a value stands"),
        ("{{ (firing + resolved)[0].titel }}", "an alert has title, summary"),
        ("{{ topic }}{{ firing.title }}", "it is a list of alerts"),
        ("{{ now.date }}{{ now.seconds }}", "it is a time"),
        ("{{ labels.team }}", "it belongs to an alert: {% for alert in firing + resolved %}{{ alert.labels }}"),
        ("{{ alerts }}", "there are action, evaluated_at"),
        ("{{ firing[0].title }}", "firing is empty when all is over"),
    ],
)
def test_what_there_is_instead(template: str, hint: str) -> None:
    """A hint about that which was asked, and nothing else."""
    (misfit,) = filling.misfits(template)

    assert misfit.hint is not None
    assert misfit.hint.startswith(hint)


@pytest.mark.parametrize(
    "use", ["labels.sevrity", "labels['sevrity']", "labels.get('sevrity', '-')", "labels if 'sevrity' in a.labels"]
)
def test_a_label_that_is_misspelt(tmp_path: Path, use: str) -> None:
    """It would be empty for ever: a warning, for an alert may have such a label; one that is like none is taken."""
    (tmp_path / "n.yaml").write_text(
        "apiVersion: tocsin/v1\nkind: Notifications\nname: n\ntemplates:\n  slack:\n    text: |\n"
        f"      {{{{ topic }}}}{{% for a in firing %}}{{{{ a.{use} }}}}{{{{ a.labels.instance }}}}{{% endfor %}}\n"
    )
    (finding,) = (f for f in read_definitions([str(tmp_path)]).findings if f.code == "message/template")

    assert (finding.severity.name, finding.hint) == ("WARNING", "did you mean severity?")
    assert finding.message.startswith("no definition knows a label sevrity")


def test_check_points_at_it(tmp_path: Path) -> None:
    """With file, line and column, inside a block of text."""
    (tmp_path / "n.yaml").write_text(
        "apiVersion: tocsin/v1\nkind: Notifications\nname: n\n"
        "templates:\n  email:\n    text: |\n      {{ headline }}\n      by {{ nobody }}\n"
    )
    (finding,) = (f for f in read_definitions([str(tmp_path)]).findings if f.code == "message/template")

    assert (finding.span.line, finding.span.column) == (8, 13)
    assert "nobody is no word" in finding.message


def test_a_mail_in_own_words_has_them_in_both_parts() -> None:
    """Programs show the HTML part; values are escaped there, and addresses can be followed."""
    page = message("email", Action.FIRE, text(summary="<b>& down", links=(("acknowledge", "https://t.example/a?b=c"),)))
    template = "SHOP {{ firing[0].summary }} {{ firing[0].links[0][1] }}"
    mail = written(page, "x", SENDER, NOON, template=template)
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]

    assert plain == "SHOP <b>& down https://t.example/a?b=c\n"
    assert "SHOP &lt;b&gt;&amp; down <a href=" in html
    assert "<b>" not in html


def test_slack_shows_own_words_below_its_title() -> None:
    """They mention nobody, and the links stay."""
    page = message("slack", Action.FIRE, text(summary="<!channel>", links=(("acknowledge", "https://t.example/a"),)))
    blocks = slack_blocks.state(page, NOON, "SHOP {{ firing[0].summary }}")["blocks"]

    assert [block["text"]["text"] for block in blocks[1:2]] == ["SHOP &lt;!channel&gt;"]
    assert "<https://t.example/a|Acknowledge>" in blocks[-1]["text"]["text"]


def test_a_template_that_fails_costs_nobody_the_page() -> None:
    """It goes out in our words, which say so."""
    page = message("email", Action.FIRE, text())
    for template in ("{{ resolved[0].title }}", "{{", "{{ 'x' * 0 }}"):
        body = own_words.body(page, NOON, template)
        assert "7.2% of requests fail" in body
        assert "own template failed" in body
        assert own_words.topic(page, NOON, template) == "be-camera/uptime burns its error budget (critical)"
        assert "own template failed" in str(written(page, "x", SENDER, NOON, template=template))


def test_what_nobody_could_read_leaves_no_template() -> None:
    """Half a character cannot be encoded: the mail would not be written at all."""
    told = message()
    template = r"""{{ "\ud800\u0000\u202e\u001b" }}shop"""

    assert own_words.text(told, NOON, template) == "shop\n"
    assert b"shop" in written(told, "x", SENDER, NOON, template=template).as_bytes()


def test_a_subject_is_one_line() -> None:
    """Whatever a template makes of it: no header can be added."""
    made = own_words.topic(message(), NOON, "a\r\nBcc: {{ topic }}" + "x" * 999)

    assert made.startswith("a Bcc: be-camera/uptime burns")
    assert len(made) == 200


def test_notes_are_told_by_every_template() -> None:
    """That it is late, or may be a repeat; once."""
    late, hour = message(notes=("may be a repeat",)), NOON + seconds(3_600)

    assert own_words.body(late, hour, "hello") == (
        "Note: may be a repeat.\nNote: delayed 1h: decided at 2026-11-23 12:00:00 UTC.\nhello\n"
    )
    assert own_words.body(late, NOON, "{{ notes | join }}") == "may be a repeat\n"


def test_templates_reach_the_channels_of_their_document(tmp_path: Path) -> None:
    """What the manual shows is right, and is what channels are built with."""
    manual = Path("docs/channels.md").read_text()
    shown = manual.partition("## Words of your own\n```yaml\nkind: Notifications\n")[2].partition("```")[0]
    head = "apiVersion: tocsin/v1\nkind: Notifications\nname: {}\nchannels:\n  {}: {{slack: {{webhook: {}}}}}\n"
    hook = "https://hooks.slack.com/services/T0/B0/secret"
    (tmp_path / "a.yaml").write_text(head.format("a", "ours", hook) + shown)
    (tmp_path / "b.yaml").write_text(head.format("b", "plain", hook))
    definitions = read_definitions([str(tmp_path)])
    channels: Any = build_channels(definitions.workspace.notifications, {})

    assert definitions.errors == ()
    assert own_words.body(message(), NOON, channels["ours"].text_template) == (
        "firing: be-camera/uptime burns its error budget\n"
    )
    assert channels["plain"].text_template is None


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}x",
        "{{ 9 ** (9 ** 9) }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    ],
)
def test_a_template_without_an_end_is_stopped(template: str) -> None:
    """Loops, powers (already when it is compiled), text that doubles: the page goes out in our words, and soon.

    The next message does not wait for it again. `tocsin check` comes to an end, too, and says so.
    """
    page, began = message("email", Action.FIRE, text()), time.monotonic()
    mail = str(written(page, "x", SENDER, NOON, template=template))
    assert time.monotonic() - began < SECONDS + 3
    assert "7.2% of requests fail" in mail
    assert "own template failed" in mail

    began = time.monotonic()
    assert "own template failed" in own_words.body(page, NOON, template)
    assert time.monotonic() - began < SECONDS / 2
    (misfit,) = misfits(template)
    assert re.search("it was stopped|MemoryError|exceeds the limit", misfit.message)


def test_a_template_sees_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fills it has an empty environment, whatever it breaks out of."""
    asked: list[dict[str, str]] = []
    real: Any = subprocess.run

    def noted(*command: Any, **options: Any) -> Any:
        asked.append(options["env"])
        return real(*command, **options)

    monkeypatch.setenv("SLACK_TOKEN", "xoxb-secret")
    monkeypatch.setattr(subprocess, "run", noted)

    assert own_words.body(message(), NOON, "hello") == "hello\n"
    assert [set(environment) for environment in asked] == [{"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}]
