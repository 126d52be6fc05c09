"""slo/window."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.units import Duration

_SCRAPES = 4
"""A rate needs two samples; with four in a window one scrape may fail, whatever the alignment."""
_USUAL = Duration.of(seconds=15)


@check("slo/window")
def slo_window(subject: Subject) -> Iterator[Diagnostic]:
    """The short window of a burn rate holds four scrapes.

    A rate needs two samples inside its window. With fewer than four scrapes in it, one that fails or comes late empties
    the window, and the alert ends while the outage goes on.

    Bad: `scrape: {interval: 2m}` with a tier whose short window is 5m

    Good: `scrape: {interval: 1m}`, or the tiers with short windows turned off
    """
    platform = subject.workspace.platform
    usual = platform.prometheus.scrape_interval if platform else _USUAL
    for service in subject.workspace.services:
        interval = (service.scrape.interval if service.scrape else None) or usual
        least = Duration(_SCRAPES * interval.milliseconds)
        for slo in service.slos:
            tight = sorted({tier.short for tier in slo.tiers if tier.short < least})
            if tight:
                off = ", ".join(tier.name for tier in slo.tiers if tier.short < least)
                yield Diagnostic(
                    "slo/window",
                    slo.span,
                    f"{service.name} is scraped every {interval}, so a window of {tight[0]} holds fewer than "
                    f"{_SCRAPES} samples",
                    Severity.WARNING,
                    hint=f"scrape more often, or turn off {off}",
                )
