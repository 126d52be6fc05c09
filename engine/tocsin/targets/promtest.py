"""The tests of the definitions as test files of `promtool test rules`, and promtool's answers as findings.

One file per test, with the rules of its service that it asks for and what these read: promtool evaluates every rule
of a file in every test. All of its groups stand in `group_eval_order`, because promtool's order of groups that are
not listed is random. Rules are evaluated once per sample, every `interval` of the test: between samples nothing
changes, and a window as short as the interval would flicker. Where a `for` shorter than that matters, give the test
a smaller interval.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from tocsin.diagnostics import Span
from tocsin.plan import AlertingRule, Plan, RuleGroup
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.proofs.slices import Index, needed
from tocsin.spec import RuleTest, TestAlert
from tocsin.targets.artifact import Artifact
from tocsin.targets.prometheus import rule_file
from tocsin.units import Duration
from tocsin.workspace import Workspace

NO_TRAFFIC = "no-traffic"

MOST_LOOKS = 240
"""How often a failed test is looked at to tell its story; a longer one is looked at less densely."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test with the file that runs it; *rules* is the rule file of the *groups* that it needs."""

    test: RuleTest
    path: str
    text: str
    rules: Artifact
    groups: tuple[RuleGroup, ...]


def cases(
    plan: Plan, workspace: Workspace, wanted: Callable[[RuleTest], bool] = lambda _test: True
) -> tuple[Case, ...]:
    """Every test that is *wanted*, in the order of the definitions."""
    found = []
    for service in workspace.services:
        own = tuple(group for group in plan.groups if group.file == service.name)
        others = tuple(group for group in plan.groups if group.file != service.name)
        index = Index((*others, *own)) if service.tests else None
        for number, test in enumerate(service.tests, start=1):
            if index is not None and wanted(test):
                stem = f"{service.name}.{number:03}"
                some = index.needed({selector(test.service, each.alert) for each in test.expect})
                rules = Artifact(f"{stem}.rules.yml", rule_file(some))
                text = _file(test, some, rules.path, _expectations(test))
                found.append(Case(test, f"{stem}.test.yml", text, rules, some))
    return tuple(found)


def story(case: Case, failed: Iterable[int]) -> tuple[str, tuple[tuple[str, Duration], ...]]:
    """A test file that asks what the alerts of *failed* expectations do over the whole test, and its questions.

    It expects that they never do anything; where promtool says otherwise, it says what they do.
    """
    interval = case.test.interval.milliseconds
    last = max(expectation.at.milliseconds for expectation in case.test.expect)
    step = interval * max(1, -(-last // (interval * MOST_LOOKS)))
    times = sorted({*range(0, last + 1, step), *(case.test.expect[n].at.milliseconds for n in failed)})
    alerts = dict.fromkeys(case.test.expect[n].alert for n in sorted(failed))
    questions = [(alert, Duration(time)) for alert in alerts for time in times]
    lines = [
        (f"{_alerts(case.test.service, alert, ())} # {number}: {alert}", at, ())
        for number, (alert, at) in enumerate(questions)
    ]
    return _file(case.test, case.groups, case.rules.path, lines), tuple(questions)


def selector(service: str, alert: str) -> Labels:
    """The labels by which an alert of a service is known in Prometheus: `Name`, `slo:tier` or `slo:no-traffic`."""
    slo, colon, tier = alert.partition(":")
    if not colon:
        return (("ref", f"{service}/{alert}"),)
    if tier == NO_TRAFFIC:
        return labels_of({"alertname": "TrafficAbsent", "service": service, "slo": slo})
    return labels_of({"alertname": "ErrorBudgetBurn", "service": service, "slo": slo, "tier": tier})


def untested(plan: Plan, workspace: Workspace) -> tuple[str, ...]:
    """The alerts and objectives of which no test expects anything to fire: they might as well never do."""
    fired = [
        set(selector(test.service, expectation.alert))
        for service in workspace.services
        for test in service.tests
        for expectation in test.expect
        if expectation.firing
    ]
    services = {service.name for service in workspace.services}  # a journey has no tests of its own
    groups = (group for group in plan.groups if group.file in services)
    rules = [rule for group in groups for rule in group.rules if isinstance(rule, AlertingRule)]
    tested = {r.ref for r in rules if any(known <= {*r.labels, ("alertname", r.alert)} for known in fired)}
    return tuple(dict.fromkeys(rule.ref for rule in rules if rule.ref not in tested))


def narrowed(case: Case, alerts: Collection[str]) -> Case:
    """The same test with the expectations of *alerts* only, and the rules that these need."""
    test = replace(case.test, expect=tuple(each for each in case.test.expect if each.alert in alerts))
    groups = needed({selector(test.service, alert) for alert in alerts}, case.groups)
    rules = Artifact(case.rules.path, rule_file(groups))
    return Case(test, case.path, _file(test, groups, rules.path, _expectations(test)), rules, groups)


def own_interval(groups: Sequence[RuleGroup]) -> Duration | None:
    """The interval that all *groups* have; promtool ignores theirs, and knows one for all."""
    intervals = {group.interval for group in groups}
    return intervals.pop() if len(intervals) == 1 else None


# --- writing -----------------------------------------------------------------------------------------------

_Line = tuple[str, Duration, tuple[int, ...]]
"""An expression, when it is asked, and the values of its samples (none or one, without labels)."""


def _expectations(test: RuleTest) -> list[_Line]:
    return [
        (
            f"{_condition(test.service, each)} # {number}: {_place(each.span)}",
            each.at,
            (len(each.firing),) * bool(each.firing),
        )
        for number, each in enumerate(test.expect)
    ]


def _condition(service: str, expectation: TestAlert) -> str:
    """How many instances fire; no row at all where they cannot be paired with the label sets that are expected."""
    state = (("alertstate", "firing"),)
    whole = f"count({_alerts(service, expectation.alert, state)})"
    wanted = expectation.firing
    if not wanted:
        return whole
    one_by_one = {labels: sum(set(labels) <= set(other) for other in wanted) for labels in wanted}
    parts = [whole]
    parts += [
        f"count({_alerts(service, expectation.alert, (*state, *labels))}) >= {n}" for labels, n in one_by_one.items()
    ]
    if len(one_by_one) > 1:
        union = " or ".join(_alerts(service, expectation.alert, (*state, *labels)) for labels in one_by_one)
        parts.append(f"count({union}) == {len(wanted)}")
    return " and ".join(parts)


def _alerts(service: str, alert: str, more: Labels) -> str:
    return "ALERTS" + matchers(tuple(dict.fromkeys((*selector(service, alert), *more))))


def _place(span: Span) -> str:
    path = "".join(c if c.isprintable() and c != "#" else "\ufffd" for c in span.path)
    return f"{path}:{span.line}"


def _file(test: RuleTest, groups: Sequence[RuleGroup], rules: str, lines: Iterable[_Line]) -> str:
    """A test file; written as JSON, which is YAML that needs no thought about quotes."""
    content = {
        "rule_files": [rules],
        "evaluation_interval": str(own_interval(groups) or test.interval),
        "group_eval_order": [group.name for group in groups],
        "tests": [
            {
                "name": test.name,
                "interval": str(test.interval),
                "input_series": [{"series": each.series, "values": each.values} for each in test.series],
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": str(at),
                        "exp_samples": [{"labels": "{}", "value": value} for value in values],
                    }
                    for expr, at, values in lines
                ],
            }
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
