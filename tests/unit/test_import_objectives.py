"""Objectives of Sloth, Pyrra and OpenSLO to services: what is written, and every word about what is not."""

from decimal import Decimal
from pathlib import Path

import pytest

from tocsin.definitions import definitions_of
from tocsin.document import read_foreign
from tocsin.importers import IMPORTERS, Fate, Imported, convert
from tocsin.importers.ledger import Given, Ledger
from tocsin.importers.report import as_text
from tocsin.sli.latency import LatencySli
from tocsin.workspace import Source

CASES = Path(__file__).parents[1] / "imports"
FORMATS = sorted(set(IMPORTERS) - {"prometheus"})


def imported(format_: str, text: str | None = None) -> Imported:
    """Import a text, or the case of that format."""
    source = (CASES / f"{format_}.yml").read_text(encoding="utf-8") if text is None else text
    return convert(IMPORTERS[format_], [(f"{format_}.yml", source)])


@pytest.mark.parametrize("format_", FORMATS)
def test_cases(format_: str, request: pytest.FixtureRequest) -> None:
    """The whole outcome of each case, rewritten by --update-golden and read in the diff."""
    result = imported(format_)
    source = (CASES / f"{format_}.yml").read_text(encoding="utf-8")
    outcome = "---\n".join(result.files.values())
    outcome += "".join(f"# {line}".rstrip() + "\n" for line in as_text(result, {f"{format_}.yml": source}).splitlines())
    golden = CASES / f"{format_}.expected.yaml"
    if request.config.getoption("--update-golden"):
        golden.write_text(outcome, encoding="utf-8")

    assert outcome == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("format_", FORMATS)
def test_what_was_imported_has_no_error(format_: str) -> None:
    """A person can compile it at once."""
    result = imported(format_)
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert definitions.errors == ()
    assert len(definitions.workspace.services) > 1


@pytest.mark.parametrize("format_", sorted(IMPORTERS))
def test_a_key_that_nobody_knows_is_lost(format_: str) -> None:
    """Wherever it stands: put at the end of every mapping, one after the other."""
    path = CASES / ("operator.yml" if format_ == "prometheus" else f"{format_}.yml")
    text = path.read_text(encoding="utf-8")
    documents, _ = read_foreign("a.yml", text)
    places = [place for document in documents for place in _mappings(Given.root(document, Ledger())) if place.value]
    for place in places:
        changed = _with_another_key(text, place)
        (document, *_) = [each for each in read_foreign("a.yml", changed)[0] if each.index == place.document.index]
        above = {document.key_span(place.path[:length]) for length in range(len(place.path) + 1)}
        result = convert(IMPORTERS[format_], [("a.yml", changed)])
        told = [loss.what for loss in result.losses] + [finding.message for finding in result.findings]
        whole = {loss.span for loss in result.losses if loss.fate is Fate.LOST} & above

        assert whole or any("zzz" in words for words in told), (place.path, told)


def _with_another_key(text: str, place: Given) -> str:
    """The text with `zzz` at the end of the mapping at *place*."""
    span, lines = place.span, text.splitlines(keepends=True)
    if lines[span.line - 1][span.column - 1] == "{":
        line = lines[span.end_line - 1]
        lines[span.end_line - 1] = f"{line[: span.end_column - 2]}, zzz: {{q: 1}}{line[span.end_column - 2 :]}"
    else:
        column = next(place.entries()).key_span.column - 1
        lines.insert(span.end_line, f"{' ' * column}zzz: {{q: 1}}\n")
    return "".join(lines)


def _mappings(node: Given) -> list[Given]:
    inner = [found for child in (*node.entries(), *node.elements()) for found in _mappings(child)]
    return [node, *inner] if isinstance(node.value, dict) else inner


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "text",
    [
        "- 5",
        "kind: Pod\napiVersion: v1",
        "version: prometheus/v2",
        "a: [",
        "spec: {}",
        "apiVersion: openslo/v9\nkind: SLO",
    ],
)
def test_anything_else_is_refused(format_: str, text: str) -> None:
    """With a place, and without an exception."""
    result = imported(format_, text)

    assert not result.complete
    assert result.files == {}


