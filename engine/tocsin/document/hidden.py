"""Texts as they may be shown: what could be a secret in the settings of channels is starred out, at the same length."""

from collections.abc import Iterable, Iterator, Mapping

from tocsin.document.model import Document
from tocsin.document.place import Place

_OPEN = frozenset(
    {"env", "file", "host", "port", "tls", "user", "from", "to", "channel", "service"}
    | {"send_resolved", "rate", "fallback", "canary"}
)
"""Settings that are no secrets; any other may be one, a misspelt one too."""


def shown_texts(documents: Iterable[Document], texts: Mapping[str, str]) -> dict[str, str]:
    """*texts* by path, without the secrets of channels; every character that stays is where it was."""
    shown = dict(texts)
    for document in documents:
        channels = document.root.inner.get("channels")
        if channels is not None and document.path in shown:
            text = shown[document.path]
            for place in _closed(channels):
                stars = "".join(c if c in "\r\n" else "*" for c in text[place.start : place.end])
                text = text[: place.start] + stars + text[place.end :]
            shown[document.path] = text
    return shown


def _closed(place: Place) -> Iterator[Place]:
    """The values below *place* that may be secrets."""
    for key, inner in place.inner.items():
        if inner.inner:
            yield from () if key in _OPEN else _closed(inner)
        elif inner.style is not None and key not in _OPEN:
            yield inner
