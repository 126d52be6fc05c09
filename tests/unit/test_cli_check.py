"""`tocsin check` and `tocsin test` as a user runs them, with the real promtool."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tocsin.cli.main import run

pytestmark = pytest.mark.real

GOOD = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  availability: {ratio: {bad: 'requests_total{code=~"5.."}', total: requests_total}}
slos:
  uptime: {sli: availability, target: 99.9%, window: 30d}
alerts:
  QueueTooLong:
    expr: sum by (queue) (queue_depth) > 100
    for: 5m
    severity: warning
tests:
  - name: a long queue is told of
    series:
      - {series: 'queue_depth{queue="a"}', values: '50x10 150x20'}
      - {series: 'queue_depth{queue="b"}', values: '50x30'}
    expect:
      - {at: 10m, alert: QueueTooLong, firing: []}
      - {at: 14m, alert: QueueTooLong, firing: []}
      - {at: 20m, alert: QueueTooLong, firing: [{queue: a, service: shop}]}
"""

BOTH = (
    'QueueTooLong at 20m: expected {queue="a",service="shop"}, '
    'got {queue="a",service="shop"} and {queue="b",service="shop"}'
)


@pytest.fixture(autouse=True)
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One good file in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = Path("shop.yaml")
    path.write_text(GOOD, encoding="utf-8")
    return path


def check(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[tuple[int, int, str, str]]]:
    """Exit code, and line, column, code and message of each finding."""
    capsys.readouterr()
    code = run(["check", ".", "--format", "json", *options])
    found = json.loads(capsys.readouterr().out)
    return code, [(f["line"], f["column"], f["code"], f["message"]) for f in found]


def change(path: Path, old: str, new: str) -> None:
    """Make a mistake."""
    assert GOOD.count(old) >= 1
    path.write_text(GOOD.replace(old, new), encoding="utf-8")


