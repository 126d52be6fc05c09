"""promql/version."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Version, read


@check("promql/version", apart=True)
def promql_version(subject: Subject) -> Iterator[Diagnostic]:
    """An expression may use only what the platform's Prometheus understands.

    Functions and syntax come and go: `first_over_time()` came with 3.7, `holt_winters()` went with 3.0. Prometheus
    refuses a whole rule file for one expression that it does not know. Experimental ones need a feature flag as well,
    which is only a warning, because flags are not known here. Nothing is said where no `prometheus: {version: …}` is
    given.

    Bad: `sort_by_label(up, "job")` with `prometheus: {version: "2.42"}`

    Good: `sort(up)`, or `prometheus: {version: "2.49"}` where that is what runs
    """
    platform = subject.workspace.platform
    if platform is None or not platform.prometheus.version:
        return
    version = Version.of(platform.prometheus.version)
    for expression, _tree in subject.trees:
        for feature in read(expression.text).features:
            span = expression.inside(feature)
            if feature.refused_by(version):
                said = f"{feature.needs}; the platform has {version}"
                yield Diagnostic(
                    "promql/version", span, said, hint=f"use {feature.instead}" if feature.instead else None
                )
            elif flag := feature.flagged_in(version):
                said = f"{feature.what} is experimental in Prometheus {version}"
                hint = f"start Prometheus with --enable-feature={flag}"
                yield Diagnostic("promql/version", span, said, Severity.WARNING, hint=hint)
