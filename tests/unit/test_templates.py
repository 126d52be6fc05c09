"""SLIs written once and used in many services: what they become, and where what is wrong with them is told."""

from decimal import Decimal

import pytest
from tests.reading import codes

from tocsin.definitions import definitions_of
from tocsin.diagnostics import Diagnostic
from tocsin.expressions import expressions
from tocsin.sli import FreshnessSli, RatioSli
from tocsin.workspace import Source, read_workspace
from tocsin.workspace.holes import fill, harmless

TEMPLATE = """\
apiVersion: tocsin/v1
kind: SLITemplate
name: http
parameters:
  job: {description: Value of the job label}
  metric: {description: Its counter, default: http_requests_total}
sli:
  ratio:
    bad: |
      # errors
      sum(rate(${metric}{job="${job}",code=~"5.."}[$window]))
    total: sum(rate(${metric}{job="${job}"}[$window]))
"""
AGE = """\
apiVersion: tocsin/v1
kind: SLITemplate
name: age
parameters:
  metric: {description: When it succeeded}
  within: {description: How old it may be, default: 1h}
sli: {freshness: {last_success: 'max(${metric})', within: '${within}'}}
"""
SERVICE = "apiVersion: tocsin/v1\nkind: Service\nname: shop\nslis:\n  a: "


def read(use: str, template: str = TEMPLATE) -> tuple[dict[str, object], tuple[Diagnostic, ...]]:
    """The SLIs of a service with one use, and what is found."""
    sources = [Source("service.yaml", f"{SERVICE}{use}\n"), Source("template.yaml", template)]
    workspace, findings = read_workspace(sources)
    return dict(workspace.services[0].slis), findings


def texts(finding: Diagnostic, template: str = TEMPLATE) -> str:
    """The text in the template that a finding stands at."""
    line = template.split("\n")[finding.span.line - 1]
    return f"{finding.span.path}: {line[finding.span.column - 1 : finding.span.end_column - 1]}"


def test_a_use_becomes_an_sli() -> None:
    """Given values and defaults stand in the holes; `$window` is left alone."""
    slis, findings = read("{template: http, with: {job: 'a\"b\\c'}}")

    assert findings == ()
    assert slis["a"] == RatioSli(
        'sum(rate(http_requests_total{job="a\\"b\\\\c"}[$window]))',
        '# errors\nsum(rate(http_requests_total{job="a\\"b\\\\c",code=~"5.."}[$window]))\n',
    )


def test_values_that_are_no_promql() -> None:
    """A duration stays one, from the use or from the default."""
    given, _ = read("{template: age, with: {metric: done, within: 26h}}", AGE)
    default, _ = read("{template: age, with: {metric: done}}", AGE)

    assert given["a"] == FreshnessSli("max(done)", Decimal(26 * 3600))
    assert default["a"] == FreshnessSli("max(done)", Decimal(3600))


@pytest.mark.parametrize(
    ("use", "code", "message", "hint"),
    [
        (
            "{template: htp, with: {job: x}}",
            "reference/unknown-template",
            "SLI template 'htp' is not defined",
            "did you mean http?",
        ),
        ("{template: http}", "template/parameter", "template http needs a value for job", "add job below with"),
        (
            "{template: http, with: {job: x, metrik: z}}",
            "template/parameter",
            "template http has no parameter 'metrik'",
            "did you mean metric?",
        ),
        (
            "{template: http, with: {job: x, metric: 'a or b'}}",
            "template/value",
            "the value of metric stands outside of quotes, so it has to be a name, number or duration",
            None,
        ),
    ],
)
def test_a_use_that_is_wrong(use: str, code: str, message: str, hint: str | None) -> None:
    """It is told in the service, with what was probably meant."""
    _, findings = read(use)
    found = {(f.code, f.message, f.hint, f.span.path) for f in findings}

    assert found == {(code, message, hint, "service.yaml")}


def test_holes_and_parameters_belong_together() -> None:
    """A hole without a parameter stands where it is in the template, and so does a parameter without a hole."""
    text = TEMPLATE.replace("${job}", "${jbo}")
    _, findings = read("{template: http, with: {job: x}}", text)

    assert [(f.code, texts(f, text)) for f in findings] == [
        ("template/unused", "template.yaml: job"),
        ("template/undeclared", "template.yaml: ${jbo}"),
        ("template/undeclared", "template.yaml: ${jbo}"),
    ]


