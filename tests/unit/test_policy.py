"""Comments that hide findings, severities by configuration, baselines and fixes."""

from collections.abc import Mapping
from datetime import date

import pytest

from tocsin.definitions import Definitions, definitions_of
from tocsin.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from tocsin.errors import MisuseError
from tocsin.policy import Baseline, Owners, baseline_text, fixed
from tocsin.workspace import Source

TODAY = date(2026, 11, 27)

SERVICE = """\
apiVersion: tocsin/v1
kind: Service
name: shop
owner: checkout
runbook: https://runbooks.example.org/shop
alerts:
  Always:
    {before}expr: {expr}
    for: 5m
    severity: warning
    summary: it is always so
tests:
  - name: it fires
    series: [{{series: queue_depth, values: 1x10}}]
    expect: [{{at: 9m, alert: Always, firing: [{{}}]}}]
"""


def read(text: str, today: date = TODAY) -> Definitions:
    """What is said about one file."""
    return definitions_of([Source("shop.yaml", text)], today=today)


def codes(text: str, today: date = TODAY) -> list[str]:
    """The codes of what is said about one file."""
    return [f"{finding.span.line}:{finding.code}" for finding in read(text, today).findings]


def service(expr: str = "queue_depth", before: str = "") -> str:
    """A service whose alert has no condition."""
    return SERVICE.format(expr=expr, before=before)


def test_nothing_is_hidden_by_itself() -> None:
    """Without a comment the finding is told."""
    assert codes(service()) == ["8:alert/always"]


@pytest.mark.parametrize(
    "text",
    [
        service("queue_depth # tocsin: ignore alert/always: it is a test"),
        service(before="# tocsin: ignore alert/always: it is a test\n    "),
        service(before="# tocsin: ignore alert/always: it is a test\n    # another comment\n\n    "),
        service("| # tocsin: ignore alert/always: it is a test\n      queue_depth"),
        service("|\n      # tocsin: ignore alert/always: it is a test\n      queue_depth"),
        service("|\n      queue_depth  # tocsin: ignore alert/always: it is a test"),
        service('|\n      queue_depth{a="#"} # tocsin: ignore alert/always: it is a test'),
        service('"queue_depth" # tocsin: ignore alert/always until 2026-11-27: it is a test'),
        service("queue_depth # tocsin:ignore promql/fraction,alert/always: it is a test").replace(
            "promql/fraction,", ""
        ),
        "# tocsin: ignore-file alert/always: it is a test\n" + service(),
        "# tocsin: ignore-file alert/always: it is a test\n---\n" + service(),
        service()
        .replace("\n", "\r\n")
        .replace("queue_depth\r\n", "queue_depth # tocsin: ignore alert/always: x\r\n", 1),
    ],
)
def test_a_comment_hides(text: str) -> None:
    """At the end of the line, above it, at the header of a block, inside the expression, or at the top of the file."""
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        service("'queue_depth{a=\"x # tocsin: ignore alert/always: no comment\"}'"),
        service('|\n      queue_depth{a="# tocsin: ignore alert/always: no comment"}'),
        service().replace("it is always so", '"# tocsin: ignore alert/always: no comment"'),
        service().replace("it is always so", "|\n      # tocsin: ignore alert/always: no comment"),
    ],
)
def test_texts_are_no_comments(text: str) -> None:
    """A `#` inside quotes or a block scalar is text."""
    assert [code.partition(":")[2] for code in codes(text)] == ["alert/always"]


