"""The checks: each finds one kind of mistake that schemas, references and parsers cannot see."""

from tocsin.checks.alert_always import alert_always
from tocsin.checks.alert_for import alert_for
from tocsin.checks.alert_formerly import alert_formerly
from tocsin.checks.alert_identity import alert_identity
from tocsin.checks.alert_label import alert_label
from tocsin.checks.alert_never import alert_never
from tocsin.checks.alert_notify import alert_notify
from tocsin.checks.alert_overwritten import alert_overwritten
from tocsin.checks.alert_owner import alert_owner
from tocsin.checks.alert_runbook import alert_runbook
from tocsin.checks.alert_severity import alert_severity
from tocsin.checks.alert_summary import alert_summary
from tocsin.checks.alert_template import alert_template
from tocsin.checks.alert_twin import alert_twin
from tocsin.checks.base import Check, Subject, run_checks
from tocsin.checks.channel_fallback import channel_fallback
from tocsin.checks.channel_unused import channel_unused
from tocsin.checks.group_interval import group_interval
from tocsin.checks.journey_ceiling import journey_ceiling
from tocsin.checks.matcher_value import matcher_value
from tocsin.checks.page_budget import page_budget
from tocsin.checks.promql_absent import promql_absent
from tocsin.checks.promql_buckets import promql_buckets
from tocsin.checks.promql_constant import promql_constant
from tocsin.checks.promql_counter import promql_counter
from tocsin.checks.promql_duplicate import promql_duplicate
from tocsin.checks.promql_fraction import promql_fraction
from tocsin.checks.promql_histogram import promql_histogram
from tocsin.checks.promql_irate import promql_irate
from tocsin.checks.promql_join import promql_join
from tocsin.checks.promql_label import promql_label
from tocsin.checks.promql_le import promql_le
from tocsin.checks.promql_matcher import promql_matcher
from tocsin.checks.promql_nan import promql_nan
from tocsin.checks.promql_quantile import promql_quantile
from tocsin.checks.promql_range import promql_range
from tocsin.checks.promql_rate import promql_rate
from tocsin.checks.promql_regexp import promql_regexp
from tocsin.checks.promql_retention import promql_retention
from tocsin.checks.promql_selector import promql_selector
from tocsin.checks.promql_share import promql_share
from tocsin.checks.promql_spacing import promql_spacing
from tocsin.checks.promql_syntax import promql_syntax
from tocsin.checks.promql_topk import promql_topk
from tocsin.checks.promql_type import promql_type
from tocsin.checks.promql_unit import promql_unit
from tocsin.checks.promql_version import promql_version
from tocsin.checks.record_name import record_name
from tocsin.checks.record_order import record_order
from tocsin.checks.record_unknown import record_unknown
from tocsin.checks.route_digest import route_digest
from tocsin.checks.service_idle import service_idle
from tocsin.checks.sla_margin import sla_margin
from tocsin.checks.sla_measure import sla_measure
from tocsin.checks.sli_bucket import sli_bucket
from tocsin.checks.sli_constant import sli_constant
from tocsin.checks.sli_counts import sli_counts
from tocsin.checks.sli_group import sli_group
from tocsin.checks.sli_label import sli_label
from tocsin.checks.sli_time import sli_time
from tocsin.checks.sli_unused import sli_unused
from tocsin.checks.slo_evidence import slo_evidence
from tocsin.checks.slo_formerly import slo_formerly
from tocsin.checks.slo_retention import slo_retention
from tocsin.checks.slo_slice import slo_slice
from tocsin.checks.slo_traffic import slo_traffic
from tocsin.checks.slo_unwatched import slo_unwatched
from tocsin.checks.slo_window import slo_window
from tocsin.checks.test_missing import test_missing

__all__ = ["CHECKS", "Check", "Subject", "run_checks"]

CHECKS: tuple[Check, ...] = (
    alert_always,
    alert_for,
    alert_formerly,
    alert_identity,
    alert_label,
    alert_never,
    alert_notify,
    alert_overwritten,
    alert_owner,
    alert_runbook,
    alert_severity,
    alert_summary,
    alert_template,
    alert_twin,
    channel_fallback,
    channel_unused,
    group_interval,
    journey_ceiling,
    matcher_value,
    page_budget,
    promql_absent,
    promql_buckets,
    promql_constant,
    promql_counter,
    promql_duplicate,
    promql_fraction,
    promql_histogram,
    promql_irate,
    promql_join,
    promql_label,
    promql_le,
    promql_matcher,
    promql_nan,
    promql_quantile,
    promql_range,
    promql_rate,
    promql_regexp,
    promql_retention,
    promql_selector,
    promql_share,
    promql_spacing,
    promql_syntax,
    promql_topk,
    promql_type,
    promql_unit,
    promql_version,
    record_name,
    record_order,
    record_unknown,
    route_digest,
    service_idle,
    sla_margin,
    sla_measure,
    sli_bucket,
    sli_constant,
    sli_counts,
    sli_group,
    sli_label,
    sli_time,
    sli_unused,
    slo_evidence,
    slo_formerly,
    slo_retention,
    slo_slice,
    slo_traffic,
    slo_unwatched,
    slo_window,
    test_missing,
)
"""Every check, by code. One that is not listed here never runs."""
