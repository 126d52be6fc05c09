"""promtool found, held to its version and deadline, and read: the real one, and impostors."""

import os
import signal
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tocsin.adapters import batches
from tocsin.adapters.promtool import ENVIRONMENT, Miss, Promtool, find_promtool
from tocsin.errors import UnavailableError
from tocsin.targets.trace import Complaint

pytestmark = pytest.mark.real

GOOD = "groups:\n- name: g\n  rules:\n  - record: r:x\n    expr: sum(x)\n"
BAD = """\
groups:
- name: g
  rules:
  - alert: A
    expr: |
      sum by (
        foo) (rate(x[5m])
  - alert: B
    expr: 'rate(foo) > 1'
    labels: {"a-b": x}
    annotations: {summary: '{{ $foo }}'}
  - record: a-b
    expr: up
  - record: ok
    expr: 'up'
"""


@pytest.fixture
def promtool() -> Promtool:
    """The real one."""
    return find_promtool()


def impostor(folder: Path, script: str) -> str:
    """An executable that says it is promtool 2.45.0 and then runs *script*."""
    path = folder / "promtool"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "promtool, version 2.45.0"; exit 0; fi\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


# --- finding ---


def test_flag_before_environment_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag wins over the environment, and that over PATH."""
    (tmp_path / "flag").mkdir()
    (tmp_path / "env").mkdir()
    flag, env = impostor(tmp_path / "flag", ""), impostor(tmp_path / "env", "")

    assert find_promtool().binary not in {flag, env}
    monkeypatch.setenv(ENVIRONMENT, env)
    assert find_promtool().binary == env
    assert find_promtool(flag).binary == flag


def test_a_relative_path_still_works_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool runs in a temporary folder, so the binary is remembered by its absolute path."""
    impostor(tmp_path, "")
    monkeypatch.chdir(tmp_path)

    assert find_promtool("./promtool").binary == str(tmp_path / "promtool")


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (None, "promtool is not on PATH"),
        ("/no/such/promtool", "--promtool names '/no/such/promtool', which is no executable file"),
    ],
)
def test_missing(flag: str | None, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is none, the way to install it is told."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(ENVIRONMENT, raising=False)

    with pytest.raises(UnavailableError) as caught:
        find_promtool(flag)

    assert str(caught.value) == message
    assert "ci/setup" in str(caught.value.hint)
    assert "brew install prometheus" in str(caught.value.hint)
    assert "Debian package `prometheus`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("echo 'promtool, version 2.41.0 (branch: x)'", "is promtool 2.41; 2.42 or newer is needed"),
        ("echo hello", "does not say its version like a promtool: hello"),
        ("true", "does not say its version like a promtool: it printed nothing"),
        ("echo 'promtool, version 3.1.0'; exit 1", "does not say its version like a promtool"),
    ],
)
def test_too_old_or_something_else(answer: str, message: str, tmp_path: Path) -> None:
    """A promtool that is too old, and a program that is none, are refused before they judge anything."""
    path = tmp_path / "promtool"
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)

    with pytest.raises(UnavailableError, match=message):
        find_promtool(str(path))


def test_newer_ones_are_welcome(tmp_path: Path) -> None:
    """Version 3 is newer than 2.42, and so is 2.100."""
    path = tmp_path / "promtool"
    path.write_text("#!/bin/sh\necho 'promtool, version 3.14.0 (branch: HEAD, revision: x)'\n")
    path.chmod(0o755)

    assert find_promtool(str(path)).version == (3, 14)


def test_no_program_at_all(tmp_path: Path) -> None:
    """A file that is executable and no program is an error with words."""
    path = tmp_path / "promtool"
    path.write_bytes(b"\x00\x01\x02")
    path.chmod(0o755)

    with pytest.raises(UnavailableError, match="cannot be run"):
        find_promtool(str(path))


# --- deadlines ---


def test_a_promtool_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """After the deadline the whole process group is gone, not only its leader."""
    pid_file = tmp_path / "child"
    tool = Promtool(impostor(tmp_path, f"sleep 300 & echo $! > {pid_file}; wait"), (2, 45), deadline=0.5)
    began = time.monotonic()

    with pytest.raises(UnavailableError, match=r"`promtool check rules` did not end within 0\.5 s and was killed"):
        tool.check_rules({"a.yml": GOOD})

    assert time.monotonic() - began < 5
    assert gone(int(pid_file.read_text()))


