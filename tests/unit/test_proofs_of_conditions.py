"""Proofs of forecasts, journeys and composite alerts: the rules pass them, and broken ones do not."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tocsin.cli.main import run
from tocsin.definitions import definitions_of
from tocsin.proofs.model import Unproved
from tocsin.proofs.others import other_proofs
from tocsin.workspace import Source

RULES = Path(__file__).parents[2] / "rules"
BROKEN = [
    ("redis/RedisMemoryRunsOut", "redis", "- 1.644854 * sqrt", "- 1.64 * sqrt"),
    ("be-camera/StoreBreaksCamera", "be-camera", 'count(ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",ref="my',
     'count(ALERTS{alertname="ErrorBudgetBurn",ref="my'),
    ("people-counting", "people-counting", "[7m30s]", "[15m]"),
    ("people-counting", "people-counting", "[7m30s]) >= 1", "[7m30s]) >= 2"),
    ("people-counting", "people-counting", 'slo="end-to-end"} == 1', 'slo="end-to-end"} >= 0'),
]  # fmt: skip


@pytest.mark.parametrize(("ref", "file", "old", "new"), BROKEN)
def test_a_broken_rule(
    ref: str, file: str, old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The proof passes with the rules as they are compiled, and fails once one of them is broken."""
    assert run(["compile", str(RULES), "-o", str(tmp_path), "-t", "prometheus"]) == 0
    rules = tmp_path / "prometheus" / "rules"
    prove = ["test", str(RULES), "--generated", "-k", ref, "--compiled", str(rules)]
    assert run(prove) == 0

    path = rules / f"{file}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    capsys.readouterr()
    assert run([*prove, "--format", "json"]) == 1
    assert {each["code"] for each in json.loads(capsys.readouterr().out)} - {"proof/unlike"}


UNPROVED = """apiVersion: tocsin/v1
kind: Service
name: q
alerts:
  Quantile: {value: 'histogram_quantile(0.9, rate(d_bucket[5m]))', above: 9, clear_below: 5, severity: warning}
  Unless: {expr: 'x > 5 unless y > 3', severity: warning}
  Two: {expr: 'x > y', severity: warning}
  Bool: {expr: 'x > bool 5', severity: warning}
  Gone: {expr: 'absent(x{a="1"} == 1)', for: 5m, severity: warning}
  Once: {absent: 'x{a="1"} offset 1h', severity: warning}
  Any: {expr: x, severity: warning}
"""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Quantile", "its value moves with the bounds of buckets, which cannot change on the way"),
        ("Unless", "'unless' decides which rows it has, and not one value alone"),
        ("Two", "what it is compared with is no plain number"),
        ("Bool", "it gives 0 or 1 (bool), and each is a row"),
        ("Gone", "it waits for a result to be absent, and not for series"),
        ("Once", "it asks what was there at another time"),
        ("Any", "it compares nothing: every row of it fires"),
    ],
)
def test_the_reason_is_true(name: str, why: str) -> None:
    """What is no comparison of a value with a number is not proved, each for its own reason."""
    definitions = definitions_of([Source("q.yaml", UNPROVED)])
    (unproved,) = (
        each
        for each in other_proofs(definitions.workspace, definitions.plan, definitions.plan)
        if isinstance(each, Unproved) and each.ref == f"q/{name}"
    )

    assert unproved.reason == why


PROVED = """apiVersion: tocsin/v1
kind: Service
name: q
alerts:
  Hyst: {value: 'max by (zone) (depth{job="q"})', above: 100, clear_below: 60, for: 5m, severity: warning}
  HystRate: {value: 'sum(rate(bad{job="q"}[10m])) / sum(rate(all[10m]))', above: 5%, clear_below: 1%, severity: info}
  HystLow: {value: 'free{job="q"}', below: 10, clear_above: 20, for: 90s, severity: warning, keep_firing_for: 10m}
  HystMissing: {value: 'free{job!="r"}', below: 10, clear_above: 20, for: 1m, on_missing: fire, severity: warning}
  Gone: {absent: 'up{job=~"a|b",zone="x"}', for: 2m, severity: warning}
  GoneLong: {expr: 'absent(up{job="a"}) or absent_over_time(down{job!="b"}[15m])', for: 1m, severity: warning}
  Odd: {anomaly: {series: 'sum by (zone) (rate(x[5m]))', season: 1d, deviations: 3}, for: 5m, severity: warning}
  OddWeek: {anomaly: {series: 'free{job="q"}', season: 1w, deviations: 2.5, direction: below}, severity: info}
  Missing: {value: 'sum(rate(x{job="q"}[5m]))', above: 100, for: 5m, severity: warning, on_missing: fire}
"""


@pytest.mark.real
def test_hysteresis_absence_and_anomalies_are_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever they are made of, the compiled rules do what was computed, and nothing is left out."""
    (tmp_path / "q.yaml").write_text(PROVED, encoding="utf-8")
    code = run(["test", str(tmp_path / "q.yaml"), "--generated"])
    said = capsys.readouterr().err

    assert code == 0
    assert "9 definitions in 29 scenarios, " in said
    assert "not proved" not in said


@pytest.mark.real
@pytest.mark.parametrize(
    "breaks",
    [
        {
            "Hyst": (">= 60", "> 60"),
            "HystRate": (">= 0.01", ">= 0.011"),
            "HystLow": ("<= 20", "<= 19"),
            "HystMissing": ('or absent(count(free{job!="r"}))', ""),
            "Gone": ('absent(up{job="b",zone="x"})', "absent(up)"),
            "GoneLong": ("[15m]", "[10m]"),
            "Missing": ("absent(count(sum", "absent(count(2 > sum"),
        },
        {
            "Hyst": ("> 100", ">= 100"),
            "HystMissing": ('absent(count(free{job!="r"}))', "absent(count(free))"),
            "Gone": ("for: 2m", "for: 3m"),
            "GoneLong": ('down{job!="b"}', "down"),
        },
        {"Hyst": ('alertstate="firing",', "")},
        {"Hyst": ("[5m:1m]", "[1m:1m]")},
        {"Hyst": (',ref="q/Hyst"', "")},
    ],
    ids=["one", "two", "three", "gap", "four"],
)
def test_each_part_is_there_for_something_that_a_proof_sees(
    breaks: Mapping[str, tuple[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The proofs of the rules that were broken fail, and no other."""
    path = tmp_path / "q.yaml"
    path.write_text(PROVED, encoding="utf-8")
    assert run(["compile", str(path), "-o", str(tmp_path), "-t", "prometheus"]) == 0
    rules = tmp_path / "prometheus" / "rules" / "q.yml"
    first, *alerts = rules.read_text(encoding="utf-8").split("- alert: ")
    for number, text in enumerate(alerts):
        old, new = breaks.get(text.partition("\n")[0], ("", ""))
        assert old in text
        alerts[number] = text.replace(old, new) if old else text
    rules.write_text("- alert: ".join((first, *alerts)), encoding="utf-8")
    capsys.readouterr()

    assert run(["test", str(path), "--generated", "--compiled", str(rules.parent), "--format", "json"]) == 1
    found = [each for each in json.loads(capsys.readouterr().out) if each["code"] != "proof/unlike"]
    assert {each["message"].partition(":")[0] for each in found} == {f"q/{name}" for name in breaks}
