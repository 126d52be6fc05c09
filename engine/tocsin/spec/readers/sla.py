"""SLA: a document to a contract, its exclusions in UTC."""

from tocsin.diagnostics import Severity
from tocsin.spec.readers.clock import read_zone
from tocsin.spec.readers.exclusion import Codes, read_exclusions
from tocsin.spec.readers.node import Node, Reference
from tocsin.spec.readers.sla_measure import read_measure
from tocsin.spec.readers.slo import read_target
from tocsin.spec.sla import CreditTier, Sla


def read_sla(node: Node) -> Sla | None:
    """Read one SLA document; None where it does not say what it covers, how much is promised, or in which zone."""
    zone, target, covers = (
        read_zone(node["period"]["timezone"], "sla/timezone"),
        read_target(node["target"]),
        node["covers"].text(),
    )
    if covers.count("/") == 1:  # the schema tells about any other form
        node.notes.references.append(Reference("slo", covers, node["covers"].span))
    measure, notify, tiers = read_measure(node["measure"], zone), node["notify"].channels(), _credits(node["credits"])
    if target is not None and tiers and tiers[0].below > target:
        node.report(
            "sla/credits",
            f"this credit is due although the target of {node['target'].value} is met",
            "a first tier below the target itself is usual",
            span=tiers[0].span,
            severity=Severity.WARNING,
        )
    exclusions = read_exclusions(node["exclusions"], zone, Codes("sla/time", "sla/exclusion"))
    if target is None or not covers or zone is None:
        return None
    return Sla(
        name=node["name"].text(),
        title=node["title"].text(node["name"].text()),
        customer=node["customer"].text(),
        covers=covers,
        covers_span=node["covers"].span,
        target=target,
        calendar=node["period"]["calendar"].text("month"),
        timezone=zone.key,
        measure=measure,
        exclusions=exclusions,
        credits=tiers,
        notify=notify,
        span=node["name"].span,
    )


def _credits(node: Node) -> tuple[CreditTier, ...]:
    """The tiers as written; each is for a worse uptime than the one before it, and gives more."""
    tiers: list[CreditTier] = []
    for entry in node.elements():
        below, credit = entry["below"].ratio(), entry["credit"].ratio()
        for key, value in (("below", below), ("credit", credit)):
            if value is not None and not 0 < value <= 1:
                entry[key].report(
                    "sla/credits", f"{key} is {entry[key].value}, but has to be above 0% and at most 100%"
                )
        if below is None or credit is None:
            continue
        tier = CreditTier(below, credit, entry.span)
        if tiers and (below >= tiers[-1].below or credit <= tiers[-1].credit):
            entry.report(
                "sla/credits",
                "credits are not in order: each tier is for less uptime than the one before it, and gives back more",
                "sort them from the smallest miss to the worst",
                related=((tiers[-1].span, "the tier before it"),),
            )
        tiers.append(tier)
    return tuple(tiers)
