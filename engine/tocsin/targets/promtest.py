"""The tests of the definitions as test files of `promtool test rules`, and promtool's answers as findings.

One file per test, with the rules of its service that it asks for and what these read: promtool evaluates every rule
of a file in every test. All of its groups stand in `group_eval_order`, because promtool's order of groups that are
not listed is random. Rules are evaluated once per sample, every `interval` of the test: between samples nothing
changes, and a window as short as the interval would flicker. Where a `for` shorter than that matters, give the test
a smaller interval.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from tocsin.diagnostics import Diagnostic, Span
from tocsin.document import Document
from tocsin.expressions import definition
from tocsin.plan import AlertingRule, Plan, RecordingRule, RuleGroup
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.promql_faults import tokens
from tocsin.spec import RuleTest, TestAlert
from tocsin.targets.artifact import Artifact
from tocsin.targets.prometheus import rule_file
from tocsin.units import Duration
from tocsin.workspace import Workspace

NO_TRAFFIC = "no-traffic"

MOST_LOOKS = 240
"""How often a failed test is looked at to tell its story; a longer one is looked at less densely."""

_INDEX = re.compile(r"# (\d+): [^#]*$")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"')
_POSITION = re.compile(r"1:(\d+): parse error: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Case:
    """One test with the file that runs it; *rules* is the rule file of the *groups* that it needs."""

    test: RuleTest
    path: str
    text: str
    rules: Artifact
    groups: tuple[RuleGroup, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """The instances of one alert at one time, each with its state (`pending` or `firing`)."""

    at: Duration
    instances: tuple[tuple[str, Labels], ...]


def cases(
    plan: Plan, workspace: Workspace, wanted: Callable[[RuleTest], bool] = lambda _test: True
) -> tuple[Case, ...]:
    """Every test that is *wanted*, in the order of the definitions."""
    found = []
    for service in workspace.services:
        groups = tuple(group for group in plan.groups if group.file == service.name)
        for number, test in enumerate(service.tests, start=1):
            if wanted(test):
                stem = f"{service.name}.{number:03}"
                needed = _needed(test, groups)
                rules = Artifact(f"{stem}.rules.yml", rule_file(needed))
                text = _file(test, needed, rules.path, _expectations(test))
                found.append(Case(test, f"{stem}.test.yml", text, rules, needed))
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


def question(expr: str) -> int:
    """The number that the expression of an expectation carries."""
    match = _INDEX.search(expr)
    return int(match[1]) if match else -1


def samples(got: Iterable[str]) -> tuple[tuple[str, Labels], ...]:
    """Read promtool's `{__name__="ALERTS", alertstate="firing", …} 1E+00`."""
    found = []
    for sample in got:
        labels = {name: json.loads(f'"{value}"', strict=False) for name, value in _PAIR.findall(sample)}
        state = labels.pop("alertstate", "firing")
        labels.pop("__name__", None)
        found.append((state, labels_of(labels)))
    return tuple(sorted(found))


def miss(case: Case, number: int, moments: Sequence[Moment]) -> Diagnostic:
    """An expectation that did not come true, in words; *moments* are what its alert did during the test."""
    expectation = case.test.expect[number]
    now = next((moment for moment in moments if moment.at == expectation.at), Moment(expectation.at, ()))
    firing = [labels for state, labels in now.instances if state == "firing"]
    pending = any(state == "pending" for state, _ in now.instances)
    constant = {pair for pair in _labels_of(case, expectation.alert) if pair[0] != "service"}
    expected = " and ".join(matchers(labels) for labels in expectation.firing)
    got = " and ".join(matchers(_telling(labels, expectation, constant)) for labels in firing)
    head = f"{expectation.alert} at {expectation.at}"
    if not expectation.firing:
        message = f"{head}: expected silence, but it fires: {got}"
    elif not firing:
        message = f"{head}: expected to fire with {expected}, but it {'is only pending' if pending else 'is silent'}"
    else:
        message = f"{head}: expected {expected}, got {got}"
    return Diagnostic("test/failed", expectation.span, f"{message} (test {case.test.name!r})", hint=_history(moments))


def fault(case: Case, said: str, workspace: Workspace) -> Diagnostic:
    """What kept promtool from running a test, at the line that it means."""
    document = definition(workspace, "Service", case.test.service)
    span, words = case.test.span, said
    if document and (match := _POSITION.fullmatch(said)):
        words = match[2]
        span = _in_series(case.test, document, int(match[1]) - 1, words) or span
    return Diagnostic("test/invalid", span, f"promtool cannot run test {case.test.name!r}: {words}")


def selector(service: str, alert: str) -> Labels:
    """The labels by which an alert of a service is known in Prometheus: `Name`, `slo:tier` or `slo:no-traffic`."""
    slo, colon, tier = alert.partition(":")
    if not colon:
        return labels_of({"alertname": alert, "ref": f"{service}/{alert}", "service": service})
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
    rules = [rule for group in plan.groups for rule in group.rules if isinstance(rule, AlertingRule)]
    tested = {r.ref for r in rules if any(known <= {*r.labels, ("alertname", r.alert)} for known in fired)}
    return tuple(dict.fromkeys(rule.ref for rule in rules if rule.ref not in tested))


