"""Look and turn, tick by tick, over traffic whose every window is known exactly."""

import pytest
from tests.fakes import Stretch, Traffic
from tests.worlds import DAY, FIRED, KEPT, RESOLVED, START, incident, seconds, world

from tocsin.evaluate.model import Phase, Truth


class TestBurnRates:
    """The closed forms of multi-window burn-rate alerts, observed on a grid of 15 s."""

    @pytest.mark.parametrize(
        ("errors", "length", "fires", "clears"),
        [
            (1.0, 300, 0.864, 9.928),
            (0.15, 600, 5.76, 14.52),
            (0.5, 600, 1.728, 14.856),
            (0.02, 3_600, 43.2, 61.4),
        ],
    )
    def test_page_in_the_exact_minute(self, errors: float, length: float, fires: float, clears: float) -> None:
        """The page comes with the first tick after the closed form's exact minute; the end, ten minutes after its."""
        there = world(*incident(errors, length))
        there.run(-60, 75 * 60)

        times = [second for second, _ in there.told("shop/uptime:fast")]
        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED, RESOLVED]
        assert [_next_tick(fires * 60), _next_tick(clears * 60) + KEPT] == times

    def test_the_end_names_the_rate_that_ended_it(self) -> None:
        """The long window is still far above its threshold then; "back to 83x" would be nonsense."""
        there = world(*incident(0.5, 600))
        there.run(-60, 1_500)
        [over] = [event for _, rule, event in there.happened if rule.endswith(":fast") and event.kind is RESOLVED]

        assert over.reason.startswith("burn rate is back to ")
        assert over.reason.endswith("x over 5m")
        assert float(over.reason.removeprefix("burn rate is back to ").removesuffix("x over 5m")) < 14.4

    def test_short_incident_is_silent(self) -> None:
        """15 % for 5 minutes stay below 2 % of the budget: nobody is woken up."""
        there = world(*incident(0.15, 300))
        there.run(-60, 3_600)

        assert there.told("shop/uptime:fast") == []

    def test_dropped_traffic(self) -> None:
        """When an outage takes nine tenths of the traffic along, the page comes at 7.65 min, not at 0.86."""
        there = world(*incident(1.0, 1_200, rate=1))
        there.run(-60, 1_200)

        assert (_next_tick(7.6487252125 * 60), FIRED) == there.told("shop/uptime:fast")[0]

    def test_slower_tiers(self) -> None:
        """1 % never pages by the fast tier, and by the steady one after 216 min (exactly there is not above)."""
        there = world(*incident(0.01, 5 * 3_600))
        there.run(0, 15_000, step=60)

        assert there.told("shop/uptime:fast") == []
        assert there.told("shop/uptime:steady") == [(216 * 60 + 60, FIRED)]

    def test_cold_start(self) -> None:
        """2 % from the first request on page after 44 min, as for an old service, not with the first sample."""
        there = world(Stretch(0, DAY, 10, 0.02))
        there.run(15, 3_600)

        [(second, kind)] = there.told("shop/uptime:fast")
        assert kind is FIRED
        assert 43 * 60 <= second <= 45 * 60

    def test_cold_outage(self) -> None:
        """A new service that fails from its first request on pages within two minutes."""
        there = world(Stretch(0, DAY, 10, 1.0))
        there.run(15, 300)

        [(second, kind)] = there.told("shop/uptime:fast")
        assert kind is FIRED
        assert second <= 120

    def test_low_traffic_gap_keeps_the_page(self) -> None:
        """When requests stop in the middle of an incident, 0/0 does not resolve it."""
        there = world(Stretch(-40 * DAY, 0, 10), Stretch(0, 600, 10, 1.0), Stretch(5_000, 9_000, 10))
        there.run(-60, 3_000)

        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED]
        assert there.view("shop/uptime:fast").blind_since is not None

        there.run(3_000, 5_700)
        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED, RESOLVED]

    def test_message(self) -> None:
        """The page names service, objective, burn rate, budget left, and since when."""
        there = world(*incident(0.15, 3_600))
        there.run(-60, 600)
        view = there.view("shop/uptime:fast")

        facts = dict(view.facts)
        assert (view.service, view.severity, view.phase) == ("shop", "critical", Phase.FIRING)
        assert facts["SLO"] == "shop/uptime 99.9% over 30d"
        assert facts["burn rate"] == "25x over 1h, 150x over 5m (pages at 14.4x)"
        assert facts["error ratio"] == "2.5% over 1h, 15% over 5m"
        assert facts["budget left"] == "96.5%"
        assert facts["budget exhausted in"] == "4h 38m at 150x"
        assert view.started_at == START + seconds(360)
        assert (
            dict(view.labels).items()
            >= {
                "service": "shop",
                "slo": "uptime",
                "tier": "fast",
                "severity": "critical",
                "ref": "shop/uptime",
                "alertname": "ErrorBudgetBurn",
            }.items()
        )

    def test_status(self) -> None:
        """The status carries counts, burn rates and state."""
        there = world(*incident(1.0, 300))
        there.run(-60, 240)
        assert there.last is not None
        [slo] = there.last.snapshot.slos

        assert slo.state == "burning"
        assert slo.total == pytest.approx(30 * DAY * 10)
        assert slo.used == pytest.approx(2_400, abs=600)
        assert slo.remaining == pytest.approx(1 - slo.used / slo.allowed)  # type: ignore[operator]
        assert [b.truth for b in slo.burns] == [Truth.TRUE, Truth.TRUE, Truth.FALSE, Truth.FALSE]