@pytest.mark.parametrize(
    "query", ["sum(rate(a_total[5m]))", "sum(rate(a_total[{{.window}}]", "rate({{.Labels.x}}[{{.window}}])"]
)
def test_queries_that_sloth_refuses_are_told(query: str) -> None:
    """No window, no PromQL, an unknown template."""
    text = (
        "version: prometheus/v1\nservice: a\nslos:\n- name: b\n  objective: 99\n  sli:\n    events:\n"
        f"      error_query: '{query}'\n      total_query: sum(rate(a_total[{{{{.window}}}}]))\n"
    )
    result = imported("sloth", text)

    assert {finding.span.line for finding in result.findings} == {8}


@pytest.mark.parametrize("objective", ["100", "0", "120", "ninety"])
def test_targets_that_leave_no_budget_are_told(objective: str) -> None:
    """Sloth takes 100, and divides by zero."""
    text = (
        f"version: prometheus/v1\nservice: a\nslos:\n- name: b\n  objective: {objective}\n  sli:\n    raw:\n"
        "      error_ratio_query: avg_over_time(a[{{.window}}])\n"
    )

    assert [finding.span.line for finding in imported("sloth", text).findings] == [5]


def test_objectives_of_one_service_are_one_definition() -> None:
    """Wherever they stand; equal names get a number."""
    one = (
        "version: prometheus/v1\nservice: a\nslos:\n- name: b\n  objective: 99\n  sli:\n    raw:\n"
        "      error_ratio_query: avg(avg_over_time(a[{{.window}}]))\n"
    )
    result = convert(IMPORTERS["sloth"], [("x.yml", one), ("y.yml", f"{one}---\n{one}")])

    assert list(result.files) == ["a.yaml"]
    assert [line for line in result.files["a.yaml"].splitlines() if line.startswith("  b")] == [
        "  b:",
        "  b-2:",
        "  b-3:",
    ] * 2
    assert not [loss for loss in result.losses if loss.fate is Fate.LOST]


SLOTH = """
version: prometheus/v1
service: a
slos:
- name: b
  objective: 99
  labels: {owner: me, slo: x}
  sli: {raw: {error_ratio_query: "avg(avg_over_time(a[{{.window}}]))"}}
  alerting:
    labels: {severity: paged, key: "{{ $labels.x }}", team: t}
    annotations: {runbook_url: not a link, dashboard: d}
    page_alert: {for: 5m, labels: {severity: critical, routing_key: k}, annotations: {title: T}}
    ticket_alert: {labels: {severity: warning}}
"""


def sloth_slo(sli: str, more: str = "") -> Imported:
    """Import an objective of Sloth with an SLI."""
    return imported(
        "sloth", f"version: prometheus/v1\nservice: a\nslos:\n- {{name: bb, objective: 99, sli: {sli}{more}}}\n"
    )


def lost(result: Imported) -> dict[str, str]:
    """What is lost, with the reason."""
    return {loss.what: loss.why for loss in result.losses if loss.fate is Fate.LOST}


def events(bad: str, total: str) -> str:
    """An SLI of Sloth."""
    return f"{{events: {{error_query: '{bad}', total_query: '{total}'}}}}"


