"""Findings as they are told: comments in place, then severities, then the baseline."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from tocsin.diagnostics import Diagnostic, in_file_order
from tocsin.document import Document, Path
from tocsin.expressions import expressions
from tocsin.policy.severity import as_wished, unknown_wishes, wishes
from tocsin.policy.suppress import MARK, suppressed, suppressions
from tocsin.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Terms:
    """What findings are told by.

    *known* are all codes, *ran* those that were looked for, *asked* those that are off until they are given a severity.
    """

    today: date
    known: Collection[str]
    ran: Collection[str]
    asked: Collection[str] = ()
    severities: Mapping[str, str] = field(default_factory=dict)
    """What this run asks for, over what the workspace says."""


def settle(found: Iterable[Diagnostic], workspace: Workspace, terms: Terms) -> tuple[Diagnostic, ...]:
    """*found* as it is to be told, in file order; what a comment hides is there, and marked as hidden."""
    documents = tuple((workspace.documents or {}).values())
    platform = next((d for d in documents if d.at(("kind",)) == "Platform"), None)
    findings = (*_unambiguous(found, platform), *unknown_wishes(platform, terms.known))
    if any(MARK in document.source.text for document in documents):
        places = [(e.document, e.path) for e in expressions(workspace) if e.span.path == e.document.path]
        places += [place for document in documents for place in _of_template(document)]
        some, wrong = suppressions(documents, places, terms.known)
        findings = (*suppressed(findings, some, terms.today, terms.ran), *wrong)
    return in_file_order(as_wished(findings, {**wishes(platform), **terms.severities}, terms.asked))


def _of_template(document: Document) -> Iterator[tuple[Document, Path]]:
    """The expressions of an SLI that is written once; where it is used they are in another document."""
    sli = document.at(("sli",)) if document.at(("kind",)) == "SLITemplate" else None
    for kind, part in sli.items() if isinstance(sli, Mapping) else ():
        yield from ((document, ("sli", kind, key)) for key in (part if isinstance(part, Mapping) else ()))


def _unambiguous(found: Iterable[Diagnostic], platform: Document | None) -> Iterator[Diagnostic]:
    """*found*, but for `off` below `checks`: read as false it means the same."""
    checks = platform.at(("checks",)) if platform else None
    if platform is None or not isinstance(checks, Mapping):
        return iter(found)
    levels = {platform.span(("checks", code)) for code in checks}
    return (each for each in found if each.code != "yaml/ambiguous" or each.span not in levels)


def told(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that nothing hides."""
    return tuple(finding for finding in findings if finding.hidden is None)
