"""`tocsin explain`: what one objective or alert means in windows, minutes and rules."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tocsin.plan import Plan
    from tocsin.spec import AlertRule, Combine, JourneySlo, Slo
    from tocsin.spec.journey import Member
    from tocsin.workspace import Workspace

OUTAGES = ("1", "0.5", "0.15", "0.1", "0.05", "0.02", "0.01")
"""Error ratios of the table; the same as in published tables, so that they can be compared."""


@click.command(
    "explain",
    epilog="\b\nExamples:\n  tocsin explain be-camera/uptime rules\n  tocsin explain be-camera/HighCpuUsage rules",
)
@click.argument("ref", metavar="REF")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--rules", "show_rules", is_flag=True, help="Print the expression of every rule.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--chart", metavar="FILE.svg", help="Draw the detection times of an objective's tiers.")
def command(ref: str, paths: tuple[str, ...], show_rules: bool, style: str, chart: str | None) -> int:
    """Explain REF (service/slo or service/alert): guards, tiers, thresholds, detection times, rules.

    Times are those of the model: a step from no errors to the given error ratio, constant traffic, a full window of
    history. Prometheus adds up to one scrape and one evaluation interval.
    """
    from tocsin.cli.findings import show_findings
    from tocsin.definitions import read_definitions

    definitions = read_definitions(paths)
    show_findings(definitions)
    text = explanation(ref, definitions.workspace, definitions.plan, show_rules=show_rules)
    if chart is not None:
        _draw(ref, definitions.workspace, chart)
    click.echo(_json(ref, definitions.workspace, definitions.plan) if style == "json" else text, nl=False)
    return 1 if definitions.errors else 0


def _json(ref: str, workspace: "Workspace", plan: "Plan") -> str:
    import json

    from tocsin.errors import MisuseError
    from tocsin.explain.facts import facts

    for slo in (slo for service in workspace.services for slo in service.slos if slo.ref == ref):
        return json.dumps(facts(slo, plan, OUTAGES), indent=2) + "\n"
    raise MisuseError(f"{ref} has no facts as JSON", hint="--format json is of objectives of services")


def _draw(ref: str, workspace: "Workspace", path: str) -> None:
    from tocsin.adapters.files import write_text
    from tocsin.errors import MisuseError
    from tocsin.explain.chart import as_svg, lines_of

    lines = [line for service in workspace.services for slo in service.slos if slo.ref == ref for line in lines_of(slo)]
    if not lines:
        raise MisuseError(f"{ref} has no tiers to draw", hint="a chart is of an objective of a service")
    write_text(path, as_svg(lines, f"{ref}: time until each tier fires"))


def explanation(ref: str, workspace: "Workspace", plan: "Plan", *, show_rules: bool = False) -> str:
    """Everything about *ref*, as text."""
    import difflib

    from tocsin.errors import MisuseError

    slos = {slo.ref: slo for service in workspace.services for slo in service.slos}
    alerts = {alert.ref: alert for service in workspace.services for alert in service.alerts}
    journeys = {slo.ref: slo for journey in workspace.journeys for slo in journey.slos}
    if ref in slos:
        lines = [*_slo(slos[ref], plan), "", *_rules(ref, plan, show_rules)]
    elif ref in alerts:
        lines = [*_alert(alerts[ref]), "", *_rules(ref, plan, show_rules=True)]
    elif ref in journeys:
        lines = [*_journey(journeys[ref]), "", *_rules(ref, plan, show_rules)]
    else:
        known = sorted({*slos, *alerts, *journeys})
        close = difflib.get_close_matches(ref, known, n=3) or known[:10]
        raise MisuseError(f"no objective or alert is called {ref!r}", hint=f"there is {', '.join(close) or 'none'}")
    return "\n".join(lines) + "\n"


def _journey(slo: "JourneySlo") -> Iterator[str]:
    from tocsin.plan.burn import percent
    from tocsin.plan.journey import beyond_promql

    place = f"{slo.span.path}:{slo.span.line}"
    yield f"{slo.ref}: {percent(slo.target)} of slices of {slo.slice} good over {slo.window}   ({place})"
    bad = span((1 - Fraction(slo.target)) * slo.window.seconds)
    yield f"error budget: {percent(1 - slo.target)}, or {bad} of bad slices"
    yield ""
    yield from _combination(slo.combine, "")
    yield ""
    yield f"a member without data for {slo.missing.after} counts as {slo.missing.count_as}"
    if reason := beyond_promql(slo):
        yield f"evaluated by tocsin serve alone: {reason}"


def _combination(node: "Member | Combine", weight: str, depth: int = 1) -> Iterator[str]:
    from tocsin.spec.journey import Member
    from tocsin.units import literal

    if isinstance(node, Member):
        yield "  " * depth + node.ref + weight
        return
    words = {
        "series": "good only if all are good",
        "parallel": "good if one is good",
        "k_of_n": f"good if {node.need} of {len(node.parts)} are good",
        "weighted": "weighted mean",
        "worst_of": "the worst over the window",
    }
    yield "  " * depth + words[node.how] + weight + ":"
    for index, part in enumerate(node.parts):
        own = f" (weight {literal(node.weights[index])})" if node.weights else ""
        yield from _combination(part, own, depth + 1)


def _slo(slo: "Slo", plan: "Plan") -> Iterator[str]:
    from tocsin.explain.chart import as_text, lines_of
    from tocsin.explain.standing import standing
    from tocsin.plan.build import feasible_tiers
    from tocsin.plan.burn import percent
    from tocsin.windows import (
        ALERT_SEVERITY,
        budget_spent,
        decimal_literal,
        detection_time,
        exhaustion_time,
        reset_time,
    )

    period = slo.window.seconds
    budget = 1 - Fraction(slo.target)
    yield f"{slo.ref}: {percent(slo.target)} of events good over {slo.over}   ({slo.span.path}:{slo.span.line})"
    yield f"error budget: {percent(1 - slo.target)} of events, or {span(budget * period)} of a total outage"
    yield ""
    yield from standing(slo, plan)
    yield ""
    yield from table(
        ("tier", "alert", "long", "short", "factor", "fires above", "budget gone when it fires"),
        [
            (
                tier.name,
                ALERT_SEVERITY[tier.severity] if tier.feasible(slo.window, slo.target) else "can never fire",
                str(tier.long),
                str(tier.short),
                decimal_literal(tier.factor(slo.window)),
                decimal_literal(tier.threshold(slo.window, slo.target)),
                percent(tier.budget_share),
            )
            for tier in slo.tiers
        ],
    )
    tiers = feasible_tiers(slo)
    rows = []
    for text in OUTAGES:
        errors = Fraction(text)
        thresholds = [(tier, tier.threshold(slo.window, slo.target)) for tier in tiers]
        fires = [detection_time(tier.long.seconds, threshold, errors) for tier, threshold in thresholds]
        resets = [reset_time(tier.short.seconds, threshold, errors) for tier, threshold in thresholds]
        first = min((time for time in fires if time is not None), default=None)
        exhausted = exhaustion_time(errors, slo.target, period)
        rows.append(
            (
                f"{float(errors * 100):g}%",
                *(
                    f"{_span(fire)} / {_span(reset)}" if fire is not None else "never"
                    for fire, reset in zip(fires, resets, strict=True)
                ),
                _span(first),
                f"{float(budget_spent(first, errors, slo.target, period) * 100):.3g}%" if first is not None else "-",
                _span(exhausted),
            )
        )
    yield ""
    yield "after how long each tier fires / how long after the end it is over, by error ratio:"
    yield from table(("errors", *(tier.name for tier in tiers), "first alert", "budget gone", "all gone after"), rows)
    if lines := lines_of(slo):
        yield ""
        yield as_text(lines)
        yield ""
    if slo.no_traffic.alert:
        yield f"TrafficAbsent fires {slo.no_traffic.for_} after traffic, once there was some, shows no more in 5m."
    else:
        yield f"TrafficAbsent is off: {slo.no_traffic.reason}"


def _alert(alert: "AlertRule") -> Iterator[str]:
    from tocsin.explain.conditions import sentence

    yield f"{alert.ref}: {alert.severity}   ({alert.span.path}:{alert.span.line})"
    yield sentence(alert)
    yield f"fires when its condition has held for {alert.for_}, ends when it has been false for {alert.keep_firing_for}"
    meaning = {"keep": "the evaluator keeps the state it had", "resolve": "it resolves"}
    meaning["fire"] = "with no row at all it fires; with some rows missing the evaluator keeps the state it had"
    yield f"when there is no value: {meaning[alert.on_missing]}"


def _rules(ref: str, plan: "Plan", show_rules: bool) -> Iterator[str]:
    from tocsin.plan import AlertingRule

    service, _, name = ref.partition("/")
    groups = [group for group in plan.groups if group.file == service]
    mine = [
        (group, rule)
        for group in groups
        for rule in group.rules
        if (rule.ref == ref if isinstance(rule, AlertingRule) else ("slo", name) in rule.labels)
    ]
    yield f"{len(mine)} rule{'' if len(mine) == 1 else 's'} in prometheus/rules/{service}.yml:"
    for group, rule in mine:
        what = dict(rule.labels).get("tier", "") if isinstance(rule, AlertingRule) else ""
        title = f"{rule.alert} {what}".rstrip() if isinstance(rule, AlertingRule) else rule.record
        yield f"  {title}" + (f"   (group {group.name})" if show_rules else "")
        if show_rules:
            yield from ("      " + line for line in rule.expr.split("\n"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need, so that a terminal, a file and a diff show the same."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, tuple("-" * width for width in widths), *rows):
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _span(seconds: Fraction | None) -> str:
    return "never" if seconds is None else span(seconds)


def span(seconds: Fraction) -> str:
    """A length of time with three digits, in the unit that people would use.

    >>> span(Fraction("51.84")), span(Fraction(2592)), span(Fraction(129600))
    ('51.8s', '43.2m', '36h')
    """
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{float(seconds / size):.3g}{unit}"
    return f"{float(seconds):.3g}s"
