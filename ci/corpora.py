#!/usr/bin/env python3
"""Take every rule file below a folder through import, check and compile, and print what became of it.

Each expression must come out with the same meaning, each label and annotation as it was, and a file must be valid here
exactly if promtool takes it, but for rules that never have a row: promtool takes those, and they are errors here.
Exit code 1 says that something differs. The folder may hold any rule files of Prometheus.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tocsin.adapters.promtool import find_promtool
from tocsin.checks import CHECKS
from tocsin.definitions import Definitions, definitions_of
from tocsin.diagnostics import Severity
from tocsin.errors import UnavailableError
from tocsin.importers import IMPORTERS, convert
from tocsin.policy import Owners
from tocsin.promql_syntax import Fault, canonical, parse
from tocsin.targets.prometheus import prometheus, rule_file
from tocsin.units import Duration
from tocsin.workspace import Source

_ADDED = {"labels": {"ref", "service", "severity"}, "annotations": {"source", "summary"}}

_DEAD = frozenset({"promql/constant", "promql/join", "promql/matcher"})
"""Errors that promtool does not know: it takes rules that can never have a row."""

Rule = dict[str, Any]


_PLATFORM = "apiVersion: tocsin/v1\nkind: Platform\nname: corpora\nchecks:\n" + "".join(
    f"  {check.code}: info\n" for check in CHECKS if check.asked
)
"""Asks for the checks that are told only where somebody wants them."""


class _Texts(yaml.SafeLoader):
    """Every scalar is its text; merge keys are merged."""

    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}  # noqa: RUF012


@dataclass
class Outcome:
    """What became of all files."""

    files: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    compiled: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    judged: bool = True
    refused: str = "not asked"
    findings: Counter[str] = field(default_factory=Counter)
    dead: int = 0

    def table(self) -> str:
        """Everything as a table of Markdown."""
        rows = [
            ("files", self.files),
            ("alerts", self.rules["alert"]),
            ("recordings", self.rules["record"]),
            ("rules that come out of `compile`", self.compiled),
            *((f"{fate} at import", count) for fate, count in sorted(self.losses.items())),
            ("rules whose meaning, labels or annotations differ", len(self.differences)),
            ("files that promtool judges otherwise", len(self.disagreements) if self.judged else "not asked"),
            ("compiled files that promtool refuses", self.refused),
            ("rules that never have a row, which are errors", self.dead),
            *((f"findings `{code}`", count) for code, count in sorted(self.findings.items())),
        ]
        return "\n".join(["| what | how many |", "|---|---|", *(f"| {what} | {count} |" for what, count in rows)])


def main() -> int:
    """Print the table, then each difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--findings", action="store_true", help="print each finding of check, too")
    arguments = parser.parse_args()
    outcome, definitions = run(arguments.folder)
    if not outcome.files:
        parser.error(f"there is no rule file below {arguments.folder}")
    print(outcome.table())
    for line in (*outcome.differences, *outcome.disagreements):
        print(line)
    if arguments.findings:
        for finding in definitions.findings:
            print(f"{finding.span}: {finding.severity}: {finding.message} [{finding.code}]")
    return 1 if outcome.differences or outcome.disagreements else 0


def run(folder: Path) -> tuple[Outcome, Definitions]:
    """Import each file below *folder* as a service of its own, and check and compile all of them together."""
    outcome = Outcome()
    paths = sorted(path for path in folder.rglob("*.y*ml") if path.is_file())
    texts = {path: path.read_text(encoding="utf-8-sig") for path in paths}
    imported = {
        path: convert(IMPORTERS["prometheus"], [(str(path), texts[path])], f"c{n}") for n, path in enumerate(paths)
    }
    sources = [Source(f"{path}.{name}", text) for path, each in imported.items() for name, text in each.files.items()]
    sources.append(Source("platform.yaml", _PLATFORM))
    definitions = definitions_of(sources)
    errors = [f for f in definitions.findings if f.severity is Severity.ERROR]
    wrong = {f.span.path for f in errors if f.code not in _DEAD}
    owners = Owners((definitions.workspace.documents or {}).values())
    outcome.dead = len({(f.span.path, owners.name(f.span)) for f in errors if f.code in _DEAD})
    try:
        tool = find_promtool(None).binary
    except UnavailableError:
        tool, outcome.judged = None, False
    outcome.files = len(paths)
    for n, path in enumerate(paths):
        before = list(_rules(texts[path]))
        outcome.rules.update("alert" if "alert" in rule else "record" for _, rule in before)
        outcome.losses.update(loss.fate.value for loss in imported[path].losses)
        valid = not imported[path].findings and not any(source.startswith(f"{path}.c{n}") for source in wrong)
        if tool is not None and (says := _promtool(tool, path)) is not valid:
            outcome.disagreements.append(f"{path}: promtool {'takes' if says else 'refuses'} it")
        groups = tuple(group for group in definitions.plan.groups if group.file == f"c{n}")
        after = list(_rules(rule_file(groups))) if groups else []
        outcome.compiled += len(after)
        if valid:
            outcome.differences += _compare(path, before, after)
    if tool is not None and not wrong:
        outcome.refused = _refused(tool, definitions)
    outcome.findings.update(finding.code for finding in definitions.findings)
    return outcome, definitions


