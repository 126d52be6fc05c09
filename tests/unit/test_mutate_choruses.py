"""Many mutants in one run of promtool: each is judged as if it were alone, and a broken test judges nobody."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from tocsin.adapters.promtool import find_promtool
from tocsin.cli import mutating
from tocsin.cli.main import tocsin
from tocsin.cli.mutating import all_trials, chosen, solid, try_out
from tocsin.definitions import read_definitions
from tocsin.mutate.places import places, renamed
from tocsin.targets.promtest import cases

SHOP = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: team
slis:
  ok: {ratio: {bad: 'requests_total{job="shop",code=~"5.."}', total: 'requests_total{job="shop"}'}}
slos:
  uptime: {sli: ok, target: 99.9%, window: 30d}
alerts:
  Full:
    value: sum by (instance) (queue_length{job="shop"})
    above: 100
    for: 5m
    severity: warning
    summary: the queue is full
  FullAndDown:
    all_of: [Full, "uptime:fast"]
    severity: critical
    summary: both
tests:
  - name: a queue fills while requests fail
    interval: 1m
    series:
      - {series: 'queue_length{job="shop",instance="a",disk="1"}', values: "40x10 60x20"}
      - {series: 'queue_length{job="shop",instance="a",disk="2"}', values: "45x10 60x20"}
      - {series: 'queue_length{job="other",instance="a"}', values: "900x30"}
      - {series: 'requests_total{job="shop",code="200"}', values: "0+100x30"}
      - {series: 'requests_total{job="shop",code="500"}', values: "0+100x30"}
    expect:
      - {at: 9m, alert: Full, firing: []}
      - {at: 14m, alert: Full, firing: []}
      - {at: 18m, alert: Full, firing: [{instance: a, severity: warning}]}
      - {at: 18m, alert: FullAndDown, firing: [{severity: critical}]}
      - {at: 30m, alert: "uptime:fast", firing: [{tier: fast}]}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A service with an objective, an alert and a condition over both."""
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return path


def test_together_as_alone(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mutant has the same verdict among others as by itself."""
    found = read_definitions([str(shop)])
    plan = solid(found.plan)
    given = all_trials(cases(plan, found.workspace), ())
    some = chosen(plan, None, 40, 7)
    together = try_out(some, given, find_promtool(), 2)
    monkeypatch.setattr(mutating, "apart", lambda _trial, _mutant: True)
    monkeypatch.setattr("tocsin.mutate.chorus.apart", lambda _trial, _mutant: True)
    alone = try_out(some, given, find_promtool(), 2)

    assert not together.broken
    assert [each.noticed for each in together.tried] == [each.noticed for each in alone.tried]
    assert {each.noticed for each in alone.tried} == {True, False}


def test_a_copy_reads_copies() -> None:
    """Series and alerts that a mutant changes are read under its mark, in whatever way they are written."""
    keys = {(False, "a:b"), (True, "Down")}
    text = 'sum(a:b{x="a:b"}) + rate(c[5m]) and ALERTS{alertname="Down",ref="x"}'

    assert renamed(text, keys, "__m7") == (
        'sum(a:b__m7{x="a:b"}) + rate(c[5m]) and ALERTS{alertname="Down__m7",ref="x"}'
    )
    assert places('{job="x"}').wild
    assert places('ALERTS{ref="x"}').unnamed


def test_the_report(shop: Path) -> None:
    """A survivor names its rule, what became of it and the test to write; a score that is too low is an error."""
    options = ["test", str(shop), "--mutate", "-k", "shop/Full"]
    told = CliRunner().invoke(tocsin, options)
    strict = CliRunner().invoke(tocsin, [*options, "--fail-under", "100", "--format", "github"])

    assert told.exit_code == 0, told.output
    assert "shop/Full: Full: > becomes >= at `" in told.output
    assert "add a test whose value is exactly the number" in told.output
    assert "boundary " in told.output
    assert strict.exit_code == 1
    assert "::error file=" in strict.output


def test_the_report_for_programs(shop: Path) -> None:
    """JUnit has a case for each mutant, JSON the score and what survived, which fails where the score is too low."""
    options = ["test", str(shop), "--mutate", "-k", "shop/Full", "--limit", "9", "--seed", "2"]
    told = json.loads(CliRunner().invoke(tocsin, [*options, "--format", "json"]).stdout)
    loose, strict = (
        ET.fromstring(CliRunner().invoke(tocsin, [*options, "--format", "junit", *more]).stdout)
        for more in ([], ["--fail-under", "100"])
    )
    names = [(case.get("classname"), case.get("name")) for case in loose.iter("testcase") if case.get("file")]
    survivors = told["survivors"]

    assert told["noticed"] + len(survivors) == told["total"] == len(names) == len(set(names))
    assert [each["code"] for each in told["findings"]] == ["test/unread-series"]
    assert told["score"] == round(100 * told["noticed"] / told["total"], 2)
    assert sum(kind["total"] for kind in told["kinds"].values()) == told["total"]
    assert {each["ref"] for each in survivors} <= {"shop/Full", "shop/FullAndDown"}
    assert 0 < len(survivors) < 9
    assert all(each["advice"] and each["line"] > 1 and each["tests"] >= 0 for each in survivors)
    assert [len(list(loose.iter(what))) for what in ("skipped", "failure")] == [len(survivors), 0]
    assert [len(list(strict.iter(what))) for what in ("skipped", "failure")] == [0, len(survivors)]
    assert (strict.get("failures"), loose.get("failures")) == (str(len(survivors)), "0")
    assert {each.get("name"): each.get("value") for each in loose.iter("property")}["score"] == f"{told['score']:.2f}"


def test_a_broken_test_judges_nobody(shop: Path) -> None:
    """A test that the rules do not pass would notice everything; there is no score then."""
    shop.write_text(SHOP.replace("at: 14m, alert: Full, firing: []", "at: 14m, alert: Full, firing: [{}]"))
    told = CliRunner().invoke(tocsin, ["test", str(shop), "--mutate", "-k", "shop/Full"])

    assert told.exit_code == 1
    assert "mutate/broken" in told.output
    assert "no score" in told.output
    assert "mutation score" not in told.output
