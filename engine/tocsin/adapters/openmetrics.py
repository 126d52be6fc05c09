"""What is wrong with a file of samples, with the line: promtool names none, and drops samples without a word."""

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.errors import UnavailableError

CODE = "metrics/unreadable"
_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r'(?P<labels>\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})?'
    r" (?P<value>\S+)(?: (?P<time>[0-9.eE+-]+))?(?: # \{.*)?"
)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_COMMENT = re.compile(r"# (?:TYPE|HELP|UNIT) \S+ .*|# EOF")
_EARLIEST, _LATEST = 315_532_800, 7_258_118_400
"""The years 1980 and 2200: between them there are samples."""
_FAR = re.compile(rb" (?:[7-9][0-9]{9}|[0-9]{11,}|[0-9.]+[eE])[0-9.+-]*(?: # [^\n]*)?(?=\n|\Z)")
"""A time that is as late, or that has an exponent."""
_SCALES = {1e3: "milliseconds", 1e6: "microseconds", 1e9: "nanoseconds"}
_FORM = 'write OpenMetrics: `name{label="value"} value unix-seconds`, no empty lines, `# EOF` at the end'
_ORDER = "write the samples of each series in order of time, each once"


class MetricsError(Exception):
    """A file of samples that cannot be used; *finding* says why, *text* is the line of its caret."""

    def __init__(self, finding: Diagnostic, text: str) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.text = text


@dataclass(slots=True)
class _Dropped:
    """How many samples are dropped for one reason, and the first of them."""

    count: int = 0
    line: int = 0
    text: str = ""

    def add(self, line: int, text: str) -> None:
        self.count += 1
        if not self.line:
            self.line, self.text = line, text


def refused(metrics: Path, said: str) -> MetricsError:
    """Promtool names no line, so the first one that looks wrong is looked for."""
    number, line, why = _suspect(metrics)
    return _error(metrics, number, line, why or said, _FORM)


def far_away(metrics: Path) -> MetricsError | None:
    """The first time that is no number of seconds; to be asked before promtool, which makes blocks for all of it."""
    with metrics.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for found in _FAR.finditer(text):
            start = text.rfind(b"\n", 0, found.start()) + 1
            line = text[start : found.end()].decode(errors="replace")
            sample = _SAMPLE.fullmatch(line)
            if sample is None or sample["time"] is None:
                continue
            try:
                seconds = float(sample["time"])
            except ValueError:
                continue
            if seconds < _LATEST:
                continue
            number = text[:start].count(b"\n") + 1
            units = (
                (unit, seconds / scale) for scale, unit in _SCALES.items() if _EARLIEST <= seconds / scale < _LATEST
            )
            unit, right = next(units, ("", 0.0))
            hint = f"write unix seconds, not {unit}: {right:.10g}" if unit else "times are unix seconds, up to 2199"
            far = "thousands" if seconds > 10 * _LATEST else "hundreds"
            return _error(metrics, number, line, f"{sample['time']} seconds are {far} of years from now", hint)
    return None


def dropped(metrics: Path, held: int) -> tuple[MetricsError | None, MetricsError | None]:
    """What is wrong, and what is only odd, where promtool *held* fewer samples than the file has.

    A sample that is older than the last of its series, or has its time and another value, is dropped, and counts
    would be wrong: an error. One that is there twice, time and value, changes nothing: a warning.
    """
    if held >= _samples(metrics):
        return None, None
    last: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[float, str]] = {}
    late, other, twice = _Dropped(), _Dropped(), _Dropped()
    with metrics.open(encoding="utf-8") as file:
        for number, raw in enumerate(file, 1):
            line = raw.rstrip("\n")
            sample = None if line.startswith("#") else _SAMPLE.fullmatch(line)
            if sample is None or sample["time"] is None:
                continue
            series = sample["name"], tuple(sorted(_LABEL.findall(sample["labels"] or "")))
            time, value = round(float(sample["time"]), 3), sample["value"]
            before = last.get(series)
            if before is None or time > before[0]:
                last[series] = time, value
            elif time < before[0]:
                late.add(number, line)
            else:
                (twice if value == before[1] else other).add(number, line)
    for found, why in (
        (late, "is older than the one before it of its series"),
        (other, "has the time of the one before it of its series, and another value"),
    ):
        if found.count:
            more = found.count - 1
            message = f"the sample {why}" + (f", as {'is' if more == 1 else 'are'} {more} more" if more else "")
            return _error(metrics, found.line, found.text, message, _ORDER), None
    if not twice.count:
        return None, None
    message = f"{twice.count} {'sample is' if twice.count == 1 else 'samples are'} there twice; each counts once"
    return None, _error(metrics, twice.line, twice.text, message, _ORDER, severity=Severity.WARNING)


def _samples(metrics: Path) -> int:
    """Lines that are samples, without looking into them."""
    lines, before = 0, b"\n"
    with metrics.open("rb") as file:
        while piece := file.read(2**24):
            lines += piece.count(b"\n") - (before + piece).count(b"\n#")
            before = piece[-1:]
    return lines + (before != b"\n")


def _error(
    metrics: Path, number: int, line: str, message: str, hint: str, *, severity: Severity = Severity.ERROR
) -> MetricsError:
    span = Span(str(metrics), number, 1, number, max(len(line), 1) + 1)
    return MetricsError(Diagnostic(CODE, span, message, severity=severity, hint=hint), line)


def _suspect(metrics: Path) -> tuple[int, str, str]:
    """The first line that promtool cannot like, with its number and what is wrong with it."""
    number, line = 0, ""
    try:
        with metrics.open(encoding="utf-8", newline="\n") as file:
            for number, raw in enumerate(file, 1):
                line = raw.rstrip("\n")
                if why := _fault(line):
                    return number, line, why
    except UnicodeDecodeError as error:
        return number + 1, "", f"it is not UTF-8: {error.reason}"
    except OSError as error:
        raise UnavailableError(f"{metrics}: cannot be read: {error.strerror}") from error
    if number and line != "# EOF":
        return number, line, "the file does not end with `# EOF`: it may have been cut off"
    return max(number, 1), line, ""


def _fault(line: str) -> str:
    if line.endswith("\r"):
        return "the line ends with a carriage return: write line ends as LF alone"
    if line.startswith("#"):
        return "" if _COMMENT.fullmatch(line) else "only `# TYPE`, `# HELP`, `# UNIT` and `# EOF` may begin with #"
    if not line:
        return "an empty line"
    sample = _SAMPLE.fullmatch(line)
    if sample is None:
        return "this is no sample"
    if sample["time"] is None:
        return "the sample has no time"
    for name in ("value", "time"):
        try:
            float(sample[name])
        except ValueError:
            return f"{sample[name]!r} is no number"
    if float(sample["time"]) < 0:
        return f"the time {sample['time']} is before 1970"
    names = [name for name, _ in _LABEL.findall(sample["labels"] or "")]
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    return f"the label {twice[0]!r} is there twice" if twice else ""
