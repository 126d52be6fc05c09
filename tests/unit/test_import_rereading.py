"""Imported rules that read ALERTS fire as they did, and what was put into their expressions is told."""

import pytest
from tests.oracle import ask, firing

from tocsin.definitions import definitions_of
from tocsin.importers import IMPORTERS, Fate, Imported, convert
from tocsin.plan import RuleGroup
from tocsin.workspace import Source

HOLD = 'queue > 100 or (queue > 60 and ignoring (alertname, alertstate{more}) ALERTS{{alertname="A"}})'


def imported(expr: str, labels: str = "{severity: warning}") -> Imported:
    """An alert with *expr*."""
    rule = f"{{alert: A, expr: '{expr}', labels: {labels}, annotations: {{summary: s}}}}"
    return convert(IMPORTERS["prometheus"], [("rules.yml", f"groups: [{{name: g, rules: [{rule}]}}]")], "shop")


def groups(result: Imported) -> tuple[RuleGroup, ...]:
    """The rules that `compile` would write."""
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    assert definitions.errors == ()
    return definitions.plan.groups


def expr_of(result: Imported) -> str:
    """The expression of the only rule."""
    ((rule,),) = (group.rules for group in groups(result))
    return rule.expr


@pytest.mark.real
@pytest.mark.parametrize("series", ['queue{pod="p"}', 'queue{pod="p",service="s"}'])
@pytest.mark.parametrize(
    ("more", "labels"), [(", severity", "{severity: warning}"), ("", "{}"), (", team", "{severity: page, team: x}")]
)
def test_it_holds_on_as_before(series: str, more: str, labels: str) -> None:
    """A rule that keeps itself firing does so under the labels that Tocsin adds."""
    if more == ", team":
        more = ", severity, team"
    result = imported(HOLD.format(more=more), labels)
    rows = ask(groups(result), {series: "0x1 150x3 80x3 10x3"}, [(firing("A"), 60 * n) for n in range(13)])

    assert [bool(found) for found in rows] == [False] * 2 + [True] * 8 + [False] * 3


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("x and ignoring () ALERTS", "x and ignoring (ref, service) ALERTS"),
        ("x and ignoring (a, ref) ALERTS", "x and ignoring (a, ref, service) ALERTS"),
        ('x{service="s"} and ignoring (a) ALERTS', 'x{service="s"} and ignoring (a, ref) ALERTS'),
        ("count without (pod) (ALERTS) > 1", "count without (pod, ref, service) (ALERTS) > 1"),
    ],
)
def test_added_labels_are_left_out(expr: str, expected: str) -> None:
    """Lists of labels to leave out get those that alerts have now, and the loss report says so."""
    result = imported(expr)

    assert expr_of(result) == expected
    assert [loss.why for loss in result.losses if loss.fate is Fate.CHANGED] != []


@pytest.mark.parametrize("expr", ["x and on (pod) ALERTS", "count(ALERTS) > 3", "x and ignoring (pod) count(ALERTS)"])
def test_what_does_not_see_them_stays(expr: str) -> None:
    """Where the added labels decide nothing, nothing is touched or told."""
    result = imported(expr)

    assert (expr_of(result), [loss for loss in result.losses if loss.fate is Fate.CHANGED]) == (expr, [])


def test_what_cannot_be_helped_is_told() -> None:
    """Rows that are alerts have the labels, too."""
    why = [loss.why for loss in imported("ALERTS == 1").losses if loss.fate is Fate.CHANGED]

    assert why == ["ALERTS has the labels ref and service now, so these rows have them too"]
