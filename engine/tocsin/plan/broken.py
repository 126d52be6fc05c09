"""An objective whose bad events cannot be counted although there is traffic: its other alerts are silent, not calm.

For a latency that is a bucket which does not exist: renamed, dropped by relabelling, or misspelt from the beginning.
Only objectives that can break so have the alert.
"""

from collections.abc import Callable

from tocsin.guards import BASE, KEEP_FIRING_FOR
from tocsin.plan.model import AlertingRule
from tocsin.ports import Labels
from tocsin.promql import matchers
from tocsin.spec import Slo
from tocsin.template import verbatim
from tocsin.units import Duration

FOR = Duration.of(minutes=10)
"""Counters and buckets of a new process may appear some scrapes apart."""


def broken_alert(slo: Slo, labels: Labels, annotate: Callable[[dict[str, str]], Labels]) -> AlertingRule:
    """The alert, a ticket, for nobody suffers yet; with the *labels* of the objective's other tickets."""
    selector = matchers((("service", slo.service), ("slo", slo.name)))
    texts = {
        "summary": f"{slo.ref} has traffic, but nothing counts its bad events",
        "description": verbatim(
            f"There are events, and {slo.sli.lacks()} does not exist, so the error ratio cannot be computed and "
            "burn-rate alerts are blind. Look at which series the service exports, and correct the SLI or the service."
        ),
    }
    return AlertingRule(
        alert="SliBroken",
        ref=slo.ref,
        expr=f"slo:total:rate{BASE}{selector} > 0\nunless slo:bad:rate{BASE}{selector}",
        for_=FOR,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=labels,
        annotations=annotate(texts),
        source=slo.span,
        raw=frozenset(name for name, _ in slo.raw_ticket.labels),
        notify=slo.ticket,
    )
