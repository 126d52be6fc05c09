"""`tocsin compile` and `tocsin explain` as a user runs them."""

import json
import subprocess
from pathlib import Path

import pytest

from tocsin.cli.main import run

GOOD = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  availability: {ratio: {bad: 'requests_total{code=~"5.."}', total: requests_total}}
slos:
  uptime: {sli: availability, target: 99.9%, window: 30d}
alerts:
  QueueTooLong: {expr: 'queue_depth > 100', for: 5m, severity: warning}
"""


@pytest.fixture(autouse=True)
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One good file in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(GOOD, encoding="utf-8")


def test_compile_writes_and_check_agrees() -> None:
    """What was written is up to date, and stays so however often it is written."""
    assert [
        run(["compile", "shop.yaml", "-o", "out"]),
        run(["compile", "shop.yaml", "-o", "out"]),
        run(["compile", "shop.yaml", "-o", "out", "--check"]),
    ] == [0, 0, 0]


def test_check_says_what_is_not_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """One line per file, and the command that mends it; nothing is written."""
    run(["compile", "shop.yaml", "-o", "out"])
    Path("shop.yaml").write_text(GOOD.replace("99.9%", "99.5%"), encoding="utf-8")
    before = Path("out/prometheus/rules/shop.yml").read_bytes()
    capsys.readouterr()
    code = run(["compile", "shop.yaml", "-o", "out", "--check"])
    said = capsys.readouterr()

    assert (
        1,
        "out/prometheus/rules/shop.yml: differs\n",
        "not up to date; run: tocsin compile shop.yaml -o out\n",
        before,
    ) == (code, said.out, said.err, Path("out/prometheus/rules/shop.yml").read_bytes())


def test_findings_stop_the_compiler(capsys: pytest.CaptureFixture[str]) -> None:
    """An infeasible tier is printed with its place, and nothing is written."""
    Path("shop.yaml").write_text(GOOD.replace("99.9%", "90%"), encoding="utf-8")
    code = run(["compile", "shop.yaml", "-o", "out"])

    assert (code, Path("out").exists()) == (1, False)
    assert "shop.yaml:7:39: error: tier fast of shop/uptime can never fire" in capsys.readouterr().err


def test_no_promql_is_written_that_does_not_parse(capsys: pytest.CaptureFixture[str]) -> None:
    """Prometheus would refuse to load all rules for one broken expression."""
    Path("shop.yaml").write_text(GOOD.replace("total: requests_total", "total: sum(requests_total)"), encoding="utf-8")
    code = run(["compile", "shop.yaml", "-o", "out"])

    assert (code, Path("out").exists()) == (1, False)
    assert "[promql/type]" in capsys.readouterr().err


def test_a_target_is_written_alone_when_it_is_named() -> None:
    """Nothing else appears, and what another run wrote for other targets stays."""
    run(["compile", "shop.yaml", "-o", "out"])
    code = run(["compile", "shop.yaml", "-o", "out", "--target", "kubernetes"])
    files = sorted(str(path) for path in Path("out").rglob("*.yml"))

    assert (code, files) == (
        0,
        ["out/kubernetes/tocsin-shop.yml", "out/prometheus/prometheus.yml", "out/prometheus/rules/shop.yml"],
    )


def test_check_covers_every_target_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of any target that is not up to date is told, and so is the command that mends it."""
    run(["compile", "shop.yaml", "-o", "out", "-t", "prometheus", "-t", "kubernetes"])
    Path("out/kubernetes/tocsin-shop.yml").unlink()
    capsys.readouterr()
    code = run(["compile", "shop.yaml", "-o", "out", "-t", "prometheus", "-t", "kubernetes", "--check"])
    said = capsys.readouterr()

    assert (code, said.out) == (1, "out/kubernetes/tocsin-shop.yml: missing\n")
    assert "-o out --target prometheus --target kubernetes\n" in said.err


def test_an_unknown_target_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names those that exist."""
    assert run(["compile", "shop.yaml", "-o", "out", "--target", "kubernets"]) == 2
    assert "'kubernets' is no target; there are prometheus, " in capsys.readouterr().err


def test_no_file_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    """A path with a typo exits with 2 and one line."""
    assert run(["compile", "shp.yaml", "-o", "out"]) == 2
    assert "tocsin: shp.yaml: no such file or folder" in capsys.readouterr().err


def test_explain_tells_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    """The first and last row of the published table, to three digits."""
    code = run(["explain", "shop/uptime", "shop.yaml"])
    rows = {line.split()[0]: line.split("  ") for line in capsys.readouterr().out.splitlines() if "%" in line[:8]}

    assert code == 0
    assert [cell.strip() for cell in rows["15%"] if cell.strip()] == [
        "15%",
        "5.76m / 4.52m",
        "14.4m / 28.8m",
        "28.8m / 1.96h",
        "28.8m / 5.96h",
        "5.76m",
        "2%",
        "4.8h",
    ]


def test_explain_tells_guards_and_draws(capsys: pytest.CaptureFixture[str]) -> None:
    """What is in force is said, and the chart has a line for each tier, as text and as SVG."""
    assert run(["explain", "shop/uptime", "shop.yaml", "--chart", "chart.svg"]) == 0
    out = capsys.readouterr().out

    assert "evidence:  at least 3 bad events\n" in out
    assert "  on  cold_start: history that is not known counts as clean\n" in out
    assert "\n     3d |4444444\n" in out
    assert Path("chart.svg").read_text(encoding="utf-8").count('fill="none"') == 4


def test_explain_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """The same facts as JSON, in seconds."""
    assert run(["explain", "shop/uptime", "shop.yaml", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)

    outage = {"errors": 0.15, "fires_after": 345.6, "over_after": 271.2, "budget_spent": 0.02}
    assert told["tiers"][0]["outages"][2] == outage
    assert [guard["on"] for guard in told["guards"]] == [True] * 5


def test_explain_shows_an_alert_with_its_expression(capsys: pytest.CaptureFixture[str]) -> None:
    """Threshold alerts are one rule; it is shown."""
    assert run(["explain", "shop/QueueTooLong", "shop.yaml"]) == 0
    assert "      queue_depth > 100\n" in capsys.readouterr().out


def test_explain_shows_what_a_journey_combines(capsys: pytest.CaptureFixture[str]) -> None:
    """A journey has members instead of tiers, and rules of its own."""
    assert run(["explain", "people-counting/end-to-end", str(Path(__file__).parents[2] / "rules")]) == 0
    out = capsys.readouterr().out

    assert "mysql/up (weight 3)" in out
    assert "JourneyBudgetBurn" in out


def test_explain_knows_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    """A reference with a typo names the close ones."""
    assert run(["explain", "shop/uptme", "shop.yaml"]) == 2
    assert "hint: there is shop/uptime" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["check"], ["compile", "-o", "out"], ["test"]])
def test_an_alert_that_can_never_fire_fails_the_build(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Promtool takes the rule; every command refuses it."""
    Path("shop.yaml").write_text(GOOD.replace("queue_depth > 100", "queue_depth > 5 and queue_depth < 2"), "utf-8")
    code = run([command[0], "shop.yaml", *command[1:]])
    said = capsys.readouterr()

    assert (code, "promql/constant" in said.out + said.err) == (1, True)


