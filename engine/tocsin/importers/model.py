"""What importers take and give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.document import Document
from tocsin.importers import draft
from tocsin.importers.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Reading:
    """All documents of all files, where to note what becomes of them, and what a service is called by its file."""

    documents: Sequence[Document]
    ledger: Ledger
    names: Mapping[str, str]
    service: str = ""
    """The name that the user wants for the one service."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One document of the language, not yet written; *files* are what it was made from."""

    name: str
    body: draft.Mapping
    sources: frozenset[tuple[str, int]]


Importer = Callable[[Reading], Sequence[Definition]]


def heading(kind: str, name: str) -> draft.Mapping:
    """The first lines of a definition."""
    body = draft.Mapping()
    body.put("apiVersion", "tocsin/v1")
    body.put("kind", kind)
    body.put("name", name)
    return body
