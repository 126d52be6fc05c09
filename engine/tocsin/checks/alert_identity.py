"""alert/identity."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity

_VALUE = re.compile(r"\{\{[^{}]*?(\$value|\.Value)\b")


@check("alert/identity")
def alert_identity(subject: Subject) -> Iterator[Diagnostic]:
    """An alert stays the same alert while its value changes.

    Labels tell alerts apart. With the value in one of them each evaluation ends one alert and begins another: `for` is
    never over, silences match nothing, and people are told again and again.

    Bad: `prometheus: {labels: {depth: "{{ $value }}"}}`

    Good: `prometheus: {annotations: {depth: "{{ $value }}"}}`
    """
    for service in subject.workspace.services:
        document = subject.document("Service", service.name)
        if document is None:
            continue
        for alert in service.alerts:
            for name, text in alert.raw.labels:
                if match := _VALUE.search(text):
                    path = ("alerts", alert.name, "prometheus", "labels", name)
                    held = alert.for_.milliseconds > 0
                    yield Diagnostic(
                        "alert/identity",
                        document.inside(path, *match.span(1)),
                        f"{alert.ref} becomes another alert whenever its value changes"
                        + (f", so that its for of {alert.for_} begins anew" if held else ""),
                        Severity.WARNING,
                        hint="put the value into an annotation, the summary or the description",
                    )
