"""Every PromQL text of a workspace, with what it is for and where each of its characters stands.

Read from the documents and not from the specs, so that an expression is checked even where something else about its
definition is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tocsin.diagnostics import Span
from tocsin.document import Document, Json, Path
from tocsin.promql import STAND_IN, WINDOW, with_window
from tocsin.sli import SLIS, Form, form_of
from tocsin.workspace import Workspace


class Place(Protocol):
    """Characters [start, end) of a text."""

    @property
    def start(self) -> int:
        """The first."""

    @property
    def end(self) -> int:
        """Behind the last."""


class Role(StrEnum):
    """What an expression is for, and so what it has to be."""

    SELECTOR = "selector"
    """Part of an SLI: a plain selector, because windows are put behind it."""
    WINDOWED = "windowed"
    """Part of an SLI: any PromQL with `$window`; *text* has a window of the same length in its places."""
    INSTANT = "instant"
    """Part of an SLI: looked at again and again."""
    VALUE = "value"
    """Compared with a threshold."""
    CONDITION = "condition"
    """An alert of its own: fires for each row."""
    SERIES = "series"
    """A plain selector of what has to be there."""
    RECORDED = "recorded"
    """Recorded under a name."""
    PRESENCE = "presence"
    """Told to be deployed where it has a value other than 0."""
    PANEL = "panel"
    """Drawn."""


_Forms = Role | tuple[Form, ...]
_Tree = Mapping[str, "_Tree | _Forms"]
_SLI: _Tree = {kind: sli.keys for kind, sli in SLIS.items()}
_PLACES: Mapping[str, _Tree] = {
    "Service": {
        "slis": {"*": _SLI},
        "alerts": {
            "*": {
                "value": Role.VALUE,
                "expr": Role.CONDITION,
                "absent": Role.SERIES,
                "forecast": {"series": Role.VALUE},
                "anomaly": {"series": Role.VALUE},
                "level_shift": {"series": Role.VALUE},
            }
        },
        "recordings": {"*": {"expr": Role.RECORDED}},
    },
    "SLITemplate": {"sli": _SLI},
    "SLA": {"measure": {"deployed": Role.PRESENCE}},
    "Dashboard": {"panels": {"*": {"expr": Role.PANEL}}},
}
"""Where expressions stand, by kind of document; a `*` is any key or element. Texts of SLIs may have several forms."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A PromQL text; *refs* are the objectives or the alert that need it."""

    text: str
    role: Role
    document: Document
    path: Path
    refs: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """The whole text, as it stands in the file."""
        return self.document.span(self.path)

    def words(self, text: str) -> str:
        """Words about the expression, with the window as it was written."""
        return text.replace(STAND_IN, WINDOW) if self.role is Role.WINDOWED else text

    def inside(self, place: Place) -> Span:
        """Where a fault, or a node of the tree, stands in the file."""
        return self.document.inside(self.path, place.start, place.end) if place.end > place.start else self.span


def expressions(workspace: Workspace) -> tuple[Expression, ...]:
    """All expressions, in file order."""
    found = [each for document in (workspace.documents or {}).values() for each in _of_document(document)]
    return tuple(sorted(found, key=lambda each: each.span))


def definition(workspace: Workspace, kind: str, name: str) -> Document | None:
    """Find the document that defines *name*."""
    documents = (workspace.documents or {}).values()
    return next((d for d in documents if _text(d.value, "kind") == kind and _text(d.value, "name") == name), None)


def _of_document(document: Document) -> Iterator[Expression]:
    users = _users(document.value)
    for path, text, role in _matching(document.value, _PLACES.get(_text(document.value, "kind"), {})):
        if text.strip() and path not in document.broken:
            meant = role if isinstance(role, Role) else Role(form_of(text, role))
            readable = with_window(text) if meant is Role.WINDOWED else text
            yield Expression(readable, meant, document, path, users.get(path[:2], ()))


def _matching(value: Json, tree: _Tree, path: Path = ()) -> Iterator[tuple[Path, str, _Forms]]:
    inside: Iterable[tuple[str | int, Json]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for step, element in inside:
        below = tree.get("*") or tree.get(str(step))
        if isinstance(below, Mapping):
            yield from _matching(element, below, (*path, step))
        elif below is not None and isinstance(element, str):
            yield (*path, step), element, below


def _users(value: Json) -> dict[Path, tuple[str, ...]]:
    """Which objectives use an SLI, and the alerts themselves, by the beginning of the path."""
    owner = _text(value, "name")
    found: dict[Path, tuple[str, ...]] = {}
    for name, slo in _entries(value, "slos"):
        path = ("slis", _text(slo, "sli"))
        found[path] = (*found.get(path, ()), f"{owner}/{name}")
    return found | {("alerts", name): (f"{owner}/{name}",) for name, _ in _entries(value, "alerts")}


def _entries(value: Json, key: str) -> Iterable[tuple[str, Json]]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner.items() if isinstance(inner, dict) else ()


def _text(value: Json, key: str) -> str:
    text = value.get(key) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
