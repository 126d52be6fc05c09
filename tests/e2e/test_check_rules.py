"""The platform's own definitions are clean, and their tests pass, as a user sees it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


def tocsin(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "tocsin.cli.main", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_rules_are_clean() -> None:
    """No error, exit code 0; what is left is the one thing that the platform's owner decided: 15 days of samples."""
    result = tocsin("check", "rules", "--format", "json")
    findings = json.loads(result.stdout)

    assert result.returncode == 0, result.stdout
    assert {(finding["code"], finding["severity"]) for finding in findings} <= {("slo/retention", "info")}


def test_rules_prove_themselves() -> None:
    """Every test of the platform's definitions passes, and every alert and objective is proved to fire by one."""
    result = tocsin("test", "rules")

    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.splitlines()[0].endswith("expectations: passed")
    assert "no test expects" not in result.stderr


MISTAKES = (
    ("be-camera.yaml", "type: histogram", "type: histgram", "schema/choice"),
    ("be-camera.yaml", 'bad: http_requests_total{job="be-camera",status=~"5.."}', "bad: http_requests_total{job=x}",
     "promql/syntax"),
    ("be-camera.yaml", "within: 1s", "within: 1 s", "schema/value"),
    ("be-camera.yaml", "target: 99.9%", "target: 99.9", "slo/target"),
    ("be-camera.yaml", "page: [email, slack, pagerduty]", "page: [email, slack, pagrduty]",
     "reference/unknown-channel"),
    ("be-camera.yaml", "      (sum(rate(http", "      (sum(rat(http", "promql/syntax"),
    ("be-camera.yaml", "above: 80%", "abve: 80%", "schema/unknown-key"),
    ("be-camera.yaml", "at: 20m, alert: HighCpuUsage", "at: 20m, alert: HighCpuUse", "reference/unknown-alert"),
    ("dashboards.yaml", "expr: sum(user_count)", "expr: avg(ai_inference_duration_seconds)", "promql/histogram"),
    ("platform.yaml", "retention: 15d", "retention: 15 days", "schema/value"),
)  # fmt: skip


def test_ten_mistakes_in_the_real_thing(tmp_path: Path) -> None:
    """Ten mistakes in the platform's files are found in one run, each on its line, and nothing else is said of them."""
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    expected = set()
    for name, old, new, code in MISTAKES:
        text = (rules / name).read_text()
        assert old in text, f"{name} does not say {old!r} any more"
        expected.add((f"rules/{name}", text[: text.index(old)].count("\n") + 1, code))
        (rules / name).write_text(text.replace(old, new, 1))
    command = [sys.executable, "-m", "tocsin.cli.main", "check", "rules", "--format", "json"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    errors = [finding for finding in json.loads(result.stdout) if finding["severity"] == "error"]
    found = {(finding["path"], finding["line"], finding["code"]) for finding in errors}

    assert (result.returncode, result.stderr) == (1, "")
    assert found >= expected
    assert found - expected <= {
        ("rules/be-camera.yaml", line_of(rules / "be-camera.yaml", "HighCpuUsage:"), code)
        for code in ("alert/condition", "schema/missing-key")
    }


def line_of(path: Path, text: str) -> int:
    """The first line that holds *text*."""
    return path.read_text().partition(text)[0].count("\n") + 1
