"""Every rule of an objective is proved by itself: one that is broken by hand is found, whatever the SLI is."""

from dataclasses import replace
from pathlib import Path

import pytest

from tocsin.cli.main import run
from tocsin.definitions import definitions_of, read_definitions
from tocsin.plan import Plan
from tocsin.proofs.build import proofs
from tocsin.proofs.unlike import unlike
from tocsin.workspace import Source

pytestmark = pytest.mark.real

SERVICE = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: sales
slis:
  windowed: {ratio: {bad: 'sum(rate(x_total{code=~"5.."}[$window]))', total: 'sum(rate(x_total[$window]))'}}
  raw: {raw: {error_ratio: 'sum(rate(e_total[$window])) / sum(rate(r_total[$window]))'}}
  deep: {threshold: {value: 'max by (pod) (depth{job="q"})', at_most: 5}}
  fresh: {freshness: {last_success: 'max(last_success_time)', within: 1h}}
  good: {ratio: {good: 'http_requests_total{job="x",code!~"5.."}', total: 'http_requests_total{job="x"}'}}
  bad: {ratio: {bad: 'http_requests_total{job="x",code=~"5.."}', total: 'http_requests_total{job="x"}'}}
  odd: {ratio: {bad: 'sum(rate(a_total[$window]) + log10(b))', total: 'sum(rate(c_total[$window]))'}}
slos:
  windowed: {sli: windowed, target: 99.9%, window: 30d}
  raw: {sli: raw, target: 99.9%, window: 30d}
  deep: {sli: deep, target: 99%, window: 30d}
  fresh: {sli: fresh, target: 99%, window: 30d}
  good: {sli: good, target: 99%, window: 28d, guards: {low_traffic: {min_bad_events: 10, significance: 0.001}}OFF}
  grouped: {sli: bad, target: 99.9%, window: 30d, group_by: [route], burn_rate: {off: [steady, slow, trickle]}}
  renamed: {sli: bad, target: 99.9%, window: 30d, formerly: [shop/old], burn_rate: {off: [steady, trickle]}}
  slices: {sli: bad, target: 99.9%, window: 30d, budgeting: timeslices, slice: 1m, slice_target: 95%}
  empty: {sli: bad, target: 99.9%, window: 30d, budgeting: ratio-timeslices, slice: 5m, empty_slices: good}
  monthly: {sli: bad, target: 99.9%, window: {calendar: month, timezone: UTC}, burn_rate: {off: [slow, trickle]}}
  odd: {sli: odd, target: 99.9%, window: 30d}
"""
SHORT = SERVICE.replace("OFF", ", burn_rate: {off: [steady, slow, trickle]}")
"""Without the tiers of one objective whose scenarios last long; `make soak` proves these, too."""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service with objectives of all kinds, compiled; gives the rule file."""
    monkeypatch.chdir(tmp_path)
    Path("service.yaml").write_text(SHORT)
    assert run(["compile", "service.yaml", "-o", "out"]) == 0
    return tmp_path / "out/prometheus/rules/shop.yml"


def judge(capsys: pytest.CaptureFixture[str], slo: str = "") -> tuple[int, str, str]:
    """Prove the compiled rules of one objective, or of all."""
    capsys.readouterr()
    code = run(["test", "service.yaml", "--generated", "--compiled", "out/prometheus/rules", "-k", f"shop/{slo}"])
    return (code, *capsys.readouterr())


def broken(rules: Path, group: str, old: str, new: str) -> None:
    """Change the first *old* in a group."""
    text = rules.read_text()
    at = text.index(old, text.index(f"name: {group}\n"))
    rules.write_text(text[:at] + new + text[at + len(old) :])


