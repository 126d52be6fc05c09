"""Proofs of forecasts, journeys and composite alerts: the rules pass them, and broken ones do not."""

from pathlib import Path

import pytest

from tocsin.cli.main import run
from tocsin.definitions import definitions_of
from tocsin.plan import AlertingRule
from tocsin.proofs.model import Unproved
from tocsin.proofs.thresholds import alert_proof
from tocsin.workspace import Source

RULES = Path(__file__).parents[2] / "rules"
BROKEN = [
    ("redis/RedisMemoryRunsOut", "redis", "- 1.644854 * sqrt", "- 1.64 * sqrt"),
    ("be-camera/StoreBreaksCamera", "be-camera", 'count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",ref="my',
     'count(ALERTS{alertname="ErrorBudgetBurn",ref="my'),
    ("people-counting", "people-counting", "[7m30s]", "[15m]"),
]  # fmt: skip


@pytest.mark.parametrize(("ref", "file", "old", "new"), BROKEN)
def test_a_broken_rule(ref: str, file: str, old: str, new: str, tmp_path: Path) -> None:
    """The proof passes with the rules as they are compiled, and fails once one of them is broken."""
    assert run(["compile", str(RULES), "-o", str(tmp_path), "-t", "prometheus"]) == 0
    rules = tmp_path / "prometheus" / "rules"
    prove = ["test", str(RULES), "--generated", "-k", ref, "--compiled", str(rules)]
    assert run(prove) == 0

    path = rules / f"{file}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert run(prove) == 1


UNPROVED = """apiVersion: tocsin/v1
kind: Service
name: q
alerts:
  Hyst: {value: 'max(q)', above: 100, clear_below: 60, severity: warning}
  Unless: {expr: 'x > 5 unless y > 3', severity: warning}
  Two: {expr: 'x > y', severity: warning}
  Bool: {expr: 'x > bool 5', severity: warning}
  Gone: {absent: 'x{a="1"}', for: 5m, severity: warning}
  Any: {expr: x, severity: warning}
"""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Hyst", "it goes by alerts that fire already, so one value does not decide"),
        ("Unless", "'unless' decides which rows it has, and not one value alone"),
        ("Two", "what it is compared with is no plain number"),
        ("Bool", "it gives 0 or 1 (bool), and each is a row"),
        ("Gone", "it fires while series are absent, and proofs bring series"),
        ("Any", "it compares nothing: every row of it fires"),
    ],
)
def test_the_reason_is_true(name: str, why: str) -> None:
    """What is no comparison of a value with a number is not proved, each for its own reason."""
    plan = definitions_of([Source("q.yaml", UNPROVED)]).plan
    (rule,) = (
        rule
        for group in plan.groups
        for rule in group.rules
        if isinstance(rule, AlertingRule) and rule.ref == f"q/{name}"
    )
    unproved = alert_proof(rule, "q", ())

    assert isinstance(unproved, Unproved)
    assert unproved.reason == why
