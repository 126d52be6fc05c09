"""Tests of a service's rules, as `tocsin test` runs them."""

from tocsin.spec.readers.burn_rate import tiers_of
from tocsin.spec.readers.node import Node, known_name
from tocsin.spec.readers.slo import period_of
from tocsin.spec.service import RuleTest, TestAlert, TestSeries
from tocsin.units import Duration

NO_TRAFFIC = "no-traffic"
_INTERVAL = Duration.of(minutes=1)
_NONE = Duration(0)


def read_test(node: Node, service: Node) -> RuleTest:
    """Read one test of *service*, the document's root."""
    return RuleTest(
        service=service["name"].text(),
        name=node["name"].text(),
        interval=node["interval"].duration(_INTERVAL),
        series=tuple(
            TestSeries(entry["series"].text(), entry["values"].text(), entry.span)
            for entry in node["series"].elements()
        ),
        expect=tuple(_expectation(entry, service) for entry in node["expect"].elements()),
        span=node["name"].span,
    )


def _expectation(node: Node, service: Node) -> TestAlert:
    _check_name(node["alert"], service)
    return TestAlert(
        at=node["at"].duration(_NONE, positive=False),
        alert=node["alert"].text(),
        firing=tuple(entry.labels() for entry in node["firing"].elements()),
        span=node["alert"].span,
    )


def _check_name(node: Node, service: Node) -> None:
    """The alert has to be one of the service's own: promtool says SUCCESS for a name that no rule has."""
    name = node.text()
    slo, colon, tier = name.partition(":")
    if not colon:
        alerts = service["alerts"].names()
        if name and name not in alerts:
            of_an_slo = f"for an SLO write {name}:fast" if name in service["slos"] else None
            node.report(
                "reference/unknown-alert",
                f"service {service['name'].text()} has no alert {name!r}",
                of_an_slo or known_name(name, alerts),
            )
    elif slo not in service["slos"]:
        slos = service["slos"].names()
        node.report(
            "reference/unknown-slo",
            f"service {service['name'].text()} has no SLO {slo!r}",
            known_name(slo, slos),
        )
    else:
        _check_tier(node, slo, tier, service["slos"][slo])


def _check_tier(node: Node, slo: str, tier: str, definition: Node) -> None:
    burn_rate = definition["burn_rate"]
    names = [known.name for known in tiers_of(burn_rate, period_of(definition))]
    if not names:  # the policy is wrong, and the schema says so
        return
    if tier == NO_TRAFFIC:
        if not definition["no_traffic"]["alert"].flag(default=True):
            node.report("reference/unknown-alert", f"the no-traffic alert of SLO {slo} is off")
    elif tier not in names:
        node.report(
            "reference/unknown-tier",
            f"SLO {slo} has no tier {tier!r}",
            known_name(tier, [*names, NO_TRAFFIC]),
        )
    elif tier in burn_rate["off"].texts():
        node.report("reference/unknown-tier", f"tier {tier} of SLO {slo} is off")
