"""slo/retention."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.expressions import definition
from tocsin.spec import JourneySlo, Slo
from tocsin.units import Duration
from tocsin.workspace import Workspace

LONGEST_MONTH = Duration.of(days=31)


@check("slo/retention")
def slo_retention(subject: Subject) -> Iterator[Diagnostic]:
    """Samples should be kept as long as an objective or a contract looks back.

    Prometheus forgets what is older than its retention. An objective over 30 days on 15 days of samples is computed
    from the newer half alone: the budget that was spent in the older half comes back.

    Bad: `window: 30d` with `prometheus: {retention: 15d}`

    Good: a retention of 32d (the window and some room), or a store behind Prometheus that keeps more
    """
    platform = subject.workspace.platform
    if platform is None:
        return
    kept = platform.prometheus.retention
    longer = sorted(back for back in _looking_back(subject.workspace) if back.window > kept)
    if not longer:
        return
    window = max(back.window for back in longer)
    document = definition(subject.workspace, "Platform", platform.name)
    look_back = "look back up to" if len(longer) > 1 else "looks back"
    names = longer[0].ref + (f" and {len(longer) - 1} more" if len(longer) > 1 else "")
    yield Diagnostic(
        "slo/retention",
        document.span(("prometheus", "retention")) if document else platform.span,
        f"Prometheus keeps {kept} of samples, but {names} {look_back} {window}",
        Severity.INFO,
        hint=f"keep {window} or more, or read from a store that does; until then such budgets count only {kept}",
        related=tuple((back.span, f"{back.ref} looks back {back.window}") for back in longer[:1]),
    )


@dataclass(frozen=True, slots=True, order=True)
class _Back:
    ref: str
    window: Duration
    span: Span


def _looking_back(workspace: Workspace) -> Iterator[_Back]:
    slos: list[Slo | JourneySlo] = [slo for service in workspace.services for slo in service.slos]
    slos += [slo for journey in workspace.journeys for slo in journey.slos]
    yield from (_Back(slo.ref, slo.window, slo.span) for slo in slos)
    yield from (_Back(sla.ref, LONGEST_MONTH, sla.span) for sla in workspace.slas)
