"""promtool, Prometheus' own checker: found, held to a version and a deadline, its output parsed.

The tool has no machine-readable output, so its lines are read here and nowhere else; what it says about a compiled
rule comes back as a Complaint, which `tocsin.targets.trace` maps to the definition that caused it.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.errors import UnavailableError
from tocsin.targets.trace import Complaint

ENVIRONMENT = "TOCSIN_PROMTOOL"
"""Names the binary where it is not on PATH."""

OLDEST = (2, 42)
"""The first version that knows keep_firing_for, which compiled rules use."""

INSTALL = (
    "run `ci/setup tools` in a checkout, install the Debian package `prometheus` or `brew install prometheus`, "
    f"or name the binary with --promtool or {ENVIRONMENT}"
)

CONFIG = "prometheus.yml"

DEADLINE = 120.0
"""Seconds for one call; ten thousand rules take promtool 1.4 s, a thousand small tests 20 s."""

LEAN = {"GOGC": "400", "GOMAXPROCS": "1"}
"""How Go programs run unless the environment says otherwise. promtool evaluates on one thread and collects garbage on
the others: with these it needs a fifth to a third less CPU time, and 205 MB instead of 119 MB for the longest proof."""

_VERSION = re.compile(r"promtool, version (\d+)\.(\d+)")
_RULE = re.compile(
    r'(?P<file>\S.*?): (?:\d+:\d+: )?group "(?P<group>.*?)", rule (?P<number>\d+), "(?P<name>.*?)": (?P<said>.*)'
)
_INSIDE = re.compile(
    r"could not parse expression: (?P<line>\d+):(?P<column>\d+): (?:parse error: )?(?P<said>.*)", re.DOTALL
)
_DUPLICATE = re.compile(r"Metric: (\S+)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_CHECKING = re.compile(r"Checking (.*)")
_NOISE = ("Checking ", "  SUCCESS", "  FAILED", "lint error", "Label(s):", "\t", "Might cause")
_TESTING = re.compile(r"(?:Unit Testing:  |Processing test file: )(.*)")  # the latter since Prometheus 3
_VERDICTS = {"  SUCCESS", "  FAILED:"}
_EXPECTATION = re.compile(r'\s*expr: (?P<expr>".*"), time: (?P<at>[^,]+),(?: err: (?P<error>.*))?')


@dataclass(frozen=True, slots=True)
class Miss:
    """An expectation that did not come true: *got* in promtool's words, or the *error* that kept it from running."""

    expr: str
    got: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TestReport:
    """What became of one test file: expectations missed, and *faults* that kept it from running at all."""

    __test__ = False

    misses: tuple[Miss, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything in the file came true."""
        return not self.misses and not self.faults


@dataclass(frozen=True, slots=True)
class Promtool:
    """A promtool that was found and is new enough; every call runs in a temporary folder of its own."""

    binary: str
    version: tuple[int, int]
    deadline: float = DEADLINE

    def check_rules(self, files: Mapping[str, str]) -> tuple[Complaint, ...]:
        """What promtool has against rule files, given as path to text."""
        if not files:
            return ()
        with _folder(files) as folder:
            code, output = self._run(["check", "rules", *files], folder)
        complaints = tuple(_complaints(output))
        return complaints or _unexplained(code, output)

    def check_config(self, text: str) -> tuple[Complaint, ...]:
        """What promtool has against a Prometheus configuration; files that it names are not looked at."""
        with _folder({CONFIG: text}) as folder:
            code, output = self._run(["check", "config", "--syntax-only", CONFIG], folder)
        said = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("Checking ")]
        if code == 0:
            return ()
        words = re.sub(rf"^FAILED: (?:parsing YAML file {CONFIG}: )?", "", " ".join(said))
        return (Complaint(CONFIG, words or "it gives no reason"),)

    def test_rules(self, files: Mapping[str, str], tests: Sequence[str]) -> Mapping[str, TestReport]:
        """Run the test files *tests*, all in *files*, in one process; each has its report."""
        if not tests:
            return {}
        with _folder(files) as folder:
            code, output = self._run(["test", "rules", *tests], folder)
        reports = _reports(output, tests)
        missing = [test for test in tests if test not in reports]
        failed = any(not report.passed for report in reports.values())
        if missing or (code != 0) != failed:
            raise UnavailableError(
                f"promtool {_dotted(self.version)} gave an answer that cannot be read: {_last_line(output)}",
                hint="run it by hand on the files of `tocsin test --keep DIR`",
            )
        return reports

    def create_blocks(self, metrics: Path, data: Path) -> str | None:
        """Make blocks in *data* of an OpenMetrics file; returns what promtool has against it, None if nothing.

        One block for a month: the whole file is read once for each.
        """
        arguments = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=720h"]
        code, output = self._run([*arguments, str(metrics.absolute()), str(data)], None)
        return None if code == 0 else _last_line(output)

    def _run(self, arguments: Sequence[str], folder: str | None) -> tuple[int, str]:
        """Exit code and both streams merged, in the order in which they were written."""
        return _output_of([self.binary, *arguments], folder, self.deadline)


def find_promtool(flag: str | None = None, *, deadline: float = DEADLINE) -> Promtool:
    """Find promtool by *flag*, else the environment, else PATH, and make sure that it is new enough.

    Raises UnavailableError with the way to install it.
    """
    named = flag or os.environ.get(ENVIRONMENT)
    source = "--promtool" if flag else ENVIRONMENT
    binary = shutil.which(named or "promtool")
    if binary is None:
        where = f"{source} names {named!r}, which is no executable file" if named else "promtool is not on PATH"
        raise UnavailableError(where, hint=INSTALL)
    code, output = _output_of([str(Path(binary).absolute()), "--version"], None, min(deadline, 10.0))
    match = _VERSION.search(output)
    if code != 0 or match is None:
        raise UnavailableError(f"{binary} does not say its version like a promtool: {_last_line(output)}", hint=INSTALL)
    version = (int(match[1]), int(match[2]))
    if version < OLDEST:
        raise UnavailableError(
            f"{binary} is promtool {_dotted(version)}; {_dotted(OLDEST)} or newer is needed", hint=INSTALL
        )
    return Promtool(str(Path(binary).absolute()), version, deadline)


def _output_of(command: list[str], folder: str | None, deadline: float) -> tuple[int, str]:
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=LEAN | os.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise UnavailableError(f"{command[0]} cannot be run: {error.strerror}", hint=INSTALL) from error
    with process:
        try:
            output, _ = process.communicate(timeout=deadline)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):  # its whole group: it may have children of its own
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                what = " ".join(command[1:3])
                raise UnavailableError(
                    f"`promtool {what}` did not end within {deadline:g} s and was killed",
                    hint="shorten the tests (their last `at` and their number of samples decide), or raise --deadline",
                ) from None
            raise
    return process.returncode, _CONTROL.sub("\ufffd", output.decode("utf-8", "replace"))


@contextlib.contextmanager
def _folder(files: Mapping[str, str]) -> Iterator[str]:
    """A temporary folder that holds *files*."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as name:
        for path, content in files.items():
            target = Path(name, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8", newline="")
        yield name


def _complaints(output: str) -> Iterator[Complaint]:
    """Read the output of `promtool check rules`."""
    file, last = "", None
    for line in output.splitlines():
        if match := _CHECKING.fullmatch(line):
            file = match[1]
        if complaint := _complaint(line, file):
            if last:
                yield last
            last = complaint
        elif last and line.strip() and not line.startswith(_NOISE):
            last = last.continued(line)  # a template error or a regular expression may span lines
    if last:
        yield last


def _complaint(line: str, file: str) -> Complaint | None:
    """The complaint that begins on this line, if one does."""
    if match := _RULE.fullmatch(line):
        return _rule_complaint(match)
    if match := _DUPLICATE.fullmatch(line):
        return Complaint(file, "the same series is recorded twice", name=match[1])
    if file and line.startswith(f"{file}: "):
        return Complaint(file, re.sub(r"^(?:\d+:\d+: )?", "", line[len(file) + 2 :]))
    return None


def _rule_complaint(match: re.Match[str]) -> Complaint:
    said, position = match["said"], None
    if inside := _INSIDE.fullmatch(said):
        said, position = inside["said"], (int(inside["line"]), int(inside["column"]))
    return Complaint(match["file"], said, match["group"], int(match["number"]), match["name"], position)


def _reports(output: str, tests: Sequence[str]) -> dict[str, TestReport]:
    """Read the output of `promtool test rules`, one section per file; 3.5 leaves it to their order of which."""
    reports: dict[str, TestReport] = {}
    file: str | None = None
    unnamed = iter(() if any(map(_TESTING.fullmatch, output.splitlines())) else tests)
    misses: list[Miss] = []
    faults: list[str] = []

    def close() -> None:
        if file is not None:
            reports[file] = TestReport(tuple(misses), tuple(faults))

    for line in output.splitlines():
        match = _TESTING.fullmatch(line)
        if begun := match[1] if match else next(unnamed, None) if line in _VERDICTS else None:
            close()
            file, misses, faults = begun, [], []
        elif match := _EXPECTATION.fullmatch(line):
            misses.append(Miss(_unquoted(match["expr"]), error=match["error"]))
        elif misses and (got := line.strip()).startswith("got:"):
            misses[-1] = Miss(misses[-1].expr, _samples(got.removeprefix("got:").strip()), misses[-1].error)
        elif line.strip() in {"", "FAILED:", "SUCCESS"} or line.strip().startswith(("exp:", "name:")):
            continue
        elif file is not None:
            faults.append(line.strip().removeprefix("FAILED: "))
    close()
    return reports


def _samples(got: str) -> tuple[str, ...]:
    """Split promtool's `{a="b"} 1E+00, {…} 2E+00`; `nil` is none."""
    return () if got == "nil" else tuple(re.findall(r"\{(?:[^\"{}]|\"(?:\\.|[^\"\\])*\")*\} [^,\s]+", got))


def _unquoted(text: str) -> str:
    """Undo Go's %q as far as expressions need it."""
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])


def _unexplained(code: int, output: str) -> tuple[Complaint, ...]:
    """A failure in words that nothing above knows must still be a failure."""
    return (Complaint("", _last_line(output)),) if code != 0 or "FAILED" in output else ()


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
