"""The definitions of a command line with everything that can be said against them: checks, and promtool's word."""

from tocsin.adapters.batches import check_rules
from tocsin.adapters.promtool import Promtool
from tocsin.adapters.spread import cores
from tocsin.definitions import Definitions, each_once
from tocsin.diagnostics import Diagnostic
from tocsin.expressions import Expression, expressions
from tocsin.promql_syntax import beyond_limits
from tocsin.targets.prometheus import CONFIG, prometheus
from tocsin.targets.trace import (
    EXPRESSIONS,
    Complaint,
    config_findings,
    expression_file,
    expression_findings,
    rule_findings,
    settled,
)


def judged(definitions: Definitions, promtool: Promtool) -> tuple[Diagnostic, ...]:
    """All that was found, in file order; *promtool* is asked last and has the last word on syntax."""
    own, readable = {}, [each for each in expressions(definitions.workspace) if not beyond_limits(each.text)]
    artifacts = {a.path: a.text for a in prometheus(definitions.plan, definitions.workspace)}
    config = artifacts.pop(CONFIG)
    if readable:
        own[EXPRESSIONS] = expression_file(readable)
    complaints: tuple[Complaint, ...] = check_rules(promtool, artifacts | own, cores())
    own_findings = tuple(expression_findings(complaints, readable, definitions.workspace.platform))
    findings = settled(definitions.found, readable, own_findings)
    wrong = {(each.span.path, each.span.line) for each in findings if each.code in {"promql/syntax", "promql/type"}}
    faulty = {ref for each in readable if _lines(each) & wrong for ref in each.refs}
    findings = (*findings, *rule_findings(complaints, definitions.plan, definitions.workspace, faulty))
    if not definitions.errors:  # else the configuration is made of what was left
        findings = (*findings, *config_findings(promtool.check_config(config), definitions.workspace))
    return each_once(findings)


def _lines(expression: Expression) -> set[tuple[str, int]]:
    span = expression.span
    return {(span.path, line) for line in range(span.line, span.end_line + 1)}