@pytest.mark.parametrize(
    "bad",
    [
        "sum by (tenant, route) (rate(e_total[{{.window}}]))",
        "sum by (route, tenant) (rate(e_total[{{.window}}])) or vector(0)",
        "sum(rate(e_total[{{.window}}])) by (route, tenant) * 1",
    ],
)
def test_sloth_alerts_for_each_row_and_so_does_the_objective(bad: str) -> None:
    """A tenant with a hundredth of the traffic is not drowned by the others."""
    result = sloth_slo(events(bad, "sum by (tenant, route) (rate(t_total[{{.window}}]))"), ", labels: {route: x, a: b}")
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    (slo,) = definitions.workspace.services[0].slos

    assert definitions.errors == ()
    assert slo.by == ("route", "tenant")
    assert slo.labels == (("a", "b"),)
    assert lost(result) == {"route: x": "an objective is divided by this label, so each alert has that of its series"}


def test_a_label_of_the_service_that_divides_an_objective_is_lost() -> None:
    """One text for all tenants would make their alerts one, and Prometheus would refuse the rule."""
    sli = events("sum by (tenant) (rate(e_total[{{.window}}]))", "sum by (tenant) (rate(t_total[{{.window}}]))")
    slo = f"- {{name: bb, objective: 99, sli: {sli}}}\n"
    text = f"version: prometheus/v1\nservice: a\nlabels: {{tenant: acme, owner: me}}\nslos:\n{slo}"
    result = imported("sloth", f"{text}---\n{text}")
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert definitions.workspace.services[0].labels == (("owner", "me"),)
    assert [loss.span.line for loss in result.losses if loss.what == "tenant: acme"] == [3, 9]


@pytest.mark.parametrize(
    ("sli", "what"),
    [
        (
            events("sum by (tenant) (rate(e_total[{{.window}}]))", "sum(rate(t_total[{{.window}}]))"),
            "the rows of error_query, which are by tenant",
        ),
        (
            events("sum(rate(e_total[{{.window}}]))", "rate(t_total[{{.window}}])"),
            "the rows of error_query, which are one",
        ),
        (
            events("rate(e_total[{{.window}}])", "sum without (x) (rate(t_total[{{.window}}]))"),
            "the rows of error_query",
        ),
        ("{raw: {error_ratio_query: '1 - avg_over_time(up[{{.window}}])'}}", "the rows of error_ratio_query"),
        (
            "{raw: {error_ratio_query: 'max by (service) (avg_over_time(up[{{.window}}]))'}}",
            "error_ratio_query by service",
        ),
        (
            """{raw: {error_ratio_query: 'max by ("a.b") (avg_over_time(up[{{.window}}]))'}}""",
            "error_ratio_query by a.b",
        ),
    ],
)
def test_rows_of_sloth_that_cannot_be_told_apart_are_lost(sli: str, what: str) -> None:
    """All rows are one then, and somebody has to know."""
    result = sloth_slo(sli)
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert definitions.errors == ()
    assert definitions.workspace.services[0].slos[0].by == ()
    assert list(lost(result)) == [what]
    assert {loss.span.line for loss in result.losses if loss.fate is Fate.LOST} == {4}


@pytest.mark.parametrize(
    "query",
    [
        'sum(rate(e_total[{{.window}}])){{ if eq .window "5m" }} * 1{{ end }}',
        "{{ with .window }}sum(rate(e_total[{{.}}])){{ end }}",
        'max(job:errors:ratio{window="{{.window}}"}) + 0 * max(rate(x[{{.window}}]))',
        "max(job:errors:ratio_rate{{.window}})",
    ],
)
def test_an_objective_whose_query_is_another_for_each_window_is_lost(query: str) -> None:
    """Sloth evaluates a Go template and takes all of these; nothing is written that `check` would refuse."""
    result = sloth_slo(f"{{raw: {{error_ratio_query: '{query}'}}}}")

    assert result.files == {}
    assert result.findings == ()
    assert "slo bb" in lost(result)
    assert any(what.startswith("error_ratio_query: ") for what in lost(result))


