"""SLOs: objectives of a service."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tocsin.guards import EVERY_GUARD, MIN_BAD_EVENTS, Guards
from tocsin.ports import labels_of
from tocsin.schema.words import did_you_mean
from tocsin.sli import Sli, SlicedSli, guarded
from tocsin.spec.readers.burn_rate import chosen_tiers
from tocsin.spec.readers.exclusion import Codes, read_exclusions
from tocsin.spec.readers.node import Node, known_name
from tocsin.spec.readers.raw import read_labels, read_raw
from tocsin.spec.service import CALENDAR_UNITS, Calendar, NoTraffic, Raw, Slo
from tocsin.units import Duration

_WINDOW = Duration.of(days=30)
_NO_TRAFFIC = Duration.of(minutes=10)
_USUAL = NoTraffic(alert=True, for_=_NO_TRAFFIC, reason=None)
_OWN = frozenset({"alertname", "part", "ref", "service", "severity", "slo", "tier"})
"""Labels that say what an alert is; a group cannot be told by them."""
_SLICE = Duration.of(minutes=1)
_NOTHING_RAW = Raw()
_EXCLUSION = Codes(time="slo/time", ends="slo/exclusion")
_SLICED = {"timeslices", "ratio-timeslices"}


def read_slo(node: Node, service: str, slis: Mapping[str, Sli], known: Iterable[str]) -> Slo | None:
    """Read one SLO; None where target, window or SLI cannot be told. *known* are also the SLIs that are wrong."""
    sli_name = node["sli"].text()
    if sli_name and sli_name not in set(known):
        node["sli"].report(
            "reference/unknown-sli",
            f"SLI {sli_name!r} is not defined in service {service}",
            known_name(sli_name, known) or "define it below slis",
            meant=known,
        )
    target, calendar = read_target(node["target"]), _calendar(node["window"])
    window = calendar.nominal if calendar else node["window"].duration_or_none(_WINDOW)
    tiers, no_traffic = chosen_tiers(node["burn_rate"], window or _WINDOW), _no_traffic(node["no_traffic"])
    page, ticket = node["page"].channels(), node["ticket"].channels()
    by = _group_by(node["group_by"])
    guards = _guards(node["guards"])
    exclusions = read_exclusions(node["exclusions"], ZoneInfo(calendar.timezone if calendar else "UTC"), _EXCLUSION)
    labels, page_raw, ticket_raw = read_labels(node["labels"], _OWN | set(by)), *_raw(node["prometheus"], by)
    if target is None or window is None or sli_name not in slis:
        return None
    sli = guarded(slis[sli_name], missing_errors=guards.missing_errors, new_series=guards.new_series)
    if by:
        sli = replace(sli, by=by)  # type: ignore[type-var]  # every kind is a dataclass
    return Slo(
        service=service,
        name=node.name,
        sli_name=sli_name,
        sli=_sliced(sli, node),
        target=target,
        window=window,
        tiers=tiers,
        page=page,
        ticket=ticket,
        no_traffic=no_traffic,
        description=node["description"].text().strip(),
        runbook=node["runbook"].text_or_none(),
        span=node.key_span,
        target_span=node["target"].span,
        calendar=calendar,
        guards=guards,
        formerly=node["formerly"].refs(service),
        labels=labels,
        raw_page=page_raw,
        raw_ticket=ticket_raw,
        exclusions=exclusions,
    )


def _raw(node: Node, by: tuple[str, ...]) -> tuple[Raw, Raw]:
    """What pages and tickets get as it is: what is said for both, and above it what is said for one of them."""
    if node.value is None:
        return _NOTHING_RAW, _NOTHING_RAW
    identity = (_OWN - {"severity"}) | set(by)
    both = read_raw(node, identity)
    return _above(both, read_raw(node["page"], identity)), _above(both, read_raw(node["ticket"], identity))


def _above(both: Raw, own: Raw) -> Raw:
    labels, annotations = dict(both.labels) | dict(own.labels), dict(both.annotations) | dict(own.annotations)
    return Raw(labels_of(labels), labels_of(annotations))


def period_of(node: Node) -> Duration:
    """The length of an objective's period, for what depends on it; the default where it is wrong."""
    unit = node["window"]["calendar"].text()
    return CALENDAR_UNITS.get(unit) or node["window"].duration(_WINDOW)