class TestCheck:
    """`tocsin check`."""

    def test_clean(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Nothing on stdout, one line on stderr, exit code 0."""
        assert run(["check", "."]) == 0
        assert capsys.readouterr() == ("", "1 file: clean\n")

    def test_text(self, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """What a user sees of one mistake."""
        change(definitions, "sum by (queue) (queue_depth) > 100", "sum by (queue) (queue_depth > 100")
        code = run(["check", "shop.yaml"])
        said = capsys.readouterr()

        assert code == 1
        assert said.out == (
            "shop.yaml:10:26: error: this '(' is never closed [promql/syntax]\n"
            "   10 |     expr: sum by (queue) (queue_depth > 100\n"
            "      |                          ^\n"
        )
        assert said.err == "\n1 file: 1 error\n"

    @pytest.mark.parametrize(
        ("old", "new", "finding"),
        [
            (
                "sum by (queue) (queue_depth) > 100",
                "foo offset 5 > 100",
                (10, 22, "promql/syntax", "a duration without a unit needs Prometheus 2.54 or newer"),
            ),
            (
                "requests_total{code=~",
                "requests_total{code=~~",
                (5, 53, "promql/syntax", "unexpected '~' where a string is wanted"),
            ),
        ],
    )
    def test_what_only_promtool_knows(
        self,
        old: str,
        new: str,
        finding: tuple[int, int, str, str],
        definitions: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Its message stands at the line and column of the definition that caused it, once."""
        change(definitions, old, new)
        code, findings = check(capsys)

        assert (code, [finding]) == (1, findings)

    def test_the_judge_overrules_the_first_opinion(self, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """What is PromQL for us but not for the promtool that is there is a finding with it, and not without it."""
        change(definitions, "sum by (queue) (queue_depth) > 100", "first_over_time(queue_depth[1h]) > 100")

        said = "first_over_time() needs Prometheus 3.7 or newer"
        assert check(capsys) == (1, [(10, 11, "promql/syntax", said)])
        assert check(capsys, "--no-promtool") == (0, [])

    def test_an_old_promtool_does_not_overrule_a_new_platform(
        self, definitions: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What the platform's Prometheus understands and the promtool that is there does not is a note."""
        change(definitions, "sum by (queue) (queue_depth) > 100", "first_over_time(queue_depth[1h]) > 100")
        platform = '{apiVersion: tocsin/v1, kind: Platform, name: p, prometheus: {version: "3.14", retention: 60d}}\n'
        Path("platform.yaml").write_text(platform, encoding="utf-8")

        said = "promtool does not know first_over_time(); the platform's Prometheus 3.14 does"
        assert check(capsys) == (0, [(10, 11, "promql/syntax", said)])

    def test_without_promtool(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Findings are shown all the same, and then that promtool is missing."""
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.delenv("TOCSIN_PROMTOOL", raising=False)
        change(Path("shop.yaml"), "queue_depth) > 100", "queue_depth)) > 100")
        code = run(["check", "."])
        said = capsys.readouterr()

        assert code == 2
        assert "this ')' closes nothing" in said.out
        assert "tocsin: promtool is not on PATH\n  hint: run `ci/setup tools`" in said.err
        assert run(["check", ".", "--no-promtool"]) == 1

    def test_warnings_do_not_fail(self, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A warning is told and the exit code is 0."""
        change(definitions, "sum by (queue) (queue_depth) > 100", "queue_depth")
        code, findings = check(capsys)

        assert code == 0
        assert [code for _, _, code, _ in findings] == ["alert/always"]

    def test_ten_mistakes_are_ten_findings(self, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Everything that is wrong is told in one run, in file order, each at its place."""
        definitions.write_text(
            """\
apiVersion: tocsin/v1
kind: Service
name: shop
metrics:
  latency_seconds: {type: histogram}
slis:
  availability: {ratio: {bad: 'sum(errors_total)', total: requests_total}}
slos:
  uptime: {sli: availability, target: 999%, page: [pager]}
  speed: {sli: sped, target: 99%, windw: 30d}
alerts:
  Slow: {expr: latency_seconds > 2, for: 5 min, severity: warning}
  Errors:
    value: |
      # the ratio
      sum(rat(errors_total[5m]))
    above: 5%
    severity: critcal
tests:
  - name: outage
    series: [{series: x, values: '1'}]
    expect: [{at: 1m, alert: Eror, firing: []}]
""",
            encoding="utf-8",
        )
        code, findings = check(capsys)

        assert code == 1
        assert [(line, column, code) for line, column, code, _ in findings] == [
            (7, 31, "promql/type"),
            (9, 39, "slo/target"),
            (9, 52, "reference/unknown-channel"),
            (10, 16, "reference/unknown-sli"),
            (10, 35, "schema/unknown-key"),
            (12, 16, "promql/histogram"),
            (12, 42, "schema/value"),
            (16, 11, "promql/syntax"),
            (18, 15, "schema/choice"),
            (22, 30, "reference/unknown-alert"),
        ]

    @pytest.mark.parametrize("format_", ["sarif", "json"])
    def test_machines_read_it(self, format_: str, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Stdout is JSON and nothing else."""
        change(definitions, "> 100", ">")

        assert run(["check", ".", "--format", format_]) == 1
        assert json.loads(capsys.readouterr().out)

    def test_junit(self, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Stdout is XML and nothing else."""
        change(definitions, "> 100", ">")
        run(["check", ".", "--format", "junit"])

        assert ET.fromstring(capsys.readouterr().out).get("failures") == "1"


class TestTest:
    """`tocsin test`."""

    def test_passes(self, capsys: pytest.CaptureFixture[str]) -> None:
        """What passed is counted, and so is what nobody proved."""
        assert run(["test", "."]) == 0
        assert capsys.readouterr() == (
            "",
            "1 test with 3 expectations: passed\nno test expects these to fire: shop/uptime\n",
        )

    @pytest.mark.parametrize(
        ("old", "new", "place", "message", "hint"),
        [
            (
                "{at: 14m, alert: QueueTooLong, firing: []}",
                "{at: 14m, alert: QueueTooLong, firing: [{queue: a}]}",
                (20, 26),
                'QueueTooLong at 14m: expected to fire with {queue="a"}, but it is only pending',
                "in this test it is pending from 11m, firing from 16m",
            ),
            (
                "{at: 10m, alert: QueueTooLong, firing: []}",
                "{at: 10m, alert: QueueTooLong, firing: [{queue: a}]}",
                (19, 26),
                'QueueTooLong at 10m: expected to fire with {queue="a"}, but it is silent',
                "in this test it is pending from 11m, firing from 16m",
            ),
            (
                "[{queue: a, service: shop}]",
                "[]",
                (21, 26),
                'QueueTooLong at 20m: expected silence, but it fires: {queue="a"}',
                "in this test it is pending from 11m, firing from 16m",
            ),
            (
                "[{queue: a, service: shop}]",
                "[{queue: a}, {queue: b}]",
                (21, 26),
                'QueueTooLong at 20m: expected {queue="a"} and {queue="b"}, got {queue="a"}',
                "in this test it is pending from 11m, firing from 16m",
            ),
            (
                "> 100",
                "> 40",
                (19, 26),
                'QueueTooLong at 10m: expected silence, but it fires: {queue="a"} and {queue="b"}',
                "in this test it is pending from 0s, firing from 5m",
            ),
            (
                "values: '50x30'}",
                "values: '50x10 150x20'}",
                (21, 26),
                BOTH,
                "in this test it is pending from 11m, firing from 16m",
            ),
            (
                "> 100",
                "> 200",
                (21, 26),
                'QueueTooLong at 20m: expected to fire with {queue="a",service="shop"}, but it is silent',
                "in this test it is never even pending",
            ),
        ],
    )
    def test_failures_are_told_in_words(
        self,
        old: str,
        new: str,
        place: tuple[int, int],
        message: str,
        hint: str,
        definitions: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """A failure stands at its expectation, with what was expected, what happened, and when it changed."""
        change(definitions, old, new)
        code = run(["test", ".", "--format", "json"])
        finding = json.loads(capsys.readouterr().out)[0]

        assert code == 1
        assert (finding["line"], finding["column"], finding["code"]) == (*place, "test/failed")
        assert finding["message"] == f"{message} (test 'a long queue is told of')"
        assert finding["hint"] == hint

    @pytest.mark.parametrize(
        ("old", "new", "place", "message"),
        [
            ("'50x30'", "'50x30 foo'", (17, 59), "unexpected identifier"),
            ("'queue_depth{queue=\"b\"}'", "'queue_depth{queue=b}'", (17, 37), "unexpected identifier"),
            ("'50x10 150x20'", "'50x10 150xx20'", (16, 63), "unexpected"),
        ],
    )
    def test_a_series_that_cannot_be_read(
        self,
        old: str,
        new: str,
        place: tuple[int, int],
        message: str,
        definitions: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Promtool's position in a series is the place in the file."""
        change(definitions, old, new)
        code = run(["test", ".", "--format", "json"])
        (finding,) = json.loads(capsys.readouterr().out)

        assert (code, finding["code"]) == (1, "test/invalid")
        assert (finding["line"], finding["column"]) == place
        assert message in finding["message"]

    def test_two_expected_are_not_one_that_matches_twice(
        self, definitions: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Instances are paired with label sets: one that matches both does not stand for another that matches none."""
        change(
            definitions,
            "- {series: 'queue_depth{queue=\"b\"}', values: '50x30'}",
            "- {series: 'queue_depth{queue=\"b\"}', values: '150x30'}",
        )
        text = definitions.read_text().replace("[{queue: a, service: shop}]", "[{queue: a}, {service: shop}]")
        definitions.write_text(text.replace("QueueTooLong, firing: []", "QueueTooLong, firing: [{queue: b}]"))
        assert run(["test", "."]) == 0
        definitions.write_text(text.replace("[{queue: a}, {service: shop}]", "[{queue: a}, {queue: a}]"))

        assert run(["test", ".", "--format", "json"]) == 1
        assert 'expected {queue=\\"a\\"} and {queue=\\"a\\"}' in capsys.readouterr().out

    def test_no_tests_is_said_aloud(self, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Nothing tested is not success."""
        definitions.write_text(GOOD.partition("tests:")[0], encoding="utf-8")

        assert run(["test", "."]) == 2
        assert capsys.readouterr().err.startswith("tocsin: no tests at or below .: nothing was tested\n")
        definitions.write_text(GOOD, encoding="utf-8")
        assert run(["test", ".", "-k", "nonsense"]) == 2

    def test_definitions_that_are_wrong_are_not_tested(
        self, definitions: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What is wrong is told instead."""
        change(definitions, "alert: QueueTooLong", "alert: QueueToLong")

        assert run(["test", "."]) == 1
        assert "did you mean QueueTooLong?" in capsys.readouterr().err

    def test_files_are_kept(self, tmp_path: Path) -> None:
        """The test files can be had, to run promtool by hand; each has all of its groups in order."""
        run(["test", ".", "--keep", "kept"])

        assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [
            "shop.001.rules.yml",
            "shop.001.test.yml",
        ]
        assert json.loads((tmp_path / "kept/shop.001.test.yml").read_text())["group_eval_order"] == ["alerts:shop"]

    def test_rules_that_no_expectation_needs_are_left_out(self, tmp_path: Path, definitions: Path) -> None:
        """A test of one tier needs its windows and no others: that is what makes tests quick."""
        change(definitions, "alert: QueueTooLong, firing: []", 'alert: "uptime:fast", firing: []')
        run(["test", ".", "--keep", "kept"])
        rules = (tmp_path / "kept/shop.001.rules.yml").read_text()

        assert "slo:bad:rate5m" in rules
        assert "slo:bad:rate1h" in rules
        assert "slo:bad:rate6h" not in rules


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
def test_a_deadline_is_a_number_of_seconds(seconds: str, definitions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is misuse, never a traceback."""
    assert run(["check", str(definitions), "--deadline", seconds]) == 2
    assert "--deadline" in capsys.readouterr().err


def test_values_that_the_schema_refuses_stop_no_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No deviation, a label of Tocsin's own and a severity that does not exist are findings, and no tracebacks."""
    (tmp_path / "shop.yaml").write_text(
        "apiVersion: tocsin/v1\nkind: Service\nname: shop\n"
        "slis: {av: {ratio: {bad: 'b{job=\"x\"}', total: 't{job=\"x\"}'}}}\n"
        "slos: {g: {sli: av, target: 99%, group_by: [part]}}\n"
        "alerts:\n"
        "  A: {anomaly: {series: x, season: 1d, deviations: 0}, severity: warning}\n"
        "  B: {value: x, above: 1, severity: loud}\n"
        "---\napiVersion: tocsin/v1\nkind: Notifications\nname: n\nchannels: {c: {apprise: {env: U}}}\n"
        "routes: [{match: {severity: critical}, to: [c]}]\n",
        encoding="utf-8",
    )

    assert run(["check", str(tmp_path), "--no-promtool"]) == 1
    out = capsys.readouterr().out
    assert [code in out for code in ("slo/group-by", "severity is 'loud'", "deviations")] == [True, True, True]
