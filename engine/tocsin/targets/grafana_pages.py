"""What Grafana shows: a page per service, and all objectives on one.

Panels read the series that the rules record, so a page over a month costs Prometheus little.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from tocsin.expressions import definition
from tocsin.guards import BASE
from tocsin.plan import AlertingRule, Plan, RecordingRule
from tocsin.plan.journey import beyond_promql
from tocsin.promql import matchers
from tocsin.spec import AlertRule, LevelShift, Service, Slo, Threshold
from tocsin.targets.grafana_journeys import SLICES
from tocsin.targets.grafana_panels import AMBER, BLUE, GREEN, RED, WIDTH, Json, Panel, Query, firing, placed, row, uid
from tocsin.template import readable
from tocsin.units import Duration, literal
from tocsin.windows import Tier, decimal_literal
from tocsin.workspace import Workspace

BUDGET, OBJECTIVE = "slo:error_budget:remaining_ratio", "slo:objective:ratio"
OVERVIEW = "tocsin-overview"
_BUDGET_STEPS = ((None, RED), (0.0, AMBER), (0.25, GREEN))
_UNITS = {"%": "percentunit", "ms": "s", "s": "s", "m": "s", "h": "s", "d": "s", "B": "bytes"}
"""Grafana's unit by the unit of a threshold; thresholds are compared in fractions, seconds and bytes."""


def service_panels(service: Service, plan: Plan, workspace: Workspace) -> list[dict[str, Json]]:
    """The objectives of a service, then its alerts; nothing if it has neither."""
    rules = [rule for group in plan.groups for rule in group.rules]
    panels: list[Panel] = []
    for slo in sorted(service.slos, key=attrgetter("name")):
        recorded = (r.record for r in rules if isinstance(r, RecordingRule) and _selects(slo) <= set(r.labels))
        objective = _Objective(slo, frozenset(recorded), slo.runbook or service.runbook)
        panels += [row(f"Objective {slo.name}"), *objective.panels()]
    alerts = {rule.ref: rule for rule in plan.alerts() if rule.expr}
    shown = [alert for alert in sorted(service.alerts, key=attrgetter("name")) if alert.ref in alerts]
    if shown:
        panels += [row("Alerts"), *(_alert(alert, alerts[alert.ref], service, workspace) for alert in shown)]
    return placed([firing(matchers((("service", service.name),))), *panels]) if panels else []


def overview_panels(workspace: Workspace) -> list[dict[str, Json]]:
    """All objectives with what is left of their budgets, and everything that fires."""
    pages = {service.name: uid("service", service.name) for service in workspace.services}
    panels = [
        Panel("Objectives", "table", _OVERVIEW, width=WIDTH, height=12, description=_OVERVIEW_TEXT),
        firing(""),
        Panel("Error budget left", "timeseries", (Query(BUDGET, "{{service}}/{{slo}}"),), "percentunit", width=WIDTH),
    ]
    if any(not beyond_promql(slo) for journey in workspace.journeys for slo in journey.slos):
        slices = (Query(SLICES, "{{service}}/{{slo}}"),)
        said = "How good each journey was as a whole, slice by slice."
        panels.append(Panel("Journeys", "timeseries", slices, "percentunit", said, WIDTH, at_most=1.0))
    table, *rest = placed(panels)
    return [table | _arranged(pages), *rest]


# --- a service ---------------------------------------------------------------------------------------------


def _selects(slo: Slo) -> set[tuple[str, str]]:
    return {("service", slo.service), ("slo", slo.name)}


