"""alert/template."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.template import misfits


@check("alert/template")
def alert_template(subject: Subject) -> Iterator[Diagnostic]:
    """The texts of an alert may name its value and its labels, and nothing else.

    The same text is filled by Prometheus, for the compiled rule, and by `tocsin serve`. A template that one of them
    does not know would reach people as it stands, or keep Prometheus from loading the rules.

    Bad: `summary: "CPU is {{ valeu }}"`

    Good: `summary: "CPU of {{ labels.job }} is {{ value | percent }}"`
    """
    for service in subject.workspace.services:
        document = subject.document("Service", service.name)
        if document is None:
            continue
        for alert in service.alerts:
            for key in ("summary", "description"):
                where = ("alerts", alert.name, key)
                text = document.at(where)
                for misfit in misfits(text) if isinstance(text, str) else ():
                    span = document.inside(where, misfit.start, misfit.end)
                    yield Diagnostic("alert/template", span, misfit.message, hint=misfit.hint)
