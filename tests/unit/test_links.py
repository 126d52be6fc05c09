"""Links in messages: where they lead, and that nothing hostile comes with them."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.alerts import NOON, message, seconds, text, view
from tests.e2e.conftest import DEFINITIONS

from tocsin.adapters.codec import decode, encode
from tocsin.definitions import read_definitions
from tocsin.evaluate.model import Identity
from tocsin.ports import Action, AlertText, Graph
from tocsin.promql_syntax import Fault, parse
from tocsin.promql_syntax.tree import Binary
from tocsin.service.links import LONGEST_QUERY, Links, graphs_of
from tocsin_notifiers import pagerduty, slack_blocks
from tocsin_notifiers.message import render
from tocsin_notifiers.message_html import render_html

LINKS = (
    ("acknowledge", "https://t.example/alerts/k1?signature=ab"),
    ("graph", "https://p.example/graph?g0.expr=a&b=c"),
)


def test_a_link_leads_to_the_page_of_its_alert_and_is_signed() -> None:
    """Below a path, too."""
    (sent,) = Links("https://o.example/tocsin", signature=lambda key: f"of-{key}").added([message()], [])

    assert sent.alerts[0].links == (
        ("acknowledge", "https://o.example/tocsin/alerts/k1?signature=of-k1"),
        ("silence", "https://o.example/tocsin/alerts/k1/silence"),
    )


def test_a_graph_shows_the_value_until_it_was_evaluated() -> None:
    """The expression arrives as it was written."""
    rule, expr = "shop/Level", 'max(level{a="&#<>"}) + 1'
    views = [replace(view("k1"), identity=Identity(rule))]
    (sent,) = Links(source="https://p.example", graphs={rule: Graph(expr, "a")}).added([message()], views)
    ((label, url),) = sent.alerts[0].links
    asked = parse_qs(urlsplit(url).query)

    assert (label, urlsplit(url).path) == ("graph", "/graph")
    assert (asked["g0.expr"], asked["g0.end_input"]) == ([expr], ["2026-11-23 12:00:00"])
    assert not set(url) & set("<>\"' |")


def test_what_is_over_has_no_link() -> None:
    """Also beside one that fires, and when it was linked before."""
    over = text("k2", resolved=NOON, links=LINKS)
    (sent,) = Links("https://o.example").added([message("email", Action.FIRE, text("k1"), over)], [])

    assert [len(alert.links) for alert in sent.alerts] == [2, 0]


def test_without_an_address_there_is_none() -> None:
    """A link to a loopback address helps nobody."""
    assert Links().added([message()], [view("k1")]) == (message(),)


def test_messages_of_an_older_version_can_be_read() -> None:
    """The outbox of the last process has texts without links."""
    old = json.loads(encode(text()))
    del old["links"]

    assert decode(AlertText, json.dumps(old)) == text()


def test_each_form_shows_links_as_links() -> None:
    """Text, HTML, blocks, PagerDuty's list."""
    page = message("email", Action.FIRE, text(links=LINKS))
    (_, ack), (_, graph) = LINKS

    assert f"\nAcknowledge        {ack}\nGraph              {graph}\n" in render(page, NOON).body
    assert f"acknowledge: {ack}\n" in render(page, NOON, "slack.j2").body
    assert f'<a href="{graph.replace("&", "&amp;")}" ' in render_html(page, NOON)
    last = slack_blocks.state(page, NOON)["blocks"][-1]["text"]["text"]
    assert last == f"<{ack}|Acknowledge>  <{graph.replace('&', '&amp;')}|Graph>"
    assert pagerduty.event(page, NOON, "k")["links"][0] == {"href": ack, "text": "acknowledge"}


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://x/>|<!channel>", 'https://x/" onclick="', "https://x/\r\nBcc: a", "x" * 3_000],
)
def test_an_address_that_is_none_is_left_out(url: str) -> None:
    """Whatever a store or another version brought."""
    page = message("email", Action.FIRE, text(links=(("acknowledge", url),)))

    for form in (render(page, NOON).body, render_html(page, NOON), json.dumps(slack_blocks.state(page, NOON))):
        assert "cknowledge" not in form
    assert "links" not in pagerduty.event(page, NOON, "k")


def test_slack_takes_links_of_many_alerts() -> None:
    """Limits of sections and of all blocks hold, and no link is cut."""
    long = "https://t.example/" + "a" * 500
    alerts = [text(f"k{i}", title="&" * 200, summary="w" * 2_000, links=(("graph", long),)) for i in range(40)]
    blocks = slack_blocks.state(message("slack", Action.FIRE, *alerts), NOON)["blocks"]
    words = [block["text"]["text"] for block in blocks]

    assert max(map(len, words)) <= slack_blocks.LONGEST_SECTION
    assert sum(map(len, words)) <= slack_blocks.LONGEST_BLOCKS + 200
    assert "".join(words).count(f"<{long}|Graph>") == 10


def test_the_links_of_a_late_message_are_of_its_evaluation() -> None:
    """It shows what people were told, not what came later."""
    rule = "shop/Level"
    views = [replace(view("k1"), identity=Identity(rule))]
    late = message(at=NOON - seconds(600))
    (sent,) = Links(source="https://p.example", graphs={rule: Graph("level", "a")}).added([late], views)

    assert "11%3A50%3A00" in sent.alerts[0].links[0][1]


def test_a_share_is_divided_as_it_is_meant() -> None:
    """What has an operator of its own stands in parentheses: `a / 300 / b / 300` would be far less."""
    graphs = graphs_of(read_definitions(["examples/every-sli-kind.yaml"]).workspace)
    trees = {rule: parse(graph.expression) for rule, graph in graphs.items() if graph.percent}

    assert len(trees) > 20
    for rule, tree in trees.items():
        assert isinstance(tree, Binary), rule
        assert (tree.op, isinstance(tree.left, Binary), isinstance(tree.right, Binary)) == ("/", False, False), rule


def test_alerts_of_values_and_objectives_can_be_drawn(tmp_path: Path) -> None:
    """Each by what Prometheus can parse, and without the bound."""
    (tmp_path / "shop.yaml").write_text(DEFINITIONS)
    graphs = graphs_of(read_definitions([str(tmp_path)]).workspace)
    burns = [graph for rule, graph in graphs.items() if rule.startswith("shop/uptime:")]

    level = graphs["shop/FaultLevel"]
    assert (level.expression, level.bounds, level.percent) == ('fault_level{job="shop"}', (5.0,), False)
    assert len(burns) == 4
    assert [graph for graph in burns if isinstance(parse(graph.expression), Fault)] == []
    assert all(len(graph.expression) <= LONGEST_QUERY and " / " in graph.expression for graph in burns)
    assert all(graph.percent and len(graph.bounds) == 1 and 0 < graph.bounds[0] < 1 for graph in burns)
