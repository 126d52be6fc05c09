"""What a Prometheus says of the alerting rules that it evaluates itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tocsin.adapters.prometheus_http import PrometheusSource, content
from tocsin.errors import SourceError
from tocsin.ports import WatchedRule, labels_of


class PrometheusRules(PrometheusSource):
    """A RuleSource; a server that only stores (VictoriaMetrics) answers with an error."""

    def alerting_rules(self) -> tuple[WatchedRule, ...]:
        """All of its alerting rules (https://prometheus.io/docs/prometheus/latest/querying/api/#rules)."""
        data = content(*self._exchange("rules", {"type": "alert"}, self.deadline, "GET")).get("data")
        try:
            groups = data["groups"] if isinstance(data, dict) else []
            return tuple(_watched(rule) for group in groups for rule in group["rules"] if rule["type"] == "alerting")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SourceError(f"tells of its rules in a malformed way ({type(error).__name__})") from None


def _watched(rule: Mapping[str, Any]) -> WatchedRule:
    evaluated = datetime.fromisoformat(str(rule["lastEvaluation"]))
    return WatchedRule(
        name=str(rule["name"]),
        labels=labels_of({name: text for name, text in (rule.get("labels") or {}).items() if "{{" not in text}),
        healthy=rule.get("health") == "ok",
        evaluated_at=evaluated if evaluated.year > 1970 else None,  # never: the year 1
        alerts=tuple(labels_of(alert["labels"]) for alert in rule.get("alerts") or ()),
    )