class TestNoTraffic:
    """The request counter stops: burn rates know nothing, so somebody must be told."""

    @pytest.mark.parametrize("gone", [0.0, float("inf")])
    def test_counter_stops(self, gone: float) -> None:
        """A counter that stops or is gone fires after `for`, and resolves ten minutes after the first requests."""
        there = world(Stretch(-40 * DAY, 0, 10), Stretch(3_600, 7_200, 10), gone=float("inf"))
        there.source.traffic["shop"].gone = gone
        there.run(-60, 3_500)
        there.source.traffic["shop"].gone = float("inf")
        there.run(3_500, 4_300)

        told = there.told("shop/uptime:no-traffic")
        assert [kind for _, kind in told] == [FIRED, RESOLVED]
        assert 300 + 600 <= told[0][0] <= 300 + 600 + 30
        assert told[1][0] <= 3_630 + KEPT

    def test_never_seen(self) -> None:
        """A service that never had traffic does not fire."""
        there = world()
        there.run(0, 3_600, step=60)

        assert there.told("shop/uptime:no-traffic") == []

    def test_quiet_service(self) -> None:
        """Ten requests an hour: a pause of ten minutes is chance, a pause of hours is not."""
        there = world(Stretch(-40 * DAY, 0, 10 / 3_600))
        there.run(-60, 4 * 3_600, step=60)

        [(second, kind)] = there.told("shop/uptime:no-traffic")
        assert kind is FIRED
        assert 3_600 < second < 4 * 3_600

    def test_a_day_of_silence(self) -> None:
        """A counter that stood still for a whole day is that of a service out of use: the alert ends, and says so."""
        there = world(Stretch(-40 * DAY, 0, 10))
        there.run(-60, 2_000)
        there.run(2_000, DAY - 1_200, step=600)
        there.run(DAY - 1_200, DAY + 1_800, step=60)

        told = there.told("shop/uptime:no-traffic")
        assert [kind for _, kind in told] == [FIRED, RESOLVED]
        assert DAY - 600 <= told[1][0] <= DAY + 1_800
        [over] = [event for _, rule, event in there.happened if rule.endswith(":no-traffic") and event.kind is RESOLVED]
        assert over.reason == "no traffic in the last 1d: it counts as out of use"

    def test_a_counter_that_is_gone_resolves_nothing(self) -> None:
        """When the series are gone for days nobody could look: the alert stays open."""
        there = world(Stretch(-40 * DAY, 0, 10), gone=0)
        there.run(-60, 2_000)
        there.run(2_000, 3 * DAY, step=600)

        assert [kind for _, kind in there.told("shop/uptime:no-traffic")] == [FIRED]

    def test_a_source_that_lost_its_data_resolves_nothing(self) -> None:
        """A counter that is there again and stands still says nothing of the day before."""
        there = world(Stretch(-40 * DAY, 0, 10))
        there.run(-60, 2_000)
        there.source.traffic["shop"] = Traffic(START, (Stretch(2_000, 2_000, 0),))
        there.run(2_000, DAY / 2, step=600)

        assert [kind for _, kind in there.told("shop/uptime:no-traffic")] == [FIRED]


def _next_tick(second: float) -> float:
    """The first tick of the grid after *second*: an exact tie is not above a strict threshold yet."""
    return (second // 15 + 1) * 15