def test_what_a_plugin_of_sloth_takes_and_promql_does_not_have_is_lost() -> None:
    """MetricsQL is no mistake where a plugin validates it, and no definition can have it."""
    sli = "{raw: {error_ratio_query: 'histogram_share(0.2, sum by (vmrange) (rate(x[{{.window}}])))'}}"
    result = sloth_slo(sli, ", plugins: {chain: [{id: sloth.dev/contrib/validate_victoriametrics/v1}]}")

    assert result.files == {}
    assert result.findings == ()
    assert [why for what, why in lost(result).items() if what.startswith("error_ratio_query")] == [
        "unknown function histogram_share(): this is no PromQL, which is all that Tocsin's rules may have"
    ]


def test_an_objective_that_nobody_watches_any_more_is_told() -> None:
    """No window of a policy fits into an hour; where the source had switched all off, there is nothing to tell."""
    text = (
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: up}\n"
        "spec: {target: '99', window: 1h, indicator: {bool_gauge: {metric: up}}, alerting: {burnrates: %s}}\n"
    )

    assert (
        "no tier of the policy watches a period of 1h" in lost(imported("pyrra", text % "true"))["its burn-rate alerts"]
    )
    assert lost(imported("pyrra", text % "false")) == {}
    assert not [loss for loss in imported("pyrra", text % "true").losses if loss.fate is Fate.CHANGED]


def test_routing_keys_of_sloth_reach_the_alerts() -> None:
    """As Sloth gives them to Prometheus; a severity that is ours already needs no word; the rest is told."""
    result = imported("sloth", SLOTH)
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    (slo,) = definitions.workspace.services[0].slos

    assert dict(slo.labels) == {"owner": "me", "team": "t"}
    assert dict(slo.given("page").labels) == {"key": "{{ $labels.x }}", "routing_key": "k", "severity": "critical"}
    assert dict(slo.given("ticket").labels) == {"key": "{{ $labels.x }}", "severity": "warning"}
    assert dict(slo.given("page").annotations) == {"dashboard": "d", "runbook_url": "not a link", "title": "T"}
    assert {loss.what for loss in result.losses if loss.fate is Fate.LOST} == {"slo: x", "for: 5m"}


def test_labels_and_annotations_that_pyrra_passes_on() -> None:
    """Those with its prefix; the others are the object's."""
    text = (
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\n"
        "metadata: {name: up, labels: {pyrra.dev/team: t, role: x}, annotations: {pyrra.dev/board: b, y: z}}\n"
        "spec: {target: '99', window: 30d, indicator: {bool_gauge: {metric: up}}, alerting: {burnRateType: dynamic}}\n"
    )
    result = imported("pyrra", text)
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    (slo,) = definitions.workspace.services[0].slos

    assert slo.labels == (("team", "t"),)
    assert slo.given("page").annotations == (("board", "b"),)
    lost = {loss.what for loss in result.losses if loss.fate is Fate.LOST}
    assert lost == {"role: x", "y: z", "burnRateType: dynamic"}


def test_a_composite_that_cannot_be_is_told() -> None:
    """Not only its parts: with one objective left there is nothing to put together."""
    metric = "{metricSource: {type: %s, spec: {query: 'sum(rate(x[5m]))'}}}"
    objective = (
        "{displayName: %s, target: 0.9, compositeWeight: 1, indicator: {metadata: {name: %s}, "
        f"spec: {{ratioMetric: {{counter: true, good: {metric}, total: {metric}}}}}}}}}"
    )
    parts = ", ".join(objective % (name, name, kind, kind) for name, kind in (("a", "Prometheus"), ("b", "Datadog")))
    text = (
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: both}\n"
        "spec: {service: s, budgetingMethod: Occurrences, timeWindow: [{duration: 30d, isRolling: true}], "
        f"objectives: [{parts}]}}\n"
    )
    result = imported("openslo", text)

    assert list(result.files) == ["s.yaml"]
    assert "the composite both" in {loss.what for loss in result.losses if loss.fate is Fate.LOST}


