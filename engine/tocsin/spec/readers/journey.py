"""Journey: a document to objectives over a tree of other SLOs."""

from decimal import Decimal

from tocsin.spec.journey import Combine, Journey, JourneySlo, Member, Missing
from tocsin.spec.readers.node import Node, Reference
from tocsin.spec.readers.slo import read_target
from tocsin.units import Duration

_WINDOW = Duration.of(days=30)
_SLICE = Duration.of(minutes=5)
_AFTER = Duration.of(minutes=5)
_LISTS = frozenset({"series", "parallel", "worst_of"})


def read_journey(node: Node) -> Journey:
    """Read one Journey document."""
    name = node["name"].text()
    slos = (_slo(entry, name) for entry in node["slos"].entries())
    return Journey(
        name=name,
        title=node["title"].text(name),
        description=node["description"].text().strip(),
        owner=node["owner"].text(),
        slos=tuple(slo for slo in slos if slo is not None),
        span=node["name"].span,
    )


def _slo(node: Node, journey: str) -> JourneySlo | None:
    target, window = read_target(node["target"]), node["window"].duration_or_none(_WINDOW)
    slice_, combine, page = node["slice"].duration(_SLICE), _combine(node["combine"]), node["page"].channels()
    if window is not None and slice_ > window:
        node["slice"].report(
            "journey/slice", f"a slice of {slice_} is longer than the window of {window}", f"write {_SLICE}"
        )
    missing = Missing(
        node["missing"]["after"].duration(_AFTER, positive=False), node["missing"]["count_as"].text("bad")
    )
    if target is None or window is None or combine is None:
        return None
    return JourneySlo(
        journey=journey,
        name=node.name,
        target=target,
        window=window,
        slice=slice_,
        combine=combine,
        missing=missing,
        page=page,
        description=node["description"].text().strip(),
        span=node.key_span,
    )


def _combine(node: Node) -> Combine | None:
    if len(node.names()) != 1:
        return None
    [how] = node.names()
    if how in _LISTS:
        parts = _parts(node[how])
        return Combine(how, parts, (), node.span) if parts else None
    return _k_of_n(node["k_of_n"]) if how == "k_of_n" else _weighted(node["weighted"])


def _k_of_n(node: Node) -> Combine | None:
    parts, need = _parts(node["of"]), node["need"].whole(0)
    if not 1 <= need <= len(parts) and parts:
        node["need"].report(
            "journey/need", f"{node['need'].value} of {len(parts)} parts are needed", f"write 1 to {len(parts)}"
        )
        return None
    return Combine("k_of_n", parts, (), node.span, need) if parts else None


def _weighted(node: Node) -> Combine | None:
    pairs = [(_member(entry, entry.name), _weight(entry)) for entry in node.entries()]
    weighed = [(member, weight) for member, weight in pairs if weight is not None]
    if not weighed:
        return None
    return Combine("weighted", tuple(m for m, _ in weighed), tuple(w for _, w in weighed), node.span)


def _parts(node: Node) -> tuple[Member | Combine, ...]:
    return tuple(part for entry in node.elements() if (part := _part(entry)) is not None)


def _part(node: Node) -> Member | Combine | None:
    if isinstance(node.value, str):
        return _member(node, node.value)
    return _combine(node)


def _member(node: Node, ref: str) -> Member:
    span = node.span if isinstance(node.value, str) else node.key_span
    if ref.count("/") == 1:  # the schema tells about any other form
        node.notes.references.append(Reference("slo", ref, span))
    return Member(ref, span)


def _weight(node: Node) -> Decimal | None:
    weight = node.number()
    if weight is not None and weight <= 0:
        node.report(
            "journey/weight",
            f"weight {node.value} of {node.name} is not greater than 0",
            "leave out what does not count",
        )
        return None
    return weight
