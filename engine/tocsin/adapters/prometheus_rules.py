"""What a Prometheus says of the alerting rules that it evaluates itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import yaml

from tocsin.adapters.prometheus_http import PrometheusSource, content
from tocsin.errors import SourceError
from tocsin.ports import Labels, WatchedRule, labels_of


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

    def external_labels(self) -> Labels:
        """`global.external_labels` of its configuration (https://prometheus.io/docs/prometheus/latest/querying/api/#config)."""
        try:
            data = content(*self._exchange("status/config", {}, self.deadline, "GET")).get("data")
            text = data["yaml"] if isinstance(data, dict) else ""
            told = (yaml.safe_load(text) or {}).get("global", {}).get("external_labels", {})
            return labels_of({str(name): str(value) for name, value in told.items()})
        except (SourceError, KeyError, TypeError, AttributeError, yaml.YAMLError):  # vmalert has none to tell
            return ()


def _watched(rule: Mapping[str, Any]) -> WatchedRule:
    alerts = [(labels_of(alert["labels"]), alert.get("state")) for alert in rule.get("alerts") or ()]
    evaluated = datetime.fromisoformat(str(rule["lastEvaluation"]))
    labels: Mapping[str, str] = rule.get("labels") or {}
    return WatchedRule(
        name=str(rule["name"]),
        labels=labels_of({name: text for name, text in labels.items() if "{{" not in text}),
        healthy=rule.get("health") == "ok",
        evaluated_at=evaluated if evaluated.year > 1970 else None,  # never: the year 1
        alerts=tuple(labels for labels, _ in alerts),
        pending=tuple(labels for labels, state in alerts if state == "pending"),
        query=str(rule.get("query", "")),
        templated=tuple(name for name, text in labels.items() if "{{" in text),
    )
