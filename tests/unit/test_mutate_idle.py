"""Matchers that could be dropped and nothing would change: what is said to be one changes nothing, over any series."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import QUARTER

from tocsin.mutate.edits import edits
from tocsin.mutate.idle import idle_matchers
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Fault, Selector, nodes, parse
from tocsin.proofs.steady import Steady, Unsteady, steady

BORN = """(a{job="x",code="5"} unless a{job="x",code="5"} offset 5m
  and a{job="x",code="5"} <= on (job, id) group_left () max by (job, id) (a{job="x"} and a{job="x"} offset 5m)
  unless a{job="x",code="5"} <= increase(a{job="x",code="5"}[5m])) / 300 or rate(a{job="x",code="5"}[5m])"""
EXPRESSIONS = [
    'a{job="x"} / b{job="x"}',
    'a{job="x"} / on (job) sum by (job) (b{job="x"})',
    'a{job="x"} and b{job="x",code="5"}',
    'a{job="x"} unless b{job="x",code="5"}',
    'sum by (job) (a{job="x"}) > sum by (job) (b{job="x"})',
    'sum by (id) (a{job="x"}) > sum by (id) (b{job="x"})',
    '(a{job="x"} or b{job="x"}) and a{job="x"}',
    'a{job="x"} and (a{job="x"} or b{job="x"})',
    'a{job="x"} * on (id) group_left () max by (id) (b{job="x"})',
    'a{job="x"} and on (id) b{job="x"}',
    'a{job="x"} or b{job="x"}',
    BORN,
]


def idle_in(text: str) -> list[tuple[str, str]]:
    """The name of each selector that has some, and the conditions that decide nothing there."""
    tree = parse(text)
    assert not isinstance(tree, Fault)
    found = idle_matchers(tree)
    return [
        (node.metric or "", "".join(condition))
        for node in nodes(tree)
        if isinstance(node, Selector)
        for condition in sorted(found.get(id(node), ()))
    ]


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        ('a{job="x"} / b{job="x"}', ["a job=x", "b job=x"]),
        ('a{job="x"} / b{job="y"}', []),
        ('a{job="x"} / on (id) b{job="x"}', []),
        ('a{job="x"} / on (job) b{job="x"}', ["a job=x"]),
        ('sum(a{job="x"}) / sum(b{job="x"})', []),
        ('sum by (job) (a{job="x"}) / sum by (job) (b{job="x"})', ["a job=x", "b job=x"]),
        ('a{job="x"} unless b{job="x"}', ["b job=x"]),
        ('a{job="x"} or b{job="x"}', []),
        ('label_replace(a{job="x"}, "job", "y", "", "") and b{job="x"}', []),
        ('absent(a{job="x"}) and b{job="x"}', []),
        ('a{job="x"}', []),
    ],
)
def test_idle_matchers(text: str, idle: list[str]) -> None:
    """Only where both sides have to agree on the label, and both ask for the same."""
    assert [" ".join(each) for each in idle_in(text)] == idle


def test_the_guard_of_new_series_says_most_of_its_conditions_twice() -> None:
    """All of them could be dropped one by one, but for those of the rate behind `or`."""
    assert len(idle_in(BORN)) == 12
    kinds = [each for each in edits(BORN) if each.kind == "matcher dropped"]
    assert {BORN[each.start : each.end].strip(',"') for each in kinds} == {'job="x', 'code="5'}
    assert all(each.start > BORN.index("or rate") for each in kinds)


def combinations() -> list[tuple[str, Labels]]:
    """Every series of two metrics with any of two values of three labels."""
    labels = itertools.product("xy", "57", "12")
    return [
        (name, labels_of({"job": job, "code": code, "id": number})) for job, code, number in labels for name in "ab"
    ]


@pytest.mark.parametrize("text", EXPRESSIONS)
@settings(max_examples=QUARTER)
@given(data=st.data())
def test_what_is_idle_changes_nothing(text: str, data: st.DataObject) -> None:
    """Whatever series there are, the expression without the matcher has the same rows."""
    some = data.draw(st.lists(st.sampled_from(combinations()), unique=True, min_size=1))
    series = [Steady(name, labels, data.draw(st.sampled_from([0.0, 1.0, 5.0]))) for name, labels in some]
    tree = parse(text)
    assert not isinstance(tree, Fault)
    idle = idle_matchers(tree)
    for node in nodes(tree):
        for matcher in node.matchers if isinstance(node, Selector) else ():
            if (matcher.label.value, matcher.op, matcher.value.value) in idle.get(id(node), ()):
                start, end = matcher.start, matcher.end
                if text[end] == ",":
                    end += 1
                elif text[start - 1] == ",":
                    start -= 1
                other = parse(text[:start] + text[end:])
                assert not isinstance(other, Fault)
                try:
                    assert steady(other, series) == steady(tree, series), text[start:end]
                except Unsteady:
                    continue
