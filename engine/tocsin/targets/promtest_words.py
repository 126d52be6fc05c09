"""What promtool answered to a rule test, in words and at the line of the expectation."""

import json
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic, Span
from tocsin.document import Document
from tocsin.expressions import definition
from tocsin.plan import AlertingRule
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.spec import RuleTest, TestAlert
from tocsin.targets.promtest import Case, selector
from tocsin.units import Duration
from tocsin.workspace import Workspace

_INDEX = re.compile(r"# (\d+): [^#]*$")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"')
_POSITION = re.compile(r"1:(\d+): parse error: (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Moment:
    """The instances of one alert at one time, each with its state (`pending` or `firing`)."""

    at: Duration
    instances: tuple[tuple[str, Labels], ...]


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
