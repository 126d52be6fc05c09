"""All files to one Workspace with every finding."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from tocsin.diagnostics import Diagnostic, in_file_order
from tocsin.document import Document, read_documents
from tocsin.schema import check_document
from tocsin.schema.words import nearest
from tocsin.spec import Dashboard, Journey, Notifications, Platform, Service, Sla
from tocsin.spec.readers import (
    Node,
    Notes,
    read_dashboard,
    read_journey,
    read_notifications,
    read_platform,
    read_service,
    read_sla,
    read_sli_template,
)
from tocsin.spec.readers.burn_rate import read_policies
from tocsin.windows import Policy
from tocsin.workspace.divided import divided
from tocsin.workspace.hidden import hidden
from tocsin.workspace.journeys import nested
from tocsin.workspace.model import Definition, Source, Workspace
from tocsin.workspace.names import Reading, unique, unknown
from tocsin.workspace.templates import Templates, with_uses

T = TypeVar("T", Dashboard, Journey, Notifications, Service, Sla)

READERS: dict[str, Callable[[Node], Definition | None]] = {
    "Service": read_service,
    "Journey": read_journey,
    "SLA": read_sla,
    "Notifications": read_notifications,
    "Platform": read_platform,
    "Dashboard": read_dashboard,
    "SLITemplate": read_sli_template,
}


def read_workspace(sources: Iterable[Source]) -> tuple[Workspace, tuple[Diagnostic, ...]]:
    """Read all *sources*; the workspace holds what could be read, the findings are in file order.

    A definition with a mistake is left out alone and everything around it is kept, so that one run finds all there is
    to find. A workspace with an error among its findings is good for further findings and for nothing else.
    """
    documents: list[Document] = []
    findings: list[Diagnostic] = []
    for source in sorted(sources, key=lambda source: source.path):
        found, misread = read_documents(source.path, source.text)
        documents += found
        findings += misread
    readings: list[Reading] = []
    policies = _policies(documents)
    templates = Templates.of(documents)
    documents = [templates.expanded(document) for document in documents]
    findings += templates.findings
    findings += templates.alone()
    for document in documents:
        invalid = check_document(document)
        findings += invalid
        if reading := _read(document, policies):
            readings.append(reading)
            findings += _news(reading.root.notes.findings, invalid)
    firsts = tuple(unique(readings, findings))
    findings += unknown(readings)
    values = [reading.value for reading in firsts if reading.value is not None and reading.value.name]
    journeys, knots = nested(_by_name(values, Journey))
    workspace = Workspace(
        services=_by_name(values, Service),
        journeys=journeys,
        slas=_by_name(values, Sla),
        notifications=_by_name(values, Notifications),
        dashboards=_by_name(values, Dashboard),
        platform=next((value for value in values if isinstance(value, Platform)), None),
        documents={(document.path, document.index): templates.checked(document) for document in documents},
        templates=templates.uses(),
    )
    findings += hidden(workspace.notifications)
    findings += divided(workspace.services, _by_name(values, Journey), workspace.slas)
    return workspace, in_file_order(with_uses((*findings, *knots), workspace.templates))


def _policies(documents: Iterable[Document]) -> Mapping[str, Policy]:
    """The burn-rate policies that objectives may name; what is wrong with them is told where the platform is read."""
    found: dict[str, Policy] = {}
    for document in documents:
        root = Node.root(document, Notes())
        if root["kind"].text() == "Platform":
            found.update(read_policies(root["burn_rates"]))
    return found


def _read(document: Document, policies: Mapping[str, Policy]) -> Reading | None:
    root = Node.root(document, Notes(policies=policies))
    written = root["kind"].text()
    kind = written if written in READERS else nearest(written, READERS)  # the schema tells about a misspelt kind
    return Reading(kind, root, READERS[kind](root)) if kind else None


def _news(findings: Iterable[Diagnostic], invalid: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What the schema has not said yet: it knows the patterns of durations, percentages and thresholds too."""
    told = {finding.span for finding in invalid}
    return (finding for finding in findings if finding.span not in told or not finding.code.startswith("units/"))


def _by_name(values: Iterable[Definition], kind: type[T]) -> tuple[T, ...]:
    return tuple(sorted((value for value in values if isinstance(value, kind)), key=lambda value: value.name))
