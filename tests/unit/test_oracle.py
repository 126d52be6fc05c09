"""The tests' own oracle gives promtool the rules that a question reads, and no fewer."""

import pytest
from tests.oracle import groups_of, read_by

from tocsin.plan import AlertingRule

GROUPS = groups_of("""
slis: {a: {ratio: {bad: b_total, total: t_total}}}
slos: {up: {sli: a, target: 99.9%}, other: {sli: a, target: 99%}}
""")
ALERTS = {
    (dict(rule.labels)["slo"], dict(rule.labels).get("tier", rule.alert))
    for group in GROUPS
    for rule in group.rules
    if isinstance(rule, AlertingRule)
}


def names(*questions: str) -> set[tuple[str, str]]:
    """The objective, and the recording, tier or other alert, of each rule that is left."""
    return {
        (known["slo"], known.get("tier", rule.alert) if isinstance(rule, AlertingRule) else rule.record)
        for group in read_by(questions, GROUPS)
        for rule in group.rules
        for known in [{"slo": "up", **dict(rule.labels)}]
    }


def test_an_alert_with_all_that_it_reads() -> None:
    """The fast tier of one objective reads rates over an hour and five minutes of it, and no longer ones."""
    found = names('count(ALERTS{slo="up",tier="fast",alertstate="firing"})')

    assert ("up", "fast") in found & ALERTS
    assert not found & {("up", "steady"), ("other", "fast")}
    assert {("up", "slo:bad:rate5m"), ("up", "slo:bad:rate1h")} <= found
    assert ("up", "slo:bad:rate3d") not in found


@pytest.mark.parametrize("question", ['ALERTS{alertname!=""}', 'ALERTS{alertstate="firing"}', "ALERTS_FOR_STATE"])
def test_every_alert(question: str) -> None:
    """A question that names none is about all."""
    assert names(question) & ALERTS == ALERTS


def test_every_recording() -> None:
    """A regular expression over names may be about any of them; a text that is no PromQL is no question."""
    every = sum(len(group.rules) for group in GROUPS) - len(ALERTS)

    assert len([name for _, name in names('sum({__name__=~"slo:.*"})') if ":" in name]) > 20
    assert sum(len(group.rules) for group in read_by(['{__name__=~"slo:.*"}'], GROUPS)) == every
    with pytest.raises(AssertionError):
        names("sum(")
