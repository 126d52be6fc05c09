"""The command line: every command helps, and every way to fail has its exit code and its words."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from tocsin.cli import main
from tocsin.cli.main import COMMANDS, run
from tocsin.errors import MisuseError, SourceError, TocsinError, UnavailableError


def in_a_process(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `tocsin` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "tocsin.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
    )


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_every_help_ends_with_an_example(name: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """Help says what a command is for, and its last lines can be typed as they are."""
    code = run([*([name] if name else []), "--help"])
    shown = capsys.readouterr().out
    examples = shown.rpartition("Example")[2].splitlines()[1:]

    assert code == 0
    assert shown.startswith("Usage: tocsin")
    assert examples
    assert all(line.strip().startswith(("tocsin ", "kill ")) for line in examples)


def test_every_command_exists() -> None:
    """The names that scripts rely on are all there."""
    names = [
        "check",
        "compile",
        "test",
        "explain",
        "apportion",
        "route",
        "import",
        "serve",
        "status",
        "doctor",
        "evaluate",
        "backtest",
        "simulate",
        "report",
        "demo",
        "schema",
        "rule",
    ]

    assert names == list(COMMANDS)
    for name in COMMANDS:
        assert isinstance(main.tocsin.get_command(click.Context(main.tocsin), name), click.Command)


def test_help_needs_nothing_that_is_slow() -> None:
    """`tocsin --help` imports no server, no database and no messenger."""
    script = "import sys; from tocsin.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert {"fastapi", "sqlalchemy", "apprise", "numpy", "jsonschema"} & set(child.stderr.split()) == set()


def test_a_misspelt_command() -> None:
    """The nearest command is named."""
    result = in_a_process("chekc", "rules")

    assert (result.returncode, result.stdout) == (2, "")
    assert "no such command 'chekc'; did you mean 'check'?" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["check"], ["check", "--format", "xml", "."], ["--no-such-option"], ["test"], ["check", "--deadline", "0", "."]],
)
def test_misuse(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that means nothing is exit code 2, with the way to help."""
    assert run(arguments) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "test"])
def test_a_path_that_does_not_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that does not exist is said to be that."""
    assert run([command, "no/such/path"]) == 2
    assert capsys.readouterr().err.startswith("tocsin: no/such/path: no such file or folder\n  hint: ")


@pytest.mark.parametrize("error", [TocsinError, UnavailableError, MisuseError, SourceError])
def test_a_world_that_failed(
    error: type[TocsinError], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed and what to do about it stand on stderr, without a traceback."""

    @click.command("boom")
    def boom() -> None:
        raise error("it broke", hint="mend it")

    monkeypatch.setattr(main, "tocsin", boom)

    assert run([]) == 2
    assert capsys.readouterr().err == "tocsin: it broke\n  hint: mend it\n"


def test_our_own_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no code foresaw is a traceback, not an exit code."""

    @click.command("boom")
    def boom() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "tocsin", boom)
    with pytest.raises(ZeroDivisionError):
        run([])


@pytest.mark.real
def test_ctrl_c(tmp_path: Path) -> None:
    """An interrupted command ends with 130 and without a traceback."""
    tool = tmp_path / "promtool"
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/running\nexec sleep 60\n")
    tool.chmod(0o755)
    (tmp_path / "a.yaml").write_text("{apiVersion: tocsin/v1, kind: Dashboard, name: d, panels: []}")
    command = [sys.executable, "-m", "tocsin.cli.main", "check", "a.yaml", "--promtool", str(tool)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(200):
            if (tmp_path / "running").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)

    assert process.returncode == 130
    assert "Traceback" not in said


def test_a_reader_that_has_enough(tmp_path: Path) -> None:
    """`tocsin schema Service | head -1` says nothing about the pipe."""
    read, write = os.pipe()
    os.close(read)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "tocsin.cli.main", "schema", "Service"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
        )
    finally:
        os.close(write)

    assert (result.returncode, result.stderr) == (141, "")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the distribution."""
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tocsin 0.")


# --- schema ---


def test_schema_lists_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a kind there is a list; with one, in any case, its schema."""
    run(["schema"])
    kinds = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    run(["schema", "sla"])
    schema = capsys.readouterr().out

    assert kinds == ["Service", "Journey", "SLA", "Notifications", "Platform", "Dashboard", "SLITemplate"]
    assert '"$schema": "https://json-schema.org/draft/2020-12/schema"' in schema


def test_schema_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All schemas can be had as files, for editors."""
    assert run(["schema", "-o", str(tmp_path / "new")]) == 0
    assert len(list((tmp_path / "new").glob("*.v1.schema.json"))) == 7
    assert len(capsys.readouterr().out.splitlines()) == 7


def test_schema_of_no_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """A kind that does not exist is misuse, with a guess."""
    assert run(["schema", "Servise"]) == 2
    assert capsys.readouterr().err == "tocsin: there is no kind 'Servise'\n  hint: did you mean Service?\n"


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    """Output that could not be written is no success, no finding, and no traceback."""
    (tmp_path / "shop.yaml").write_text("kind: Servce\n", encoding="utf-8")
    command = [sys.executable, "-m", "tocsin.cli.main", "check", str(tmp_path), "--no-promtool"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (ended.returncode, ended.stderr.count("Traceback")) == (2, 0)
    assert "could not be written" in ended.stderr
