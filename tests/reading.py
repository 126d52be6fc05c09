"""Texts to workspaces and findings, as short as a test wants to write them."""

from textwrap import dedent

from tocsin.diagnostics import Diagnostic
from tocsin.workspace import Source, Workspace, read_workspace

Finding = tuple[int, int, str]


def read(kind: str, text: str, name: str = "a") -> tuple[Workspace, tuple[Diagnostic, ...]]:
    """One document of *kind*; its body begins in line 4."""
    return read_workspace([Source("a.yaml", document(kind, text, name))])


def document(kind: str, text: str = "", name: str = "a") -> str:
    """The text of one document."""
    return f"apiVersion: tocsin/v1\nkind: {kind}\nname: {name}\n{dedent(text).strip()}\n"


def together(*documents: str) -> tuple[Workspace, tuple[Diagnostic, ...]]:
    """Several documents of one file."""
    return read_workspace([Source("a.yaml", "---\n".join(documents))])


def places(findings: tuple[Diagnostic, ...]) -> list[Finding]:
    """Line, column and code of each finding."""
    return [(finding.span.line, finding.span.column, finding.code) for finding in findings]


def codes(findings: tuple[Diagnostic, ...]) -> list[str]:
    """The code of each finding."""
    return [finding.code for finding in findings]
