"""promql/syntax."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.promql_syntax import Fault


@check("promql/syntax", apart=True)
def promql_syntax(subject: Subject) -> Iterator[Diagnostic]:
    """An expression has to be PromQL.

    Prometheus refuses a whole rule file for one expression that it cannot parse. Each expression is parsed here, and
    judged by promtool too where there is one; then promtool's word counts.

    Bad: `rate(http_requests_total[5m]`

    Good: `rate(http_requests_total[5m])`
    """
    for expression, fault in subject.parsed:
        if isinstance(fault, Fault):
            yield Diagnostic(
                "promql/syntax", expression.inside(fault), expression.words(fault.message), hint=fault.hint
            )
