"""The definitions that a command or the evaluator runs on: files, workspace, plan, and all that is wrong with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tocsin.adapters.files import read_sources
from tocsin.checks import CHECKS, Subject, run_checks
from tocsin.codes import ASKED, MANUALS, RAN
from tocsin.diagnostics import Diagnostic, Severity, in_file_order
from tocsin.document import shown_texts
from tocsin.notify.rehearsal import known_labels
from tocsin.plan import Plan, plan
from tocsin.policy import Terms, settle, told
from tocsin.workspace import Source, Workspace, read_workspace, with_uses

TEMPLATES = (("email", "subject"), ("email", "text"), ("slack", "text"))
"""The messages that a workspace may write itself."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that was read and can be said without promtool; *texts* are the files by path.

    *found* is what was found, *findings* what is to be told of it.
    """

    workspace: Workspace
    plan: Plan
    found: tuple[Diagnostic, ...]
    findings: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    unread: tuple[Diagnostic, ...]
    today: date

    @property
    def shown(self) -> Mapping[str, str]:
        """The texts as they may be printed, without what could be a secret."""
        return shown_texts((self.workspace.documents or {}).values(), self.texts)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The findings that forbid to use them."""
        return tuple(finding for finding in self.found if finding.severity is Severity.ERROR)

    def with_texts(self, changed: Mapping[str, str]) -> "Definitions":
        """The same definitions with other texts of some files."""
        sources = [Source(path, text) for path, text in {**self.texts, **changed}.items()]
        return definitions_of(sources, self.unread, self.today)


def read_definitions(paths: Sequence[str], today: date | None = None) -> Definitions:
    """Read, plan and check everything at or below *paths*; never stops at the first mistake."""
    return definitions_of(*read_sources(paths), today=today)


def definitions_of(
    sources: Sequence[Source], unread: Iterable[Diagnostic] = (), today: date | None = None
) -> Definitions:
    """Plan and check *sources*; *unread* is what was found while reading them.

    *today* decides which comments have expired; the day in UTC where nobody says another one.
    """
    workspace, misread = read_workspace(sources)
    planned, unplanned = plan(workspace)
    unread = tuple(unread)
    found = in_file_order((*unread, *misread, *unplanned, *_messages(workspace, planned)))
    checked = with_uses(run_checks(CHECKS, Subject(workspace, planned, found)), workspace.templates)
    found = each_once((*found, *checked))
    day = today or datetime.now(UTC).date()
    findings = told(settle(found, workspace, terms(day)))
    texts = {source.path: source.text for source in sources}
    return Definitions(workspace, planned, found, findings, texts, unread, day)


def _messages(workspace: Workspace, planned: Plan) -> Iterator[Diagnostic]:
    """What is wrong with the workspace's own templates of messages; whoever sends them knows."""
    every = (workspace.documents or {}).values()
    documents = [d for d in every if d.at(("kind",)) == "Notifications" and d.at(("templates",))]
    if not documents:
        return
    from tocsin_notifiers.confined import misfits  # noqa: PLC0415  # libraries of channels, which most do not need

    labels = known_labels(workspace, planned)
    for document in documents:
        for where in (("templates", *rest) for rest in TEMPLATES):
            text = document.at(where)
            for misfit in misfits(text, labels) if isinstance(text, str) else ():
                span = document.inside(where, misfit.start, misfit.end)
                severity = Severity.WARNING if misfit.doubtful else Severity.ERROR
                yield Diagnostic("message/template", span, misfit.message, severity, hint=misfit.hint)


def terms(today: date, severities: Mapping[str, str] | None = None, ran: Iterable[str] = ()) -> Terms:
    """How findings are told; *ran* are codes that were looked for beyond those of every run."""
    return Terms(today, MANUALS, RAN | {*ran}, ASKED, severities or {})


def each_once(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """In file order, each fault once.

    Two tiers or two rules may show it at one place with the same words. What is no JSON value is not told again as no
    threshold, and what is wrong in a definition is not told again as what promtool says of the rule made from it.
    """
    first = {(f.code, f.span, f.message): f for f in reversed(tuple(findings))}
    no_values = {f.span for f in first.values() if f.code.startswith("yaml/") and f.severity is Severity.ERROR}
    wrong = {_line(f) for f in first.values() if f.severity is Severity.ERROR and not f.code.startswith("promtool/")}
    return in_file_order(
        f
        for f in first.values()
        if (f.code.startswith("yaml/") or f.span not in no_values)
        and not (f.code.startswith("promtool/") and _line(f) in wrong)
    )


def _line(finding: Diagnostic) -> tuple[str, int]:
    return finding.span.path, finding.span.line
