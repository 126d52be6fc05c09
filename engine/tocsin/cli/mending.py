"""Safe fixes, made until there is nothing left to fix, and never so that a file gets worse."""

import difflib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.adapters.files import rewrite
from tocsin.definitions import Definitions
from tocsin.policy import fixed

_ROUNDS = 10
"""One fix may make room for another; more rounds than this would be two fixes that undo each other."""


@dataclass(frozen=True, slots=True)
class Mended:
    """The definitions as they would be after fixing; *before* are the texts that change."""

    definitions: Definitions
    before: Mapping[str, str]
    fixes: int

    def diff(self) -> str:
        """What changes, as a unified diff."""
        lines: list[str] = []
        for path, old in sorted(self.before.items()):
            new = self.definitions.texts[path]
            lines += difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), path, path, n=2)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def write(self) -> None:
        """Replace each file that changes."""
        for path, old in sorted(self.before.items()):
            rewrite(path, old, self.definitions.texts[path])


def mend(definitions: Definitions) -> Mended:
    """Make all safe fixes that leave fewer errors, or as many errors and fewer findings."""
    current, fixes = definitions, 0
    for _ in range(_ROUNDS):
        changed, number = fixed(current.findings, current.texts)
        better = _better(current, changed)
        if better is None:
            break
        current, fixes = better, fixes + number
    before = {path: text for path, text in definitions.texts.items() if current.texts[path] != text}
    return Mended(current, before, fixes)


def _better(current: Definitions, changed: Mapping[str, str]) -> Definitions | None:
    """The definitions with *changed* texts; where that is not better, with those files that by themselves are."""
    new = current.with_texts(changed)
    if _is_better(new, current):
        return new
    kept: dict[str, str] = {}
    for path, text in changed.items() if len(changed) > 1 else ():
        new = current.with_texts(kept | {path: text})
        if _is_better(new, current.with_texts(kept)):
            kept[path] = text
    return current.with_texts(kept) if kept else None


def _is_better(new: Definitions, old: Definitions) -> bool:
    before, after = (Counter(finding.span.path for finding in each.errors) for each in (old, new))
    return (len(new.errors), len(new.findings)) < (len(old.errors), len(old.findings)) and after <= before
