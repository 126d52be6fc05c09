"""An objective to rules: bad and total events apart, one burn-rate alert per tier, one alert for absent traffic.

The guards, each for a way in which plain burn-rate rules stay silent or page falsely:

* a missing error series counts as no errors (`or 0 * total`, in the SLI);
* a NaN is not recorded (`>= 0` is false for it), so that no average over it is poisoned;
* 0/0 gives no row (`total > 0`), and TrafficAbsent tells when the request counter stops or disappears;
* a ratio over a window with less history than its length is scaled by the share of it that is known
  (`slo:history:ratio1h`). For a new service that means: nothing is known to be wrong before it was born, so two
  percent of errors from the first sample page when two percent of the budget are spent, not at the first sample; a
  total outage still pages within minutes, which a guard that demands a full window of history would hide;
* an alert keeps firing for twice its short window, at most ten minutes, after its condition went, so that a gap of
  scrapes which empties the short window does not end one incident and begin another.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from tocsin.guards import (
    BASE,
    EXPECTED_EVENTS,
    KEEP_FIRING_FOR,
    RAW_LIMIT,
    first_seen,
    keep_firing_for,
    last_traffic,
    usual_traffic,
)
from tocsin.plan import broken
from tocsin.plan.model import AlertingRule, RecordingRule, RuleGroup
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.spec import Service, Slo
from tocsin.template import verbatim
from tocsin.units import Duration, literal
from tocsin.windows import ALERT_SEVERITY, Tier, decimal_literal, windows_of


def slo_group(slo: Slo, tiers: tuple[Tier, ...], service: Service) -> RuleGroup:
    """Everything one objective needs, in one group, so that alerts see what was recorded at the same instant."""
    alerts = [_burn_alert(slo, tier, service) for tier in tiers]
    if slo.no_traffic.alert:
        alerts.append(_traffic_alert(slo, service))
    labels = _labels(slo, service, broken.SEVERITY)
    if alert := broken.broken_alert(slo, labels, lambda texts: _annotations(texts, slo, service)):
        alerts.append(alert)
    return RuleGroup(f"slo:{slo.ref}", slo.service, (*_recordings(slo, tiers), *alerts))


def _recordings(slo: Slo, tiers: tuple[Tier, ...]) -> Iterator[RecordingRule]:
    labels = labels_of({"service": slo.service, "slo": slo.name})
    for window in sorted({BASE, *windows_of(tiers)}):
        if window <= RAW_LIMIT:
            bad, total = slo.sli.bad(str(window)), slo.sli.total(str(window))
            yield RecordingRule(f"slo:bad:rate{window}", f"{bad} >= 0", labels, slo.span)
            yield RecordingRule(f"slo:total:rate{window}", f"{total} >= 0", labels, slo.span)
    for window in sorted({tier.long for tier in tiers}):
        yield RecordingRule(f"slo:history:ratio{window}", _history(matchers(labels), window), labels, slo.span)


def _history(selector: str, window: Duration) -> str:
    """The share of *window* since the first total that was recorded in it; exactly 1 once it is full."""
    oldest = first_seen(f"slo:total:rate{BASE}{selector}", window)
    return f"clamp_max((time() - {oldest}) / {window.milliseconds // 1000}, 1)"


def _events(what: str, selector: str, window: Duration) -> str:
    if window <= RAW_LIMIT:
        return f"slo:{what}:rate{window}{selector}"
    return f"sum_over_time(slo:{what}:rate{BASE}{selector}[{window}])"


@lru_cache(maxsize=1024)
def percent(value: Decimal) -> str:
    """A fraction as people write it.

    >>> percent(Decimal("0.001"))
    '0.1%'
    """
    return f"{literal(value * 100)}%"


def burn_expression(slo: Slo, tier: Tier) -> str:
    """The condition of *tier*; its value is the error ratio over the long window."""
    selector = matchers((("service", slo.service), ("slo", slo.name)))
    threshold = decimal_literal(tier.threshold(slo.window, slo.target))
    long = (
        f"{_events('bad', selector, tier.long)}\n"
        f"  / ({_events('total', selector, tier.long)} > 0)\n"
        f"  * slo:history:ratio{tier.long}{selector}\n"
        f"  > {threshold}"
    )
    short = (
        f"{_events('bad', selector, tier.short)}\n  / ({_events('total', selector, tier.short)} > 0)\n  > {threshold}"
    )
    return f"(\n  {long}\n)\nand\n(\n  {short}\n)"


def _burn_alert(slo: Slo, tier: Tier, service: Service) -> AlertingRule:
    factor = literal(round(Decimal(decimal_literal(tier.factor(slo.window))), 2))
    annotations = {
        "summary": f"{slo.ref}{_which(slo)} burns its error budget more than {factor} times too fast",
        "description": (
            f"{{{{ $value | humanizePercentage }}}} of events were bad over the last {tier.long}, and the last "
            f"{tier.short} are no better; the objective allows {percent(1 - slo.target)} over {slo.window}. "
            f"At least {percent(tier.budget_share)} of that budget went in the last {tier.long}."
        ),
    }
    return AlertingRule(
        alert="ErrorBudgetBurn",
        ref=slo.ref,
        expr=burn_expression(slo, tier),
        for_=Duration(0),
        keep_firing_for=keep_firing_for(tier),
        labels=_labels(slo, service, ALERT_SEVERITY[tier.severity], tier=tier.name),
        annotations=_annotations(annotations, slo, service),
        source=slo.span,
        notify=slo.page if tier.severity == "page" else slo.ticket,
    )


def _traffic_alert(slo: Slo, service: Service) -> AlertingRule:
    total = f"slo:total:rate{BASE}" + matchers((("service", slo.service), ("slo", slo.name)))
    annotations = {
        "summary": f"{slo.ref}{_which(slo)} has had traffic and has none now",
        "description": (
            "The counter of events stopped or disappeared, so the error ratio cannot be computed and burn-rate alerts "
            "are blind. Either nobody reaches the service, or its metrics no longer reach Prometheus."
        ),
    }
    return AlertingRule(
        alert="TrafficAbsent",
        ref=slo.ref,
        expr=(
            f"(\n"
            f"  {usual_traffic(total)}\n"
            f"  * (time() - {last_traffic(total)})\n"
            f"  > {EXPECTED_EVENTS}\n"
            f")\n"
            f"unless {total} > 0"
        ),
        for_=slo.no_traffic.for_,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=_labels(slo, service, ALERT_SEVERITY["page"]),
        annotations=_annotations(annotations, slo, service),
        source=slo.span,
        notify=slo.page,
    )


def _labels(slo: Slo, service: Service, severity: str, **more: str) -> Labels:
    """The service's own labels for routing, below those that say what the alert is."""
    own = {"service": slo.service, "slo": slo.name, "severity": severity, "ref": slo.ref, **more}
    return labels_of(dict(service.labels) | own)


def _which(slo: Slo) -> str:
    """The group that an alert is about, where the objective is divided by labels."""
    return "".join(f" ({label} {{{{ $labels.{label} }}}})" for label in slo.by)


def _annotations(texts: dict[str, str], slo: Slo, service: Service) -> Labels:
    more = {"source": f"{slo.span.path}:{slo.span.line}"}
    if runbook := slo.runbook or service.runbook:
        more["runbook_url"] = runbook
    if slo.description:
        more["objective"] = slo.description
    return labels_of(texts | {name: verbatim(text) for name, text in more.items()})