def _rules(text: str) -> Iterator[tuple[str, Rule]]:
    """The rules of the first document with their groups; every scalar is its text, as Prometheus reads it."""
    document = next(iter(yaml.load_all(text, _Texts)), None)
    for group in (document or {}).get("groups") or [] if isinstance(document, dict) else []:
        for rule in group.get("rules") or []:
            inherited = group.get("labels") or {}
            yield group["name"], {**rule, "labels": {**inherited, **(rule.get("labels") or {})}}


def _promtool(tool: str, path: Path) -> bool:
    return subprocess.run([tool, "check", "rules", str(path)], capture_output=True, check=False).returncode == 0


def _refused(tool: str, definitions: Definitions) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for artifact in prometheus(definitions.plan, definitions.workspace):
            (Path(folder) / artifact.path.replace("/", "-")).write_text(artifact.text, encoding="utf-8")
        compiled = [str(path) for path in sorted(Path(folder).glob("prometheus-rules-*"))]
        done = subprocess.run([tool, "check", "rules", *compiled], capture_output=True, text=True, check=False)
        return str(done.stdout.count("FAILED:") + done.stderr.count("FAILED:")) if done.returncode else "0"


def _compare(path: Path, before: Sequence[tuple[str, Rule]], after: Sequence[tuple[str, Rule]]) -> Iterator[str]:
    by_group = {name: [rule for group, rule in after if group == name] for name, _ in after}
    for name in dict.fromkeys(group for group, _ in before):
        given = [rule for group, rule in before if group == name]
        made = by_group.get(name, [])
        if len(given) != len(made):
            yield f"{path}: group {name} had {len(given)} rules and has {len(made)}"
            continue
        for old, new in zip(given, made, strict=True):
            title = f"{path}: {name}: {old.get('alert') or old.get('record')}"
            yield from (f"{title}: {what}" for what in _differences(old, new))


def _differences(old: Rule, new: Rule) -> Iterator[str]:
    for key in ("alert", "record"):
        if old.get(key) != new.get(key):
            yield f"{key} {old.get(key)} is {new.get(key)}"
    if _meaning(old["expr"]) != _meaning(new["expr"]):
        yield f"expr {old['expr']!r} is {new['expr']!r}"
    for key in ("for", "keep_firing_for"):
        if _duration(old.get(key)) != _duration(new.get(key)):
            yield f"{key} {old.get(key)} is {new.get(key)}"
    for key, ours in _ADDED.items():
        was, now = old.get(key) or {}, new.get(key) or {}
        for name in was.keys() | now.keys():
            if name in was and _tidy(was[name]) == _tidy(now.get(name, "")):
                continue
            if name not in was and name in ours:
                continue
            yield f"{key}.{name} {was.get(name)!r} is {now.get(name)!r}"


def _meaning(text: str) -> str:
    tree = parse(text)
    return text.strip() if isinstance(tree, Fault) else canonical(tree)


def _duration(text: str | None) -> Duration:
    return Duration(0) if text in {None, "0"} else Duration.parse(str(text))


def _tidy(text: str) -> str:
    """Blanks inside the braces of a template mean nothing."""
    return re.sub(r"\{\{\s*(.*?)\s*\}\}", r"{{\1}}", text)


if __name__ == "__main__":
    sys.exit(main())
