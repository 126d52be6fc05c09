"""What promtool says about compiled output stands at the definition that caused it."""

import json

import pytest

import tocsin_schemas
from tocsin.definitions import definitions_of
from tocsin.diagnostics import Diagnostic
from tocsin.expressions import Role, expressions
from tocsin.plan import Plan, plan
from tocsin.promql import with_window
from tocsin.sli import SLIS, Sli
from tocsin.targets import trace
from tocsin.targets.trace import Complaint
from tocsin.workspace import Source, Workspace, read_workspace

TEXT = """\
apiVersion: tocsin/v1
kind: Platform
name: platform
---
apiVersion: tocsin/v1
kind: Service
name: shop
labels: {team: web}
scrape: {job: shop-job, targets: ["shop:8080"]}
slis:
  availability: {ratio: {bad: 'errors_total', total: requests_total}}
  speed: {latency: {histogram: latency_seconds, within: 1s}}
  up: {probe: {up: up}}
slos:
  uptime: {sli: availability, target: 99.9%, runbook: "https://x/{{"}
alerts:
  Slow:
    value: |
      # how slow
      histogram_quantile(0.9,
        rate(latency_seconds_bucket[5m]))
    above: 1
    severity: info
    labels: {flavour: x}
    summary: Slow {{ labels.x }}
"""
RULES = "prometheus/rules/shop.yml"


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    """A service and a platform."""
    workspace, findings = read_workspace([Source("shop.yaml", TEXT)])
    assert findings == ()
    return workspace


@pytest.fixture(scope="module")
def planned(workspace: Workspace) -> Plan:
    """Its rules."""
    return plan(workspace)[0]


def at(finding: Diagnostic) -> tuple[str, int, int]:
    """Code, line and column."""
    return finding.code, finding.span.line, finding.span.column


def test_expressions_are_found_with_what_they_are_for(workspace: Workspace) -> None:
    """Every PromQL text of a service is there, and knows who needs it."""
    assert [(each.text[:15], each.role, each.refs) for each in expressions(workspace)] == [
        ("errors_total", Role.SELECTOR, ("shop/uptime",)),
        ("requests_total", Role.SELECTOR, ("shop/uptime",)),
        ("latency_seconds", Role.SELECTOR, ()),
        ("up", Role.SELECTOR, ()),
        ("# how slow\nhist", Role.VALUE, ("shop/Slow",)),
    ]


def vars_of(sli: Sli) -> list[str]:
    """The texts that an SLI holds; all of them are PromQL."""
    return [value for name in getattr(sli, "__slots__", ()) if isinstance(value := getattr(sli, name), str)]


@pytest.mark.parametrize("kind", SLIS)
def test_every_kind_of_sli_shows_its_texts(kind: str) -> None:
    """A new kind of SLI has to say where its expressions stand, or nobody checks them; shown by its own examples."""
    examples = tocsin_schemas.schema_for("Service")["$defs"]["sli"]["properties"][kind]["examples"]
    service = {"slis": {f"e{n}": {kind: example} for n, example in enumerate(examples)}}
    document = {"apiVersion": "tocsin/v1", "kind": "Service", "name": "shop", **service}
    workspace, findings = read_workspace([Source("shop.yaml", json.dumps(document))])
    slis = workspace.services[0].slis.values()
    texts = {each.text for each in expressions(workspace)}

    assert findings == ()
    assert [sli.kind for sli in slis] == [kind] * len(examples)
    assert {with_window(text) for sli in slis for text in vars_of(sli)} <= texts


def test_a_window_in_a_text_of_an_sli() -> None:
    """Another of the same length takes its place, so that the rest stays where it is."""
    text = "kind: Service\nname: shop\nslis:\n  a: {ratio: {bad: 'rate(b[$window])', total: 'rate(a[$window]'}}\n"
    bad, total = expressions(read_workspace([Source("shop.yaml", text)])[0])

    assert (bad.text, bad.role) == ("rate(b[604800s])", Role.WINDOWED)
    assert total.words("no ] before 604800s") == "no ] before $window"


def test_a_position_inside_an_expression(workspace: Workspace) -> None:
    """Line 3, column 8 of the expression is line 21, column 14 of the file: a block is indented."""
    every = expressions(workspace)
    complaint = Complaint(trace.EXPRESSIONS, "unexpected character: '&'", "expressions", 5, "x", (3, 8))
    (finding,) = trace.expression_findings([complaint], every)

    assert at(finding) == ("promql/syntax", 21, 14)


