"""Proofs of forecasts, journeys and composite alerts: the rules pass them, and broken ones do not."""

from pathlib import Path

import pytest

from tocsin.cli.main import run

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
