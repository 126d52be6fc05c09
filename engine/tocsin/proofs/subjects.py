"""How the alerts and recordings are known that claims are about."""

from tocsin.plan import AlertingRule
from tocsin.ports import Labels, labels_of
from tocsin.spec import Slo
from tocsin.windows import Tier


def own(slo: Slo) -> dict[str, str]:
    """What everything of *slo* is labelled with."""
    return {"service": slo.service, "slo": slo.name}


def recorded(slo: Slo, name: str) -> Labels:
    """A recording of *slo*."""
    return labels_of(own(slo) | {"__name__": name})


def tier_alert(slo: Slo, tier: Tier) -> Labels:
    """The alert of a tier."""
    return labels_of(own(slo) | {"alertname": "ErrorBudgetBurn", "tier": tier.name})


def traffic_alert(slo: Slo) -> Labels:
    """The alert for absent traffic."""
    return labels_of(own(slo) | {"alertname": "TrafficAbsent"})


def alert_of(rule: AlertingRule) -> Labels:
    """Any alert, by its rule."""
    known = dict(rule.labels)
    return labels_of({"alertname": rule.alert} | ({"ref": known["ref"]} if "ref" in known else known))


def severity_of(rule: AlertingRule) -> Labels:
    """The severity that its alerts have, where that does not depend on a row."""
    return tuple(pair for pair in rule.labels if pair[0] == "severity" and "severity" not in rule.raw)
