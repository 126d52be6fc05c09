"""One SLO at one instant: burn rates of every tier, the budget, and whether there is traffic at all.

Rates up to six hours come in one instant query per look: a union over the windows of bad and total events, each row
marked with a label that says what it is. Longer windows and budgets are asked one by one, at a slower cadence.

Three values: a tier is true when the error ratio over its long *and* its short window exceeds its threshold
(strictly, as in Prometheus). Without events in a window (0/0) its ratio is unknown, not zero; one window known to be
below the threshold is enough for false. A partial answer is unknown as a whole: a ratio of parts errs either way.

Cold start: history that does not exist counts as clean. The ratio over the long window is scaled by the part of it
that has been observed since the first event was seen, so that the first minutes of a new service do not look like
a whole bad hour, and a total outage of a new service still pages after the minutes it would take an old one. The
compiled rules do the same (`slo:born:timestamp_seconds`). Both keep an alert open for a while after its condition went
(`keep_firing_for`), so that errors that come and go are one incident; a gap of scrapes is unknown here, and ends none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from math import isfinite

from tocsin.budget import Spend, budget_ratio
from tocsin.evaluate import forecast
from tocsin.evaluate.asking import labelled, parts_of
from tocsin.evaluate.model import Sample, Timing, Truth
from tocsin.evaluate.rule import AT_ONCE, Rule, plain, templates
from tocsin.evaluate.words import error_percent, percent, times
from tocsin.guards import KEEP_FIRING_FOR, enough, keep_firing_for
from tocsin.ports import Answer, Labels, labels_of
from tocsin.sli import Sli
from tocsin.spec import Service, Slo
from tocsin.units import Duration
from tocsin.windows import ALERT_SEVERITY, Tier

NO_BAD = "its bad series are missing"
"""There is traffic, and nothing that counts its errors: for a latency, a bucket that does not exist."""
CALM = "the error ratio is below the threshold"
"""Of a tier that is quiet, and was before: nobody reads more about it, and most tiers are so most of the time."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Events per second over one window; None where no row was found, or none was to be had for a *reason*."""

    bad: float | None
    total: float | None
    reason: str = ""

    def ratio(self) -> float | None:
        """Bad over total; None without events, and for anything that is no count."""
        if self.bad is None or self.total is None or not (isfinite(self.bad) and isfinite(self.total)):
            return None
        if self.total <= 0 or self.bad < 0:
            return None
        return self.bad / self.total

    def why(self, window: Duration) -> str:
        """Why there is no ratio, in words."""
        if self.reason:
            return self.reason
        if self.total is not None and self.total > 0 and self.bad is None:
            return NO_BAD
        return f"no traffic in the last {window}"


def union(sli: Sli, windows: tuple[Duration, ...], function: str = "rate") -> str:
    """Ask for bad and total events over all *windows* in one expression."""
    return labelled(both(sli, windows, function))


def both(sli: Sli, windows: tuple[Duration, ...], function: str = "rate") -> Mapping[str, str]:
    """Bad and total events over all *windows*, by names that `rates_in` knows."""
    kinds = (("bad", sli.bad), ("total", sli.total))
    return {f"{kind}:{window}": ask(str(window), function) for window in windows for kind, ask in kinds}


def rates_in(found: Mapping[str, float], windows: tuple[Duration, ...]) -> Mapping[Duration, Rate]:
    """Read such values back."""
    return {window: Rate(found.get(f"bad:{window}"), found.get(f"total:{window}")) for window in windows}


def rates_of(answer: Answer, windows: tuple[Duration, ...]) -> Mapping[Duration, Rate]:
    """Read the rows of such a query back."""
    return rates_in(parts_of(answer), windows)


def tier_id(slo: Slo, tier: Tier) -> str:
    """Identity.rule of a tier."""
    return f"{slo.ref}:{tier.name}"


