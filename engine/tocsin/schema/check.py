"""Which schema a document has to follow, and whether it does."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import tocsin_schemas
from tocsin.diagnostics import Diagnostic, in_file_order
from tocsin.document import Document
from tocsin.schema.explain import explain
from tocsin.schema.quick import Accepts, quick
from tocsin.schema.words import did_you_mean, listed, nearest, shown

API_VERSION = "tocsin/v1"


def check_document(document: Document) -> tuple[Diagnostic, ...]:
    """Everything in *document* that its kind does not allow, in file order.

    Values that the YAML reader refused already (`document.broken`) are not held against it a second time.
    """
    value = document.value
    if not isinstance(value, Mapping):
        if () in document.broken:
            return ()
        message = f"a document is a mapping with apiVersion, kind and name, not {shown(value)}"
        return (Diagnostic("schema/type", document.span(), message),)
    kind = value.get("kind")
    if isinstance(kind, str) and kind in tocsin_schemas.KINDS and quick_for(kind)(value):
        return ()
    findings = [*_version(document, value), *_kind(document, value)]
    meant = _meant(value)
    if meant is not None:
        from tocsin.schema.judge import violations  # noqa: PLC0415  # jsonschema: a third of the start of a command

        findings += explain(document, violations(meant, value))
    return in_file_order(findings)


@cache
def quick_for(kind: str) -> Accepts:
    """The fast answer of *kind*."""
    return quick(tocsin_schemas.schema_for(kind))


def _meant(value: Mapping[str, Any]) -> str | None:
    """The kind that was written, also where it or its key is misspelt."""
    key = "kind" if "kind" in value else next((key for key in value if nearest(key, ["kind"])), "kind")
    kind = value.get(key)
    return nearest(kind, tocsin_schemas.KINDS) if isinstance(kind, str) else None


def _version(document: Document, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    version = value.get("apiVersion", API_VERSION)
    if version != API_VERSION and ("apiVersion",) not in document.broken:
        span = document.span(("apiVersion",))
        yield Diagnostic("schema/api-version", span, f"apiVersion is {shown(version)}, expected {API_VERSION}")


def _kind(document: Document, value: Mapping[str, Any]) -> Iterator[Diagnostic]:
    kinds = listed(tocsin_schemas.KINDS)
    kind = value.get("kind")
    if kind is None and _meant(value) is None:
        yield Diagnostic(
            "schema/missing-key", document.key_span(("kind",)), "kind is missing", hint=f"add kind: {kinds}"
        )
    elif kind is not None and kind not in list(tocsin_schemas.KINDS) and ("kind",) not in document.broken:
        hint = did_you_mean(kind, tocsin_schemas.KINDS) if isinstance(kind, str) else None
        yield Diagnostic("schema/kind", document.span(("kind",)), f"kind is {shown(kind)}, expected {kinds}", hint=hint)
