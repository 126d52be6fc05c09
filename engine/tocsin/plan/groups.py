"""The rule groups of a service that users arrange themselves: recordings, and whatever names a group."""

from collections.abc import Iterator

from tocsin.plan import anomaly
from tocsin.plan.alert import alerting_rule
from tocsin.plan.model import AlertingRule, RecordingRule, RuleGroup
from tocsin.spec import AlertRule, Anomaly, Composite, GroupSettings, Recording, Service

_Written = AlertRule | Recording


def own_groups(service: Service) -> tuple[RuleGroup, ...]:
    """Recordings without a group first, then the named groups in the order of their settings, then of their use.

    Inside a group rules stand as they are written, for a rule may read what the one before it recorded.
    """
    written: list[_Written] = [*service.recordings, *service.alerts]
    named: dict[str, list[_Written]] = {group.name: [] for group in service.groups}
    for each in sorted((each for each in written if each.group), key=lambda each: each.span):
        named.setdefault(each.group, []).append(each)
    settings = {group.name: group for group in service.groups}
    recordings = tuple(recording_rule(each) for each in service.recordings if not each.group)
    loose = (RuleGroup(f"recordings:{service.name}", service.name, recordings),) if recordings else ()
    return (*loose, *(_named(name, some, settings.get(name), service) for name, some in named.items() if some))


def baseline_groups(service: Service) -> Iterator[RuleGroup]:
    """The baseline of each anomaly in a group of its own, with the alert, unless that names another group."""
    for alert in sorted(service.alerts, key=lambda alert: alert.name):
        condition = alert.condition
        if isinstance(condition, Anomaly):
            own = () if alert.group else (alerting_rule(alert, service),)
            rules = (*anomaly.recordings(alert, condition), *own)
            name = f"anomaly:{alert.ref}"
            yield RuleGroup(
                name, service.name, rules, anomaly.interval_of(condition), note=anomaly.note(alert, condition)
            )


def alert_group(service: Service) -> RuleGroup | None:
    """All other alerts of a service, by name; composites and anomalies stand behind what they read."""
    apart = Composite | Anomaly
    own = (alert for alert in service.alerts if not alert.group and not isinstance(alert.condition, apart))
    alerts = sorted(own, key=lambda alert: alert.name)
    rules = tuple(alerting_rule(alert, service) for alert in alerts)
    return RuleGroup(f"alerts:{service.name}", service.name, rules) if rules else None


def _named(name: str, some: list[_Written], settings: GroupSettings | None, service: Service) -> RuleGroup:
    rules: tuple[RecordingRule | AlertingRule, ...] = tuple(
        recording_rule(each) if isinstance(each, Recording) else alerting_rule(each, service) for each in some
    )
    interval, limit = (settings.interval, settings.limit) if settings else (None, 0)
    return RuleGroup(name, service.name, rules, interval, limit)


def recording_rule(recording: Recording) -> RecordingRule:
    """One recorded series."""
    return RecordingRule(recording.record, recording.expr.text.strip(), recording.labels, recording.span)
