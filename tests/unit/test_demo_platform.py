"""The simulated platform: traffic is one pure curve, so that history and live scrapes meet without a reset."""

import itertools
import math
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.demo.exporter import Exporter
from tocsin.demo.history import Stretch, openmetrics
from tocsin.demo.platform import Endpoints, SimulatedPlatform
from tocsin.demo.traffic import BUSY_DAY, DAY, Incident, Traffic, level, volume

START = 1_790_000_000.0
TIMES = st.floats(START, START + 10 * DAY, allow_nan=False)
COUNTERS = {"counter", "histogram"}


def exporter(platform: SimulatedPlatform, name: str) -> Exporter:
    """One of the platform's exporters."""
    return next(e for e in platform.exporters if e.name == name)


def counters(platform: SimulatedPlatform, at: float) -> dict[str, float]:
    """Every counter's value at *at*, by its name and labels."""
    return {
        f"{e.name} {series.name} {sorted(series.labels.items())}": series.value(e.moment(at, platform.incidents))
        for e in platform.exporters
        for family in e.families
        if family.type in COUNTERS
        for series in family.series
    }


@given(TIMES, st.floats(0, 3 * DAY))
def test_volume_is_the_integral_of_the_level(start: float, length: float) -> None:
    """A sum over steps shorter than any wave agrees with the closed form, so a counter's rate is the traffic."""
    steps = 200 + int(length / 20)
    step = length / steps
    summed = sum(level(BUSY_DAY, start + step * (i + 0.5)) for i in range(steps)) * step

    assert volume(BUSY_DAY, start, start + length) == pytest.approx(summed, rel=2e-3, abs=1e-3)


@given(TIMES)
def test_traffic_never_stops(at: float) -> None:
    """Without an incident there are always requests: quiet nights are not outages."""
    assert 0.4 < level(BUSY_DAY, at) < 1.6


@given(st.lists(TIMES, min_size=2, max_size=6), TIMES, st.floats(1, 900), st.booleans())
def test_counters_never_go_back(times: list[float], broken_at: float, lasting: float, repaired: bool) -> None:
    """Through incidents and repairs, at any resolution, no counter ever decreases."""
    platform = SimulatedPlatform(START)
    platform.incidents = (Incident(broken_at, broken_at + lasting if repaired else None, 1.5, 0.96),)
    seen = [counters(platform, at) for at in sorted(times)]

    assert [name for before, after in itertools.pairwise(seen) for name in before if after[name] < before[name]] == []


@given(TIMES, st.floats(0, 0.5))
def test_nothing_jumps_when_an_incident_begins_or_ends(at: float, moment: float) -> None:
    """History and live samples meet at any instant: an incident changes rates, not counts."""
    platform = SimulatedPlatform(START)
    before = counters(platform, at)
    platform.exhaust_connections(at)
    after = counters(platform, at + moment)
    platform.repair(at + moment)
    repaired = counters(platform, at + moment)

    assert after == repaired
    assert [name for name in before if after[name] - before[name] > 500 * moment + 2] == []


def test_the_steady_state_spends_a_part_of_the_budget() -> None:
    """Without incidents beCamera's errors use between a fifth and three fifths of 0.1 %."""
    load = Traffic(START, 42.0, 0.00038).load(START + 7 * DAY)

    assert 0.2 < load.failed / load.total / 0.001 < 0.6


def test_an_incident_multiplies_traffic_and_fails_its_share() -> None:
    """A minute at 1.5 times the traffic with 96 % errors adds what arithmetic says."""
    traffic = Traffic(START, 10.0, 0.0, waves=())
    load = traffic.load(START + 120, (Incident(START + 60, None, 1.5, 0.96),))

    assert [load.total, load.failed, load.stuck] == pytest.approx([1500.0, 864.0, 864.0])


def test_only_the_camera_and_its_database_notice() -> None:
    """The fault is MySQL's connections: threads are at the maximum, beCamera fails, beAuth does not."""
    platform = SimulatedPlatform(START)
    at = START + DAY
    calm = exporter(platform, "mysql").exposition(at, platform.incidents)
    platform.exhaust_connections(at - 60)
    broken = exporter(platform, "mysql").exposition(at, platform.incidents)

    assert "mysql_global_status_threads_connected 151" in broken
    assert "mysql_global_status_threads_connected 151" not in calm
    assert exporter(platform, "be-auth").exposition(at, ()) == exporter(platform, "be-auth").exposition(
        at, platform.incidents
    )
    assert exporter(platform, "be-camera").exposition(at, ()) != exporter(platform, "be-camera").exposition(
        at, platform.incidents
    )


@given(TIMES, TIMES)
def test_histograms_are_cumulative_and_agree_with_their_count(broken_at: float, at: float) -> None:
    """Buckets rise with `le`, and the last one is the count."""
    platform = SimulatedPlatform(START)
    platform.incidents = (Incident(broken_at, None, 1.5, 0.96),)
    camera = exporter(platform, "be-camera")
    moment = camera.moment(at, platform.incidents)
    (family,) = [f for f in camera.families if f.name == "http_request_duration_seconds"]
    buckets: dict[str, list[float]] = {}
    for series in family.series:
        if series.name.endswith("_bucket"):
            buckets.setdefault(series.labels["route"], []).append(series.value(moment))
    counts = {s.labels["route"]: s.value(moment) for s in family.series if s.name.endswith("_count")}

    assert all(sorted(values) == values for values in buckets.values())
    assert counts == {route: values[-1] for route, values in buckets.items()}


def test_history_carries_the_labels_of_a_live_scrape_and_every_value() -> None:
    """Each instant holds every series with job and instance, and the `up` of its scrape."""
    platform = SimulatedPlatform(START)
    addresses = {e.name: f"127.0.0.1:{4000 + i}" for i, e in enumerate(platform.exporters)}
    lines = "".join(openmetrics(platform, addresses, [START + 60, START + 120])).splitlines()

    assert lines[-1] == "# EOF"
    assert 2 * sum(1 + len(list(e.series())) for e in platform.exporters) == len(lines) - 1
    assert f'up{{job="be-camera",instance="127.0.0.1:4000"}} 1 {int(START) + 60}' in lines
    assert f'user_count{{job="be-camera",instance="127.0.0.1:4000"}} {840 * level(BUSY_DAY, START + 120) // 1:.0f}' in {
        line.rpartition(" ")[0] for line in lines
    }


def test_history_ends_exactly_now_and_begins_not_before_its_start() -> None:
    """The last instant is the end, so that no gap opens before the first live scrape."""
    instants = list(Stretch(START, START + 3_599, 60).instants())

    assert (instants[0], instants[-1], len(instants)) == (START + 59, START + 3_599, 60)


@pytest.mark.real
def test_endpoints_serve_what_prometheus_reads() -> None:
    """Every exporter answers on its own free port with samples as of the clock."""
    platform = SimulatedPlatform(START)
    with Endpoints(platform, clock=lambda: START + DAY) as endpoints:
        bodies = {}
        for e in platform.exporters:
            with urllib.request.urlopen(f"http://{endpoints.address(e.name)}/metrics", timeout=5) as response:
                bodies[e.name] = response.read().decode()

    assert bodies == {e.name: e.exposition(START + DAY, ()) for e in platform.exporters}
    assert all(math.isfinite(float(line.rpartition(" ")[2])) for line in bodies["redis"].splitlines() if line[0] != "#")
