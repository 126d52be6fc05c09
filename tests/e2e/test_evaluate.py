"""The evaluator over a real Prometheus with a month of history: every SLI kind, journeys, contracts, thresholds.

Samples come once a minute and so do ticks; expected minutes are those of a replica of Prometheus 2's `rate`.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests import builders
from tests.backfilled import backfilled

from tocsin.adapters.prometheus_http import PrometheusSource
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import EventKind, Snapshot
from tocsin.evaluate.tick import Watch, turn
from tocsin.sli import LatencySli, ProbeSli, RatioSli
from tocsin.spec import Combine, Journey, JourneySlo, Measure, Missing, Sla
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.workspace import Workspace

pytestmark = pytest.mark.real

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PAST, FUTURE = 31 * 1_440, 60
TRAFFIC = 600.0


def openmetrics() -> str:
    """Counters, a histogram and a gauge, minute by minute around START.

    `a` fails wholly for 5 min, `b` by 15 % for 10 min, `db` is down for 12 min; `cam` breaks off after 10 min.
    """
    minutes = range(-PAST, FUTURE + 1)
    lines: list[str] = []

    def counter(name: str, labels: str, rate: Callable[[int], float], first: float) -> None:
        value = first
        for minute in minutes:
            lines.append(f"{name}{{{labels}}} {value:g} {_unix(minute)}")
            value += rate(minute)

    errors = {"a": (5, 1.0), "b": (10, 0.15)}
    lines.append("# TYPE requests counter")
    for job, (length, ratio) in errors.items():
        for code in ("200", "500"):
            share = {"200": lambda bad: 1 - bad, "500": lambda bad: bad}[code]
            counter(
                "requests_total",
                f'job="{job}",code="{code}"',
                lambda m, share=share, length=length, ratio=ratio: TRAFFIC * share(ratio if 0 <= m < length else 0),  # type: ignore[misc]
                1_000,
            )
    lines.append("# TYPE seconds histogram")
    for le, slow in (("1.0", 0.0), ("+Inf", 1.0)):
        counter("seconds_bucket", f'job="a",le="{le}"', lambda m, slow=slow: TRAFFIC * (slow or 0.999), 1_000)  # type: ignore[misc]
    counter("seconds_count", 'job="a"', lambda _: TRAFFIC, 1_000)
    lines.append("# TYPE up gauge")
    lines += [f'up{{job="db"}} {0 if 0 <= m < 12 else 1} {_unix(m)}' for m in minutes]
    lines.append("# TYPE queue gauge")
    lines += [
        f'queue{{camera="{c}"}} {200 if m >= 0 else 1} {_unix(m)}' for c in "xy" for m in minutes if c == "x" or m < 10
    ]
    return "\n".join([*lines, "# EOF", ""])


def _unix(minute: int) -> str:
    return f"{(START + minute * MINUTE).timestamp():.0f}"


def workspace() -> Workspace:
    """Four objectives, a journey, a contract, two thresholds."""
    a, b = (RatioSli(f'requests_total{{job="{j}"}}', f'requests_total{{job="{j}",code="500"}}') for j in "ab")
    slos = {
        "a": (
            builders.slo("uptime", service="a", sli=a),
            builders.slo("speed", service="a", sli=LatencySli('seconds{job="a"}', Decimal(1)), target="0.99"),
        ),
        "b": (builders.slo("uptime", service="b", sli=b),),
        "db": (builders.slo("up", service="db", sli=ProbeSli('up{job="db"}', Decimal(1)), target="0.995"),),
    }
    alerts = (
        builders.alert("Queue", service="b", expr="queue > 100", for_="2m"),
        builders.alert("Both", service="b", expr='queue > 100 and on () up{job="db"} == 0'),
    )
    services = tuple(builders.service(n, slos=s, alerts=alerts if n == "b" else ()) for n, s in slos.items())
    members = (Member("b/uptime", builders.SPAN), Member("db/up", builders.SPAN))
    node = Combine("series", members, (Decimal(1), Decimal(1)), builders.SPAN)
    month, five = Duration.of(days=30), Duration.of(minutes=5)
    missing = Missing(five, "bad")
    path = JourneySlo("path", "all", Decimal("0.995"), month, five, node, missing, (), "", builders.SPAN)
    sla = Sla(
        "gold",
        "",
        "ACME",
        "db/up",
        builders.SPAN,
        Decimal("0.999"),
        "month",
        "Asia/Ho_Chi_Minh",
        Measure("interval-mean", five, "good"),
        (),
        (),
        (),
        builders.SPAN,
    )
    return Workspace(services=services, journeys=(Journey("path", "", "", "", (path,), builders.SPAN),), slas=(sla,))


@dataclass
class Story:
    """What happened, by rule: minutes at which people were told, and the last snapshot of each minute."""

    told: dict[str, list[tuple[int, EventKind]]] = field(default_factory=dict)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Tick through the hour around the incident once, for all tests."""
    found, memory, watch = Story(), Memory(), Watch(workspace(), interval=MINUTE)
    folder = tmp_path_factory.mktemp("prometheus")
    with backfilled(folder, openmetrics()) as url, closing(PrometheusSource(url, deadline=30)) as source:
        for minute in range(-2, 45):
            now = START + minute * MINUTE
            sight = watch.look(source, now, memory=memory)
            found.failures += sight.questions
            turned = turn(watch, sight, memory, now)
            alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
            memory = replace(memory, alerts=alerts)
            found.snapshots[minute] = turned.snapshot
            for identity, event in turned.events:
                who = identity.rule + "".join(f"[{v}]" for _, v in identity.labels)
                found.told.setdefault(who, []).append((minute, event.kind))
        yield found


