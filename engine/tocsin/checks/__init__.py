"""The checks: each finds one kind of mistake that schemas, references and parsers cannot see."""

from tocsin.checks.alert_always import alert_always
from tocsin.checks.alert_notify import alert_notify
from tocsin.checks.alert_template import alert_template
from tocsin.checks.base import Check, Subject, run_checks
from tocsin.checks.promql_fraction import promql_fraction
from tocsin.checks.promql_histogram import promql_histogram
from tocsin.checks.promql_syntax import promql_syntax
from tocsin.checks.promql_type import promql_type
from tocsin.checks.sli_bucket import sli_bucket
from tocsin.checks.slo_retention import slo_retention

__all__ = ["CHECKS", "Check", "Subject", "run_checks"]

CHECKS: tuple[Check, ...] = (
    alert_always,
    alert_notify,
    alert_template,
    promql_fraction,
    promql_histogram,
    promql_syntax,
    promql_type,
    sli_bucket,
    slo_retention,
)
"""Every check, by code. One that is not listed here never runs."""
