"""OpenSLO v1: each service with its indicators, objectives and burn-rate alerts as one stream of documents.

What the format has no word for stands in annotations, so that `tocsin import openslo` gets it back and others may
ignore it: `tocsin/name` is the name inside the service, and `tocsin/definition` holds, as JSON, the rest of an
objective's definition, or the whole of an indicator that had to be rewritten. What is lost for good is a finding.

OpenSLO has one window per condition and one condition per policy, so a tier is written with its long window, and the
short one, which makes it end soon, stands in an annotation. https://github.com/OpenSLO/OpenSLO
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from hashlib import sha256
from operator import attrgetter

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.document import Json
from tocsin.expressions import definition
from tocsin.plan import AlertingRule, Plan
from tocsin.spec import Service, Slo
from tocsin.targets.artifact import Artifact, header
from tocsin.targets.openslo_indicators import indicator, is_exact, threshold_of
from tocsin.targets.yaml_text import Yaml, tree
from tocsin.units import Duration
from tocsin.windows import Tier, decimal_literal
from tocsin.workspace import Workspace

LONGEST_NAME = 63
"""A DNS label, as names have to be."""

_SAID = frozenset(
    {
        "sli", "target", "window", "budgeting", "slice", "slice_target", "description", "page", "ticket", "runbook",
        "labels",
    }
)  # fmt: skip
"""Keys of an objective that OpenSLO has a place for, or that have an annotation of their own."""

_METHODS = {"occurrences": "Occurrences", "timeslices": "Timeslices", "ratio-timeslices": "RatioTimeslices"}
_CALENDAR = {"day": "1d", "week": "1w", "month": "1M", "quarter": "1Q", "year": "1Y"}
_MONDAY = "2024-01-01 00:00:00"
"""Begins a year, a quarter, a month and a week."""

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000))

_Written = Mapping[str, Json]
_Channels = Mapping[tuple[str, str], tuple[str, ...]]


def openslo(plan: Plan, workspace: Workspace) -> tuple[Artifact, ...]:
    """One file per service that has objectives, and one for the channels that they name."""
    services = [service for service in sorted(workspace.services, key=attrgetter("name")) if service.slos]
    told = _told(plan)
    files = [
        Artifact(f"openslo/{service.name}.yml", _file([service.span.path], _documents(service, workspace, told)))
        for service in services
    ]
    channels = {name: spec for each in workspace.notifications for name, spec in each.channels.items()}
    asked = {name for names in told.values() for name in names}
    targets: list[Yaml] = [
        _document("AlertNotificationTarget", name, {"target": channels[name].kind if name in channels else name})
        for name in sorted(asked)
    ]
    if targets:
        paths = [each.span.path for each in workspace.notifications]
        files.append(Artifact("openslo/notification-targets.yml", _file(paths, targets)))
    return tuple(sorted(files))


def _told(plan: Plan) -> _Channels:
    """The channels that the tier of an objective names."""
    rules = (rule for group in plan.groups for rule in group.rules if isinstance(rule, AlertingRule))
    return {(rule.ref, dict(rule.labels)["tier"]): rule.notify for rule in rules if rule.alert == "ErrorBudgetBurn"}


def losses(_plan: Plan, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """What has no place in OpenSLO at all, and what would get the name of another thing."""
    left_out = [
        *((service.span, _counted(service)) for service in workspace.services if service.alerts or service.recordings),
        *((slo.span, f"the journey {slo.ref}") for journey in workspace.journeys for slo in journey.slos),
        *((sla.span, f"the contract {sla.name}") for sla in workspace.slas),
    ]
    lost = (
        Diagnostic("openslo/loss", span, f"OpenSLO v1 has no word for {what}; left out", Severity.INFO)
        for span, what in left_out
    )
    return (*lost, *_collisions(workspace))


def _counted(service: Service) -> str:
    """What is not about an error budget."""
    several = (("alert", service.alerts), ("recorded series", service.recordings))
    return " and ".join(f"{len(some)} {what}(s) of {service.name}" for what, some in several if some)


def _collisions(workspace: Workspace) -> Iterator[Diagnostic]:
    """Names are joined by a dash, and may hold dashes themselves: a-b/c and a/b-c become one."""
    seen: dict[str, Slo] = {}
    for service in workspace.services:
        for slo in service.slos:
            first = seen.setdefault(joined(slo.service, slo.name), slo)
            if first is not slo:
                message = f"in OpenSLO {slo.ref} would have the name of {first.ref}, {joined(slo.service, slo.name)}"
                yield Diagnostic("openslo/name", slo.span, message, related=((first.span, "the other one"),))


def _file(paths: Iterable[str], documents: Iterable[Yaml]) -> str:
    return header(paths) + "---\n".join(tree(document) for document in documents)


# --- documents ---------------------------------------------------------------------------------------------


def _documents(service: Service, workspace: Workspace, told: _Channels) -> Iterator[Yaml]:
    about = {"tocsin/owner": service.owner, "tocsin/runbook": service.runbook or ""}
    spec: dict[str, Yaml] = {"description": service.description} if service.description else {}
    labels = {name: value for name, value in service.labels if value}
    yield _document("Service", service.name, spec, about, title=service.title, labels=labels)
    written = _definition(workspace, service.name)
    slis, slos = _inside(written, "slis"), _inside(written, "slos")
    for name, sli in sorted(service.slis.items()):
        notes = {"tocsin/name": name}
        if not is_exact(sli):
            notes["tocsin/definition"] = _json(_inside(slis, name))
        yield _document("SLI", joined(service.name, name), indicator(sli), notes)
    for slo in sorted(service.slos, key=attrgetter("name")):
        yield from _slo(slo, _inside(slos, slo.name), told)


def _slo(slo: Slo, written: _Written, told: _Channels) -> Iterator[Yaml]:
    tiers = [tier for tier in slo.tiers if tier.feasible(slo.window, slo.target)]
    name = joined(slo.service, slo.name)
    rest = {key: value for key, value in written.items() if key not in _SAID}
    notes = {
        "tocsin/name": slo.name,
        "tocsin/runbook": slo.runbook or "",
        "tocsin/page": ",".join(slo.page),
        "tocsin/ticket": ",".join(slo.ticket),
        "tocsin/definition": _json(rest),
    }
    objective: dict[str, Yaml] = {"target": slo.target, **threshold_of(slo.sli)}
    method = str(written.get("budgeting", "occurrences"))
    if method != "occurrences":
        objective["timeSliceWindow"] = short(Duration.parse(str(written.get("slice", "1m"))))
    if method == "timeslices":
        objective["timeSliceTarget"] = _fraction(written.get("slice_target"))
    spec: dict[str, Yaml] = {"description": slo.description} if slo.description else {}
    spec |= {
        "service": slo.service,
        "indicatorRef": joined(slo.service, slo.sli_name),
        "timeWindow": [_window(slo, written.get("window"))],
        "budgetingMethod": _METHODS.get(method, "Occurrences"),
        "objectives": [objective],
    }
    if tiers:
        spec["alertPolicies"] = [{"alertPolicyRef": joined(slo.service, slo.name, tier.name)} for tier in tiers]
    yield _document("SLO", name, spec, notes, labels=dict(slo.labels))
    for tier in tiers:
        yield from _tier(tier, slo, told.get((slo.ref, tier.name), ()))


def _tier(tier: Tier, slo: Slo, channels: tuple[str, ...]) -> Iterator[Yaml]:
    name = joined(slo.service, slo.name, tier.name)
    notes = {"tocsin/name": tier.name, "tocsin/short-window": str(tier.short)}
    policy: dict[str, Yaml] = {
        "alertWhenBreaching": True,
        "alertWhenResolved": True,
        "alertWhenNoData": slo.no_traffic.alert,
        "conditions": [{"conditionRef": name}],
        "notificationTargets": [{"targetRef": channel} for channel in channels],
    }
    yield _document("AlertPolicy", name, policy)
    condition: dict[str, Yaml] = {
        "description": f"The burn rate over {tier.long}; Tocsin wants it over {tier.short} too, which v1 cannot say.",
        "severity": tier.severity,
        "condition": {
            "kind": "burnrate",
            "op": "gt",
            "threshold": Decimal(decimal_literal(tier.factor(slo.window))),
            "lookbackWindow": short(tier.long),
            "alertAfter": "0m",
        },
    }
    yield _document("AlertCondition", name, condition, notes)


def _window(slo: Slo, written: Json) -> Yaml:
    if isinstance(written, Mapping):
        zone = str(written.get("timezone", "UTC"))
        duration = _CALENDAR.get(str(written.get("calendar")), "1M")
        return {"duration": duration, "isRolling": False, "calendar": {"startTime": _MONDAY, "timeZone": zone}}
    return {"duration": short(slo.window), "isRolling": True}


def _document(
    kind: str,
    name: str,
    spec: Mapping[str, Yaml],
    notes: Mapping[str, str] = {},
    *,
    title: str = "",
    labels: Mapping[str, str] = {},
) -> Yaml:
    """One document; annotations that say nothing are left out."""
    metadata: dict[str, Yaml] = {"name": name}
    if title:
        metadata["displayName"] = title
    if labels:
        metadata["labels"] = labels
    if said := {key: value for key, value in notes.items() if value and value != "{}"}:
        metadata["annotations"] = said
    return {"apiVersion": "openslo/v1", "kind": kind, "metadata": metadata, "spec": spec}


# --- values ------------------------------------------------------------------------------------------------


def joined(*names: str) -> str:
    """Name what stands inside a service for everybody; too long a name is cut, and told apart by its hash.

    >>> joined("shop", "uptime"), len(joined("shop", "x" * 99))
    ('shop-uptime', 63)
    """
    whole = "-".join(names)
    if len(whole) <= LONGEST_NAME:
        return whole
    return f"{whole[: LONGEST_NAME - 9].rstrip('-')}-{sha256(whole.encode()).hexdigest()[:8]}"


def short(duration: Duration) -> str:
    """Write a duration as OpenSLO does: one number and one unit, in whole minutes at least.

    >>> short(Duration.parse("1h30m")), short(Duration.parse("30d"))
    ('90m', '30d')
    """
    for unit, length in _UNITS:
        if duration.milliseconds >= length and duration.milliseconds % length == 0:
            return f"{duration.milliseconds // length}{unit}"
    return f"{max(1, round(duration.milliseconds / 60_000))}m"


def _definition(workspace: Workspace, service: str) -> _Written:
    document = definition(workspace, "Service", service)
    return document.value if document is not None and isinstance(document.value, Mapping) else {}


def _inside(written: _Written, key: str) -> _Written:
    value = written.get(key)
    return value if isinstance(value, Mapping) else {}


def _json(value: _Written) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _fraction(written: Json) -> Decimal:
    """A percentage as the format has it; the reader has refused what is none."""
    text = str(written).strip()
    return Decimal(text.rstrip("% ")) / 100 if text.endswith("%") else Decimal(text)