@pytest.mark.parametrize(
    ("comment", "code", "message"),
    [
        ("ignore alert/always", "ignore/reason", "this hides alert/always and does not say why"),
        ("ignore alert/always:  ", "ignore/reason", "this hides alert/always and does not say why"),
        ("ignore alert/alwyas: why", "ignore/unknown", "there is no code 'alert/alwyas'"),
        ("ignore: why", "ignore/syntax", "this names no code"),
        ("ignroe alert/always: why", "ignore/syntax", "'ignroe' means nothing here"),
        ("ignore alert/always until soon: why", "ignore/syntax", "'soon' is not a date"),
        ("ignore alert/always until 2026-02-30: why", "ignore/syntax", "'2026-02-30' is not a date"),
        (
            "ignore-file alert/always: why",
            "ignore/syntax",
            "ignore-file stands at the top of a file, above the first key",
        ),
    ],
)
def test_comments_that_are_wrong(comment: str, code: str, message: str) -> None:
    """They hide nothing, and are findings."""
    findings = read(service(f"queue_depth # tocsin: {comment}")).findings

    assert {("alert/always", Severity.WARNING), (code, Severity.WARNING)} == {(f.code, f.severity) for f in findings}
    assert message in {finding.message for finding in findings}


def test_did_you_mean() -> None:
    """A misspelt code is underlined, and the right one named."""
    (finding,) = [f for f in read(service("queue_depth # tocsin: ignore alert/alwyas: x")).findings if "ign" in f.code]

    assert finding.hint == "did you mean alert/always?"
    assert (finding.span.column, finding.span.end_column) == (40, 52)


def test_a_day_that_is_over() -> None:
    """The finding is told again the day after, and so is the comment."""
    text = service("queue_depth # tocsin: ignore alert/always until 2026-11-27: it is a test")

    assert codes(text) == []
    assert codes(text, date(2026, 11, 28)) == ["8:alert/always", "8:ignore/expired"]


def test_a_comment_that_hides_nothing() -> None:
    """It would hide the next fault, so it is a finding; `--fix` removes it, or the code that is idle."""
    text = service("queue_depth > 1 # tocsin: ignore alert/always: it was a test")
    findings = read(text).findings

    assert [f.code for f in findings] == ["ignore/unused"]
    assert fixed(findings, {"shop.yaml": text}) == ({"shop.yaml": service("queue_depth > 1")}, 1)

    above = service("queue_depth > 1", before="# tocsin: ignore alert/always: it was a test\n    ")
    assert fixed(read(above).findings, {"shop.yaml": above})[0] == {"shop.yaml": service("queue_depth > 1")}

    block = service("|\n      # tocsin: ignore alert/always: it was a test\n      queue_depth > 1")
    assert fixed(read(block).findings, {"shop.yaml": block})[0] == {"shop.yaml": service("|\n      queue_depth > 1")}

    two = service("queue_depth # tocsin: ignore alert/always, promql/fraction: why not: so")
    assert fixed(read(two).findings, {"shop.yaml": two})[0] == {
        "shop.yaml": service("queue_depth # tocsin: ignore alert/always: why not: so")
    }


def test_nothing_is_called_idle_beside_an_error() -> None:
    """A check may have found nothing because something before it went wrong."""
    text = service("queue_depth > 1 # tocsin: ignore alert/always: x").replace("severity: warning", "severty: warning")

    assert not [code for code in codes(text) if "ignore/" in code]


def test_errors_are_not_hidden() -> None:
    """What is made from it would be wrong."""
    text = service("queue_depth > # tocsin: ignore promql/syntax: it works for me")

    assert sorted(codes(text)) == ["8:ignore/error", "8:promql/syntax"]
    assert read(text).errors


PLATFORM = "---\napiVersion: tocsin/v1\nkind: Platform\nname: shop\nchecks:\n"


@pytest.mark.parametrize(
    ("level", "said"),
    [("off", []), ("'off'", []), ("false", []), ("info", ["info"]), ("error", ["error"])],
)
def test_severity_of_a_workspace(level: str, said: list[str]) -> None:
    """The Platform grades a code; other commands still go by what the check says."""
    definitions = read(service() + PLATFORM + f"  alert/always: {level}\n")

    assert [f.severity.value for f in definitions.findings] == said
    assert definitions.errors == ()