def read_target(node: Node) -> Decimal | None:
    """Read a target; None where it leaves no error budget or asks for nothing."""
    target = node.ratio()
    if target is None or 0 < target < 1:
        return target
    if target == 1:
        message, hint = f"target {node.value} leaves no error budget, so its alert can never be right", "write 99.9%"
    elif target > 1:
        message = f"target {node.value} is above 100%"
        hint = f"did you mean {node.value}%?" if target < 100 and "%" not in str(node.value) else "write 99.9%"
    else:
        message, hint = f"target {node.value} promises nothing; it has to be above 0%", "write 99.9%"
    node.report("slo/target", message, hint)
    return None


def _group_by(node: Node) -> tuple[str, ...]:
    for entry in node.elements():
        if entry.text() in _OWN:
            message = f"label {entry.text()!r} is set by Tocsin, so an objective cannot be divided by it"
            entry.report("slo/group-by", message, "rename it in the series with label_replace(), or leave it out")
        elif entry.text() == "le":
            entry.report("slo/group-by", "le is the bound of a bucket; the buckets of a histogram are one objective")
    return tuple(sorted(set(node.texts()) - _OWN - {"le"}))


def _no_traffic(node: Node) -> NoTraffic:
    if node.value is None:
        return _USUAL
    alert, reason = node["alert"].flag(default=True), node["reason"].text_or_none()
    if not alert and not (reason or "").strip():
        node["alert"].report(
            "slo/no-traffic-reason",
            "without this alert a service that stops counting requests looks healthy; switching it off needs a reason",
            "add a reason beside it",
        )
    return NoTraffic(alert, node["for"].duration(_NO_TRAFFIC, positive=False), reason)


def _calendar(node: Node) -> Calendar | None:
    """A calendar period; None for a rolling window."""
    if not isinstance(node.value, Mapping):
        return None
    name = node["timezone"].text("UTC")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database is an OSError
        node["timezone"].report(
            "slo/timezone",
            f"{name!r} is not in the IANA time zone database",
            did_you_mean(name, available_timezones()) or "write a name such as Asia/Ho_Chi_Minh or UTC",
        )
        name = "UTC"
    unit = node["calendar"].text("month")
    return Calendar(unit if unit in CALENDAR_UNITS else "month", name)  # the schema tells about any other


def _sliced(sli: Sli, node: Node) -> Sli:
    """The SLI counted in slices of time, where the objective is budgeted so."""
    budgeting = node["budgeting"].text("occurrences")
    for key in ("slice", "empty_slices", "slice_target"):
        if key in node and budgeting not in _SLICED:
            node[key].report(
                "slo/budgeting",
                f"{key} is for slices of time, and this objective counts events",
                "add budgeting: timeslices, or remove it",
                span=node[key].key_span,
            )
    if budgeting not in _SLICED:
        return sli
    target = node["slice_target"].ratio() if budgeting == "timeslices" else None
    if budgeting == "timeslices" and target is None and "slice_target" not in node:
        node["budgeting"].report(
            "slo/budgeting", "timeslices need the part of events that makes a slice good", "add slice_target: 95%"
        )
    if budgeting == "ratio-timeslices" and "slice_target" in node:
        node["slice_target"].report(
            "slo/budgeting", "a slice of ratio-timeslices is bad by its error ratio, and has no target", "remove it"
        )
    return SlicedSli(sli, node["slice"].duration(_SLICE), target, node["empty_slices"].text("ignore"))


def _guards(node: Node) -> Guards:
    """Which guards are on; one that is off without a reason is a finding, and is off."""
    if node.value is None:
        return EVERY_GUARD
    off, reasons = set(), {}
    for entry in node.entries():
        if not entry["enabled"].flag(default=True):
            off.add(entry.name)
            reasons[entry.name] = entry["reason"].text().strip()
            if not reasons[entry.name]:
                entry.report(
                    "slo/guard-reason",
                    f"guard {entry.name} is there because rules without it stay silent or page falsely; "
                    "switching it off needs a reason",
                    "add a reason beside it",
                    span=entry.key_span,
                )
    low = node["low_traffic"]
    significance = low["significance"].ratio()
    if significance is not None and not 0 < significance < Decimal("0.5"):
        low["significance"].report("slo/significance", "a significance is above 0 and below 0.5", "write 0.001")
        significance = None
    return Guards(
        cold_start="cold_start" not in off,
        missing_errors="missing_errors" not in off,
        new_series="new_series" not in off,
        min_bad_events=0 if "low_traffic" in off else low["min_bad_events"].whole(MIN_BAD_EVENTS),
        significance=None if "low_traffic" in off else significance,
        flapping="flapping" not in off,
        keep_firing_for=node["flapping"]["keep_firing_for"].duration_or_none(positive=False),
        reasons=tuple(sorted(reasons.items())),
    )
