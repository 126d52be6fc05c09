"""The link of a mail, followed as a person would; messages in words of the workspace."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from tests.e2e.conftest import NOTIFICATIONS, Lab, until

pytestmark = pytest.mark.real


def test_who_follows_the_link_of_a_mail_can_acknowledge(lab: Lab) -> None:
    """With a secret: the link may, its form sent makes it known; who has no link may not. The graph has the value.

    The other link silences it, and its end is told all the same. The mail shows the graph, too.
    """
    lab.environ |= {"TOCSIN_SECRET": "hush", "TOCSIN_PUBLIC_PROMETHEUS": lab.prometheus.url}
    evaluator = lab.serve("--public-url", "http://tocsin.example/ops/")
    lab.exporter.level = 10
    until(lambda: lab.subjects("FIRING"), "it was told")
    mail = next(mail for mail in lab.inbox.mails if "FaultLevel" in mail.subject)
    html = mail.message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    link = re.search(r"http://tocsin\.example/ops(/alerts/\w+\?signature=(\w+))", mail.text)
    assert link is not None
    assert link[0] in unescape(html)

    path, signature = link[1], link[2]
    assert "<button" in evaluator.get(path).text
    assert "<button" not in evaluator.get(path.partition("?")[0]).text
    assert requests.post(evaluator.url + path, data={"by": "eve"}, timeout=10).status_code == 403
    followed = requests.post(evaluator.url + path, data={"by": "ana", "signature": signature}, timeout=10)
    assert (followed.status_code, followed.url) == (200, evaluator.url + path)
    assert "ana has it" in followed.text

    graph = re.search(rf"{re.escape(lab.prometheus.url)}/graph\?\S+", mail.text)
    assert graph is not None
    (drawn,) = parse_qs(urlsplit(graph[0]).query)["g0.expr"]
    assert [row["value"][1] for row in lab.prometheus.query(drawn)] == ["10"]
    (image,) = (part for part in mail.message.walk() if part.get_content_type() == "image/png")
    assert image.get_content().startswith(b"\x89PNG")
    assert f"cid:{image['Content-ID'].strip('<>')}" in html
    hush = re.search(r"http://tocsin\.example/ops(/alerts/\w+/silence)\?expires=(\d+)&signature=(\w+)", mail.text)
    assert hush is not None
    permit = {"expires": hush[2], "signature": hush[3]}
    filled = {**permit, "duration": "30m", "by": "ana", "comment": "known"}
    assert requests.post(evaluator.url + hush[1], data=filled | {"expires": "1"}, timeout=10).status_code == 403
    assert "Silenced until" in requests.post(evaluator.url + hush[1], data=filled, timeout=10).text
    (silence,) = evaluator.get("/api/v2/silences").json()
    assert {"name": "ref", "value": "shop/FaultLevel", "isRegex": False, "isEqual": True} in silence["matchers"]

    lab.exporter.level = 0
    until(lambda: lab.subjects("RESOLVED"), "its end was told")
    assert "tocsin.example" not in lab.inbox.mails[-1].text
    assert "hush" not in evaluator.log.read_text()


TEMPLATES = """\
templates:
  email: {subject: "shop: {{ topic }}", text: "{{ headline }} {{ 1 / (0 if 'FaultLevel' in subject else 1) }}"}
  slack: {text: "ours: {{ (firing + resolved)[0].title }}"}
"""


def test_a_template_that_fails_for_a_real_alert_costs_nobody_the_page(lab: Lab) -> None:
    """The mail is in Tocsin's words and says so; Slack has the workspace's."""
    lab.write("notifications.yaml", NOTIFICATIONS + TEMPLATES)
    evaluator = lab.serve()
    lab.exporter.level = 10
    until(lambda: lab.subjects("FIRING"), "it was told by mail")
    mail = next(mail for mail in lab.inbox.mails if "FaultLevel" in mail.subject)
    until(lambda: [r for r in lab.receiver.requests if r.path.startswith("/services/")], "it was told in Slack")
    slack = next(r for r in lab.receiver.requests if r.path.startswith("/services/"))

    assert mail.subject.startswith("[FIRING] shop: ")
    assert "The level is too high" in mail.text
    assert "own template failed" in mail.text
    assert "ours: " in slack.json["attachments"][0]["text"]
    assert [e for e in evaluator.events() if "a template failed" in str(e)] != []
