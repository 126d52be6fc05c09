"""Routes that get no alert because of another document: those are joined in the order of their names."""

from collections.abc import Iterable, Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.spec import Notifications
from tocsin.spec.readers import Takers


def hidden(documents: Iterable[Notifications]) -> Iterator[Diagnostic]:
    """Outermost routes that are never asked because of a document with an earlier name."""
    takers = Takers()
    for document in sorted(documents, key=lambda each: each.name):
        for route in document.routes:
            if wider := takers.first(route.conditions):
                yield Diagnostic(
                    "route/unreachable",
                    route.span,
                    "this route is never asked: one of another document matches all of its alerts",
                    Severity.WARNING,
                    hint="documents are joined in the order of their names; put what is left over into the last one",
                    related=((wider.span, "the route before it"),),
                )
        for route in document.routes:
            takers.add(route)
