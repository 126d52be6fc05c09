"""A copy of the definitions in which only what depends on the place is replaced, value by value, and said openly.

Edits go by the spans of the YAML values, so every other byte, comments included, stays as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from tocsin.diagnostics import Span
from tocsin.document import Document, Path

SERVICE = "be-camera"
SLO = "uptime"
REF = f"{SERVICE}/{SLO}"
"""The objective whose page the demonstration shows."""
SCRAPE_INTERVAL = "2s"
OVER_SOON = "short windows of 1m instead of 5m, kept open for 30s instead of 10m, so that alerts are soon over"
_FIVE_MINUTES = re.compile(r"\[5m\]")


@dataclass(frozen=True, slots=True)
class Edit:
    """Put *new* in the place of *old* at *span*; an empty span inserts."""

    span: Span
    old: str
    new: str
    why: str


def edits(documents: Iterable[Document], addresses: Mapping[str, Sequence[str]]) -> tuple[Edit, ...]:
    """Everything that the demonstration changes; *addresses* are the `host:port`s of each scrape job."""
    return tuple(edit for document in documents for edit in _of(document, addresses))


def _of(document: Document, addresses: Mapping[str, Sequence[str]]) -> Iterator[Edit]:
    value = document.value
    if not isinstance(value, Mapping):
        return
    if value.get("kind") == "Platform":
        for name in ("scrape_interval", "evaluation_interval"):
            yield from _replace(document, ("prometheus", name), SCRAPE_INTERVAL, "faster, so that nobody waits")
        yield from _replace(document, ("prometheus", "alertmanagers"), "[]", "Tocsin itself sends the messages")
        if isinstance(value.get("influxdb"), Mapping):
            yield from _set(document, ("influxdb", "enabled"), "false", beside="url", why="there is none here")
    if value.get("kind") != "Service":
        return
    scrape = value.get("scrape")
    if isinstance(scrape, Mapping):
        job = str(scrape.get("job", value.get("name")))
        if job in addresses:
            targets = ", ".join(f'"{address}"' for address in addresses[job])
            yield from _replace(document, ("scrape", "targets"), f"[{targets}]", "scraped are the exporters above")
            yield from _replace(document, ("scrape", "interval"), SCRAPE_INTERVAL, "faster, so that nobody waits")
    if value.get("name") == SERVICE:
        yield from _camera(document)


def _camera(document: Document) -> Iterator[Edit]:
    """Shorter windows where an alert would otherwise take five minutes to notice that the fault is over."""
    yield from _set(
        document,
        ("slos", SLO, "burn_rate"),
        "{policy: quick-reset}",
        beside="sli",
        why=OVER_SOON,
    )
    path = ("alerts", "HighErrorRate", "value")
    for match in _FIVE_MINUTES.finditer(str(_at(document, path) or "")):
        span = document.inside(path, match.start() + 1, match.end() - 1)
        yield Edit(span, "5m", "1m", OVER_SOON)


def _at(document: Document, path: Path) -> object:
    value: object = document.value
    for step in path:
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[str(step)]
    return value


def _replace(document: Document, path: Path, new: str, why: str) -> Iterator[Edit]:
    if _at(document, path) is not None:
        span = document.span(path)
        yield Edit(span, _cut(document.source.text, span), new, why)


def _set(document: Document, path: Path, new: str, *, beside: str, why: str) -> Iterator[Edit]:
    """Replace the value at *path*, or add it in front of the key *beside*, in block or in flow style."""
    if _at(document, path) is not None:
        yield from _replace(document, path, new, why)
        return
    if _at(document, (*path[:-1], beside)) is None:
        return
    key = document.key_span((*path[:-1], beside))
    line = document.source.text.splitlines()[key.line - 1]
    indent = line[: key.column - 1]
    end = f"\n{indent}" if not indent.strip() else ", "
    here = Span(key.path, key.line, key.column, key.line, key.column)
    yield Edit(here, "", f"{path[-1]}: {new}{end}", why)


def rewritten(text: str, some: Iterable[Edit]) -> str:
    r"""The text with all edits of its file made.

    >>> span = Span("a.yaml", 2, 4, 2, 6)
    >>> rewritten("a: 1\nb: 5m # five\n", [Edit(span, "5m", "1m", "")])
    'a: 1\nb: 1m # five\n'
    """
    starts = _line_starts(text)
    for edit in sorted(some, key=attrgetter("span"), reverse=True):
        start, end = _offsets(starts, edit.span)
        text = text[:start] + edit.new + text[end:]
    return text


def _cut(text: str, span: Span) -> str:
    start, end = _offsets(_line_starts(text), span)
    return text[start:end]


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]


def _offsets(starts: Sequence[int], span: Span) -> tuple[int, int]:
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1
