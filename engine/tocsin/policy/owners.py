"""Which definition a finding is in: what tells equal lines of one file apart, wherever they move."""

from collections.abc import Iterable, Mapping

from tocsin.diagnostics import Span
from tocsin.document import Document
from tocsin.document.place import Place


class Owners:
    """Finds the definition that a place belongs to."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._of_file: dict[str, list[Document]] = {}
        for document in documents:
            self._of_file.setdefault(document.path, []).append(document)

    def name(self, span: Span) -> str:
        """The kind and name of the document, and up to two keys, such as `Service shop alerts/QueueTooLong`."""
        for document in self._of_file.get(span.path, ()):
            offset = document.source.offset(span.line, span.column)
            if document.root.start <= offset <= document.root.end:
                value = document.value if isinstance(document.value, Mapping) else {}
                keys = "/".join(_keys(document.root, offset)[:2])
                return f"{value.get('kind')} {value.get('name')} {keys}".rstrip()
        return ""


def _keys(place: Place, offset: int) -> list[str]:
    for key, inner in place.inner.items():
        start = inner.key[0] if inner.key else inner.start
        if start <= offset <= inner.end:
            return [key, *_keys(inner, offset)] if isinstance(key, str) else []
    return []
