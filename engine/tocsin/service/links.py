"""Links in messages: to where an open alert is acknowledged, to where it is silenced, and to the graph; pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from urllib.parse import quote, urlencode

from tocsin.evaluate.alerts import AlertQuestion
from tocsin.evaluate.burn import tier_id
from tocsin.evaluate.model import AlertView, Identity
from tocsin.plan.anomaly import pictured
from tocsin.plan.conditions import bracketed
from tocsin.ports import CURVE, AlertText, Graph, Notification
from tocsin.service.signing import permit
from tocsin.spec import AlertRule, Anomaly, Forecast, LevelShift, Plain, Threshold
from tocsin.units import Duration
from tocsin.workspace import Workspace

LONGEST_QUERY = 1_000
"""Characters of an expression in a link; some mail programs and chats break longer ones."""
LONGEST_DRAWN = 8_000
SEASON_SHOWN = 8
"""Part of a season that stands for what an anomaly looks back: four times that is shown."""
LEVEL_SHOWN = 3
"""Lengths of the last stretch that stand for what a level shift looks back."""
LEVEL_POINTS = 5
"""Values of a stretch of the history whose median is drawn."""
GRAPHED = "1h"
"""How much of the time before an alert its graph shows."""
NOTHING_SEEN: Mapping[str, Graph] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Links:
    """Writes links; each kind only where it is known where people reach what it leads to.

    *page* and *source* are URLs of Tocsin and of the metric source as people's browsers know them, *signature* gives
    what the link to an episode is signed by (`Taken.signature`), *secret* signs those that silence, *graphs* has what
    can be drawn of each rule.
    """

    page: str = ""
    source: str = ""
    signature: Callable[[str], str] = field(default=lambda _: "")
    secret: str = field(default="", repr=False)
    graphs: Mapping[str, Graph] = field(default_factory=dict)

    def added(
        self, messages: Iterable[Notification], views: Iterable[AlertView], seen: Mapping[str, Graph] = NOTHING_SEEN
    ) -> tuple[Notification, ...]:
        """The *messages* with links at every alert that fires, and what to draw of it; what is over needs nobody.

        *seen* is what the evaluation itself drew of rules.
        """
        graphs = {**self.graphs, **seen}
        if not self.page and not graphs:
            return tuple(messages)
        rules = {view.dedup_key: view.identity for view in views}
        return tuple(
            replace(
                message,
                alerts=tuple(self._linked(text, rules, graphs, message.evaluated_at) for text in message.alerts),
            )
            for message in messages
        )

    def _linked(
        self, text: AlertText, rules: Mapping[str, Identity], graphs: Mapping[str, Graph], at: datetime
    ) -> AlertText:
        if text.resolved_at is not None:
            return replace(text, links=(), graph=None)
        links = []
        if self.page:
            place = f"{self.page}/alerts/{quote(text.dedup_key, safe='')}"
            signature = self.signature(text.dedup_key)
            links.append(("acknowledge", place + (f"?signature={signature}" if signature else "")))
            links.append(("silence", f"{place}/silence{permit(self.secret, text.dedup_key, at).query}"))
        identity = rules.get(text.dedup_key)
        graph = graphs.get(identity.rule) if identity is not None else None
        if graph is None or identity is None:
            return replace(text, links=tuple(links))
        if self.source and 0 < len(graph.expression) <= LONGEST_QUERY:
            links.append(("graph", self._graph(graph.expression, at)))
        return replace(text, links=tuple(links), graph=replace(graph, labels=identity.labels))

    def _graph(self, expression: str, at: datetime) -> str:
        """The graph up to *at*, as Prometheus' own alerts link to it; it takes UTC without a zone."""
        asked = {
            "g0.expr": expression,
            "g0.tab": "0",
            "g0.range_input": GRAPHED,
            "g0.end_input": f"{at:%Y-%m-%d %H:%M:%S}",
        }
        return f"{self.source}/graph?{urlencode(asked, quote_via=quote)}"


NO_LINKS = Links()


