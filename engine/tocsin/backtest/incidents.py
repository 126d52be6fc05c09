"""Incidents that people have labelled: a list of `{from, to, name}` in YAML, with findings for what is wrong."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from tocsin.backtest.detection import Incident
from tocsin.backtest.ticks import EARLIEST, LATEST
from tocsin.diagnostics import Diagnostic, Span
from tocsin.document import Document, read_documents

_KEYS = ("from", "to", "name")
_CODE = "backtest/incident"
_HINT = "write `- {from: 2026-11-01T12:00:00Z, to: 2026-11-01T12:40:00Z, name: what it was}`"


def read_incidents(path: str, text: str) -> tuple[tuple[Incident, ...], tuple[Diagnostic, ...]]:
    """The incidents in order of the file, each as if it had cost nothing, and what could not be read."""
    documents, findings = read_documents(path, text)
    found: list[Incident] = []
    faults = list(findings)
    for document in documents:
        if not isinstance(document.value, list):
            faults.append(_fault(document, (), "a list of incidents is expected"))
            continue
        for number, value in enumerate(document.value):
            wrong = list(_wrong(document, number, value))
            faults += wrong
            if not wrong and isinstance(value, Mapping):
                start, end = (_time(value[key]) for key in ("from", "to"))
                if start is not None and end is not None:
                    found.append(Incident(start, end, 0.0, str(value.get("name") or "")))
    if not found and not faults:
        faults.append(Diagnostic(_CODE, Span(path, 1, 1, 1, 2), "no incidents are listed", hint=_HINT))
    return tuple(found), tuple(faults)


def _wrong(document: Document, number: int, value: object) -> Iterator[Diagnostic]:
    if not isinstance(value, Mapping):
        yield _fault(document, (number,), "an incident has from and to")
        return
    for key in value:
        if key not in _KEYS:
            yield _fault(document, (number, key), f"an incident has no {key!r}, but {', '.join(_KEYS)}")
    if not isinstance(value.get("name"), str | int | float | None):
        yield _fault(document, (number, "name"), "a name is a text")
    times = []
    for key in ("from", "to"):
        if key not in value:
            yield _fault(document, (number,), f"{key} is missing")
        elif (at := _time(value[key])) is None:
            yield _fault(document, (number, key), f"{value[key]!r} is not a time with a zone")
        elif not EARLIEST <= at <= LATEST:
            yield _fault(document, (number, key), f"there are no samples of {at.year}")
        else:
            times.append(at)
    if len(times) == 2 and times[1] < times[0]:
        yield _fault(document, (number, "to"), "it ends before it starts")


def _fault(document: Document, path: tuple[str | int, ...], message: str) -> Diagnostic:
    return Diagnostic(_CODE, document.span(path), message, hint=_HINT)


def _time(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
