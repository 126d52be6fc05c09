"""All that is to be said of an objective, an alert, a journey or a contract, as text."""

from collections.abc import Iterator
from fractions import Fraction

from tocsin.explain.chart import as_text, lines_of
from tocsin.explain.conditions import sentence
from tocsin.explain.find import Subject
from tocsin.explain.objective import detection, of_slo
from tocsin.explain.standing import excluded
from tocsin.explain.table import span, table
from tocsin.plan import AlertingRule
from tocsin.plan.burn import percent
from tocsin.plan.conditions import HELD
from tocsin.plan.journey import beyond_promql, paging_tiers
from tocsin.plan.model import Plan
from tocsin.spec import AlertRule, Combine, JourneySlo, Sla, Slo, Threshold
from tocsin.spec.journey import Member
from tocsin.units import literal


def text_of(subject: Subject, plan: Plan, *, show_rules: bool = False) -> str:
    """Everything about *subject*; an alert is little without its rule, and a contract has none."""
    if isinstance(subject, Slo):
        lines = [*of_slo(subject, plan), "", *_rules(subject.ref, plan, show_rules)]
    elif isinstance(subject, AlertRule):
        lines = [*of_alert(subject), "", *_rules(subject.ref, plan, show_rules=True)]
    elif isinstance(subject, JourneySlo):
        lines = [*of_journey(subject), "", *_rules(subject.ref, plan, show_rules)]
    else:
        lines = list(of_sla(subject))
    return "\n".join(lines) + "\n"


def of_sla(sla: Sla) -> Iterator[str]:
    """What it promises, how that is measured, and what a breach costs."""
    yield f"{sla.ref}: {percent(sla.target)} for {sla.customer} each {sla.calendar}   ({sla.span.path}:{sla.span.line})"
    yield f"covers {sla.covers}; {sla.calendar}s begin at midnight in {sla.timezone}"
    yield f"measured by {sla.measure.method}: {sla.measure.words}"
    allowed = span((1 - Fraction(sla.target)) * 30 * 86_400)
    yield f"allows {allowed} of a total outage in 30 days; tocsin serve alone counts it"
    if sla.credits:
        yield ""
        rows = [(f"below {percent(tier.below)}", percent(tier.credit)) for tier in sla.credits]
        yield from table(("uptime", "credit"), rows)
    yield from excluded(sla.exclusions)


def of_alert(alert: AlertRule) -> Iterator[str]:
    """When it fires, and when it ends."""
    yield f"{alert.ref}: {alert.severity}   ({alert.span.path}:{alert.span.line})"
    yield sentence(alert)
    yield f"fires when its condition has held for {alert.for_}, ends when it has been false for {alert.keep_firing_for}"
    meaning = {"keep": "the evaluator keeps the state it had", "resolve": "it resolves"}
    if isinstance(alert.condition, Threshold) and alert.condition.clear is not None:
        meaning["keep"] += f", and Prometheus' rule its last value for {HELD}"
    meaning["fire"] = "with no row at all it fires; with some rows missing the evaluator keeps the state it had"
    yield f"when there is no value: {meaning[alert.on_missing]}"


def of_journey(slo: JourneySlo) -> Iterator[str]:
    """Its budget, and the tree of its members."""
    place = f"{slo.span.path}:{slo.span.line}"
    yield f"{slo.ref}: {percent(slo.target)} of slices of {slo.slice} good over {slo.window}   ({place})"
    bad = span((1 - Fraction(slo.target)) * slo.window.seconds)
    yield f"error budget: {percent(1 - slo.target)}, or {bad} of bad slices"
    yield ""
    yield from _combination(slo.combine, "")
    yield ""
    yield f"a member whose series are gone for {slo.missing.after} counts as {slo.missing.count_as}"
    yield "a member that counts no events is idle: it is left out; where all are idle the slice is good"
    if reason := beyond_promql(slo):
        yield f"evaluated by tocsin serve alone: {reason}"
    yield from detection(paging_tiers(slo), slo.window, slo.target)
    if lines := lines_of(slo):
        yield ""
        yield as_text(lines)


def _combination(node: Member | Combine, weight: str, depth: int = 1) -> Iterator[str]:
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


def _rules(ref: str, plan: Plan, show_rules: bool) -> Iterator[str]:
    service, _, name = ref.partition("/")
    if any(rule.ref == ref for rule in plan.evaluated):
        yield "no rule: evaluated by tocsin serve alone"
        return
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
