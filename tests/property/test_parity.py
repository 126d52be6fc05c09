"""Anything over any series: the compiled rules in promtool and the evaluator fire and clear on the same ticks.

docs/parity.md is the table of all differences by choice. `tests.parity.looking` takes those away that can happen here,
each in one place, and what is left has to be what the rules do, tick by tick. Twenty objectives or alerts go to one
promtool process. `make parity` tries 10,000 (EXAMPLES=…) instead of 300.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests import builders
from tests.parity.cells import Cell, Objective, Sliced, Watched
from tests.parity.judging import NEWER, TOOLS, judge, promtool, semantics_of
from tests.parity.looking import Judged, evaluated
from tests.parity.making import FAMILIES, PERIOD
from tests.parity.pods import Pod, Stretch

from tocsin.adapters.promtool import find_promtool
from tocsin.extrapolation import PROM3
from tocsin.guards import Guards
from tocsin.sli import SlicedSli
from tocsin.spec.service import NoTraffic
from tocsin.units import Duration
from tocsin.windows import Tier

pytestmark = [pytest.mark.real, pytest.mark.timeout(int(os.environ.get("TOCSIN_PARITY_TIMEOUT", "600")))]

EXAMPLES = int(os.environ.get("TOCSIN_PARITY", "300"))
BATCHES = {"counters": (20, 21), "gauges": (10, 16), "slices": (7, 11), "long": (3, 7), "alerts": (10, 11)}
"""Of 50 parts of the examples how many each family has, and how many of them go to one promtool process.