# --- choosing ----------------------------------------------------------------------------------------------

_Rule = RecordingRule | AlertingRule


def _needed(test: RuleTest, groups: Sequence[RuleGroup]) -> tuple[RuleGroup, ...]:
    """The rules that the expectations ask for, with every recorded series that these read, in their groups."""
    asked = [set(selector(test.service, each.alert)) for each in test.expect]
    waiting: list[tuple[RuleGroup, _Rule]] = [
        (group, rule)
        for group in groups
        for rule in group.rules
        if isinstance(rule, AlertingRule) and any(known <= {*rule.labels, ("alertname", rule.alert)} for known in asked)
    ]
    kept: set[tuple[str, int]] = set()
    while waiting:
        group, rule = waiting.pop()
        if (group.name, id(rule)) not in kept:
            kept.add((group.name, id(rule)))
            waiting += _read_by(rule, group, groups)
    sliced = (replace(g, rules=tuple(rule for rule in g.rules if (g.name, id(rule)) in kept)) for g in groups)
    return tuple(group for group in sliced if group.rules)


def _read_by(rule: _Rule, group: RuleGroup, groups: Sequence[RuleGroup]) -> list[tuple[RuleGroup, _Rule]]:
    """The rules whose series *rule* reads: those of its own group before others of the same name."""
    names = {token.text for token in tokens(rule.expr) if token.kind == "name"}
    everything = [(g, r) for g in groups for r in g.rules]
    if names & {"__name__", "ALERTS", "ALERTS_FOR_STATE"}:
        return everything
    found: list[tuple[RuleGroup, _Rule]] = []
    for name in names:
        recorded = [(g, r) for g, r in everything if isinstance(r, RecordingRule) and r.record == name]
        own = [(g, r) for g, r in recorded if g.name == group.name]
        found += own or recorded
    return found


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
    """Counts that hold exactly if the instances that fire can be paired with the label sets that are expected."""
    state = (("alertstate", "firing"),)
    whole = f"count({_alerts(service, expectation.alert, state)})"
    wanted = expectation.firing
    if not wanted:
        return whole
    one_by_one = {labels: sum(set(labels) <= set(other) for other in wanted) for labels in wanted}
    parts = [f"{whole} == {len(wanted)}"]
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
        "evaluation_interval": str(test.interval),
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


# --- telling -----------------------------------------------------------------------------------------------


def _labels_of(case: Case, alert: str) -> set[tuple[str, str]]:
    """The labels that the rule itself gives to each of its instances."""
    known = set(selector(case.test.service, alert))
    rules = (rule for group in case.groups for rule in group.rules if isinstance(rule, AlertingRule))
    labels = ({*rule.labels, ("alertname", rule.alert)} for rule in rules)
    return next((each for each in labels if known <= each), known)


def _telling(labels: Labels, expectation: TestAlert, constant: AbstractSet[tuple[str, str]]) -> Labels:
    """The labels of an instance that are its own, and those that were asked for."""
    asked = {name for each in expectation.firing for name, _ in each}
    kept = tuple(pair for pair in labels if pair[0] in asked or pair not in constant)
    own = tuple(pair for pair in kept if pair[0] != "service" or "service" in asked)
    return own or kept


def _history(moments: Sequence[Moment]) -> str:
    """When the alert changed during the test, over all its instances."""
    changes: list[str] = []
    before = "silent"
    for moment in sorted(moments, key=lambda each: each.at):
        states = {state for state, _ in moment.instances}
        state = "firing" if "firing" in states else "pending" if states else "silent"
        if state != before:
            changes.append(f"{state} from {moment.at}")
            before = state
    return f"in this test it is {', '.join(changes)}" if changes else "in this test it is never even pending"


def _in_series(test: RuleTest, document: Document, column: int, words: str) -> Span | None:
    """Where *column* of `SERIES VALUES` stands, in the series that has there what promtool quotes."""
    tests = _tests(document)
    number = next((n for n in range(tests) if document.span(("tests", n, "name")) == test.span), None)
    if number is None:
        return None
    quoted = re.search(r"""["']([^"']+)["']""", words)
    for index, series in enumerate(test.series):
        text = f"{series.series} {series.values}"
        if column <= len(text) and (quoted is None or text.startswith(quoted[1], column)):
            key, offset = (
                ("series", column) if column < len(series.series) else ("values", column - len(series.series) - 1)
            )
            end = offset + (len(quoted[1]) if quoted else 1)
            return document.inside(("tests", number, "series", index, key), max(offset, 0), end)
    return None


def _tests(document: Document) -> int:
    value = document.value.get("tests") if isinstance(document.value, dict) else None
    return len(value) if isinstance(value, list) else 0
