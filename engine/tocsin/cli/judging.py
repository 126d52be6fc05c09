"""The definitions of a command line with everything that can be said against them: checks, and promtool's word."""

from collections.abc import Sequence

from tocsin.adapters.promtool import Promtool
from tocsin.checks import CHECKS, Subject, run_checks
from tocsin.cli.definitions import Definitions
from tocsin.diagnostics import Diagnostic, in_file_order
from tocsin.expressions import Expression
from tocsin.promql_faults import beyond_limits
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


def manuals() -> dict[str, str]:
    """The manual page of each check, by code."""
    return {check.code: check.manual for check in CHECKS}


def judged(definitions: Definitions, promtool: Promtool | None) -> tuple[Diagnostic, ...]:
    """All findings in file order; *promtool* is asked last and has the last word on syntax."""
    subject = Subject(definitions.workspace, definitions.plan, definitions.findings)
    findings = (*definitions.findings, *run_checks(CHECKS, subject))
    if promtool is not None:
        findings = _judged_by(promtool, definitions, subject.expressions, findings)
    return in_file_order(_once(findings))


def _judged_by(
    promtool: Promtool,
    definitions: Definitions,
    expressions: Sequence[Expression],
    findings: Sequence[Diagnostic],
) -> tuple[Diagnostic, ...]:
    artifacts = {a.path: a.text for a in prometheus(definitions.plan, definitions.workspace)}
    config = artifacts.pop(CONFIG)
    readable = [each for each in expressions if not beyond_limits(each.text)]
    own = {EXPRESSIONS: expression_file(readable)} if readable else {}
    complaints: tuple[Complaint, ...] = promtool.check_rules(artifacts | own)
    verdict = tuple(expression_findings(complaints, readable))
    findings = settled(findings, readable, verdict)
    wrong = {(finding.span.path, finding.span.line) for finding in findings if finding.code.startswith("promql/")}
    faulty = {ref for each in expressions if _lines(each) & wrong for ref in each.refs}
    findings = (*findings, *rule_findings(complaints, definitions.plan, definitions.workspace, faulty))
    if definitions.wrong:  # the configuration is made of what was left
        return findings
    return (*findings, *config_findings(promtool.check_config(config), definitions.workspace))


def _lines(expression: Expression) -> set[tuple[str, int]]:
    span = expression.span
    return {(span.path, line) for line in range(span.line, span.end_line + 1)}


def _once(findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Each fault once, although two tiers or two rules may show it at one place with the same words."""
    return list({(f.code, f.span, f.message): f for f in reversed(findings)}.values())