def test_windows_of_sloth_become_a_policy() -> None:
    """The only table is that of all objectives, with its period; its tiers are fired by the same ratios as Sloth's."""
    windows = (
        "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec:\n  sloPeriod: 7d\n"
        "  page: {quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h},"
        " slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}}\n"
        "  ticket: {quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d},"
        " slow: {errorBudgetPercent: 43, shortWindow: 6h, longWindow: 3d}}\n"
    )
    result = imported("sloth", f"{windows}---{SLOTH}")
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    (slo,) = definitions.workspace.services[0].slos

    assert definitions.errors == ()
    assert str(slo.window) == "7d"
    assert [float(tier.factor(slo.window)) for tier in slo.tiers] == pytest.approx([13.44, 3.5, 1.4, 1.00333], abs=1e-4)
    assert [(tier.severity, str(tier.short)) for tier in slo.tiers] == [
        ("page", "5m"), ("page", "30m"), ("ticket", "2h"), ("ticket", "6h"),
    ]  # fmt: skip


def test_a_table_of_windows_that_lacks_something_is_told() -> None:
    """With its place; nothing is made of it."""
    result = imported("sloth", "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec: {sloPeriod: 7d}\n")

    assert next(finding.message for finding in result.findings) == (
        "page quick needs errorBudgetPercent, shortWindow and longWindow"
    )
    assert result.files == {}


def test_pyrra_divides_by_labels_that_are_not_ours() -> None:
    """A label `service` of the series would hide ours; the others divide."""
    text = (
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: up}\n"
        "spec: {target: '99', window: 30d, "
        "indicator: {bool_gauge: {metric: up, grouping: [service, instance]}}}\n"
    )
    result = imported("pyrra", text)
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert definitions.errors == ()
    assert definitions.workspace.services[0].slos[0].by == ("instance",)
    assert [loss.what for loss in result.losses if loss.fate is Fate.LOST] == ["grouping[0]: service"]


def test_a_burn_rate_below_a_bound_is_no_tier() -> None:
    """It would alert while all is well; the mistake has its place, and nothing fires instead."""
    text = (
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a, labels: {env: [prod]}}\nspec:\n  service: s\n"
        "  budgetingMethod: Occurrences\n  timeWindow: [{duration: 30d, isRolling: true}]\n"
        "  objectives: [{target: 0.9}]\n  indicator: {metadata: {name: i}, spec: {ratioMetric: {good: "
        "{metricSource: {type: Prometheus, spec: {query: a}}}, total: {metricSource: {type: Prometheus, spec: "
        "{query: b}}}}}}\n  alertPolicies: [{kind: AlertPolicy, metadata: {name: p}, spec: {alertWhenBreaching: true, "
        "conditions: [{kind: AlertCondition, metadata: {name: c}, spec: {severity: page, "
        "condition: {kind: burnrate, op: lte, threshold: 2, lookbackWindow: 1h}}}]}}]\n"
    )
    result = imported("openslo", text)
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    (slo,) = definitions.workspace.services[0].slos

    assert [finding.message for finding in result.findings] == [
        "a burn rate that is lte its threshold is no reason to alert"
    ]
    assert "p" not in {tier.name for tier in slo.tiers}
    assert slo.labels == (("env", "prod"),)


def _counted(good: str, total: str) -> str:
    return (
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  service: s\n"
        "  budgetingMethod: Occurrences\n  timeWindow: [{duration: 30d, isRolling: true}]\n"
        "  objectives: [{target: 0.9}]\n  indicator: {metadata: {name: i}, spec: {ratioMetric: {counter: true, good: "
        f"{{metricSource: {{type: Prometheus, spec: {{query: '{good}'}}}}}}, total: {{metricSource: {{type: "
        f"Prometheus, spec: {{query: '{total}'}}}}}}}}}}}}\n"
    )