def test_the_verdict_takes_the_place_of_the_first_opinion(workspace: Workspace) -> None:
    """What promtool judged is no longer said by the parser; what it did not judge stays."""
    bad, total, *_ = expressions(workspace)
    opinions = [Diagnostic("promql/syntax", each.span, "first") for each in (bad, total)]
    other = Diagnostic("promql/type", bad.span, "type")
    verdict = Diagnostic("promql/syntax", bad.span, "second")

    assert trace.settled([*opinions, other], [bad], [verdict]) == (opinions[1], other, verdict)


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        (Complaint(RULES, "odd", "alerts:shop", 1, "Slow"), ("promtool/rule", 17, 3)),
        (Complaint(RULES, "odd", "slo:shop/uptime", 1, "x"), ("promtool/rule", 15, 3)),
        (Complaint(RULES, "the same series is recorded twice", name="slo:bad:rate5m"), ("promtool/rule", 15, 3)),
        (Complaint(RULES, "odd", "no such group", 7, "x"), ("promtool/rule", 1, 1)),
        (Complaint("", "it crashed"), ("promtool/rule", 1, 1)),
        (
            Complaint(RULES, 'annotation "summary": template: __alert_Slow:1: bad', "alerts:shop", 1, "Slow"),
            ("promtool/template", 25, 14),
        ),
        (
            Complaint(
                RULES, 'annotation "runbook_url": template: __alert_E:1: bad', "slo:shop/uptime", 99, "ErrorBudgetBurn"
            ),
            ("promtool/rule", 1, 1),
        ),
        (Complaint(RULES, "invalid label name: flavour", "alerts:shop", 1, "Slow"), ("promtool/label", 24, 14)),
        (Complaint(RULES, "invalid label name: team", "alerts:shop", 1, "Slow"), ("promtool/label", 8, 10)),
        (Complaint(RULES, "invalid label name: gone", "alerts:shop", 1, "Slow"), ("promtool/rule", 17, 3)),
    ],
)
def test_complaints_about_rules(
    complaint: Complaint, expected: tuple[str, int, int], workspace: Workspace, planned: Plan
) -> None:
    """A rule leads to its definition, a template or label to its own line; nothing is ever dropped."""
    (finding,) = trace.rule_findings([complaint], planned, workspace)

    assert at(finding) == expected
    assert finding.message


def test_a_template_of_an_objective(workspace: Workspace, planned: Plan) -> None:
    """The annotation runbook_url is the key runbook."""
    group = next(group for group in planned.groups if group.name == "slo:shop/uptime")
    complaint = Complaint(
        RULES, 'annotation "runbook_url": template: __alert_E:1: bad', group.name, len(group.rules), "TrafficAbsent"
    )
    (finding,) = trace.rule_findings([complaint], planned, workspace)

    assert at(finding) == ("promtool/template", 15, 55)
    assert finding.message == "the template of runbook is wrong: bad"


def test_what_follows_from_a_wrong_expression_is_not_said(workspace: Workspace, planned: Plan) -> None:
    """Where the user's own text is refused, the rule that is made of it is refused too."""
    complaint = Complaint(RULES, "unclosed left parenthesis", "alerts:shop", 1, "Slow", (1, 1))

    assert list(trace.rule_findings([complaint], planned, workspace, ["shop/Slow"])) == []
    assert len(list(trace.rule_findings([complaint], planned, workspace, ["shop/Other"]))) == 1


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ('scrape timeout greater than scrape interval for scrape config with job name "shop-job"', 9),
        ('"shop:8080" is not a valid hostname', 9),
        ("field x not found", 3),
    ],
)
def test_complaints_about_the_configuration(said: str, line: int, workspace: Workspace) -> None:
    """A job or target leads to its scrape settings, anything else to the platform."""
    (finding,) = trace.config_findings([Complaint("prometheus.yml", said)], workspace)

    assert (finding.code, finding.span.line) == ("promtool/config", line)
    assert said in finding.message


def test_nothing_is_a_place_too() -> None:
    """A complaint about an empty workspace is still told."""
    (finding,) = trace.config_findings([Complaint("prometheus.yml", "odd")], Workspace())

    assert finding.message.endswith("odd")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('annotation "dash": template: __alert_A:1: function "nofunc" not defined', "nofunc"),
        ('annotation "dash": template: __alert_A:1: odd', "'{{ $labels.job | nofunc }}'"),
        ('label "team": template: __alert_A:1: function "nope" not defined', "nope"),
        ('annotation "summary": template: __alert_A:1: function "humanise" not defined', "humanise"),
    ],
)
def test_templates_that_are_given_as_they_are(said: str, expected: str) -> None:
    """The finding is at the text below `prometheus` that is wrong, and at the word that promtool names."""
    text = """\
apiVersion: tocsin/v1
kind: Service
name: shop
alerts:
  A:
    expr: x > 1
    severity: info
    summary: '{{ value | humanise }}'
    prometheus: {labels: {team: '{{ $labels.a | nope }}'}, annotations: {dash: '{{ $labels.job | nofunc }}'}}
"""
    definitions = definitions_of([Source("shop.yaml", text)])
    complaint = Complaint(RULES, said, "alerts:shop", 1, "A")
    [found] = trace.rule_findings([complaint], definitions.plan, definitions.workspace)
    line = text.split("\n")[found.span.line - 1]

    assert (found.code, line[found.span.column - 1 : found.span.end_column - 1]) == ("promtool/template", expected)
