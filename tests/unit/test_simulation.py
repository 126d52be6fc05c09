"""Made-up incidents: the evaluator's alerts come when the closed forms say, within one look, whatever the step."""

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.backtest.simulation import STEP, Incident, Outcome, simulate
from tocsin.cli.main import run
from tocsin.explain.facts import facts
from tocsin.plan import plan as planned
from tocsin.spec import Service, Slo
from tocsin.workspace import Source, read_workspace

TEXT = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: team
slis: {a: {ratio: {bad: 'hits_total{code="500"}', total: hits_total}}}
slos:
  uptime: {sli: a, target: 99.9%, window: 30d}
  quick: {sli: a, target: 99.9%, window: 30d, burn_rate: {policy: quick-reset}}
  slices: {sli: a, target: 99%, window: 30d, budgeting: timeslices, slice: 1m, slice_target: 95%}
  loose: {sli: a, target: 95%, window: 7d}
"""


def world(name: str) -> tuple[Service, Slo]:
    """A service and one of its objectives."""
    workspace, findings = read_workspace([Source("shop.yaml", TEXT)])
    assert not [finding for finding in findings if finding.severity == "error"], findings
    service = workspace.services[0]
    return service, next(slo for slo in service.slos if slo.name == name)


def ran(name: str, errors: str, minutes: float, before: str = "0", traffic: str = "1") -> dict[str, Outcome]:
    """Outcomes by tier."""
    incident = Incident(Fraction(errors), timedelta(minutes=minutes), Fraction(before), Fraction(traffic))
    return {one.tier.name: one for one in simulate(*world(name), incident)}


def agrees(simulated: float | None, exact: Fraction | None) -> bool:
    """Within one look, and never too early."""
    if simulated is None or exact is None:
        return simulated is None and exact is None
    return -1e-6 <= simulated - float(exact) <= STEP + 1e-6


@pytest.mark.parametrize(
    ("vector", "arguments", "fires", "over"),
    [
        ("D2", ("0.15", 10), 5.76, 4.52),
        ("D3", ("0.15", 5), None, None),
        ("D4", ("0.01", 300), None, None),
        ("D5", ("0.02", 60), 43.2, None),
        ("D6", ("1", 60, "0", "0.1"), 7.6487252125, None),
        ("D7", ("0.02", 60, "0.0005"), 42.7692307692, None),
    ],
)
def test_reference_vectors_of_the_fast_tier(
    vector: str, arguments: tuple[str, float], fires: float | None, over: float | None
) -> None:
    """Rows of theory.md 10: minutes until it fires, and from the end of the incident until its condition is over."""
    fast = ran("uptime", *arguments)["fast"]

    assert agrees(fast.fired, None if fires is None else Fraction(fires) * 60)
    assert agrees(fast.fired, fast.expected.fires)
    if over is not None:
        assert agrees(fast.ended, Fraction(over) * 60 + 600)


def test_outage_is_told_by_every_tier_when_explain_says() -> None:
    """`tocsin explain` prints these times; a total outage of an hour reaches all four tiers."""
    _, slo = world("uptime")
    plan, _ = planned(read_workspace([Source("shop.yaml", TEXT)])[0])
    told: Any = facts(slo, plan)
    simulated = ran("uptime", "1", 60)
    for tier in told["tiers"]:
        outage, one = next(each for each in tier["outages"] if each["errors"] == 1.0), simulated[tier["name"]]

        assert agrees(one.fired, Fraction(outage["fires_after"]))
        assert agrees(one.ended, Fraction(outage["over_after"] + tier["keep_firing_for"]))
        assert float(one.expected.spent or 0) == pytest.approx(outage["budget_spent"])


@settings(max_examples=15, deadline=None)
@given(
    errors=st.integers(1, 1000),
    minutes=st.integers(1, 400),
    before=st.integers(0, 9),
    traffic=st.sampled_from(["1", "0.25", "4"]),
    name=st.sampled_from(["uptime", "quick", "loose"]),
)
def test_any_step_equals_the_closed_forms(errors: int, minutes: int, before: int, traffic: str, name: str) -> None:
    """A tier fires within one look of the closed form, and never where that says never.

    Where the closed form lies within a look of the incident's end, both answers are right.
    """
    outcomes = ran(name, f"{errors}/1000", minutes, f"{before}/100000", traffic)
    for one in outcomes.values():
        unlimited = ran_forever(name, one, errors, before, traffic)
        if unlimited is not None and abs(float(unlimited) - minutes * 60) <= STEP:
            continue
        if one.expected.fires is None and one.fired is not None:
            # after the incident the long window may still fill where traffic rises again
            assert traffic == "0.25"
            continue
        assert agrees(one.fired, one.expected.fires), (one, errors, minutes, before, traffic)
        if one.fired is not None:
            assert agrees(one.ended, one.expected.ends)
            assert one.spent == pytest.approx(float(one.expected.spent or 0), abs=0.01)


def ran_forever(name: str, one: Outcome, errors: int, before: int, traffic: str) -> Fraction | None:
    """When the tier would fire if the incident never ended."""
    from tocsin.windows import detection_time

    _, slo = world(name)
    threshold = one.tier.threshold(slo.window, slo.target)
    return detection_time(
        one.tier.long.seconds,
        threshold,
        Fraction(errors, 1000),
        before=Fraction(before, 100_000),
        traffic=Fraction(traffic),
    )


def test_slices_are_judged_as_a_whole() -> None:
    """Slices of which 10 % fail are bad as a whole, so a tenth of errors is told as a total outage; 4 % are nothing."""
    _, slo = world("slices")
    outage = ran("slices", "0.1", 60)

    assert agrees_by_slices(outage["fast"], slo)
    assert all(one.fired is None for one in ran("slices", "0.04", 60).values())


def agrees_by_slices(one: Outcome, slo: Slo) -> bool:
    """A slice is known at its end."""
    threshold = one.tier.threshold(slo.window, slo.target)
    exact = float(one.tier.long.seconds * threshold)
    return one.fired is not None and exact - 1e-6 <= one.fired <= exact + 60 + STEP


def test_the_command(tmp_path: Path) -> None:
    """Text and JSON, and what is misuse."""
    from tocsin.cli.simulate import command

    file = tmp_path / "shop.yaml"
    file.write_text(TEXT)
    arguments = ["shop/uptime", str(file), "--errors", "15%", "--for", "10m"]
    found = json.loads(CliRunner().invoke(command, [*arguments, "--format", "json"]).stdout)

    assert found[0]["closed_form"]["fires_after"] == pytest.approx(345.6)
    assert found[0]["fires_after"] == 350
    assert "fires after" in CliRunner().invoke(command, arguments).stdout
    assert run(["simulate", "shop/none", str(file), "--errors", "15%", "--for", "10m"]) == 2
    assert run(["simulate", "shop/uptime", str(file), "--errors", "150%", "--for", "10m"]) == 2
    assert run(["simulate", "shop/uptime", str(file), "--errors", "1%", "--for", "0s"]) == 2
    assert run(["simulate", "shop/uptime", str(file), "--errors", "1%", "--for", "10m", "--traffic", "x"]) == 2


def test_what_was_over_before_the_incident_was(tmp_path: Path) -> None:
    """Errors that stop for an hour end the fast alerts in it; the slow ones never do."""
    from tocsin.cli.simulate import command

    (tmp_path / "shop.yaml").write_text(TEXT)
    arguments = ["shop/uptime", str(tmp_path), "--errors", "0%", "--for", "1h", "--before", "5%"]
    rows = CliRunner().invoke(command, arguments).stdout.splitlines()

    assert any(row.split()[0] == "fast" and "m before it" in row for row in rows if row)
    assert any(row.split()[0] == "trickle" and "still fires" in row for row in rows if row)


def test_what_fired_before_the_incident_says_so() -> None:
    """With 2 % of errors before, the fast tier of 99.9 % is no news; a slow one that is never over stays open."""
    outcomes = ran("uptime", "0.5", 30, before="0.02")

    assert all(one.already and one.fired == 0 and one.ended is None for one in outcomes.values())
    assert {one.expected.fires for one in outcomes.values()} == {0}
    assert {one.expected.ends for one in outcomes.values()} == {None}


def test_the_budget_that_is_gone_is_that_of_the_simulation() -> None:
    """At a tenth of an event a second the guard of low traffic lets the tier fire later than the closed form."""
    service, slo = world("uptime")
    late = simulate(service, slo, Incident(Fraction(1), timedelta(hours=3)), 0.02)[0]

    assert late.fired is not None
    assert late.expected.fires is not None
    assert late.expected.spent is not None
    assert late.spent == pytest.approx(float(late.expected.spent) * late.fired / float(late.expected.fires))
    assert late.fired > late.expected.fires + STEP


@pytest.mark.parametrize("rate", ["nan", "inf"])
def test_events_are_a_number(rate: str, tmp_path: Path) -> None:
    """What is no number is misuse."""
    (tmp_path / "shop.yaml").write_text(TEXT)

    assert run(["simulate", "shop/uptime", str(tmp_path), "--errors", "2%", "--for", "1h", "--per-second", rate]) == 2
