"""How long it takes to import and check some two thousand rules, beside promtool and pint on the same files.

The rules are those of `../shared/corpora` beside the project, or of the folder in $TOCSIN_CORPORA; where there is none,
as many made-up ones. Every tool runs as a process of its own, three times, and the quickest counts. pint is found on
PATH; without it its column is left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "corpora"
FILES, RULES = 200, 10
"""Of the made-up rules: files, and rules in each."""
TIMES = 3
_RULE = """\
      - alert: HighErrorRate{0}
        expr: |
          sum by (job, route) (rate(http_requests_total{{job="service-{1}",code=~"5..",route="/{0}"}}[5m]))
            / sum by (job, route) (rate(http_requests_total{{job="service-{1}",route="/{0}"}}[5m])) > 0.05
        for: 5m
        labels: {{severity: warning}}
        annotations: {{summary: 'Errors of {{{{ $labels.route }}}} are {{{{ $value | humanizePercentage }}}}'}}
"""


def run() -> dict[str, object]:
    """Measure each tool on the same rule files."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(os.environ.get("TOCSIN_CORPORA", SHARED))
        rules = given if given.is_dir() else made_up(Path(folder, "rules"))
        definitions = str(Path(folder, "definitions"))
        paths = sorted(str(path) for path in rules.rglob("*.y*ml"))
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))  # as an installed command, which is compiled
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        tocsin = [sys.executable, "-m", "tocsin.cli.main"]
        seconds = {
            "tocsin import": quickest(
                [*tocsin, "import", "prometheus", str(rules), "-o", definitions, "--force"], {0, 1}
            ),
            "tocsin check --no-promtool": quickest([*tocsin, "check", definitions, "--no-promtool"], {0, 1}),
            "tocsin check": quickest([*tocsin, "check", definitions], {0, 1}) if shutil.which("promtool") else None,
            "promtool check rules": quickest(["promtool", "check", "rules", *paths], {0, 1}),
            "pint --offline lint": quickest(["pint", "--offline", "--no-color", "lint", str(rules)], {0, 1}),
        }
        count = sum(path.read_text(encoding="utf-8").count(" expr:") for path in map(Path, paths))
        return {"files": len(paths), "rules": count, "made_up": rules != given, "seconds": seconds}


def made_up(folder: Path) -> Path:
    """Rule files with alerts on error ratios."""
    folder.mkdir()
    for file in range(FILES):
        rules = "".join(_RULE.format(number, file) for number in range(RULES))
        text = f"groups:\n  - name: service-{file}\n    rules:\n{rules}"
        (folder / f"service-{file}.yml").write_text(text, encoding="utf-8")
    return folder


def quickest(command: Sequence[str], codes: set[int]) -> float | None:
    """The quickest of some runs in seconds; None where the tool is not installed."""
    if shutil.which(command[0]) is None:
        return None
    best = float("inf")
    for _ in range(TIMES):
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
        best = min(best, time.perf_counter() - start)
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(command[:4])} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return round(best, 3)


def table(result: dict[str, object]) -> str:
    """The numbers for people."""
    seconds, rules = result["seconds"], result["rules"]
    assert isinstance(seconds, dict)
    assert isinstance(rules, int)
    kind = "made-up" if result["made_up"] else "public"
    lines = [f"{rules:,} {kind} rules in {result['files']} files"]
    width = max(map(len, seconds))
    for name, taken in seconds.items():
        if taken is None:
            lines.append(f"left out: {name} (not on PATH)")
        else:
            lines.append(f"{name.ljust(width)}  {taken:7.3f} s  {rules / taken:9,.0f} rules/s")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(run()))