@pytest.mark.parametrize("good", ["sum by (route) (g_total)", "sum by (route) (rate(g_total[5m]))"])
@pytest.mark.parametrize(
    ("total", "by", "told"),
    [
        ("sum by (route) (rate(t_total[5m]))", ("route",), set()),
        ("sum(rate(t_total[5m]))", (), {"the rows of good, which are by route"}),
    ],
)
def test_openslo_divides_by_what_both_queries_are_divided_by(
    good: str, total: str, by: tuple[str, ...], told: set[str]
) -> None:
    """Where they differ, that is lost."""
    result = imported("openslo", _counted(good, total))
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert definitions.workspace.services[0].slos[0].by == by
    assert set(lost(result)) == told


@pytest.mark.parametrize("query", ['t_bucket{le="1",code="200"}', 'sum(rate(t_bucket{le="1",code="200"}[$window]))'])
def test_good_buckets_of_openslo_have_their_bound_in_every_spelling(query: str) -> None:
    """Prometheus 3 stores `1.0`: good events of one spelling alone would be an outage there."""
    total = query.replace('le="1",code="200"', "").replace("_bucket", "_count")
    result = imported("openslo", _counted(query, total))
    spelled = query.replace('le="1"', r'le=~"1|1\\.0"')

    assert f"good: {spelled}" in "".join(result.files.values())
    assert "le is matched in every spelling" in " ".join(loss.why for loss in result.losses)


def test_a_bucket_of_its_count_is_a_latency_in_openslo() -> None:
    """One histogram, so its bound is matched in every spelling, and a bucket that is missing is told."""
    result = imported("openslo", _counted('t_bucket{le="1",job="a"}', 't_count{job="a"}'))
    definitions = definitions_of([Source(name, text) for name, text in result.files.items()])
    (sli,) = (slo.sli for slo in definitions.workspace.services[0].slos)

    assert isinstance(sli, LatencySli)
    assert (sli.histogram, sli.within) == ('t{job="a"}', Decimal(1))
    assert "it is a latency now" in " ".join(loss.why for loss in result.losses)


def test_a_latency_of_pyrra_that_is_no_histogram_is_told() -> None:
    """It becomes a ratio of good events, whose bound is matched in every spelling; both are listed."""
    text = (
        "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: a}\n"
        "spec:\n  target: '99'\n  window: 30d\n  indicator:\n    latency:\n"
        """      success: {metric: 't_bucket{le="1",code!~"5.."}'}\n      total: {metric: t_count}\n"""
    )
    result = imported("pyrra", text)

    assert r'good: t_bucket{le=~"1|1\\.0",code!~"5.."}' in "".join(result.files.values())
    assert [loss.what for loss in result.losses if loss.fate is Fate.CHANGED][1:] == [
        "latency",
        'metric: t_bucket{le="1",code!~"5.."}',
    ]


@pytest.mark.parametrize(
    ("duration", "start", "told"),
    [
        ("1M", "2022-01-15 00:00:00", True),
        ("1M", "2022-02-01 00:00:00", False),
        ("1Q", "2022-02-01 00:00:00", True),
        ("1Q", "2022-04-01 00:00:00", False),
        ("1Y", "2022-04-01 00:00:00", True),
        ("1Y", "2022-01-01 00:00:00", False),
        ("1w", "2022-01-19 00:00:00", True),
        ("1w", "2022-01-17 00:00:00", False),
        ("1d", "2022-01-19 06:00:00", True),
        ("1d", "2022-01-19T00:00:00Z", True),
    ],
)
def test_a_period_that_begins_elsewhere_is_told(duration: str, start: str, told: bool) -> None:
    """A budget that began on the 15th begins on the first now."""
    window = (
        f"[{{duration: {duration}, isRolling: false, calendar: {{startTime: '{start}', timeZone: Europe/Berlin}}}}]"
    )
    result = imported("openslo", _counted("a", "b").replace("[{duration: 30d, isRolling: true}]", window))

    assert any(loss.what.startswith("startTime") and loss.fate is Fate.CHANGED for loss in result.losses) is told
