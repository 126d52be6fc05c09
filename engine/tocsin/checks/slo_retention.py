"""slo/retention."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import definition
from tocsin.spec import JourneySlo, Slo


@check("slo/retention")
def slo_retention(subject: Subject) -> Iterator[Diagnostic]:
    """Samples should be kept as long as an objective looks back.

    Prometheus forgets what is older than its retention. An objective over 30 days on 15 days of samples is computed
    from the newer half alone: the budget that was spent in the older half comes back.

    Bad: `window: 30d` with `prometheus: {retention: 15d}`

    Good: a retention of 32d (the window and some room), or a store behind Prometheus that keeps more
    """
    platform = subject.workspace.platform
    if platform is None:
        return
    kept = platform.prometheus.retention
    slos: list[Slo | JourneySlo] = [slo for service in subject.workspace.services for slo in service.slos]
    slos += [slo for journey in subject.workspace.journeys for slo in journey.slos]
    longer = sorted((slo for slo in slos if slo.window > kept), key=lambda slo: slo.ref)
    if not longer:
        return
    window = max(slo.window for slo in longer)
    document = definition(subject.workspace, "Platform", platform.name)
    names = longer[0].ref + (f" and {len(longer) - 1} more" if len(longer) > 1 else "")
    yield Diagnostic(
        "slo/retention",
        document.span(("prometheus", "retention")) if document else platform.span,
        f"Prometheus keeps {kept} of samples, but {names} {'look' if len(longer) > 1 else 'looks'} back {window}",
        Severity.INFO,
        hint=f"keep {window} or more, or read from a store that does; until then such budgets count only {kept}",
        related=tuple((slo.span, f"{slo.ref} looks back {slo.window}") for slo in longer[:1]),
    )