def page(story: Story, rule: str) -> list[int]:
    """Minutes of FIRED and RESOLVED."""
    return [m for m, kind in story.told.get(rule, []) if kind in {EventKind.FIRED, EventKind.RESOLVED}]


def test_every_question_is_understood(story: Story) -> None:
    """Prometheus answers all of them."""
    assert story.failures == []


@pytest.mark.parametrize(("rule", "fires", "last"), [("a/uptime:fast", 1, 9), ("b/uptime:fast", 6, 14)])
def test_minutes_of_the_page(story: Story, rule: str, fires: int, last: int) -> None:
    """A total outage of 5 min is too much in minutes 1 to 9, 15 % for 10 min in 6 to 14; pages stay for 10 min more."""
    assert page(story, rule) == [fires, last + 1 + 10]


def test_budget_is_counted(story: Story) -> None:
    """3,000 bad requests of 26 million in 30 days are 11.6 % of a 99.9 % budget; a ticket still burns."""
    [slo] = [s for s in story.snapshots[40].slos if s.ref == "a/uptime"]

    assert slo.used == pytest.approx(3_000, rel=1e-3)
    assert slo.remaining == pytest.approx(1 - 3_000 / 25_920, rel=1e-3)
    assert slo.state == "burning"


def test_latency(story: Story) -> None:
    """0.1 % slow requests use a tenth of a 99 % budget, and burn nothing down."""
    [slo] = [s for s in story.snapshots[40].slos if s.ref == "a/speed"]

    assert slo.sli == pytest.approx(0.999, rel=1e-4)
    assert slo.remaining == pytest.approx(0.9, rel=1e-3)
    assert page(story, "a/speed:fast") == []


def test_probe_pages(story: Story) -> None:
    """A database that is down for 12 min pages at 99.5 %: threshold 7.2 % of an hour, 4.3 min."""
    fired, resolved = page(story, "db/up:fast")

    assert 4 <= fired <= 6
    assert 25 <= resolved <= 28


def test_journey_combines_slices(story: Story) -> None:
    """15 % and 0 in the first two slices, 0 and two fifths in the third; the rest is clean."""
    [journey] = story.snapshots[40].journeys

    lost = (1 - journey.sli) * journey.slices  # type: ignore[operator]
    assert journey.slices == 8_640
    assert lost == pytest.approx(2.4, abs=0.25)
    assert page(story, "path/all:burn")[0] == 5


def test_contract_counts_the_local_month(story: Story) -> None:
    """12 of the minutes since 1 November, 00:00 in Ho Chi Minh City, were bad."""
    [sla] = story.snapshots[40].slas

    assert sla.start == datetime(2026, 10, 31, 17, tzinfo=UTC)
    minutes = (START - sla.start) / MINUTE + 40
    assert sla.uptime == pytest.approx(1 - 12 / minutes, abs=2e-5)
    assert sla.breached is False


def test_series_that_ends_is_blind(story: Story) -> None:
    """Both cameras' queues fire after 2 min; the one whose series ends goes blind, and is not resolved."""
    assert page(story, "b/Queue[x]") == page(story, "b/Queue[y]") == [2]
    assert (15, EventKind.BLIND) in story.told["b/Queue[y]"]


def test_expression_that_cannot_be_split(story: Story) -> None:
    """`queue > 100 and up == 0` resolves when the database is back, for the camera whose series is still there."""
    assert page(story, "b/Both[x]") == page(story, "b/Both[y]") == [0, 12]
