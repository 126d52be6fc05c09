"""Names: each defined once, and each that is used defined."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic, Edit, Fix, Span
from tocsin.schema.words import listed, nearest, respelling, sole
from tocsin.spec.readers import MOST_COMPARED, MOST_NAMES, Node, Reference, known_name
from tocsin.workspace.model import Definition

_WORDS = {"alert": "alert", "channel": "channel", "interval": "time interval", "slo": "SLO"}

_PLACES = {
    "alert": "define it below alerts in a Service document",
    "channel": "define it below channels in a Notifications document",
    "interval": "define it below time_intervals in a Notifications document",
    "slo": "define it below slos in a Service or Journey document",
}

_SHARED = {"channels": "channel", "time_intervals": "time interval", "maintenance": "maintenance window"}
"""What documents of Notifications define for all of them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One document as it was read; *value* is None where nothing could be made of it."""

    kind: str
    root: Node
    value: Definition | None


def unique(readings: Iterable[Reading], findings: list[Diagnostic]) -> Iterator[Reading]:
    """The readings without those whose name is taken; these, and channels and such that are taken, become findings."""
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
        for key, what in _SHARED.items() if kind == "Notifications" else ():
            for entry in reading.root[key].entries():
                claim(key, entry.name, entry.key_span, f"the name {entry.name!r} is taken by another {what}")
        if free:
            yield reading


def unknown(readings: Iterable[Reading]) -> Iterator[Diagnostic]:
    """References to what no document defines.

    A definition with a mistake in it counts: its name is known, and the mistake has a finding of its own.
    """
    readings = tuple(readings)
    known: dict[str, list[str]] = {"alert": [], "channel": [], "interval": [], "slo": []}
    for reading in readings:
        if reading.kind == "Notifications":
            known["channel"] += reading.root["channels"].names()
            known["interval"] += reading.root["time_intervals"].names()
        elif reading.kind in {"Service", "Journey"}:
            name = reading.root["name"].text()
            known["slo"] += [f"{name}/{slo}" for slo in reading.root["slos"].names()]
            known["alert"] += [f"{name}/{alert}" for alert in reading.root["alerts"].names()]
    sets = {what: frozenset(names) for what, names in known.items()}
    for reading in readings:
        for reference in reading.root.notes.references:
            if reference.name not in sets[reference.what]:
                yield Diagnostic(
                    f"reference/unknown-{reference.what}",
                    reference.span,
                    f"{_WORDS[reference.what]} {reference.name!r} is not defined",
                    hint=_hint(reference, sets),
                    fix=_fix(reference, sets[reference.what]),
                )


def _fix(reference: Reference, known: frozenset[str]) -> Fix | None:
    if len(known) > MOST_COMPARED:
        return None
    owner, slash, name = reference.name.partition("/")
    of_owner = [ref.partition("/")[2] for ref in known if slash and ref.startswith(f"{owner}/")]
    if not of_owner:
        return respelling(reference.span, reference.name, known) if not reference.rest else None
    right = sole(name, of_owner)  # the first half, being right, would make anything look alike
    text = f"{owner}/{right}{reference.rest}"
    return Fix(f"write {text}", (Edit(reference.span, text),)) if right else None


def _hint(reference: Reference, sets: Mapping[str, frozenset[str]]) -> str:
    what, name, known = reference.what, reference.name, sets[reference.what]
    if what == "alert" and name in sets["slo"]:
        return f"it is an objective; name one of its tiers, such as {name}:fast"
    if what in {"channel", "interval"}:
        return known_name(name, known) or _PLACES[what]
    owner, _, slo = name.partition("/")
    of_owner = [ref for ref in known if ref.startswith(f"{owner}/")]
    # Only the second half is compared then: the first, being right, would make anything look alike.
    if near := nearest(slo, [ref.partition("/")[2] for ref in of_owner]):
        return f"did you mean {owner}/{near}?"
    if of_owner:
        return f"{owner} has {listed(sorted(of_owner)[:MOST_NAMES], 'and')}"
    return known_name(name, known) or _PLACES[what]
