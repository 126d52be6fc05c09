"""When a rule of the metric source is evidence for the end of an alert whose sender is silent, and when it is not."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tocsin.errors import SourceUnreachableError
from tocsin.evaluate.claims import Claim
from tocsin.evaluate.rulings import BEFORE, MOST, Ruling, rulings
from tocsin.ports import Answer, Labels, Row, WatchedRule, labels_of

START = datetime.fromisoformat("2026-10-01T00:00:00+00:00")
LATER = START + timedelta(minutes=5)
HOT = {"alertname": "TooHot", "severity": "critical", "instance": "a:1", "job": "j"}


def claim(query: str = "", **labels: str) -> Claim:
    """An alert whose sender was last heard of at the start."""
    end = START + timedelta(minutes=4)
    return Claim(labels_of(HOT | labels), (), START, end, START, tells_end=True, query=query)


@dataclass
class Server:
    """A Prometheus with one rule and the series of one metric, since some time."""

    query: str = "level > 5"
    instance: str = "a:1"
    since: datetime = START - timedelta(days=1)
    external: Labels = ()
    copies: int = 1
    partial: bool = False
    down: bool = False
    name: str = "TooHot"
    healthy: bool = True
    evaluated_at: datetime | None = LATER
    asked: list[tuple[str, datetime]] = field(default_factory=list)

    def alerting_rules(self) -> tuple[WatchedRule, ...]:
        """The rule, evaluated well, and without any alert."""
        labels = labels_of({"severity": "critical"})
        queries = [f"{self.query} + {n}" if n else self.query for n in range(self.copies)]
        made = (self.name, labels, self.healthy, self.evaluated_at, ())
        return tuple(WatchedRule(*made, query, ("team",)) for query in queries)

    def external_labels(self) -> Labels:
        """Those of its configuration."""
        return self.external

    def instant(self, query: str, at: datetime) -> Answer:
        """The series, where there is one already."""
        self.asked.append((query, at))
        if self.down:
            raise SourceUnreachableError("refused")
        series = labels_of({"__name__": "level", "instance": self.instance, "job": "j", "cluster": "of the target"})
        return Answer((Row(series, 1.0),) if at >= self.since else (), at, partial=self.partial)


def ends(server: Server, **labels: str) -> bool:
    """Whether the alert is over by what the server says."""
    one = claim(**{"cluster": "of the target"} | labels)
    return any(each.ends(one) for each in rulings(server, [one]))


def test_a_rule_whose_series_are_there() -> None:
    """They are asked for just before the rule was evaluated."""
    server = Server()

    assert ends(server)
    assert server.asked == [("level", LATER - BEFORE)]


def test_another_prometheus_with_the_same_rules() -> None:
    """Its targets are others, or it has a name of its own: our rule knows nothing of its alerts."""
    assert not ends(Server(instance="b:1"))
    assert not ends(Server(), region="west")
    assert not ends(Server(query="sum(level) > 5"), region="west")
    assert not ends(Server(external=labels_of({"region": "east"})), region="west")
    assert not ends(Server(query="sum by (job) (level) > 5"), cluster="west")


def test_the_same_prometheus_with_a_name() -> None:
    """What it adds to all that it sends is its own, as is what the rule makes, and the group that vmalert adds."""
    server = Server(external=labels_of({"region": "east"}))

    assert ends(server, region="east", team="ops", alertgroup="shop")
    assert ends(server, region="east")
    assert ends(Server(query='label_replace(level, "floor", "1", "", "") > 5'), floor="1")


def test_one_that_has_just_been_started() -> None:
    """Its rules were evaluated before anything was scraped, whether it has been by now or not."""
    assert not ends(Server(since=LATER + timedelta(seconds=15)))
    assert not ends(Server(since=LATER - timedelta(seconds=1)))


@pytest.mark.parametrize("server", [Server(partial=True), Server(down=True), Server(query="level >")])
def test_what_cannot_be_told(server: Server) -> None:
    """No whole answer, none at all, or an expression that nobody can read."""
    assert not ends(server)


def test_each_has_its_turn() -> None:
    """No more is asked for at a time than an evaluation can wait for."""
    server = Server(copies=3 * MOST)
    found = [[r for r in rulings(server, [claim()], turn) if isinstance(r, Ruling)] for turn in range(6)]

    assert {len(each) for each in found} == {MOST}
    assert len({each.rule.query for some in found for each in some}) == 3 * MOST


def test_nothing_is_asked_for_nobody() -> None:
    """Rules of other names, and those that were not evaluated since, cost no question."""
    server = Server()

    assert rulings(server, [claim(alertname="Other")]) == ()
    assert server.asked == []


@pytest.mark.parametrize(
    ("there", "query", "over"),
    [
        ({}, "level > 5", True),
        ({"external": ()}, "level > 5", False),  # it may be another one
        ({"external": labels_of({"cluster": "b"})}, "level > 5", False),  # it is
        ({"query": "level > 5"}, "level > 5", False),  # renamed, or relabelled on the way
        ({"name": "TooHot", "healthy": False}, "level > 5", False),  # it fails
        ({"healthy": False}, "level > 5", False),  # all fail
        ({"evaluated_at": START}, "level > 5", False),  # not since the last word
        ({"evaluated_at": None}, "level > 5", False),  # it was just started
        ({"copies": 0}, "level > 5", False),  # its rules are not mounted
        ({}, "", False),  # nobody knows what it asked
    ],
)
def test_a_rule_that_was_removed(there: dict[str, Any], query: str, over: bool) -> None:
    """Its server, known by its name, goes on with other rules, and none of them may be it."""
    known: dict[str, Any] = {"name": "Other", "query": "other > 1", "external": labels_of({"cluster": "a"})}
    one = claim(query, cluster="a")

    assert any(each.ends(one) for each in rulings(Server(**(known | there)), [one])) is over