def no_traffic_id(slo: Slo) -> str:
    """Identity.rule of the alert about traffic that stopped."""
    return f"{slo.ref}:no-traffic"


def rules(service: Service, slo: Slo) -> tuple[Rule, ...]:
    """The alerts of an SLO: one for each tier, and one for traffic that stopped."""
    runbook = slo.runbook or service.runbook
    which = "".join(f" ({label} {{{{ labels.{label} }}}})" for label in slo.by)
    common = {**dict(service.labels), **dict(slo.labels), "service": slo.service, "slo": slo.name, "ref": slo.ref}
    made = [
        Rule(
            id=tier_id(slo, tier),
            service=slo.service,
            severity=ALERT_SEVERITY[tier.severity],
            title=f"{slo.ref} burns its error budget too fast ({tier.name})",
            summary=f"{slo.ref}{which} burns its error budget {{{{ value }}}} times faster than its "
            f"{percent(slo.target)} over {slo.over} allows",
            labels=_labels(common, slo, "ErrorBudgetBurn", tier.severity, tier=tier.name),
            timing=Timing(AT_ONCE.for_, keep_firing_for(tier, slo.guards)),
            notify=slo.notified(tier),
            runbook=runbook,
            description=slo.description,
            templates=templates(slo.given(tier.severity)),
            formerly=tuple(f"{ref}:{tier.name}" for ref in slo.formerly),
        )
        for tier in slo.tiers
    ]
    if slo.no_traffic.alert:
        made.append(
            Rule(
                id=no_traffic_id(slo),
                service=slo.service,
                severity="critical",
                title=f"{slo.ref} has no traffic",
                summary=f"nothing is counted for {slo.ref}{which} any more: "
                "no traffic reaches it, or its metrics are gone",
                labels=_labels(common, slo, "TrafficAbsent", "page"),
                timing=Timing(slo.no_traffic.for_, KEEP_FIRING_FOR),
                notify=slo.page,
                runbook=runbook,
                description=slo.description,
                templates=templates(slo.raw_page),
                formerly=tuple(f"{ref}:no-traffic" for ref in slo.formerly),
            )
        )
    return tuple(made)


def _labels(common: Mapping[str, str], slo: Slo, name: str, severity: str, **more: str) -> Labels:
    own = {**common, "alertname": name, "severity": ALERT_SEVERITY[severity], **more}
    return labels_of(own | plain(slo.given(severity)))


@dataclass(frozen=True, slots=True)
class Limit:
    """One tier of one SLO, with what is the same at every look: its alert, and its threshold and factor as floats."""

    rule: str
    tier: Tier
    threshold: float
    factor: float

    @classmethod
    def of(cls, slo: Slo, tier: Tier) -> "Limit":
        """Work it out once."""
        threshold, factor = tier.threshold(slo.window, slo.target), tier.factor(slo.window)
        return cls(tier_id(slo, tier), tier, float(threshold), float(factor))


@dataclass(frozen=True, slots=True)
class Burn:
    """One tier at one instant; ratios are None where nobody could look or nothing happened."""

    limit: Limit
    tier: Tier
    long: float | None
    short: float | None
    truth: Truth
    reason: str


def burn(slo: Slo, limit: Limit, rates: Mapping[Duration, Rate], covered: Callable[[Duration], float]) -> Burn:
    """Compare one tier's windows with its threshold."""
    tier, threshold = limit.tier, limit.threshold
    whole, short = rates[tier.long].ratio(), rates[tier.short].ratio()
    # what is not above the threshold is not above it when it is scaled down, so nobody needs to know the history
    long = whole if whole is None or whole <= threshold else whole * covered(tier.long)
    above = [None if ratio is None else ratio > threshold for ratio in (long, short)]
    if False in above:
        return Burn(limit, tier, long, short, Truth.FALSE, CALM)
    if None in above:
        empty = tier.long if long is None else tier.short
        return Burn(limit, tier, long, short, Truth.UNKNOWN, rates[empty].why(empty))
    if not _proven(slo, rates[tier.long], limit):
        return Burn(limit, tier, long, short, Truth.FALSE, "too few bad events to tell")
    return Burn(limit, tier, long, short, Truth.TRUE, "")