@dataclass(frozen=True, slots=True)
class _Objective:
    """An objective as its panels see it; *recorded* are the series that rules record for it."""

    slo: Slo
    recorded: frozenset[str]
    runbook: str | None

    @property
    def selector(self) -> str:
        return matchers(tuple(sorted(_selects(self.slo))))

    def legend(self, what: str) -> str:
        """Name a line; of a grouped objective each group has its own."""
        return " ".join([what, *(f"{{{{{label}}}}}" for label in self.slo.sli.by)])

    def ratio(self, window: Duration) -> str:
        """Bad over all events; of a window that is not recorded, from the short recordings."""
        return f"{self._events('bad', window)} / ({self._events('total', window)} > 0)"

    def _events(self, kind: str, window: Duration) -> str:
        series = f"slo:{kind}:rate{window}"
        if series in self.recorded:
            return f"{series}{self.selector}"
        return f"sum_over_time(slo:{kind}:rate{BASE}{self.selector}[{window}])"

    @property
    def budget_text(self) -> str:
        """What the panels of the budget show."""
        text = f"What is left of the budget of {self.slo.over}. Below zero the objective is missed."
        less = " Its exclusions are not taken off here: `tocsin serve` tells the budget that counts."
        return text + (less if self.slo.exclusions else "")

    def panels(self) -> Iterator[Panel]:
        """Objective, budget, good events and traffic; then the tiers."""
        panel = partial(Panel, runbook=self.runbook)
        target, over = float(self.slo.target), self.slo.over
        objective = (Query(f"{OBJECTIVE}{self.selector}", self.legend("objective")),)
        left = (Query(f"{BUDGET}{self.selector}", self.legend("left")),)
        yield panel(
            title="Objective",
            kind="stat",
            queries=objective,
            unit="percentunit",
            description=f"{self.slo.description or self.slo.ref}; over {over}",
            width=4,
            height=8,
            steps=((None, BLUE),),
        )
        if BUDGET in self.recorded:
            yield panel(
                title="Error budget left",
                kind="stat",
                queries=left,
                unit="percentunit",
                description=self.budget_text,
                width=4,
                height=8,
                steps=_BUDGET_STEPS,
            )
        yield panel(
            title="Good events",
            kind="timeseries",
            queries=(Query(f"1 - {self.ratio(BASE)}", self.legend("good")),),
            unit="percentunit",
            description=f"Share of good events over {BASE}; the line is the objective.",
            width=8,
            steps=((None, RED), (target, GREEN)),
            at_most=1.0,
        )
        yield panel(
            title="Events",
            kind="timeseries",
            queries=tuple(
                Query(f"slo:{kind}:rate{BASE}{self.selector}", self.legend(kind)) for kind in ("total", "bad")
            ),
            unit="ops",
            description="All and bad events per second.",
            width=8,
        )
        if BUDGET in self.recorded:
            yield panel(
                title="Error budget left over time",
                kind="timeseries",
                queries=left,
                unit="percentunit",
                description=self.budget_text,
                width=WIDTH,
                height=6,
                steps=((None, RED), (0.0, GREEN)),
                at_most=1.0,
            )
        tiers = [tier for tier in self.slo.tiers if tier.feasible(self.slo.window, self.slo.target)]
        yield from (self._tier(tier, WIDTH // min(len(tiers), 4)) for tier in tiers)

    def _tier(self, tier: Tier, width: int) -> Panel:
        """How many times too fast the budget burns over both windows of a tier."""
        factor = tier.factor(self.slo.window)
        return Panel(
            title=f"Burn rate, {tier.name}",
            kind="timeseries",
            queries=tuple(
                Query(f"{self.ratio(window)} / {literal(1 - self.slo.target)}", self.legend(str(window)))
                for window in (tier.long, tier.short)
            ),
            description=f"A {tier.severity} when both lines are above {decimal_literal(factor)[:8]}.",
            width=width,
            height=7,
            steps=((None, GREEN), (float(factor), RED)),
            runbook=self.runbook,
            at_least=0.0,
        )


def _alert(alert: AlertRule, rule: AlertingRule, service: Service, workspace: Workspace) -> Panel:
    """Its value with its threshold, or the rows that it fires for."""
    said = readable(alert.description or alert.summary)
    waits = f" It fires after {alert.for_}." if alert.for_.milliseconds else ""
    panel = partial(Panel, alert.name, "timeseries", runbook=alert.runbook or service.runbook)
    limits = alert.condition
    if isinstance(limits, LevelShift):
        drawn = f"{said} Drawn is its value; tocsin serve alone says when its level has shifted.{waits}"
        return panel((Query(rule.expr),), description=drawn.strip())
    if not isinstance(limits, Threshold):
        return panel((Query(rule.expr),), description=f"{said} Drawn is what it fires for.{waits}".strip())
    steps: tuple[tuple[float | None, str], ...] = (
        ((None, GREEN), (float(limits.above), RED)) if limits.above is not None else ()
    )
    if limits.below is not None:
        steps = ((None, RED), (float(limits.below), GREEN))
    key = "above" if limits.above is not None else "below"
    return panel(
        (Query(limits.value.text.strip()),), _unit(alert, key, workspace), f"{said}{waits}".strip(), steps=steps
    )


def _unit(alert: AlertRule, key: str, workspace: Workspace) -> str:
    """The unit in which the threshold is written; a plain number has none."""
    document = definition(workspace, "Service", alert.service)
    value = document.value if document else None
    for step in ("alerts", alert.name, key):
        value = value.get(step) if isinstance(value, Mapping) else None
    text = value.strip() if isinstance(value, str) else ""
    unit = text.lstrip("+-0123456789.eE ")
    return _UNITS.get(unit, _UNITS.get(unit[-1:], "short"))


# --- all services ------------------------------------------------------------------------------------------

_OVERVIEW = (
    Query(f"max by (service, slo) ({OBJECTIVE})"),
    Query(f"min by (service, slo) ({BUDGET})"),
    Query(f"min by (service, slo) (1 - slo:bad:rate{BASE} / (slo:total:rate{BASE} > 0))"),
    Query(
        'max by (service, slo) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"}) '
        f"or 0 * max by (service, slo) ({OBJECTIVE})"
    ),
)
_OVERVIEW_TEXT = (
    "Each objective with what it promises, what is left of its error budget, how good it was in the last five minutes, "
    "and whether it burns its budget too fast. Of a grouped objective the worst group counts."
)


def _arranged(pages: Mapping[str, str]) -> dict[str, Json]:
    """Join the four queries by service and objective, name the columns, colour them, and link each line to its page."""
    names: dict[str, Json] = {
        "Value #A": "Objective",
        "Value #B": "Budget left",
        "Value #C": "Now",
        "Value #D": "State",
    }
    hidden: dict[str, Json] = {"Time": True}
    burning: list[Json] = [
        {"type": "value", "options": {"0": {"text": "ok", "color": GREEN}, "1": {"text": "burning", "color": RED}}}
    ]
    steps: list[Json] = [{"color": color, "value": value} for value, color in _BUDGET_STEPS]
    regular = all(page == f"tocsin-service-{name}" for name, page in pages.items())
    target = "/d/tocsin-service-${__data.fields.service}" if regular else "/dashboards?tag=service"
    overrides: list[Json] = [
        _override("Objective", ("unit", "percentunit"), ("decimals", 3)),
        _override(
            "Budget left",
            ("unit", "percentunit"),
            ("thresholds", {"mode": "absolute", "steps": steps}),
            ("custom.cellOptions", {"type": "color-text"}),
        ),
        _override("Now", ("unit", "percentunit"), ("decimals", 3)),
        _override("State", ("mappings", burning), ("custom.cellOptions", {"type": "color-text"})),
        _override("service", ("links", [{"title": "Objectives and alerts", "url": target}])),
    ]
    return {
        "fieldConfig": {"defaults": {"custom": {"align": "left"}}, "overrides": overrides},
        "transformations": [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": names}},
        ],
    }


def _override(name: str, *properties: tuple[str, Json]) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties],
    }
