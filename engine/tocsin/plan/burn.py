"""An objective to alerts: one for each burn-rate tier, and one for absent traffic. What they read is in `series`.

The guards, each for a way in which plain burn-rate rules stay silent or page falsely, and each to be switched off:

* a missing error series counts as no errors (`or 0 * total`, in the SLI);
* an error series that is born with its first errors counts from zero (in `births`);
* a NaN is not recorded (`>= 0` is false for it), so that no average over it is poisoned;
* 0/0 gives no row (`total > 0`), and TrafficAbsent tells when the request counter stops or disappears;
* a ratio over a window with less history than its length is scaled by the share of it that is known. For a new service
  that means: nothing is known to be wrong before it was born, so two percent of errors from the first sample page when
  two percent of the budget are spent, not at the first sample; a total outage still pages within minutes, which a guard
  that demands a full window of history would hide;
* a few bad events of few are no evidence: there have to be three of them in the long window, and where a significance
  is asked for, more than chance explains;
* an alert keeps firing for twice its short window, at most ten minutes, after its condition went, so that a gap of
  scrapes which empties the short window does not end one incident and begin another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Self

from tocsin.guards import (
    BASE,
    EXPECTED_EVENTS,
    KEEP_FIRING_FOR,
    TRAFFIC_MEMORY,
    Guards,
    keep_firing_for,
    last_traffic,
    least_bad,
    significant,
)
from tocsin.plan import broken
from tocsin.plan.model import AlertingRule, Late, Rule, RuleGroup
from tocsin.plan.objective import Objective
from tocsin.plan.series import HERE, history, placed, recordings, selector
from tocsin.plan.usual import expected
from tocsin.ports import Labels, labels_of
from tocsin.sli import SlicedSli
from tocsin.spec import Slo
from tocsin.template import verbatim
from tocsin.units import Duration, literal
from tocsin.windows import ALERT_SEVERITY, Tier, decimal_literal


def slo_group(of: Objective) -> RuleGroup:
    """Everything one objective needs, in one group, so that alerts see what was recorded at the same instant."""
    slo = of.slo
    interval = slo.sli.slice if isinstance(slo.sli, SlicedSli) else None
    return RuleGroup(f"slo:{slo.ref}", slo.service, Late(_rules, of), interval)


def _rules(of: Objective) -> Iterator[Rule]:
    yield from recordings(of.slo, of.tiers)
    yield from _alerts(of)


@dataclass(frozen=True, slots=True)
class _Of:
    """An objective with the labels and annotations that all of its alerts have: made once for the half a dozen."""

    slo: Slo
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @classmethod
    def read(cls, objective: Objective) -> Self:
        """Labels of the service and of the objective for routing, below those that say what the alert is."""
        slo = objective.slo
        own = {"service": slo.service, "slo": slo.name, "ref": slo.ref}
        said = {"source": f"{slo.span.path}:{slo.span.line}"}
        if objective.runbook:
            said["runbook_url"] = objective.runbook
        if slo.description:
            said["objective"] = slo.description
        annotations = {name: verbatim(text) for name, text in said.items()}
        return cls(slo, {**dict(objective.labels), **dict(slo.labels), **own}, annotations)

    def labelled(self, severity: str, **more: str) -> Labels:
        """Its labels on an alert of a severity."""
        given = self.slo.given(severity).labels
        return labels_of({**self.labels, "severity": ALERT_SEVERITY[severity], **more, **dict(given)})

    def annotated(self, texts: Mapping[str, str], severity: str) -> Labels:
        """The *texts* of an alert about something else than the budget.

        It gets what is given for Prometheus, but no text that would say of it that the budget burns.
        """
        return labels_of({**self.annotations, **dict(self.slo.given(severity).annotations), **texts})

    @property
    def which(self) -> str:
        """The group that an alert is about, where the objective is divided by labels."""
        return "".join(f" ({label} {{{{ $labels.{label} }}}})" for label in self.slo.by)


def _alerts(objective: Objective) -> Iterator[AlertingRule]:
    slo, of = objective.slo, _Of.read(objective)
    for tier in objective.tiers:
        yield _burn_alert(of, tier)
    if slo.no_traffic.alert:
        yield _traffic_alert(of)
    if slo.sli.lacks():
        yield broken.broken_alert(slo, of.labelled("ticket"), lambda texts: of.annotated(texts, "ticket"))


@lru_cache(maxsize=1024)
def percent(value: Decimal) -> str:
    """A fraction as people write it.

    >>> percent(Decimal("0.001"))
    '0.1%'
    """
    return f"{literal(value * 100)}%"


def burn_expression(slo: Slo, tier: Tier) -> str:
    """The condition of *tier*; its value is the error ratio over the long window."""
    return placed(_condition(tier, slo.window, slo.target, slo.guards, slo.sli.now() is None), slo)


@lru_cache(maxsize=1024)
def _condition(tier: Tier, period: Duration, target: Decimal, guards: Guards, counted: bool) -> str:
    """The same for all objectives of one policy."""
    threshold = tier.threshold(period, target)
    limit = decimal_literal(threshold)

    def events(kind: str, window: Duration) -> str:
        return f"slo:{kind}:rate{window}{HERE}"

    scaled = f"\n  * {history(tier.long)}" if guards.cold_start else ""
    bad, total, seconds = events("bad", tier.long), events("total", tier.long), tier.long.milliseconds // 1000
    least = least_bad(guards) if counted else None
    enough = f"({bad} > {least} / {seconds})" if least else bad
    conditions = [
        f"{enough}\n  / ({total} > 0){scaled}\n  > {limit}",
        f"{events('bad', tier.short)}\n  / ({events('total', tier.short)} > 0)\n  > {limit}",
    ]
    if counted and guards.significance is not None:
        conditions.append(significant(guards.significance, threshold, f"{bad} * {seconds}", f"{total} * {seconds}"))
    indented = (condition.replace("\n", "\n  ") for condition in conditions)
    return "\nand\n".join(f"(\n  {condition}\n)" for condition in indented)


def _burn_alert(of: _Of, tier: Tier) -> AlertingRule:
    slo = of.slo
    faster, description = _words(tier, slo.window, slo.target, slo.over)
    given = slo.given(tier.severity)
    texts = {"summary": f"{slo.ref}{of.which} {faster}", "description": description}
    return AlertingRule(
        alert="ErrorBudgetBurn",
        ref=slo.ref,
        expr=burn_expression(slo, tier),
        for_=Duration(0),
        keep_firing_for=keep_firing_for(tier, slo.guards),
        labels=of.labelled(tier.severity, tier=tier.name),
        annotations=labels_of({**texts, **of.annotations, **dict(given.annotations)}),
        source=slo.span,
        raw=frozenset(name for name, _ in given.labels),
        notify=slo.notified(tier),
    )


@lru_cache(maxsize=1024)
def _words(tier: Tier, period: Duration, target: Decimal, over: str) -> tuple[str, str]:
    """What the alert of a tier says, for all objectives of one policy."""
    factor = literal(round(Decimal(decimal_literal(tier.factor(period))), 2))
    description = (
        f"{{{{ $value | humanizePercentage }}}} of events were bad over the last {tier.long}, and the last "
        f"{tier.short} are no better; the objective allows {percent(1 - target)} over {over}. "
        f"At least {percent(tier.budget_share)} of that budget went in the last {tier.long}."
    )
    return f"burns its error budget more than {factor} times too fast", description


def _traffic_alert(of: _Of) -> AlertingRule:
    """Where the objective is divided, a value that is gone while others have traffic was replaced: no absence."""
    slo = of.slo
    total, usual = (f"slo:total:rate{window}{selector(slo)}" for window in (BASE, TRAFFIC_MEMORY))
    annotations = {
        "summary": f"{slo.ref}{of.which} has had traffic and has none now",
        "description": (
            "The counter of events stopped or disappeared, so the error ratio cannot be computed and burn-rate alerts "
            "are blind. Either nobody reaches the service, or its metrics no longer reach Prometheus."
        ),
    }
    return AlertingRule(
        alert="TrafficAbsent",
        ref=slo.ref,
        expr=(
            f"(\n  {expected(slo)}\n  * (time() - {last_traffic(total)})\n  > {EXPECTED_EVENTS}\n)"
            f"\nunless {total} > 0" + (f"\nunless (({usual} unless {total}) and on () {total} > 0)" if slo.by else "")
        ),
        for_=slo.no_traffic.for_,
        keep_firing_for=KEEP_FIRING_FOR,
        labels=of.labelled("page"),
        annotations=of.annotated(annotations, "page"),
        source=slo.span,
        raw=frozenset(name for name, _ in slo.raw_page.labels),
        notify=slo.page,
    )