ALERT = """\
apiVersion: tocsin/v1
kind: Service
name: shop
alerts:
  QueueTooLong: {value: max(queue_depth), above: 100, for: 5m, severity: warning}
tests:
  - name: a long queue
    series: [{series: queue_depth, values: 200x20}]
    expect: [{alert: QueueTooLong, at: 10m, firing: [{}]}]
"""
PROBE = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis: {a: {probe: {up: up}}}
slos: {up: {sli: a, target: 99%, window: 7d, burn_rate: {off: [steady, slow, trickle]}}}
"""


def promtool() -> subprocess.CompletedProcess[str]:
    """What promtool says of all test files, with nothing but what was written."""
    files = sorted(map(str, Path("out/prometheus/tests").rglob("*.test.yml")))
    command = ["promtool", "test", "rules", *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.real
def test_written_tests_pass_and_notice_a_broken_rule() -> None:
    """Plain promtool runs the proofs and the tests by hand; a threshold that was changed makes both fail."""
    Path("shop.yaml").write_text(ALERT, encoding="utf-8")
    code = run(["compile", "shop.yaml", "-o", "out", "--with-tests"])
    whole = promtool()
    for rules in Path("out/prometheus/tests/shop").glob("*.rules.yml"):
        rules.write_text(rules.read_text().replace("> 100", "> 1000"), encoding="utf-8")
    broken = promtool()

    assert (code, whole.returncode, broken.returncode) == (0, 0, 1)
    assert [line.strip() for line in whole.stdout.splitlines() if "SUCCESS" in line] == ["SUCCESS", "SUCCESS"]
    assert [line.strip() for line in broken.stderr.splitlines() if "FAILED" in line] == ["FAILED:", "FAILED:"]
    assert sorted(path.name for path in Path("out/prometheus/tests/shop").glob("*.test.yml")) == [
        "001.test.yml",
        "QueueTooLong.01.test.yml",
    ]


def test_tests_stand_beside_the_rules_that_the_server_reads(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule of a test file has the text of the rule file; they are up to date together, and go with the flag."""
    asked = ["compile", "shop.yaml", "-o", "out", "--with-tests"]
    code = run(asked)
    said = capsys.readouterr().out
    deployed = Path("out/prometheus/rules/shop.yml").read_text(encoding="utf-8").split("      # shop.yaml:")
    sliced = [path.read_text(encoding="utf-8") for path in Path("out/prometheus/tests").rglob("*.rules.yml")]
    copies = {
        rule.partition("  - name:")[0].rstrip() for text in sliced for rule in text.split("      # shop.yaml:")[1:]
    }

    assert code == 0
    assert copies == {rule.partition("  - name:")[0].rstrip() for rule in deployed[1:]}
    assert "test files, run by: find out/prometheus/tests" in said
    assert run([*asked, "--check"]) == 0
    assert run(asked[:-1]) == 0
    assert list(Path("out/prometheus/tests").rglob("*.yml")) == []


def test_tests_are_for_the_prometheus_that_runs() -> None:
    """Windows of 3.x hold one sample less, so what is recorded over them is computed otherwise."""
    platform = "---\napiVersion: tocsin/v1\nkind: Platform\nname: p\nprometheus: {version: '%s', retention: 40d}\n"
    written = []
    for version in ("2.53", "3.1"):
        Path("shop.yaml").write_text(PROBE + platform % version, encoding="utf-8")
        assert run(["compile", "shop.yaml", "-o", "out", "--with-tests"]) == 0
        files = sorted(Path("out/prometheus/tests").rglob("*.test.yml"))
        written.append("".join(path.read_text(encoding="utf-8") for path in files))

    assert written[0] != written[1]


def test_tests_are_of_the_rules_of_prometheus(capsys: pytest.CaptureFixture[str]) -> None:
    """Without these rules there is nothing that promtool could test."""
    code = run(["compile", "shop.yaml", "-o", "out", "--with-tests", "-t", "runbooks"])

    assert (code, "add -t prometheus" in capsys.readouterr().err) == (2, True)
