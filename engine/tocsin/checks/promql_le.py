"""promql/le."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Matcher, Selector, quoted

_WHOLE = re.compile(r"[+-]?\d+")


@check("promql/le", apart=True)
def promql_le(subject: Subject) -> Iterator[Diagnostic]:
    r"""A bucket whose bound is a whole number is selected by both spellings of it.

    Prometheus 2 keeps the label `le` (and `quantile` of a summary) as a target writes it, mostly `1`; Prometheus 3
    writes `1.0`. After an upgrade a matcher of `1` finds nothing, without a word. Where the Platform says that it is
    Prometheus 3 already, that is a warning.

    Bad: `latency_seconds_bucket{le="1"}`

    Good: `latency_seconds_bucket{le=~"1|1\\.0"}`
    """
    platform = subject.workspace.platform
    is_3 = platform is not None and platform.prometheus.version.startswith("3")
    for expression, every in subject.walked:
        for node in every:
            for matcher in node.matchers if isinstance(node, Selector) else ():
                if _is_bound(node, matcher) and _WHOLE.fullmatch(matcher.value.value):
                    bound, op = matcher.value.value, "=~" if matcher.op == "=" else "!~"
                    yield Diagnostic(
                        "promql/le",
                        expression.inside(matcher),
                        f"Prometheus 3 spells this bound {bound}.0",
                        Severity.WARNING if is_3 else Severity.INFO,
                        hint=f"write {matcher.label.value}{op}{quoted(bound + '|' + bound + chr(92) + '.0')}",
                    )


def _is_bound(node: object, matcher: Matcher) -> bool:
    label = matcher.label.value
    bucket = isinstance(node, Selector) and (node.metric or "").endswith("_bucket")
    return not matcher.regular and (label == "quantile" or (label == "le" and bucket))
