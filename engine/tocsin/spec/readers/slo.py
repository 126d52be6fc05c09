"""SLOs: objectives of a service."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from tocsin.sli import Sli
from tocsin.spec.readers.node import Node, known_name
from tocsin.spec.service import NoTraffic, Slo
from tocsin.units import Duration
from tocsin.windows import POLICIES, Tier

_WINDOW = Duration.of(days=30)
_NO_TRAFFIC = Duration.of(minutes=10)
_OWN = frozenset({"alertname", "ref", "service", "severity", "slo", "tier"})
"""Labels that say what an alert is; a group cannot be told by them."""


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
    target, window = read_target(node["target"]), node["window"].duration_or_none(_WINDOW)
    tiers, no_traffic = _tiers(node["burn_rate"]), _no_traffic(node["no_traffic"])
    page, ticket = node["page"].channels(), node["ticket"].channels()
    by = _group_by(node["group_by"])
    if target is None or window is None or sli_name not in slis:
        return None
    return Slo(
        service=service,
        name=node.name,
        sli_name=sli_name,
        sli=replace(slis[sli_name], by=by) if by else slis[sli_name],  # type: ignore[type-var]
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
    )


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


def known_tiers(node: Node) -> tuple[Tier, ...]:
    """The tiers of the policy that *node*, a `burn_rate`, names."""
    return POLICIES.get(node["policy"].text("workbook"), ())


def _group_by(node: Node) -> tuple[str, ...]:
    for entry in node.elements():
        if entry.text() in _OWN:
            message = f"label {entry.text()!r} is set by Tocsin, so an objective cannot be divided by it"
            entry.report("slo/group-by", message, "rename it in the series with label_replace(), or leave it out")
        elif entry.text() == "le":
            entry.report("slo/group-by", "le is the bound of a bucket; the buckets of a histogram are one objective")
    return tuple(sorted(set(node.texts()) - _OWN - {"le"}))


def _tiers(node: Node) -> tuple[Tier, ...]:
    tiers = known_tiers(node)
    names = [tier.name for tier in tiers]
    for entry in node["off"].elements():
        if tiers and entry.text() and entry.text() not in names:
            entry.report(
                "reference/unknown-tier",
                f"the policy has no tier {entry.text()!r}",
                known_name(entry.text(), names),
                meant=names,
            )
    off = node["off"].texts()
    return tuple(tier for tier in tiers if tier.name not in off)


def _no_traffic(node: Node) -> NoTraffic:
    alert, reason = node["alert"].flag(default=True), node["reason"].text_or_none()
    if not alert and not (reason or "").strip():
        node["alert"].report(
            "slo/no-traffic-reason",
            "without this alert a service that stops counting requests looks healthy; switching it off needs a reason",
            "add a reason beside it",
        )
    return NoTraffic(alert, node["for"].duration(_NO_TRAFFIC, positive=False), reason)