def test_severity_of_an_unknown_code() -> None:
    """A misspelt code changes nothing, and is told."""
    findings = read(service() + PLATFORM + "  alert/alwyas: off\n").findings

    assert [(f.code, f.hint) for f in findings if f.code != "alert/always"] == [
        ("severity/unknown", "did you mean alert/always?")
    ]


def test_errors_are_not_graded() -> None:
    """An error stays one."""
    assert read(service("queue_depth >") + PLATFORM + "  promql/syntax: off\n").errors


def applied(definitions: Definitions, text: str, gone: Mapping[str, bool] | None = None) -> list[tuple[str, bool]]:
    """Findings by code, and whether the baseline hides them."""
    owners = Owners((definitions.workspace.documents or {}).values())
    baseline = Baseline("known.json", text, lambda path: path in definitions.texts or (gone or {}).get(path, False))
    findings = baseline.applied(definitions.findings, definitions.texts, owners, {"alert/always"})
    return [(finding.code, finding.hidden is not None) for finding in findings]


def baseline_of(definitions: Definitions) -> str:
    """The baseline of what is found."""
    owners = Owners((definitions.workspace.documents or {}).values())
    return baseline_text(definitions.findings, definitions.texts, owners)


class TestBaseline:
    """What was found before."""

    def test_what_is_known_is_hidden(self) -> None:
        """And stays hidden when lines move."""
        known = baseline_of(read(service()))

        assert applied(read(service()), known) == [("alert/always", True)]
        assert applied(read("# one\n# more\n" + service()), known) == [("alert/always", True)]

    def test_a_second_fault_is_new(self) -> None:
        """Entries count; the same line in another alert is another fault."""
        known = baseline_of(read(service()))
        other = service().replace(
            "tests:", "  Other:\n    expr: queue_depth\n    severity: warning\n    summary: x\ntests:"
        )

        assert applied(read(other), known) == [("alert/always", True), ("alert/always", False)]

    def test_stale_entries(self) -> None:
        """What was mended, and what stood in a file that is gone; not what was not looked at."""
        known = baseline_of(read(service()))
        other = definitions_of([Source("other.yaml", service())], today=TODAY)

        assert applied(read(service("queue_depth > 1")), known) == [("baseline/stale", False)]
        assert applied(other, known) == [("alert/always", False)]
        assert applied(other, known, {"shop.yaml": True}) == [("alert/always", False), ("baseline/stale", False)]

    def test_errors_are_not_written_down(self) -> None:
        """They are never hidden."""
        assert '"findings": []' in baseline_of(read(service("queue_depth >")))

    def test_the_same_findings_give_the_same_bytes(self) -> None:
        """So that a baseline in version control changes only where something changed."""
        assert baseline_of(read(service())) == baseline_of(read(service()))

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "findings": []}', '{"version": 1}', "\x00"])
    def test_what_is_no_baseline(self, text: str) -> None:
        """It is misuse, and no reason to fail otherwise."""
        with pytest.raises(MisuseError):
            applied(read(service()), text)


def finding(*edits: Edit, safe: bool = True) -> Diagnostic:
    """A finding with a fix."""
    return Diagnostic("x/y", edits[0].span, "m", fix=Fix("do it", edits, safe))


def test_fixes_keep_everything_else() -> None:
    """Edits are made from the back; of two that overlap the first one is made; unsafe ones are not."""
    text = "a: 1 # ä\nb: 值2\n"
    first = finding(Edit(Span("f", 1, 4, 1, 5), "one"), Edit(Span("f", 2, 4, 2, 6), "two"))
    clash = finding(Edit(Span("f", 1, 1, 1, 5), "gone"))
    unsafe = finding(Edit(Span("f", 1, 1, 1, 2), "A"), safe=False)
    other = finding(Edit(Span("g", 1, 1, 1, 2), "A"))

    assert fixed((first, clash, unsafe, other), {"f": text}) == ({"f": "a: one # ä\nb: two\n"}, 1)
