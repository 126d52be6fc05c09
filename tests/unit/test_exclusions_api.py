"""The trail of exclusions over the API and on the page of an objective."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from tests import builders, snapshots
from tests.contracts import contract, measure
from tests.sites import Site, standing

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.adapters.ledger_trail import SqlTrail
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.service.api import Desk
from tocsin.service.app import create_app
from tocsin.spec import Exclusion

NOW = snapshots.NOW
DAY = timedelta(days=1)
MAINTENANCE, NETWORK = (
    Exclusion(NOW - days * DAY, NOW - days * DAY + timedelta(hours=2), reason, treat, builders.SPAN)
    for days, reason, treat in ((9, "agreed <maintenance>", "remove"), (3, "their network", "good"))
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An objective with an exclusion that holds and one that was withdrawn, and a contract with one in two months."""
    with (
        standing(tmp_path) as site,
        closing(LedgerStore(str(tmp_path / "state.db"))) as ledger,
        closing(SqlTrail(str(tmp_path / "state.db"))) as trail,
    ):
        slo = replace(builders.slo("uptime"), exclusions=(MAINTENANCE,))
        both = [Excluded(MAINTENANCE, 1200.0, 0.0, 60.5), Excluded(NETWORK, 0.0, 900.0, 45.0)]
        ledger.record_objective("shop/uptime", both, (MAINTENANCE, NETWORK), NOW - 2 * DAY)
        ledger.record_objective("shop/uptime", both[:1], (MAINTENANCE,), NOW - DAY)
        for month in (NOW - 30 * DAY, NOW - 60 * DAY):
            ledger.record("gold", month, [Taken(MAINTENANCE, 7_200_000, 0, Fraction(90_500))], NOW)
        slas = (contract(measure("minutes")),)
        site.board.update(workspace=replace(builders.workspace(builders.service(slos=(slo,))), slas=slas))
        desk = Desk(site.board, site.store, site.source, site.clock, trail=trail.of)
        yield replace(site, app=create_app(desk, site.telemetry, version="0.1.0"))


def test_of_an_objective(site: Site) -> None:
    """What each took, since when it is applied, and until when."""
    found = site.get("/api/v1/slos/shop/uptime/exclusions")
    one, gone = found["exclusions"]

    assert (found["of"], found["unit"]) == ("shop/uptime", "events")
    assert (one["removed"], one["spared"], one["withdrawnAt"], one["period"]) == (1200, 60.5, None, None)
    assert (gone["forgiven"], gone["reason"], gone["treat"]) == (900, "their network", "good")
    assert gone["withdrawnAt"] == (NOW - DAY).isoformat().replace("+00:00", "Z")


def test_of_a_contract(site: Site) -> None:
    """Period by period, in seconds."""
    found = site.get("/api/v1/slas/gold/exclusions")

    assert found["unit"] == "seconds"
    assert [(one["removed"], one["spared"]) for one in found["exclusions"]] == [(7200, 90.5)] * 2
    assert [one["period"] for one in found["exclusions"]] == sorted(one["period"] for one in found["exclusions"])


@pytest.mark.parametrize(
    ("path", "hint"),
    [("slos/shop/uptme", "did you mean 'shop/uptime'?"), ("slas/gld", "did you mean 'gold'?")],
)
def test_what_is_not_there(site: Site, path: str, hint: str) -> None:
    """A 404 that says what may have been meant."""
    assert site.get(f"/api/v1/{path}/exclusions", 404)["error"]["hint"] == hint


def test_on_the_page(site: Site) -> None:
    """What is agreed, with since when; what was withdrawn, with until when; and who knows nothing of either."""
    page = site.ask("/slos/shop/uptime").text

    assert "agreed &lt;maintenance&gt;" in page
    assert f"since {NOW - 2 * DAY:%Y-%m-%d %H:%M} UTC" in page
    assert f"{NOW - 2 * DAY:%Y-%m-%d %H:%M} to {NOW - DAY:%Y-%m-%d %H:%M} UTC" in page
    assert "know nothing of exclusions" in page
    assert '<td data-label="Taken" class="num">1200</td>' in page  # no budget is told, so this is what the trail says
