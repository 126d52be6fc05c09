"""Inhibitions between the tiers of one objective."""

from dataclasses import replace

from tests import builders

from tocsin.plan import plan
from tocsin.spec import Slo
from tocsin.windows import WORKBOOK


def pairs(*slos: Slo) -> list[tuple[str, str, tuple[str, ...]]]:
    """The tiers that silence others, and what has to be equal."""
    planned, _ = plan(builders.workspace(builders.service(slos=slos)))
    return [(dict(i.source)["tier"], dict(i.target)["tier"], i.equal) for i in planned.inhibitions]


def test_a_faster_tier_silences_slower_ones() -> None:
    """All objectives of one policy share the same six inhibitions."""
    equal = ("service", "slo")

    assert pairs(builders.slo("a"), builders.slo("b")) == [
        ("fast", "slow", equal),
        ("fast", "steady", equal),
        ("fast", "trickle", equal),
        ("slow", "trickle", equal),
        ("steady", "slow", equal),
        ("steady", "trickle", equal),
    ]


def test_a_ticket_never_silences_a_page() -> None:
    """However fast the ticket is."""
    fast = replace(WORKBOOK[0], severity="ticket")

    assert pairs(builders.slo(tiers=(fast, WORKBOOK[1]))) == []


def test_a_tier_that_cannot_fire_silences_nothing() -> None:
    """At 90 % the fast tier is left out."""
    assert "fast" not in {source for source, _, _ in pairs(builders.slo(target="0.9"))}


def test_an_objective_with_the_opposite_order_is_named() -> None:
    """Two policies that use the same names the other way round do not silence each other's alerts."""
    fast, steady = WORKBOOK[0], WORKBOOK[1]
    swapped = (replace(fast, name="steady"), replace(steady, name="fast"))
    planned, _ = plan(
        builders.workspace(
            builders.service(slos=(builders.slo("a", tiers=(fast, steady)), builders.slo("b", tiers=swapped)))
        )
    )

    assert [(dict(i.source)["ref"], dict(i.source)["tier"]) for i in planned.inhibitions] == [
        ("shop/a", "fast"),
        ("shop/b", "steady"),
    ]


def test_a_divided_objective_does_not_lose_pages_beside_an_undivided_one() -> None:
    """One value's fast tier leaves the slower page of another value alone, whatever other objectives there are."""
    mixed = pairs(builders.slo("a"), builders.slo("b", sli=replace(builders.AVAILABILITY, by=("route",))))

    assert {equal for _, _, equal in mixed} == {("service", "slo", "route")}
    assert len(mixed) == 6
