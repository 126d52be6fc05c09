"""What a runbook page says, in values that a template arranges."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter

from tocsin.plan import AlertingRule, Plan
from tocsin.promql import metric_name, renamed, with_window
from tocsin.sli import FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, Sli, ThresholdSli
from tocsin.spec import Absence, AlertRule, Anomaly, Composite, Condition, Forecast, LevelShift, Service, Slo, Threshold
from tocsin.spec.tree import deciding, grown
from tocsin.targets.grafana_panels import uid
from tocsin.template import readable
from tocsin.units import Duration, literal
from tocsin.windows import ALERT_SEVERITY, Tier, budget_spent, decimal_literal, detection_time
from tocsin.workspace import Workspace

Facts = tuple[tuple[str, str], ...]
"""Lines of a name and a value; values are Markdown."""

OUTAGES = tuple(map(Fraction, ("1", "0.5", "0.1", "0.05", "0.02", "0.01")))
_NEVER = "never"


@dataclass(frozen=True, slots=True)
class TierLine:
    """One tier of an objective."""

    name: str
    severity: str
    factor: str
    long: str
    short: str
    told: str


@dataclass(frozen=True, slots=True)
class Silence:
    """The alert that tells when events stop, or when its bad events cannot be counted."""

    wait: str
    severity: str
    told: str


@dataclass(frozen=True, slots=True)
class Detection:
    """An outage with *errors*: when each tier fires, and the share of the budget *spent* at the first of them."""

    errors: str
    times: tuple[str, ...]
    spent: str


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective with its alerts."""

    name: str
    promise: str
    meaning: str
    facts: Facts
    tiers: tuple[TierLine, ...]
    silence: Silence | None
    blind: Silence | None
    detection: tuple[Detection, ...]
    first: tuple[str, ...]
    look: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One other alert."""

    name: str
    summary: str
    description: str
    facts: Facts
    first: tuple[str, ...]
    query: str
    rows: str
    """What the rows of the query are."""


@dataclass(frozen=True, slots=True)
class Page:
    """One service; what `page` is in a template."""

    name: str
    title: str
    description: str
    owner: str
    facts: Facts
    objectives: tuple[Objective, ...]
    alerts: tuple[Alert, ...]


def page_of(service: Service, plan: Plan, workspace: Workspace) -> Page:
    """Everything that a person who was woken up wants to know of *service*."""
    mine: dict[str, list[AlertingRule]] = {}
    for rule in plan.alerts():
        mine.setdefault(rule.ref, []).append(rule)
    slos, alerts = sorted(service.slos, key=attrgetter("name")), sorted(service.alerts, key=attrgetter("name"))
    return Page(
        name=service.name,
        title=service.title or service.name,
        description=service.description,
        owner=service.owner,
        facts=tuple(_about(service, workspace)),
        objectives=tuple(_objective(slo, mine.get(slo.ref, []), service, workspace) for slo in slos),
        alerts=tuple(
            _alert(alert, rule, service, workspace, alone=rule in plan.evaluated)
            for alert in alerts
            for rule in mine.get(alert.ref, [])[:1]
        ),
    )


def _about(service: Service, workspace: Workspace) -> Iterator[tuple[str, str]]:
    if service.owner:
        yield "Owner", service.owner
    if service.runbook:
        yield "More", f"<{service.runbook}>"
    yield from _dashboard(service, workspace)
    if service.scrape:
        yield "Scraped as", f'`job="{service.scrape.job}"` from {", ".join(f"`{t}`" for t in service.scrape.targets)}'


def _dashboard(service: Service, workspace: Workspace) -> Iterator[tuple[str, str]]:
    if workspace.platform and workspace.platform.grafana_url:
        yield "Dashboard", f"<{workspace.platform.grafana_url.rstrip('/')}/d/{uid('service', service.name)}>"


# --- objectives --------------------------------------------------------------------------------------------


def _objective(slo: Slo, rules: list[AlertingRule], service: Service, workspace: Workspace) -> Objective:
    tiers = [tier for tier in slo.tiers if tier.feasible(slo.window, slo.target)]
    by_tier = {dict(rule.labels).get("tier", ""): rule for rule in rules}
    silent, blind = (_named(rules, name, workspace) for name in ("TrafficAbsent", "SliBroken"))
    kind, first, look = _indicator(slo, service)
    facts = [("Counted", kind)]
    for each in slo.exclusions:
        how = "counts as good" if each.treat == "good" else "does not count"
        when = f"{each.start:%Y-%m-%d %H:%M} to {each.end:%Y-%m-%d %H:%M} UTC"
        facts.append(("Excluded", f"{when} {how} in the budget of `tocsin serve` (alerts do not know): {each.reason}"))
    if runbook := slo.runbook or service.runbook:
        facts.append(("More", f"<{runbook}>"))
    facts += _dashboard(service, workspace)
    allowed = percent(1 - slo.target)
    return Objective(
        name=slo.name,
        promise=f"{slo.description or slo.ref}: {percent(slo.target)} over {slo.over}.",
        meaning=f"{allowed} may be bad; that is the error budget. Its alerts are ErrorBudgetBurn with slo={slo.name}.",
        facts=tuple(facts),
        tiers=tuple(
            tier_line(tier, slo.window, told(by_tier[tier.name], workspace)) for tier in tiers if tier.name in by_tier
        ),
        silence=silent,
        blind=blind,
        detection=tuple(detection(errors, slo.target, slo.window, tiers) for errors in OUTAGES),
        first=(*_FIRST, *first),
        look=look,
    )


def _named(rules: list[AlertingRule], name: str, workspace: Workspace) -> Silence | None:
    found = next((rule for rule in rules if rule.alert == name), None)
    return Silence(str(found.for_), _severity(found), told(found, workspace)) if found else None


def tier_line(tier: Tier, window: Duration, channels: str) -> TierLine:
    """A tier of an objective over *window*, told to *channels*."""
    factor = literal(round(Decimal(decimal_literal(tier.factor(window))), 2))
    return TierLine(tier.name, ALERT_SEVERITY[tier.severity], factor, str(tier.long), str(tier.short), channels)


def detection(errors: Fraction, target: Decimal, window: Duration, tiers: list[Tier]) -> Detection:
    """When each tier fires in an outage with *errors*."""
    times = [detection_time(tier.long.milliseconds, tier.threshold(window, target), errors) for tier in tiers]
    known = [time for time in times if time is not None]
    spent = budget_spent(min(known), errors, target, window.milliseconds) if known else None
    return Detection(
        errors=percent(Decimal(decimal_literal(errors))),
        times=tuple(_NEVER if time is None else _rounded(time) for time in times),
        spent=_NEVER if spent is None else f"{float(spent):.1%}",
    )


def _rounded(milliseconds: Fraction) -> str:
    """A length of time to about three digits."""
    whole = round(milliseconds)
    step = next((step for limit, step in _STEPS if whole >= limit), 1_000)
    return str(Duration(max(1_000, round(Fraction(whole, step)) * step)))


_STEPS = ((86_400_000, 3_600_000), (3_600_000, 60_000))


def percent(value: Decimal) -> str:
    """A fraction as people write it."""
    return f"{literal(value * 100)}%"


def _severity(rule: AlertingRule) -> str:
    return dict(rule.labels).get("severity", "")


_FIRST = (
    "Page (critical): act now. Ticket (warning): today, or the budget is gone before the period is over.",
    "Open the dashboard: since when does the budget burn, and what changed then? A deployment: roll back.",
)


def _indicator(slo: Slo, service: Service) -> tuple[str, tuple[str, ...], str]:
    """How the objective counts, what to look at first, and a query that tells who spends the budget."""
    sli = slo.sli
    if isinstance(sli, RatioSli):
        said = f"events of `{_line(sli.bad_events or sli.good_events or '')}` of all of `{_line(sli.total_events)}`"
        kind = f"{'bad' if sli.bad_events is not None else 'good'} {said}"
        return kind, ("See below which of them fail, and read the logs of exactly those.",), _spenders(sli, service)
    if isinstance(sli, LatencySli):
        kind = f"events of `{_line(sli.histogram)}` that take no longer than {literal(sli.within)} s are good"
        step = (
            "See below which of them are slow. All of them: a store, the network or CPU; a few: one query or one route."
        )
        return kind, (step,), _slow(sli, service)
    if isinstance(sli, ProbeSli):
        kind = f"samples of `{_line(sli.up)}` of at least {literal(sli.at_least)} are good"
        return (
            kind,
            ("See below which instances fail; try to reach one of them yourself.",),
            f"{sli.up} < {literal(sli.at_least)}",
        )
    if isinstance(sli, FreshnessSli):
        kind = f"`{_line(sli.last_success)}` must not be longer ago than {literal(sli.within)} s"
        step = "See below how many seconds ago the last success was; find the last run and what ended it."
        return kind, (step,), f"time() - ({sli.last_success})"
    if isinstance(sli, ThresholdSli):
        limits = ((sli.at_least, "at least"), (sli.at_most, "at most"))
        between = " and ".join(f"{word} {literal(limit)}" for limit, word in limits if limit is not None)
        kind = f"`{_line(sli.value)}` must be {between}"
        return kind, ("See below what the value is now, and since when it is out of its limits.",), sli.value
    if isinstance(sli, RawSli):
        ratio = sli.error_ratio or sli.success_ratio or ""
        kind = f"the {'error' if sli.error_ratio else 'success'} ratio `{_line(ratio)}`"
        return (
            kind,
            ("See below what the ratio is now; it is made elsewhere, so look at what it is made of.",),
            with_window(ratio, "5m"),
        )
    return sli.kind, (), sli.bad("5m")


def _line(expression: str) -> str:
    return " ".join(expression.split()).replace("`", "'")


def _labels(selector: str, service: Service, suffix: str = "") -> tuple[str, ...]:
    """The labels of a metric, as the catalogue has them."""
    name = metric_name(selector).removesuffix(suffix)
    return service.metrics[name].labels if name in service.metrics else ()


def _spenders(sli: RatioSli, service: Service) -> str:
    labels = _labels(sli.bad_events, service) if sli.bad_events else ()
    if sli.bad_events and labels:
        return f"topk(5, sum by ({', '.join(labels)}) (rate({sli.bad_events.strip()}[5m])))"
    return sli.bad("5m")


def _slow(sli: Sli, service: Service) -> str:
    if isinstance(sli, LatencySli) and not sli.native:
        labels = _labels(sli.histogram, service)
        by = ", ".join(("le", *labels))
        slow = f"histogram_quantile(0.95, sum by ({by}) (rate({renamed(sli.histogram, '_bucket')}[5m])))"
        return f"topk(5, {slow})" if labels else slow
    return sli.bad("5m")


# --- other alerts ------------------------------------------------------------------------------------------


def _alert(alert: AlertRule, rule: AlertingRule, service: Service, workspace: Workspace, *, alone: bool) -> Alert:
    condition = alert.condition
    facts = [("Fires", f"{_when(condition)}, {f'after {rule.for_}' if rule.for_.milliseconds else 'at once'}")]
    hears = "nobody" if alone and not workspace.notifications else told(rule, workspace)
    facts += [("Severity", _severity(rule)), ("Told", hears)]
    if alone:
        facts.append(("Evaluated", "by `tocsin serve` alone"))
    if runbook := alert.runbook or service.runbook:
        facts.append(("More", f"<{runbook}>"))
    facts += _dashboard(service, workspace)
    return Alert(
        name=alert.name,
        summary=readable(alert.summary),
        description=readable(alert.description),
        facts=tuple(facts),
        first=(
            _LOOK.get(type(condition), _ROWS),
            "If it began with a deployment, roll back; if with load, add capacity.",
        ),
        query=rule.expr,
        rows="It watches each row of" if isinstance(condition, LevelShift) else "It fires for each row of",
    )


_ROWS = "Run the query below: each row is one thing that is wrong, and its labels say which."
_LOOK: Mapping[type[Condition], str] = {
    Threshold: "Draw the value over the last day: did it jump (what changed then?) or creep (since when, and why?)",
    Composite: "It speaks of other alerts: open those that it names; what is wrong stands there.",
    Absence: "Something stopped sending: is it running, is it scraped, or was it renamed?",
    Forecast: "Nothing is wrong yet: draw the series with its trend, and see what grows.",
    Anomaly: "It is unlike the same time of earlier seasons: a holiday, a campaign, a release, or a fault?",
    LevelShift: "Draw the value over the last days: when was the step, and what was changed then?",
}


def _when(condition: Condition) -> str:
    """The condition in words."""
    if isinstance(condition, Threshold | Forecast):
        bounds = ((condition.above, "above"), (condition.below, "below"))
        crossed = " or ".join(f"{word} {literal(bound)}" for bound, word in bounds if bound is not None)
        if isinstance(condition, Forecast):
            return f"when its trend of {condition.history} is {crossed} within {condition.within}"
        return f"when its value is {crossed}"
    if isinstance(condition, Composite):
        groups = (("all of", condition.all_of), ("any of", condition.any_of), ("none of", condition.none_of))
        several = (f"{words} {', '.join(part.ref for part in parts)}" for words, parts in groups if parts)
        return f"while {' and '.join(several)} fire"
    if isinstance(condition, Absence):
        return "while its series is not there"
    if isinstance(condition, Anomaly):
        return f"when its value is unusual for the time within {condition.season}"
    if isinstance(condition, LevelShift):
        return f"when its level over {condition.after} is not that of the {condition.history} before"
    return "while its query below has rows"


# --- who is told -------------------------------------------------------------------------------------------


def told(rule: AlertingRule, workspace: Workspace) -> str:
    """The channels that hear of *rule*: those it names, else those of the routes that decide about its labels."""
    if rule.notify:
        return ", ".join(rule.notify)
    documents = sorted(workspace.notifications, key=attrgetter("name"))
    labels = {**dict(rule.labels), "alertname": rule.alert}
    found = deciding(grown(route for document in documents for route in document.routes), labels)
    if found:
        return ", ".join(dict.fromkeys(name for branch in found for name in branch.route.to))
    return "nobody" if documents else "whom Alertmanager says"