def test_mistakes_of_an_expanded_text_stand_in_the_template() -> None:
    """At its own words, with the use beside them, also where the value is longer than its hole."""
    text = TEMPLATE.replace("5..", "5(.")
    sources = [
        Source("service.yaml", f"{SERVICE}{{template: http, with: {{job: a-long-name}}}}\n"),
        Source("template.yaml", text),
    ]
    found = [f for f in definitions_of(sources).found if f.code == "promql/syntax"]

    assert [texts(f, text) for f in found] == ['template.yaml: "5(."']
    assert [(span.path, span.line, words) for span, words in found[0].related] == [("service.yaml", 5, "used here")]


def test_values_of_an_expanded_text_are_checked() -> None:
    """What the schema would say of the service it says of the template."""
    _, findings = read("{template: age, with: {metric: done, within: soon}}", AGE)

    assert [(f.code, f.span.path, f.related[0][0].path) for f in findings] == [
        ("schema/value", "template.yaml", "service.yaml")
    ]


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("code=~", "code=", None, ""),
        ("total: sum(", "total: sum((", "promql/syntax", "sum("),
        ('rate(${metric}{job="${job}"}', 'increase(${metric}{job="${job}"}', "sli/window", "sum(increase"),
        ("    total:", "    totl:", "schema/unknown-key", "totl"),
        ("  ratio:", "  rato:", "schema/unknown-key", "rato"),
    ],
)
def test_a_template_that_nobody_uses(old: str, new: str, code: str | None, place: str) -> None:
    """It is checked by itself, whatever values it would be given."""
    text = TEMPLATE.replace(old, new)
    found = definitions_of([Source("template.yaml", text)]).found

    assert [f.code for f in found][:1] == [c for c in [code] if c]
    assert all(texts(f, text).startswith(f"template.yaml: {place}") for f in found[:1])


def test_an_unused_template_is_read_as_it_stands() -> None:
    """Its expressions are there once, and those of a used one only as they are used."""
    unused, _ = read_workspace([Source("template.yaml", TEMPLATE)])
    used, _ = read_workspace(
        [Source("service.yaml", f"{SERVICE}{{template: http, with: {{job: x}}}}\n"), Source("template.yaml", TEMPLATE)]
    )

    assert [e.text for e in expressions(unused)][1] == 'sum(rate(aaaaaaaaa{job="aaaaaa"}[604800s]))'
    assert [e.text for e in expressions(used)][1] == 'sum(rate(http_requests_total{job="x"}[604800s]))'
    assert len(expressions(used)) == 2


@pytest.mark.parametrize(
    "value", ['x"} or vector(1) or y{a="', "\\", 'a\\"', "é\n#", "`", "'", "}", "${job}", "$window", "a" * 500]
)
@pytest.mark.parametrize("quotes", ['"', "'"])
def test_no_value_breaks_out_of_its_quotes(value: str, quotes: str) -> None:
    """Whatever it is, it becomes one string token that means exactly the value."""
    filled = fill(f"x{{a={quotes}${{v}}{quotes}}}", {"v": value}, promql=True)
    inside = str(filled.value)[5:-2]
    for escaped, plain in (("\\n", "\n"), (f"\\{quotes}", quotes)):
        inside = inside.replace("\\\\", "\0").replace(escaped, plain).replace("\0", "\\\\")

    assert inside.replace("\\\\", "\\") == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x > ${limit}", "x > aaaaaaaa"),
        ("quantile(${q}, x)", "quantile(1111, x)"),
        ("x offset ${back}", "x offset 111111s"),
        ("max_over_time(x[1h:${step}])", "max_over_time(x[1h:111111s])"),
        ("sum by (${label}) (x)", "sum by (aaaaaaaa) (x)"),
    ],
)
def test_harmless_texts(text: str, expected: str) -> None:
    """As long as the template's, so that every character stays where it is."""
    assert harmless(text) == expected


def test_two_kinds_and_none() -> None:
    """A template stands alone, but for its values."""
    _, both = read("{template: http, with: {job: x}, probe: {up: up}}")
    _, values = read("{with: {job: x}}")

    assert codes(both) == ["schema/choice"]
    assert "schema/missing-key" in codes(values)