def gone(pid: int) -> bool:
    """Whether a process ends within five seconds; a zombie that nobody reaps yet counts as ended."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, promtool: Promtool) -> None:
    """The temporary folder goes, also when promtool is killed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    promtool.check_rules({"deep/a.yml": GOOD})
    (tmp_path / "bin").mkdir()
    slow = Promtool(impostor(tmp_path / "bin", "sleep 300"), (2, 45), deadline=0.2)
    with pytest.raises(UnavailableError):
        slow.check_rules({"a.yml": GOOD})

    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


# --- what it says ---


def test_check_rules_accepts(promtool: Promtool) -> None:
    """Good rules give no complaint, and no rules need no promtool."""
    assert promtool.check_rules({"a.yml": GOOD, "deep/b.yml": GOOD}) == ()
    assert promtool.check_rules({}) == ()


def test_check_rules_complains(promtool: Promtool) -> None:
    """Each message has its rule, and for expressions the position inside the expression."""
    complaints = promtool.check_rules({"good.yml": GOOD, "bad.yml": BAD})

    assert complaints == (
        Complaint("bad.yml", "unclosed left parenthesis", "g", 1, "A", (3, 1)),
        Complaint(
            "bad.yml",
            'expected type range vector in call to function "rate", got instant vector',
            "g",
            2,
            "B",
            (1, 6),
        ),
        Complaint("bad.yml", "invalid label name: a-b", "g", 2, "B"),
        Complaint("bad.yml", 'annotation "summary": template: __alert_B:1: undefined variable "$foo"', "g", 2, "B"),
        Complaint("bad.yml", "invalid recording rule name: a-b", "g", 3, "a-b"),
    )