def _proven(slo: Slo, rate: Rate, limit: Limit) -> bool:
    """Whether the bad events of the long window are evidence enough; a kind that looks at gauges has no events."""
    if slo.sli.now() is not None or rate.bad is None or rate.total is None:
        return True
    return enough(slo.guards, limit.threshold, rate.bad, rate.total, float(limit.tier.long.seconds))


def rate_text(slo: Slo, one_burn: Burn) -> str:
    """The burn rates of a tier in words."""
    tier = one_burn.tier
    rates = [
        f"{times(float(burn_rate_of(slo, ratio)))} over {window}"
        for ratio, window in ((one_burn.long, tier.long), (one_burn.short, tier.short))
        if ratio is not None
    ]
    verb = "pages" if tier.severity == "page" else "tickets"
    return f"{', '.join(rates) or 'unknown'} ({verb} at {times(one_burn.limit.factor)})"


def _calm(slo: Slo, one_burn: Burn) -> str:
    """The lower of the two burn rates, which ends the alert; the other may stay high for as long as its window is."""
    tier = one_burn.tier
    pairs = ((one_burn.short, tier.short), (one_burn.long, tier.long))
    ratio, window = min(((r, w) for r, w in pairs if r is not None), key=lambda pair: pair[0])
    return f"{times(burn_rate_of(slo, ratio))} over {window}"


def burn_rate_of(slo: Slo, ratio: float) -> float:
    """A measured error ratio as a multiple of the budget's pace."""
    return ratio / _allowed(slo.target)


@lru_cache(maxsize=1024)
def _allowed(target: Decimal) -> float:
    """A workspace has a few targets, and asks for each thousands of times."""
    return float(budget_ratio(target))


def sample(
    slo: Slo,
    one_burn: Burn,
    rates: Mapping[Duration, Rate],
    spent: Spend | None,
    *,
    at: datetime,
    lasts: Callable[[float], Duration | None],
    observed: str = "",
    counted_by: str = "",
    whose: Iterable[tuple[str, str]] = (),
) -> Sample:
    """What one tier's alert sees, with the lines that a page shows; *whose* are lines about whose errors they are.

    *lasts* tells how long the budget lasts at a burn rate.
    """
    if one_burn.truth is Truth.UNKNOWN:
        return Sample(Truth.UNKNOWN, reason=one_burn.reason)
    tier = one_burn.tier
    long, short = one_burn.long, one_burn.short
    text = rate_text(slo, one_burn)
    errors = [
        f"{error_percent(ratio)} over {window}"
        for ratio, window in ((rates[tier.long].ratio(), tier.long), (short, tier.short))
        if ratio is not None
    ]
    facts = [
        ("SLO", f"{slo.ref} {percent(slo.target)} over {slo.over}"),
        ("burn rate", text),
        ("error ratio", ", ".join(errors)),
        *whose,
    ]
    if spent is not None:
        facts.append(("budget left", percent(spent.remaining, 1)))
        if observed:
            facts.append(("budget counted over", observed))
        if counted_by:
            facts.append(("budget counted by", counted_by))
        if short is not None or spent.remaining <= 0:
            pace = 0.0 if short is None else burn_rate_of(slo, short)
            facts.append(forecast.told(spent.remaining, pace, lasts(pace), slo.horizon))
    facts.append(("evaluated at", f"{at:%Y-%m-%d %H:%M:%S} UTC"))
    value = None if long is None else burn_rate_of(slo, long)
    reason = f"burn rate {text}" if one_burn.truth is Truth.TRUE else f"burn rate is back to {_calm(slo, one_burn)}"
    return Sample(one_burn.truth, value, reason, tuple(facts))