The last batch of a family has some to spare, for one that two batches have counts once.
"""
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
TOOL = promtool()
SEMANTICS = semantics_of(TOOL)
FIVE = Duration.of(minutes=5)
KNOWN: dict[Cell, str] = {}
"""What was found of each: shrinking changes one of a batch at a time."""


def differences(some: Sequence[Cell]) -> list[str]:
    """What differs for each of them, by choice or not; empty texts where nothing does."""
    fresh = [cell for cell in dict.fromkeys(some) if cell not in KNOWN]
    found = [evaluated(cell, SEMANTICS) for cell in fresh]
    said = judge(TOOL, [(cell, one.as_rules) for cell, one in zip(fresh, found, strict=True)]) if fresh else []
    KNOWN.update({cell: told or unexplained(cell, one) for cell, one, told in zip(fresh, found, said, strict=True)})
    return [KNOWN[cell] for cell in some]


def unexplained(cell: Cell, found: Judged) -> str:
    """Where the evaluator differs from rules though it could see, and nothing else excuses it."""
    if cell.excused:
        return ""
    for number, (one, other) in enumerate(zip(found.evaluator, found.as_rules, strict=True)):
        if number == found.blind_from:
            break
        if one != other:
            return f"evaluation {number}: the evaluator has {sorted(one)}, without differences {sorted(other)}"
    return ""


@pytest.mark.parametrize("family", FAMILIES)
def test_same_ticks(family: str) -> None:
    """At every evaluation the same tiers and the same groups fire; so many that none is another one."""
    parts, size = BATCHES[family]
    share, seen = -(-EXAMPLES * parts // 50), set[Cell]()

    @settings(max_examples=-(-share // size), deadline=None, suppress_health_check=SLOW)
    @given(st.lists(FAMILIES[family], min_size=size, max_size=size, unique=True))
    def same(some: list[Cell]) -> None:
        seen.update(some)
        assert {cell: told for cell, told in zip(some, differences(some), strict=True) if told} == {}

    same()
    assert len(seen) >= share


@pytest.mark.skipif(not NEWER.exists(), reason=f"needs a promtool of Prometheus 3 as {NEWER.relative_to(TOOLS.parent)}")
@pytest.mark.parametrize("family", FAMILIES)
def test_same_ticks_in_prometheus_3(family: str) -> None:
    """Windows that are open on the left give the same alerts as those of the newer promtool."""
    newer, different = find_promtool(str(NEWER), deadline=300), dict[Cell, str]()
    cells = fixed(family, EXAMPLES * BATCHES[family][0] // (6 * 50))
    for first in range(0, len(cells), 20):
        found = [(cell, evaluated(cell, semantics_of(newer)).as_rules) for cell in cells[first : first + 20]]
        said = judge(newer, found)
        different |= {cell: told for (cell, _), told in zip(found, said, strict=True) if told}

    assert semantics_of(newer) == PROM3
    assert different == {}


def fixed(family: str, count: int) -> list[Cell]:
    """The same made-up cells of a family every time."""
    found: list[Cell] = []

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(FAMILIES[family])
    def collect(cell: Cell) -> None:
        found.append(cell)

    collect()
    return found


def longer(cell: Objective, rules: str) -> str:
    """The long window of the first tier is computed over one evaluation more."""
    return _resized(cell, rules, cell.tiers[0].long, 1)


def shorter(cell: Objective, rules: str) -> str:
    """The short window is computed over one evaluation less."""
    return _resized(cell, rules, cell.tiers[0].short, -1)


def later(cell: Objective, rules: str) -> str:
    """What a longer window is put together from is one evaluation older."""
    return re.sub(r"(\] offset )(\w+)", lambda m: f"{m[1]}{_minutes(m[2], cell.step)}", rules)


def kept(cell: Cell, rules: str) -> str:
    """Alerts are kept for an evaluation more."""
    return re.sub(r"(keep_firing_for: )(\S+)", lambda m: f"{m[1]}{_minutes(m[2], cell.step)}", rules)


def patient(cell: Cell, rules: str) -> str:
    """Alerts wait for an evaluation more."""
    return re.sub(r"(\bfor: )(\S+)", lambda m: f"{m[1]}{_minutes(m[2], cell.step)}", rules)


def held(cell: Cell, rules: str) -> str:
    """A value that is missing is what it was for an evaluation less."""
    return re.sub(r"\[(\w+)(:1m\]\))", lambda m: f"[{_minutes(m[1], -cell.step)}{m[2]}", rules)


def _resized(cell: Objective, rules: str, window: Duration, evaluations: int) -> str:
    sli = cell.slo.sli
    asked = sli.room(window) if isinstance(sli, SlicedSli) else window
    pattern = rf"((?:rate|increase|(?:avg|sum)_over_time)\([^\[\]]*\[){asked}\]"
    return re.sub(pattern, lambda m: f"{m[1]}{_minutes(str(asked), evaluations * cell.step)}]", rules)


def _minutes(text: str, more: int) -> Duration:
    return Duration(Duration.parse(text).milliseconds + more * 60_000)


Fixed = Mapping[str, list[tuple[Cell, Judged]]]
COUNTS = {"counters": 36, "gauges": 16, "slices": 16, "long": 8, "alerts": 60}


def wide(long: str) -> Tier:
    """A tier that exceeds 0.4111."""
    window = Duration.parse(long)
    return Tier(long, "page", Decimal("4.111") * window.milliseconds / PERIOD.milliseconds, window, FIVE)


STEADY = Objective(
    kind="most",
    target="0.9",
    tiers=(wide("20m"), wide("1h")),
    guards=Guards(flapping=False),
    no_traffic=NoTraffic(alert=False, for_=FIVE, reason=None),
    pods=(Pod(every=60_000, phase=0, stretches=(Stretch(70), Stretch(40, errors=Fraction(1)))),),
    minutes=110,
)
"""A queue that is too long from minute 70 on. In full windows of 21 samples or 60 slices it takes 9 or 25 of them to
exceed 0.4111, and in those of one more it takes one more."""
FADING = (Stretch(10, errors=Fraction(1)), Stretch(10, errors=Fraction(1, 10)), Stretch(20, "gap"))
GONE = Watched(builders.alert(value="depth", above="7", clear="4"), (Pod(60_000, 0, FADING),), 40)
"""A queue of 10, then of 6, which keeps the alert, then nothing: five minutes are looked back, five more held."""
ALWAYS: Mapping[str, list[Cell]] = {
    "gauges": [STEADY],
    "alerts": [GONE],
    "slices": [replace(STEADY, tiers=STEADY.tiers[::-1], sliced=Sliced(1, "0.95", "ignore"))],
}


@pytest.fixture(scope="module")
def some() -> Fixed:
    """Made-up cells of each family with what the evaluator does."""
    cells = {family: [*ALWAYS.get(family, ()), *fixed(family, count)] for family, count in COUNTS.items()}
    return {family: [(cell, evaluated(cell, SEMANTICS)) for cell in each] for family, each in cells.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_something_happens(some: Fixed, family: str) -> None:
    """Agreement is not that of silences: many cells fire, and clear."""
    fire = [found for _, found in some[family] if any(found.as_rules)]

    assert len(fire) >= len(some[family]) / 4
    assert any(before and not after for one in fire for before, after in pairwise(one.as_rules))


def test_differences_happen(some: Fixed) -> None:
    """Both differences by choice that objectives over counters can have occur, and so do held values."""
    assert any(found.evaluator != found.as_rules for cell, found in some["counters"] if not cell.excused)
    assert any(isinstance(cell, Objective) and cell.tiled for cell, _ in some["counters"])
    assert any(found.evaluator != found.as_rules for _, found in some["alerts"])


@pytest.mark.parametrize(
    ("family", "change"),
    [
        *(("counters", change) for change in (longer, shorter, kept)),
        *(("gauges", change) for change in (longer, shorter)),
        *(("slices", change) for change in (longer, shorter)),
        *(("long", change) for change in (shorter, later)),
        *(("alerts", change) for change in (held, patient, kept)),
    ],
)
def test_a_step_is_noticed(some: Fixed, family: str, change: Callable[[Cell, str], str]) -> None:
    """Rules whose windows or patience are one step off do not pass for equal."""
    asked = [(cell, found.as_rules) for cell, found in some[family] if any(found.as_rules)]

    assert any(judge(TOOL, asked, change))