def test_rules_of_every_kind_are_proved(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was compiled is what was computed."""
    assert rules.exists()
    code, out, err = judge(capsys)

    assert (code, out) == (0, "")
    assert "11 definitions in " in err
    assert "claims: proved" in err
    assert "not proved: 1\n  service.yaml:24: shop/odd: what it counts" in err


@pytest.mark.soak
def test_rules_of_every_tier_are_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From counters to alerts, with guards, through three days."""
    monkeypatch.chdir(tmp_path)
    Path("service.yaml").write_text(SERVICE.replace("OFF", ""))

    assert run(["test", "service.yaml", "--generated", "-k", "shop/good"]) == 0


BROKEN = [
    ("slo:shop/windowed", "sum(rate(x_total[5m]))", "max(rate(x_total[5m]))", "windowed", "slo:total:rate5m is "),
    ("slo:shop/windowed", 'code=~"5.."}[1h]', 'code=~"4.."}[1h]', "windowed", "slo:bad:rate1h is "),
    (
        "slo:shop/raw",
        "clamp_max(avg((sum(rate(e_total[30m]))",
        "clamp_max(avg((sum(rate(e_total[1h]))",
        "raw",
        "slo:bad:rate30m is ",
    ),
    ("slo:shop/deep", "bool 5", "bool 6", "deep", "slo:bad:now is "),
    ("slo:shop/fresh", "bool 3600", "bool 3601", "fresh", "slo:bad:now is "),
    ("slo:shop/good", "> 9.5", "> 11.5", "good", "fast fires at "),
    ("slo:shop/grouped", "sum by (route)", "avg by (route)", "grouped", "slo:total:rate5m is "),
    ("slo:shop/renamed", 'slo="old"}[30m] offset 6h', 'slo="new"}[30m] offset 6h', "renamed", "rate1d is "),
    ("slo:shop/slices", "sum_over_time(slo:bad:now", "avg_over_time(slo:bad:now", "slices", "slo:bad:rate5m is "),
    ("slo:shop/empty", ">= bool 0) or (vector(1)", ">= bool 0) or (vector(2)", "empty", "slo:total:now is "),
    ("slo:shop/empty", "severity: critical", "severity: warning", "empty", "fast can never fire"),
    (
        "slo:shop/monthly",
        'timestamp_seconds{service="shop",slo="monthly"}[1d]',
        'timestamp_seconds{service="shop",slo="monthly"}[2h]',
        "monthly",
        "slo:born:timestamp_seconds is ",
    ),
    ("slo-budget:shop/windowed", "offset 29d23h", "offset 30d", "windowed", "slo:bad:increase30d is "),
    ("slo-budget:shop/good", "offset 7d30m", "offset 7d", "good", "slo:traffic:usual_rate is "),
    ("slo-budget:shop/raw", "sum_over_time", "max_over_time", "raw", "slo:bad:increase30d is "),
    ("slo-budget:shop/deep", "1 - slo:bad", "1 + slo:bad", "deep", "slo:error_budget:remaining_ratio is "),
    ("slo-budget:shop/fresh", "vector(0.99)", "vector(0.9)", "fresh", "slo:objective:ratio is 0.99 at 0s"),
]
"""A group, what is changed in it, and the objective that has to be named with the words."""


def test_broken_rules_are_found(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recordings and alerts alike, at the line of the objective; a page that became a ticket is told as that."""
    for group, old, new, _, _ in BROKEN:
        broken(rules, group, old, new)
    code, out, _ = judge(capsys)

    assert code == 1
    for _, _, _, slo, words in BROKEN:
        line = next(n for n, text in enumerate(SHORT.splitlines(), start=1) if text.startswith(f"  {slo}: {{sli"))
        places = [text for text in out.splitlines() if text.startswith(f"service.yaml:{line}:")]
        assert any(f"shop/{slo}: " in text and words in text for text in places), (slo, words)
    assert "its rule has severity='warning' where its definition says 'critical'" in out


BLIND = [
    ('code=~"5.."}[5m])', 'code="500"}[5m])', '{MINE,code="500"}`', '{MINE,code=~"5.."}`'),
    ('code=~"5.."}[30m])', 'code!="503",code=~"5.."}[30m])', '{MINE,code!="503",code=~"5.."}`', '{MINE,code=~"5.."}`'),
    (',instance!=""', "", "", ',instance!=""'),
    ("[20m]", "[2m]", "[2m]`", "[20m]`"),
]
"""What is changed, and the ends of what is seen and of what is expected."""


def test_what_no_series_of_a_proof_shows_is_found_in_the_text() -> None:
    """A rule that is blind to 503, or forgets births: told with both texts, at the line of the objective."""
    source = """apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  availability:
    ratio: {bad: 'requests_total{job="shop",code=~"5.."}', total: 'requests_total{job="shop"}'}
slos:
  uptime: {sli: availability, target: 99.9%}
"""
    plan = definitions_of([Source("shop.yaml", source)]).plan
    group, *others = plan.groups

    def changed(old: str, new: str, most: int = 1) -> Plan:
        rules = (replace(rule, expr=rule.expr.replace(old, new, most)) for rule in group.rules)
        return replace(plan, groups=(replace(group, rules=tuple(rules)), *others))

    assert not list(unlike(plan, changed("", "")))
    assert not list(unlike(plan, changed("", " # why\n")))
    assert not list(unlike(plan, changed('job="shop",code=~"5.."', 'code=~"5..", job="shop"', 9)))
    for old, new, seen, wanted in BLIND:
        found = list(unlike(plan, changed(old, new), "shop/uptime"))
        assert found
        for each in found:
            assert (each.code, each.span.line) == ("proof/unlike", 8)
            assert each.message.startswith("shop/uptime: slo:")
            has, _, expected = each.message.partition(", and its definition compiles to ")
            assert seen.replace("MINE", 'job="shop"').rstrip("`") in has
            assert wanted.replace("MINE", 'job="shop"').rstrip("`") in expected


def test_what_cannot_be_proved_has_to_be_as_it_was_compiled(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An expression that the prover does not understand is said to be unproved; a change of its rule is an error."""
    code, out, err = judge(capsys, "odd")
    assert (code, out) == (0, "")
    assert "shop/odd: what it counts: not proved" in err

    broken(rules, "slo:shop/odd", "a_total[5m]", "a_total[10m]")
    code, out, _ = judge(capsys, "odd")
    assert code == 1
    assert "shop/odd: slo:bad:rate5m has `" in out
    assert "a_total[10m]" in out.partition(", and its definition compiles to `")[0]

    rules.write_text(rules.read_text().replace("slo: odd\n", "slo: odder\n"))
    code, out, _ = judge(capsys, "odd")
    assert code == 1
    assert "slo:bad:rate5m lacks slo='odd' and has slo='odder'" in out


def test_where_alerts_go_and_when_rules_are_evaluated_has_to_be_as_it_was_compiled(
    rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Labels decide about routes, intervals about minutes: promtool's tests see neither."""
    broken(rules, "slo:shop/odd", "ref: shop/odd", "ref: shop/oddity")
    broken(rules, "slo:shop/odd", "rules:", "interval: 1h\n    rules:")
    broken(rules, "slo-budget:shop/odd", "interval: 4m", "interval: 10m")
    broken(rules, "slo-budget:shop/odd", "rules:", "limit: 1\n    rules:")
    code, out, _ = judge(capsys, "odd")

    assert code == 1
    assert "shop/odd: ErrorBudgetBurn lacks ref='shop/odd' and has ref='shop/oddity'" in out
    assert "group slo:shop/odd has interval 1h, and its definition compiles to no interval" in out
    assert "group slo-budget:shop/odd has interval 10m, and its definition compiles to interval 4m" in out
    assert "group slo-budget:shop/odd has limit 1, and its definition compiles to no limit" in out


def test_each_rule_is_the_subject_of_a_claim(rules: Path) -> None:
    """No recording and no alert of an objective is left out, but for what cannot be told of one."""
    assert rules.exists()
    definitions = read_definitions(["service.yaml"])
    made = proofs(definitions.workspace, definitions.plan)
    asked = {labels for proof in made.proofs for labels in proof.subjects}
    left = {
        (group.name, getattr(rule, "record", getattr(rule, "alert", "")))
        for group in definitions.plan.groups
        for rule in group.rules
        if not any(
            set(labels)
            <= {*rule.labels, ("__name__", getattr(rule, "record", "")), ("alertname", getattr(rule, "alert", ""))}
            for labels in asked
        )
    }

    assert {name for name, _ in left} == {"slo:shop/odd"}
    assert all(record.startswith(("slo:bad:rate", "slo:total:rate")) for _, record in left)