def graphs_of(workspace: Workspace) -> dict[str, Graph]:
    """What to draw for each alert that compares a value (without its bound), or has an expression of its own.

    For a forecast, the series and the line through it; for an anomaly and a level shift, also what is usual.

    For an objective that burns its budget, the share of bad events over the tier's short window: of its SLI as a whole
    (by its groups), without the guards of the objective, so that people can read the expression.
    """
    found = {}
    for service in workspace.services:
        for slo in service.slos:
            sli = service.slis.get(slo.sli_name, slo.sli)
            whole = replace(sli, by=slo.sli.by) if slo.sli.by else sli  # type: ignore[type-var]  # all are dataclasses
            part, all_ = ("({})" if _has_operator(text) else "{}" for text in (whole.bad("1m"), whole.total("1m")))
            for tier in slo.tiers:
                window = str(tier.short)
                found[tier_id(slo, tier)] = Graph(
                    f"{part.format(whole.bad(window))} / {all_.format(whole.total(window))}",
                    f"{slo.ref}: bad events over {window}",
                    (float(tier.threshold(slo.window, slo.target)),),
                    percent=True,
                    window=tier.short.timedelta,
                )
        for alert in service.alerts:
            if isinstance(alert.condition, Plain | Threshold):
                text, bounds = AlertQuestion(alert).asked()
                found[alert.ref] = Graph(text.strip(), alert.ref, tuple(each.bound for each in bounds))
            if isinstance(alert.condition, Forecast):
                found[alert.ref] = _forecast(alert.ref, alert.condition)
            if isinstance(alert.condition, Anomaly):
                found[alert.ref] = _anomaly(alert, alert.condition)
            if isinstance(alert.condition, LevelShift):
                found[alert.ref] = _level_shift(alert.ref, alert.condition)
    return {ref: graph for ref, graph in found.items() if len(graph.expression) <= LONGEST_DRAWN}


def _forecast(ref: str, condition: Forecast) -> Graph:
    bound = condition.above if condition.above is not None else condition.below
    return Graph(
        condition.series.text.strip(),
        f"{ref}, and the line through the last {condition.history}",
        () if bound is None else (float(bound),),
        window=condition.history.timedelta,
        ahead=condition.within.timedelta,
    )


def _anomaly(alert: AlertRule, condition: Anomaly) -> Graph:
    shown = condition.season.timedelta / SEASON_SHOWN
    return _curves(f"{alert.ref}, and what is usual", pictured(alert, condition), shown)


def _level_shift(ref: str, condition: LevelShift) -> Graph:
    """The series, and the median of its history, which is what the evaluator's median of medians is near to."""
    series, after = bracketed(condition.series.text.strip()), condition.after
    step = Duration(after.milliseconds // LEVEL_POINTS)
    usual = f"quantile_over_time(0.5, {series}[{condition.history}:{step}] offset {after})"
    return _curves(f"{ref}, and what was usual", {"value": series, "usual": usual}, LEVEL_SHOWN * after.timedelta)


def _curves(what: str, curves: Mapping[str, str], shown: timedelta) -> Graph:
    """Several expressions in one question, told apart by a label; four times what is *shown* is drawn."""
    named = (f'label_replace({text}, "{CURVE}", "{name}", "", "")' for name, text in curves.items())
    return Graph("\nor\n".join(named), what, window=shown, names=tuple(curves))


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_INSIDE = re.compile(r"\([^()]*\)|\{[^{}]*\}|\[[^\[\]]*\]")
_OPERATOR = re.compile(r"[-+*/%^<>=!]|\b(and|or|unless|atan2)\b")


def _has_operator(expression: str) -> bool:
    """Whether it must stand in parentheses to be divided.

    >>> _has_operator('sum by (a) (rate(b{c="x / )"}[5m]) / 2)'), _has_operator("sum(a) / 300")
    (False, True)
    """
    rest, inner = _QUOTED.sub("", expression), ""
    while rest != inner:
        rest, inner = _INSIDE.sub("", rest), rest
    return bool(_OPERATOR.search(rest))
