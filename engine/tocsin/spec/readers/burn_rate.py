"""Burn-rate policies and tiers: those that are built in, those of the platform, and those of one objective."""

from collections.abc import Mapping

from tocsin.spec.readers.node import Node, known_name
from tocsin.units import Duration
from tocsin.windows import POLICIES, Policy, Tier

DEFAULT = "workbook"
_TAKEN = frozenset({"burn", "no-traffic"})
"""Behind a colon they name other alerts: `shop/uptime:no-traffic`."""
_SHORTER = 12
"""A short window that is not given: a twelfth of the long one, as in the workbook."""


def read_policies(node: Node) -> Mapping[str, Policy]:
    """The policies of a Platform document, by name; *node* is its `burn_rates`."""
    found = {}
    for entry in node.entries():
        if entry.name in POLICIES:
            entry.report(
                "slo/policy",
                f"{entry.name!r} is a policy that Tocsin has already",
                "give it another name",
                span=entry.key_span,
            )
        found[entry.name] = Policy(entry["source"].text(), {Duration.of(days=30): read_tiers(entry["tiers"])})
    return found


def read_tiers(node: Node) -> tuple[Tier, ...]:
    """The tiers of a list; one with a mistake is left out."""
    tiers: dict[str, Tier] = {}
    for entry in node.elements():
        tier = _tier(entry)
        if tier is None:
            continue
        if tier.name in _TAKEN:
            entry["name"].report(
                "slo/tier", f"{tier.name} is what another alert of an objective is called", "give it another name"
            )
        if tier.name in tiers:
            entry["name"].report("slo/tier", f"two tiers are called {tier.name!r}", "give one of them another name")
        tiers.setdefault(tier.name, tier)
    return tuple(tiers.values())


def _tier(node: Node) -> Tier | None:
    share, long = node["budget"].ratio(), node["long"].duration_or_none()
    keep = node["keep_firing_for"].duration_or_none(positive=False)
    notify = node["notify"].channels()
    if share is None or long is None or not node["name"].text():
        return None
    shorter = Duration(max(60_000, long.milliseconds // _SHORTER // 1000 * 1000))
    short = node["short"].duration_or_none(shorter)
    if short is None:
        return None
    if not 0 < share <= 1:
        node["budget"].report(
            "slo/tier", f"a tier spends a part of the budget, and {node['budget'].value} is none", "write 2%"
        )
        return None
    if short >= long:
        node["short"].report(
            "slo/tier",
            f"the short window of {short} is not shorter than the long one of {long}",
            f"a twelfth of the long window is usual: {shorter}",
        )
        return None
    return Tier(node["name"].text(), node["severity"].text("page"), share, long, short, keep, notify)


def tiers_of(node: Node, period: Duration) -> tuple[Tier, ...]:
    """All tiers that *node*, a `burn_rate`, names for an objective over *period*, those that are off among them."""
    if "tiers" in node:
        return read_tiers(node["tiers"])
    policy = _known(node).get(node["policy"].text(DEFAULT))
    return policy.tiers(period) if policy else ()


def chosen_tiers(node: Node, period: Duration) -> tuple[Tier, ...]:
    """The tiers that are on; what is named and does not exist is a finding."""
    known = _known(node)
    name = node["policy"].text(DEFAULT)
    if name not in known:
        node["policy"].report(
            "reference/unknown-policy",
            f"no burn-rate policy is called {name!r}",
            known_name(name, known),
            meant=known,
        )
    if "tiers" in node and "policy" in node:
        node["policy"].report("slo/policy", "an objective has a policy or tiers of its own, not both", "keep one")
    tiers = tiers_of(node, period)
    if "off" not in node:
        return tiers
    off = node["off"].texts()
    names = [tier.name for tier in tiers]
    others = () if "tiers" in node or name not in known else known[name].names
    for entry in node["off"].elements():
        if tiers and entry.text() and entry.text() not in {*names, *others}:
            entry.report(
                "reference/unknown-tier",
                f"the policy has no tier {entry.text()!r}",
                known_name(entry.text(), names),
                meant=names,
            )
    return tuple(tier for tier in tiers if tier.name not in off)


def _known(node: Node) -> Mapping[str, Policy]:
    return {**POLICIES, **node.notes.policies}