def test_many_rules_are_checked_by_several_processes(promtool: Promtool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say what one would; few rules are not worth more than one."""
    files = {**{f"{number}.yml": GOOD for number in range(5)}, "bad.yml": BAD, "deep/bad.yml": BAD}
    asked: list[list[str]] = []
    monkeypatch.setattr(batches, "LEAST_RULES", 100)
    monkeypatch.setattr(Promtool, "check_rules", noted(asked))
    said = batches.check_rules(promtool, files, 3)

    assert sorted(map(str, promtool.check_rules(files))) == sorted(map(str, said))
    assert sorted(files) == sorted(path for some in asked[:3] for path in some)
    asked.clear()
    batches.check_rules(promtool, {"a.yml": GOOD}, 3)
    assert asked == [["a.yml"]]


def noted(asked: list[list[str]]) -> Callable[[Promtool, Mapping[str, str]], tuple[Complaint, ...]]:
    """`check_rules` that writes down which files it is asked about."""
    really = Promtool.check_rules

    def check(promtool: Promtool, files: Mapping[str, str]) -> tuple[Complaint, ...]:
        asked.append(list(files))
        return really(promtool, files)

    return check


def test_check_rules_finds_what_promtool_only_warns_of(promtool: Promtool) -> None:
    """A series that is recorded twice is FAILED with exit code 0; here it is a complaint."""
    twice = GOOD + "  - record: r:x\n    expr: sum(y)\n"

    assert promtool.check_rules({"a.yml": twice}) == (
        Complaint("a.yml", "the same series is recorded twice", name="r:x"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "groups: [{name: g, rules: [{foo: bar}]}]",
        "groups: {",
        "x: 1",
        "groups: [{name: g, rules: [{alert: A, expr: up, for: 5x}]}]",
    ],
)
def test_check_rules_never_swallows_a_failure(text: str, promtool: Promtool) -> None:
    """What it says about a file as a whole is a complaint as well."""
    complaints = promtool.check_rules({"a.yml": text})

    assert complaints
    assert all(complaint.file == "a.yml" and complaint.said for complaint in complaints)


@pytest.mark.parametrize("script", ["echo what; exit 1", "exit 1", "echo '  FAILED:'; exit 0", "kill -SEGV $$"])
def test_garbage_is_a_complaint(script: str, tmp_path: Path) -> None:
    """An answer that nobody understands, or a crash, is no success."""
    tool = Promtool(impostor(tmp_path, script), (2, 45))

    assert len(tool.check_rules({"a.yml": GOOD})) == 1


def test_check_config(promtool: Promtool) -> None:
    """A configuration is judged without the files that it names."""
    good = "rule_files: [rules/*.yml]\nscrape_configs: [{job_name: a, static_configs: [{targets: ['a:1']}]}]\n"

    assert promtool.check_config(good) == ()
    assert promtool.check_config(good.replace("'a:1'", "'a b/c'")) == (
        Complaint("prometheus.yml", '"a b/c" is not a valid hostname'),
    )
    (unknown,) = promtool.check_config("global: {foo: 1}\n")
    assert "field foo not found" in unknown.said


# --- tests ---

TEST = """\
rule_files: [a.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  name: one
  input_series: [{series: 'x{a="b,} c"}', values: '0+1x20'}, {series: 'x{a="d"}', values: '%s'}]
  promql_expr_test:
  - {expr: 'r:x # 0', eval_time: 10m, exp_samples: [{labels: '{__name__="r:x"}', value: %s}]}
  - {expr: 'x > 0 # "1"', eval_time: 10m, exp_samples: []}
  - {expr: 'x{', eval_time: 10m, exp_samples: []}
"""


def test_test_rules(promtool: Promtool) -> None:
    """Every file has its report: what it got instead, and what could not run."""
    files = {"a.yml": GOOD, "1.yml": TEST % ("1x20", 11), "2.yml": TEST % ("1x20 foo", 11)}
    reports = promtool.test_rules(files, ["1.yml", "2.yml"])

    assert reports["1.yml"].misses == (
        Miss('x > 0 # "1"', ('{__name__="x", a="b,} c"} 1E+01', '{__name__="x", a="d"} 1E+00')),
        Miss("x{", (), "1:3: parse error: unexpected end of input inside braces"),
    )
    assert reports["2.yml"].faults == (
        '1:15: parse error: unexpected identifier "foo" in series values, expected number or "stale"',
    )
    assert not any(report.passed for report in reports.values())


def test_test_rules_passes(promtool: Promtool) -> None:
    """A file of which everything comes true has passed."""
    passing = TEST.partition("  - {expr: 'x > 0")[0] % ("1x20", 11)

    assert promtool.test_rules({"a.yml": GOOD, "1.yml": passing}, ["1.yml"])["1.yml"].passed
    assert promtool.test_rules({}, []) == {}


@pytest.mark.parametrize("words", ["Unit Testing:  1.yml", "Processing test file: 1.yml"])
def test_reports_of_all_versions_are_read(words: str, tmp_path: Path) -> None:
    """Prometheus 3 has other words for where the report of a file begins."""
    passed = Promtool(impostor(tmp_path, f"echo '{words}'; echo '  SUCCESS'"), (3, 16))

    assert passed.test_rules({"1.yml": TEST}, ["1.yml"])["1.yml"].passed


def test_reports_without_names_are_read(tmp_path: Path) -> None:
    """Prometheus 3.5 tells only how each file went, in their order; a verdict in a label is none."""
    said = """
  SUCCESS

  FAILED:
    expr: "x", time: 2m,
        exp: {} 7E+00
        got: {a="SUCCESS"} 6E+00


  SUCCESS
"""
    tool = Promtool(impostor(tmp_path, f"cat <<'END'{said}END\nexit 1"), (3, 5))
    reports = tool.test_rules({}, ["1.yml", "2.yml", "3.yml"])

    assert [reports[name].passed for name in ("1.yml", "2.yml", "3.yml")] == [True, False, True]
    assert reports["2.yml"].misses == (Miss("x", ('{a="SUCCESS"} 6E+00',)),)


@pytest.mark.parametrize("script", ["exit 0", "exit 1", "echo 'Unit Testing:  1.yml'; exit 1"])
def test_an_answer_without_the_tests_is_no_success(script: str, tmp_path: Path) -> None:
    """Tests that were not reported did not pass."""
    tool = Promtool(impostor(tmp_path, script), (2, 45))

    with pytest.raises(UnavailableError, match="cannot be read"):
        tool.test_rules({"1.yml": TEST}, ["1.yml"])
