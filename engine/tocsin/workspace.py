"""Files to one Workspace: every document read, every reference resolved, every finding kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from tocsin.diagnostics import Diagnostic, Span, in_file_order
from tocsin.document import Document, read_documents
from tocsin.schema import check_document
from tocsin.schema.words import nearest
from tocsin.spec import Dashboard, Journey, Notifications, Platform, Service, Sla, members
from tocsin.spec.readers import (
    Node,
    Notes,
    known_name,
    read_dashboard,
    read_journey,
    read_notifications,
    read_platform,
    read_service,
    read_sla,
)

Definition = Dashboard | Journey | Notifications | Platform | Service | Sla
T = TypeVar("T", Dashboard, Journey, Notifications, Service, Sla)

READERS: dict[str, Callable[[Node], Definition | None]] = {
    "Service": read_service,
    "Journey": read_journey,
    "SLA": read_sla,
    "Notifications": read_notifications,
    "Platform": read_platform,
    "Dashboard": read_dashboard,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text; *path* is what findings print."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything that was said, by name, in sorted order so that file order never matters."""

    services: tuple[Service, ...] = ()
    journeys: tuple[Journey, ...] = ()
    slas: tuple[Sla, ...] = ()
    notifications: tuple[Notifications, ...] = ()
    dashboards: tuple[Dashboard, ...] = ()
    platform: Platform | None = None
    documents: Mapping[tuple[str, int], Document] | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """One document as it was read; *value* is None where nothing could be made of it."""

    kind: str
    root: Node
    value: Definition | None


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
    readings: list[_Reading] = []
    for document in documents:
        invalid = check_document(document)
        findings += invalid
        if reading := _read(document):
            readings.append(reading)
            findings += _news(reading.root.notes.findings, invalid)
    unique = tuple(_unique(readings, findings))
    findings += _unknown(readings)
    values = [reading.value for reading in unique if reading.value is not None and reading.value.name]
    journeys, cycles = _without_cycles(_by_name(values, Journey))
    workspace = Workspace(
        services=_by_name(values, Service),
        journeys=journeys,
        slas=_by_name(values, Sla),
        notifications=_by_name(values, Notifications),
        dashboards=_by_name(values, Dashboard),
        platform=next((value for value in values if isinstance(value, Platform)), None),
        documents={(document.path, document.index): document for document in documents},
    )
    return workspace, in_file_order((*findings, *cycles))


def _read(document: Document) -> _Reading | None:
    root = Node.root(document, Notes())
    kind = nearest(root["kind"].text(), READERS)  # the schema tells about a misspelt kind
    return _Reading(kind, root, READERS[kind](root)) if kind else None


def _news(findings: Iterable[Diagnostic], invalid: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What the schema has not said yet: it knows the patterns of durations, percentages and thresholds too."""
    told = {finding.span for finding in invalid}
    return (finding for finding in findings if finding.span not in told or not finding.code.startswith("units/"))


def _by_name(values: Iterable[Definition], kind: type[T]) -> tuple[T, ...]:
    return tuple(sorted((value for value in values if isinstance(value, kind)), key=lambda value: value.name))


# --- names -------------------------------------------------------------------------------------------------


def _unique(readings: Iterable[_Reading], findings: list[Diagnostic]) -> Iterator[_Reading]:
    """The readings without those whose name is taken; these, and channels that are taken, become findings."""
    taken: dict[tuple[str, str], Span] = {}

    def claim(space: str, name: str, span: Span, message: str) -> bool:
        first = taken.setdefault((space, name), span)
        if first == span or not name:
            return True
        findings.append(Diagnostic("reference/duplicate", span, message, related=((first, "the first one"),)))
        return False

    for reading in readings:
        name, span, kind = reading.root["name"].text(), reading.root["name"].span, reading.kind
        if kind == "Platform":
            free = claim(kind, kind, span, "a workspace has one Platform, and this is a second")
        elif kind in {"Service", "Journey"}:  # a reference `be-camera/uptime` does not say of which kind it is
            free = claim("Service", name, span, f"the name {name!r} is taken by another service or journey")
        else:
            free = claim(kind, name, span, f"the name {name!r} is taken by another {kind}")
        for channel in reading.root["channels"].entries() if kind == "Notifications" else ():
            claim("channel", channel.name, channel.key_span, f"the name {channel.name!r} is taken by another channel")
        if free:
            yield reading


def _unknown(readings: Iterable[_Reading]) -> Iterator[Diagnostic]:
    """References to what no document defines.

    A definition with a mistake in it counts: its name is known, and the mistake has a finding of its own.
    """
    readings = tuple(readings)
    known: dict[str, list[str]] = {"channel": [], "slo": []}
    for reading in readings:
        if reading.kind == "Notifications":
            known["channel"] += reading.root["channels"].names()
        elif reading.kind in {"Service", "Journey"}:
            name = reading.root["name"].text()
            known["slo"] += [f"{name}/{slo}" for slo in reading.root["slos"].names()]
    sets = {what: frozenset(names) for what, names in known.items()}
    for reading in readings:
        for reference in reading.root.notes.references:
            if reference.name not in sets[reference.what]:
                yield Diagnostic(
                    f"reference/unknown-{reference.what}",
                    reference.span,
                    f"{_WORDS[reference.what]} {reference.name!r} is not defined",
                    hint=_hint(reference.what, reference.name, sets[reference.what]),
                )


_WORDS = {"channel": "channel", "slo": "SLO"}


def _hint(what: str, name: str, known: frozenset[str]) -> str:
    if what == "channel":
        return known_name(name, known) or "define it below channels in a Notifications document"
    owner = name.partition("/")[0] + "/"
    of_owner = [ref for ref in known if ref.startswith(owner)]
    return known_name(name, of_owner or known) or "define it below slos in a Service or Journey document"


# --- cycles ------------------------------------------------------------------------------------------------


def _without_cycles(journeys: tuple[Journey, ...]) -> tuple[tuple[Journey, ...], tuple[Diagnostic, ...]]:
    """The journeys without objectives that need themselves; these become findings, one for each cycle."""
    needs = {slo.ref: {part.ref: part.span for part in members(slo.combine)} for j in journeys for slo in j.slos}
    findings: list[Diagnostic] = []
    while cycle := _cycle(needs):
        first, second = cycle[0], cycle[1 % len(cycle)]
        path = " needs ".join((*cycle, first))
        span = needs[first][second]
        findings.append(Diagnostic("reference/cycle", span, f"a journey cannot need itself: {path}"))
        del needs[first]
    kept = tuple(
        journey if all(slo.ref in needs for slo in journey.slos)
        else replace(journey, slos=tuple(slo for slo in journey.slos if slo.ref in needs))
        for journey in journeys
    )  # fmt: skip
    return kept, tuple(findings)


def _cycle(needs: Mapping[str, Mapping[str, Span]]) -> tuple[str, ...]:
    """One cycle, from its smallest name on, or nothing."""
    graph = {ref: sorted(part for part in parts if part in needs) for ref, parts in sorted(needs.items())}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][:0:-1]  # each needs the next; the closing repetition is dropped
        start = cycle.index(min(cycle))
        return (*cycle[start:], *cycle[:start])
    return ()
