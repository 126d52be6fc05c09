"""`tocsin check`: severities, baselines, fixes and formats, and `tocsin rule`, as a user runs them."""

import json
import stat
from pathlib import Path

import pytest

from tocsin.cli import mending
from tocsin.cli.main import run

TEXT = """\
apiVersion: tocsin/v1
kind: Service
name: shop    # ä comment
owner: no
alerts:
  Always: {expr: queue_depth, severity: warning}
  Long:
    expr: queue_depth > 100
    for: 0s
    severty: warning  # misspelt
"""
FIXED = """\
apiVersion: tocsin/v1
kind: Service
name: shop    # ä comment
owner: "no"
alerts:
  Always: {expr: queue_depth, severity: warning}
  Long:
    expr: queue_depth > 100
    severity: warning  # misspelt
"""


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One file in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    path = Path("shop.yaml")
    path.write_bytes(TEXT.encode())
    return path


def check(*options: str) -> int:
    """The exit code."""
    return run(["check", "shop.yaml", "--no-promtool", *options])


def found(capsys: pytest.CaptureFixture[str], *options: str) -> list[tuple[str, str]]:
    """Codes and severities."""
    capsys.readouterr()
    check("--format", "json", *options)
    return [(f["code"], f["severity"]) for f in json.loads(capsys.readouterr().out)]


class TestFix:
    """`--fix` and `--diff`."""

    def test_fix(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """What is wrong is changed, everything else stays, and a second run changes nothing."""
        assert check("--fix") == 0
        assert shop.read_text(encoding="utf-8") == FIXED
        assert "3 fixes in 1 file\n" in capsys.readouterr().err

        assert check("--fix") == 0
        assert shop.read_text(encoding="utf-8") == FIXED
        assert "0 fixes in 0 files\n" in capsys.readouterr().err

    def test_diff(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """It shows the same and changes nothing; exit code 1 while there is something to fix."""
        assert check("--diff") == check("--fix", "--diff") == 1
        assert shop.read_text(encoding="utf-8") == TEXT
        assert '-owner: no\n+owner: "no"\n' in capsys.readouterr().out

        shop.write_text(FIXED, encoding="utf-8")
        assert check("--diff") == 0

    def test_bytes_that_are_not_ours(self, shop: Path) -> None:
        """A byte order mark, line breaks of Windows and permissions stay."""
        shop.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
        shop.chmod(0o600)
        check("--fix")

        assert shop.read_bytes() == b"\xef\xbb\xbf" + FIXED.replace("\n", "\r\n").encode()
        assert stat.S_IMODE(shop.stat().st_mode) == 0o600

    def test_a_link_stays_one(self, shop: Path) -> None:
        """The file behind it is changed."""
        shop.rename("real.yml")
        shop.symlink_to("real.yml")
        check("--fix")

        assert shop.is_symlink()
        assert Path("real.yml").read_text(encoding="utf-8") == FIXED

    def test_a_fix_that_makes_it_worse_is_not_made(self, shop: Path) -> None:
        """The right key shows a wrong value: as many errors, and no fewer findings."""
        text = TEXT.replace("severty: warning", "severty: wrong").replace("    for: 0s\n", "").replace("no\n", "'no'\n")
        shop.write_text(text, encoding="utf-8")
        check("--fix")

        assert shop.read_text(encoding="utf-8") == text

    def test_a_file_that_changes_meanwhile(
        self, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What somebody else wrote is not lost."""
        mend = mending.Mended.write

        def late(self: mending.Mended) -> None:
            shop.write_text("# mine\n", encoding="utf-8")
            mend(self)

        monkeypatch.setattr(mending.Mended, "write", late)

        assert check("--fix") == 2
        assert shop.read_text(encoding="utf-8") == "# mine\n"
        assert "shop.yaml: changed while it was checked" in capsys.readouterr().err


class TestSeverity:
    """`--severity` and `--fail-on`."""

    def test_severity(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A code is graded for this run."""
        shop.write_text(FIXED, encoding="utf-8")

        assert found(capsys) == [("alert/always", "warning")]
        assert found(capsys, "--severity", "alert/always=off") == []
        assert sorted(found(capsys, "--severity", "alert/always=info", "--severity", "alert/summary=error")) == [
            ("alert/always", "info"),
            ("alert/summary", "error"),
            ("alert/summary", "error"),
        ]

    def test_exit_code(self, shop: Path) -> None:
        """By what was asked for."""
        shop.write_text(FIXED, encoding="utf-8")

        assert check() == 0
        assert check("--fail-on", "warning") == 1
        assert check("--fail-on", "warning", "--severity", "alert/always=info") == 0
        assert check("--severity", "alert/always=error") == 1

    @pytest.mark.parametrize("wrong", ["alert/alwyas=off", "alert/always", "alert/always=fatal"])
    def test_misuse(self, wrong: str) -> None:
        """A misspelt code or level is no run."""
        assert check("--severity", wrong) == 2


class TestBaseline:
    """`--write-baseline` and `--baseline`."""

    def test_only_what_is_new_is_told(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Lines may move; a new fault is told."""
        shop.write_text(FIXED, encoding="utf-8")

        assert check("--write-baseline", "known.json") == 0
        assert found(capsys, "--baseline", "known.json") == []
        assert check("--baseline", "known.json", "--fail-on", "info") == 0

        shop.write_text(
            FIXED.replace("alerts:", "# more\nalerts:\n  New: {expr: queue_length, severity: info}"), encoding="utf-8"
        )
        assert found(capsys, "--baseline", "known.json") == [("alert/always", "warning")]

    def test_sarif_tells_what_is_hidden(self, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """As a suppression."""
        shop.write_text(FIXED, encoding="utf-8")
        check("--write-baseline", "known.json")
        capsys.readouterr()
        check("--baseline", "known.json", "--format", "sarif")
        (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]

        assert result["suppressions"] == [{"kind": "external", "justification": "known to known.json"}]

    def test_a_baseline_that_is_not_there(self) -> None:
        """It is a mistake, and not an empty one."""
        assert check("--baseline", "gone.json") == 2


def test_github_summary(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All findings stand in the job's summary, below what was there."""
    Path("summary.md").write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    check("--format", "github")
    summary = Path("summary.md").read_text(encoding="utf-8")

    assert summary.startswith("before\n### tocsin check\n")
    assert "| shop.yaml:6:18 | warning | alert/always |" in summary


class TestRule:
    """`tocsin rule`."""

    def test_page(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The manual page of a code."""
        assert run(["rule", "alert/always"]) == 0
        assert capsys.readouterr().out.startswith("alert/always\n\nAn alert's expression has to be a condition.")

    def test_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        """All codes with one line each."""
        assert run(["rule"]) == 0
        assert any(line.startswith("yaml/alias ") for line in capsys.readouterr().out.splitlines())

    def test_unknown(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The right one is named."""
        assert run(["rule", "alert/alwyas"]) == 2
        assert "did you mean alert/always?" in capsys.readouterr().err
