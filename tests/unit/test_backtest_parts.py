"""Parts of back-tests: labelled incidents, running sums, the ticks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from tests import alerts, builders

from tocsin.backtest.incidents import read_incidents
from tocsin.backtest.replay import replay
from tocsin.backtest.running import Traffic
from tocsin.backtest.ticks import Ticks
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Rule, Seen, one
from tocsin.ledger.counts import Counts
from tocsin.notify.muting import muting_of
from tocsin.ports import Labels
from tocsin.sli import SlicedSli
from tocsin.spec import Hours, Stretch
from tocsin.units import Duration
from tocsin.workspace import Workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
GOOD = "{from: '2026-11-01T12:00:00Z', to: '2026-11-01T13:30:00+01:00', name: outage}"


def test_incidents_are_read_with_their_zones() -> None:
    """Times are compared as instants, whatever zone they are written in."""
    found, faults = read_incidents("incidents.yaml", f"- {GOOD}\n")

    assert faults == ()
    assert (found[0].name, found[0].end - found[0].start) == ("outage", timedelta(minutes=30))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("from: x\n", 1, "a list of incidents is expected"),
        (f"- {GOOD}\n- later\n", 2, "an incident has from and to"),
        ("- {from: '2026-11-01T12:00:00Z'}\n", 1, "to is missing"),
        ("- {from: '2026-11-01T12:00:00', to: '2026-11-01T13:00:00Z'}\n", 1, "is not a time with a zone"),
        ("- {from: '2026-11-01T12:00:00Z', to: '2026-11-01T11:00:00Z'}\n", 1, "it ends before it starts"),
        (f"- {GOOD}\n- {{from: '2026-11-01T12:00:00Z', to: '2026-11-01T13:00:00Z', cause: x}}\n", 2, "no 'cause'"),
        ("[]\n", 1, "no incidents are listed"),
        ("- {from: '0001-01-01T00:00:00+23:00', to: '2026-11-01T12:00:00Z'}\n", 1, "is not a time with a zone"),
        ("- {from: '2026-11-01T12:00:00Z', to: '9999-12-31T23:59:59Z'}\n", 1, "no samples of 9999"),
        (f"- {GOOD.replace('outage', '[a, b]')}\n", 1, "a name is a text"),
    ],
)
def test_wrong_incidents_are_findings_with_places(text: str, line: int, words: str) -> None:
    """Each says what is wrong, and where."""
    _, faults = read_incidents("incidents.yaml", text)

    assert [(fault.span.line, fault.code) for fault in faults] == [(line, "backtest/incident")]
    assert words in faults[0].message


def test_ticks_are_full_minutes_within_the_history() -> None:
    """Nobody evaluates before the first sample, or after the last."""
    ticks = Ticks.between(START + timedelta(seconds=7), START + timedelta(minutes=3, seconds=59))

    assert [ticks.at(number) for number in range(len(ticks))] == [START + timedelta(minutes=m) for m in (1, 2, 3)]
    assert len(Ticks.between(START + timedelta(seconds=7), START + timedelta(seconds=50))) == 0


def test_windows_are_differences_of_running_sums() -> None:
    """Rates are of the whole window; where nobody looked there is none, and where nothing happened it is nought."""
    edges = np.arange(6, dtype=np.float64) * 60
    events, errors, looked = (
        np.array([0.0, *np.cumsum(each)]) for each in ([60, 60, 0, 0, 60], [6, 0, 0, 0, 60], [1, 1, 0, 1, 1])
    )
    traffic = Traffic(edges, events, errors, looked)
    bad, total = traffic.over(60.0, np.array([60.0, 150.0, 180.0, 240.0, 300.0]))

    assert total.tolist() == pytest.approx([1, 0.5, np.nan, 0, 1], nan_ok=True)
    assert bad.tolist() == pytest.approx([0.1, 0, np.nan, 0, 1], nan_ok=True)
    assert traffic.first(120.0, np.array([300.0, 240.0, 60.0])).tolist() == [180.0, 180.0, 0.0]


class Always:
    """A member whose alert fires at the third tick and goes on."""

    first = START

    def __init__(self, length: int) -> None:
        self.due = np.arange(length) == 2

    def ask(self, at: datetime, opened: Mapping[str, set[Labels]]) -> Mapping[str, Seen]:
        """Whatever the time is, after the third."""
        return {"a/b": one(Sample(Truth.TRUE if at >= START + timedelta(minutes=2) else Truth.FALSE))}


@pytest.mark.parametrize(("empty", "expected"), [("ignore", (0, 10)), ("good", (0, 12)), ("bad", (2, 12))])
def test_slices_of_a_gap_count_as_the_rules_have_them(empty: str, expected: tuple[int, int]) -> None:
    """Two of twelve slices without a scrape, whatever was counted over them: a counter that is gone stood still."""
    covered = np.ones(60)
    covered[20:30] = 0
    counts = Counts.apart(int(START.timestamp()) // 60, 60, np.full(60, 10.0), np.zeros(60), covered * 60)
    sliced = SlicedSli(builders.AVAILABILITY, Duration.of(minutes=5), Decimal("0.95"), empty)
    bad, total = Traffic.of(replace(builders.slo(), sli=sliced), counts).over(
        3600, np.array([START.timestamp() + 3600])
    )

    assert (bad[0] * 3600, total[0] * 3600) == pytest.approx(expected)


def test_what_an_interval_mutes_is_told_when_it_ends() -> None:
    """Ticks at which the alert itself does not change are not left out while something is held back."""
    ticks = Ticks.between(START, START + timedelta(hours=2))
    hours = Hours("night", (Stretch(times=((0, 60),)),), alerts.SPAN)
    (document,) = alerts.notifications(
        alerts.channel("email"), replace(alerts.route("email", wait=60), mute=("night",))
    )
    document = replace(document, hours={"night": hours})
    rule = Rule("a/b", "a", "critical", "A", "it is", ())
    muting = muting_of(Workspace(notifications=(document,)))
    found = replay([(Always(len(ticks)), ("a/b",))], {"a/b": rule}, {}, (document,), ticks, muting=muting)

    assert [(message.action.value, message.evaluated_at) for message in found.messages] == [
        ("fire", START + timedelta(minutes=61))
    ]
