"""A baseline: what was found before Tocsin was taken up, so that only what is new is told.

An entry is a fingerprint with a number, so it survives lines that move, and a second fault of the same words is new.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from tocsin.diagnostics import Diagnostic, Hidden, Severity, Span
from tocsin.errors import MisuseError
from tocsin.policy.owners import Owners
from tocsin.report.fingerprint import fingerprint

VERSION = 1
_HINT = "write it with `tocsin check --write-baseline`"


@dataclass(frozen=True, slots=True)
class Entry:
    """So many findings of one fingerprint; the rest is for people who read the file."""

    fingerprint: str
    count: int
    code: str
    path: str
    definition: str
    message: str


def baseline_text(findings: Iterable[Diagnostic], texts: Mapping[str, str], owners: Owners) -> str:
    """The baseline of *findings*; errors are not in it, for they are never hidden."""
    told = [f for f in findings if f.severity is not Severity.ERROR and f.hidden is None]
    marks = [fingerprint(f, texts, owners.name(f.span)) for f in told]
    counts = Counter(marks)
    entries = [
        {
            "fingerprint": mark,
            "count": counts[mark],
            "code": f.code,
            "path": f.span.path.removeprefix("./"),
            "definition": owners.name(f.span),
            "message": f.message,
        }
        for mark, f in dict(reversed(list(zip(marks, told, strict=True)))).items()
    ]
    entries.sort(
        key=lambda entry: [str(entry[key]) for key in ("path", "definition", "code", "message", "fingerprint")]
    )
    return json.dumps({"version": VERSION, "findings": entries}, indent=2, ensure_ascii=False) + "\n"


def read_baseline(path: str, text: str) -> tuple[Entry, ...]:
    """The entries of a baseline file."""
    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise MisuseError(f"{path}: a baseline of version {content['version']}, expected {VERSION}", hint=_HINT)
        return tuple(
            Entry(
                str(entry["fingerprint"]),
                int(entry["count"]),
                str(entry["code"]),
                str(entry["path"]),
                str(entry["definition"]),
                str(entry["message"]),
            )
            for entry in content["findings"]
        )
    except (ValueError, TypeError, KeyError) as error:
        raise MisuseError(f"{path}: this is not a baseline of Tocsin ({error})", hint=_HINT) from error


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline file; *judged* says whether a path was looked at, or is gone."""

    path: str
    text: str
    judged: Callable[[str], bool]

    def applied(
        self, findings: Iterable[Diagnostic], texts: Mapping[str, str], owners: Owners, ran: Collection[str]
    ) -> tuple[Diagnostic, ...]:
        """*findings*, hidden where they are known, and a note for each entry that is not found any more."""
        entries = read_baseline(self.path, self.text)
        left = Counter({entry.fingerprint: entry.count for entry in entries})
        told = []
        for finding in findings:
            mark = fingerprint(finding, texts, owners.name(finding.span)) if finding.hidden is None else ""
            if finding.severity is not Severity.ERROR and left[mark] > 0:
                left[mark] -= 1
                told.append(replace(finding, hidden=Hidden("baseline", f"known to {self.path}")))
            else:
                told.append(finding)
        stale = (e for e in entries if left[e.fingerprint] and e.code in ran and self.judged(e.path))
        return (*told, *(self._stale(entry, left[entry.fingerprint]) for entry in stale))

    def _stale(self, entry: Entry, number: int) -> Diagnostic:
        lines = self.text.split("\n")
        at = next((n for n, line in enumerate(lines, start=1) if entry.fingerprint in line), 1)
        column = len(lines[at - 1]) - len(lines[at - 1].lstrip()) + 1
        times = f" ({number} times)" if number > 1 else ""
        return Diagnostic(
            "baseline/stale",
            Span(self.path, at, column, at, len(lines[at - 1]) + 1),
            f"{entry.code} in {entry.definition or entry.path} is not found any more{times}",
            Severity.INFO,
            hint="write the baseline anew with --write-baseline, so that it cannot hide the same fault again",
        )
