"""alert/for."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from tocsin.document import Document
from tocsin.units import Duration

_KEYS = ("for", "keep_firing_for")
_NOTHING = Duration(0)
_LONGEST = Duration.of(days=1)
"""An alert that is kept for longer tells of nothing that goes on."""


@check("alert/for")
def alert_for(subject: Subject) -> Iterator[Diagnostic]:
    """A wait is nothing, or at least as long as it takes to look twice.

    `for: 0s` is what holds without it, so it only makes readers wonder. A `for` below the evaluation interval is a
    promise that nobody keeps: the condition is looked at once and then at the next evaluation, so the alert waits for
    a whole interval, whatever is written. And an alert that is kept for days after its condition ended is open while
    all is well, and hides the next trouble: `keep_firing_for` is against flapping, and minutes do for that.

    Bad: `for: 0s`; `for: 20s` in a group that is evaluated every minute; `keep_firing_for: 30d`

    Good: no `for` where the first look counts; else `for: 2m`; `keep_firing_for: 10m`
    """
    platform = subject.workspace.platform
    usual = platform.prometheus.evaluation_interval if platform else None
    for service in subject.workspace.services:
        document = subject.document("Service", service.name)
        if document is None:
            continue
        for slo in service.slos:
            yield from _kept(
                document, ("slos", slo.name, "guards", "flapping", "keep_firing_for"), slo.guards.keep_firing_for
            )
        own = {group.name: group.interval for group in service.groups}
        for alert in service.alerts:
            yield from _kept(document, ("alerts", alert.name, "keep_firing_for"), alert.keep_firing_for)
            interval = own.get(alert.group) or usual
            for key, wait in zip(_KEYS, (alert.for_, alert.keep_firing_for), strict=True):
                path = ("alerts", alert.name, key)
                written = document.at(path)
                if not isinstance(written, str):
                    continue
                if wait == _NOTHING and written.strip("0smhdwy") == "":
                    yield _redundant(document, path, key)
                elif interval is not None and _NOTHING < wait < interval:
                    yield Diagnostic(
                        "alert/for",
                        document.span(path),
                        f"{key} is {wait}, and the alert is looked at every {interval}",
                        Severity.INFO,
                        hint=f"write {interval} or more, or leave it out",
                    )


def _kept(document: Document, path: tuple[str, ...], wait: Duration | None) -> Iterator[Diagnostic]:
    if wait is not None and wait > _LONGEST and document.at(path) is not None:
        yield Diagnostic(
            "alert/for",
            document.span(path),
            f"the alert stays for {wait} after its condition ended, and hides what happens meanwhile",
            Severity.WARNING,
            hint="write minutes, such as 10m",
        )


def _redundant(document: Document, path: tuple[str, ...], key: str) -> Diagnostic:
    span = document.span(path)
    line = document.source.line(span.line)
    alone = line.strip().startswith(f"{key}:") and line.rstrip() == line[: span.end_column - 1].rstrip()
    whole = Edit(Span(span.path, span.line, 1, span.line + 1, 1), "")
    fix = Fix("remove it", (whole,)) if alone and document.key_span(path).line == span.line else None
    message = f"{key}: {document.at(path)} is what holds without it"
    return Diagnostic("alert/for", span, message, Severity.INFO, hint="leave it out", fix=fix)
