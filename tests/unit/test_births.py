"""Errors with which a series is born: which kinds hear of them, and what is said of those that do not (promtool)."""

import pytest
from tests.oracle import ask, groups_of
from tests.reading import read

from tocsin.explain.standing import guards

SLIS = """
slis:
  bad: {ratio: {bad: 'r_total{code=~"5.."}', total: r_total}}
  good: {ratio: {good: 'r_total{code!~"5.."}', total: r_total}}
  other: {ratio: {good: served_total, total: r_total}}
  own: {ratio: {bad: 'sum(rate(r_total{code=~"5.."}[$window]))', total: 'sum(rate(r_total[$window]))'}}
  slow: {latency: {histogram: d_seconds, within: 1s}}
slos:
"""
SLOS = SLIS + "".join(f"  {name}: {{sli: {name}, target: 99.9%}}\n" for name in ("bad", "good", "other", "own", "slow"))
TARGET = 'job="g",instance="a"'


@pytest.mark.real
def test_first_errors_page() -> None:
    """A series of 500s is born with sixty of them and stands still: both ways to write the SLI page for it."""
    series = {f'r_total{{{TARGET},code="200"}}': "0+10x200", f'r_total{{{TARGET},code="500"}}': "_x120 60x60"}
    series[f"served_total{{{TARGET}}}"] = "0+10x200"
    question = 'count by (slo) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"})'
    before, after = ask(groups_of(SLOS), series, [(question, 119 * 60), (question, 122 * 60)])

    assert before == {}
    assert {dict(labels)["slo"] for labels in after} == {"bad", "good"}


def test_explain_says_which_have_the_guard() -> None:
    """Where it is not in force, explain says so, and why."""
    workspace, _ = read("Service", SLOS, "shop")
    found = {slo.name: next(g for g in guards(slo) if g.name == "new_series") for slo in workspace.services[0].slos}

    assert {name: guard.on for name, guard in found.items()} == {
        "bad": True,
        "good": True,
        "other": False,
        "own": False,
        "slow": False,
    }
    assert "plain selectors" in found["own"].why
    assert "the kind latency" in found["slow"].why
