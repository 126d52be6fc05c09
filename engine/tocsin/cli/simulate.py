"""`tocsin simulate`: what the alerts of an objective do in an incident that is made up."""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fractions import Fraction

    from tocsin.backtest.simulation import Incident, Outcome
    from tocsin.spec import Service, Slo
    from tocsin.workspace import Workspace


@click.command(
    "simulate",
    epilog="\b\nExamples:\n  tocsin simulate be-camera/uptime rules --errors 2% --for 1h\n"
    "  tocsin simulate be-camera/uptime rules --errors 100% --for 5m --traffic 0.1 --format json",
)
@click.argument("ref", metavar="REF")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--errors", required=True, metavar="PERCENT", help="The error ratio of the incident.")
@click.option("--for", "lasting", required=True, metavar="DURATION", help="How long it lasts.")
@click.option(
    "--before", default="0%", show_default=True, metavar="PERCENT", help="The error ratio before and after it."
)
@click.option("--traffic", default="1", show_default=True, metavar="FACTOR", help="Traffic during it, of that before.")
@click.option(
    "--per-second", type=click.FloatRange(0, min_open=True), default=100.0, show_default=True, help="Events before it."
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    ref: str,
    paths: tuple[str, ...],
    *,
    errors: str,
    lasting: str,
    before: str,
    traffic: str,
    per_second: float,
    style: str,
) -> int:
    """Let the error ratio of the objective REF (service/slo) step up for a while, and see which tiers tell of it.

    The evaluator's own alerts run on made-up counts with all guards, every 5 seconds. Beside each result stands what
    the closed form says that `tocsin explain` prints. Exit codes: 0 simulated, 1 findings in the definitions, 2 misuse.
    """
    import json

    from tocsin.backtest.simulation import MOST_STEPS, Incident, simulate, steps
    from tocsin.cli.findings import show_findings
    from tocsin.cli.history import length_of
    from tocsin.definitions import read_definitions
    from tocsin.errors import MisuseError

    if not isfinite(per_second):
        raise MisuseError(f"--per-second: {per_second} is no number of events")
    incident = Incident(
        _ratio("--errors", errors), length_of("--for", lasting), _ratio("--before", before), _factor(traffic)
    )
    definitions = read_definitions(paths)
    if definitions.errors:
        show_findings(definitions)
        return 1
    service, slo = _objective(ref, definitions.workspace)
    if steps(slo, incident) > MOST_STEPS:
        raise MisuseError(f"--for {lasting} is too long to be simulated", hint="some weeks are possible")
    outcomes = simulate(service, slo, incident, per_second)
    if style == "json":
        click.echo(json.dumps([_facts(one) for one in outcomes], indent=2))
    else:
        for line in _text(slo, incident, outcomes):
            click.echo(line)
    return 0


def _ratio(option: str, text: str) -> "Fraction":
    from fractions import Fraction

    from tocsin.errors import MisuseError
    from tocsin.units import UnitError, parse_ratio

    try:
        ratio = Fraction(parse_ratio(text))
    except UnitError as error:
        raise MisuseError(f"{option}: {error}") from error
    if not 0 <= ratio <= 1:
        raise MisuseError(f"{option}: {text} is not between 0 and 100%")
    return ratio


def _factor(text: str) -> "Fraction":
    from fractions import Fraction

    from tocsin.errors import MisuseError

    try:
        factor = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise MisuseError(f"--traffic: {text!r} is no number") from error
    if not 0 < factor <= 1_000_000:
        raise MisuseError(f"--traffic: {text} is not above 0 and at most a million")
    return factor


def _objective(ref: str, workspace: "Workspace") -> "tuple[Service, Slo]":
    from tocsin.errors import MisuseError
    from tocsin.explain.find import find

    subject = find(ref, workspace)
    for service in workspace.services:
        for slo in service.slos:
            if slo is subject:
                return service, slo
    raise MisuseError(f"{ref} is no objective of a service", hint="only those have tiers to simulate")


def _text(slo: "Slo", incident: "Incident", outcomes: "Sequence[Outcome]") -> "Iterator[str]":
    from fractions import Fraction

    from tocsin.explain.table import span, span_or_never, table
    from tocsin.windows import ALERT_SEVERITY

    lasting = span(Fraction(incident.lasting.total_seconds()))
    yield f"{slo.ref}: {float(incident.errors):.6g} of events bad for {lasting}, from {float(incident.before):.6g}"
    yield ""
    yield from table(
        ("tier", "alert", "fires after", "closed form", "budget gone", "resolved after its end", "closed form"),
        [
            (
                one.tier.name,
                ALERT_SEVERITY[one.tier.severity],
                "never" if one.fired is None else "already" if one.already else span(Fraction(one.fired)),
                span_or_never(one.expected.fires),
                "-" if one.spent is None else f"{one.spent:.3%}",
                _ended(one),
                "-" if one.expected.ends is None else span(one.expected.ends),
            )
            for one in outcomes
        ],
    )
    yield ""
    yield "simulated every 5 s; the closed forms are those of `tocsin explain`, with keep_firing_for at the end"


def _ended(one: "Outcome") -> str:
    from fractions import Fraction

    from tocsin.explain.table import span

    if one.ended is None:
        return "-" if one.fired is None else "still fires"
    return span(Fraction(one.ended)) if one.ended >= 0 else f"{span(Fraction(-one.ended))} before it"


def _facts(one: "Outcome") -> dict[str, object]:
    expected = one.expected
    numbers = (expected.fires, expected.ends, expected.spent)
    fires, ends, spent = (None if number is None else float(number) for number in numbers)
    return {
        "tier": one.tier.name,
        "severity": one.tier.severity,
        "fires_after": one.fired,
        "already": one.already,
        "resolved_after_end": one.ended,
        "budget_spent": one.spent,
        "closed_form": {"fires_after": fires, "resolved_after_end": ends, "budget_spent": spent},
    }
