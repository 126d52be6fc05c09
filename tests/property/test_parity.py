"""Any objective over any counters: the compiled rules in promtool and the evaluator fire and clear on the same ticks.

docs/parity.md is the table of all differences by choice. `tests.parity.evaluated` takes two of them away, each in one
place, and what is left has to be what the rules do, tick by tick; the others cannot happen here. Twenty objectives go
to one promtool process. `make parity` tries 10,000 (EXAMPLES=…) instead of 300.
"""

import os
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.parity import Cell, Judged, cells, evaluated, judge, promtool, semantics_of

from tocsin.units import Duration

pytestmark = [pytest.mark.real, pytest.mark.timeout(int(os.environ.get("TOCSIN_PARITY_TIMEOUT", "600")))]

EXAMPLES = int(os.environ.get("TOCSIN_PARITY", "300"))
BATCH = 20
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
TOOL = promtool()
SEMANTICS = semantics_of(TOOL)
KNOWN: dict[Cell, str] = {}
"""What was found of each: shrinking changes one of a batch at a time."""


def differences(some: list[Cell]) -> list[str]:
    """What differs for each of them, by choice or not; empty texts where nothing does."""
    fresh = [cell for cell in dict.fromkeys(some) if cell not in KNOWN]
    found = [evaluated(cell, SEMANTICS) for cell in fresh]
    said = judge(TOOL, [(cell, one.as_rules) for cell, one in zip(fresh, found, strict=True)]) if fresh else []
    KNOWN.update({cell: told or unexplained(cell, one) for cell, one, told in zip(fresh, found, said, strict=True)})
    return [KNOWN[cell] for cell in some]


def unexplained(cell: Cell, found: Judged) -> str:
    """Where the evaluator differs from rules though it could see, and all windows come from raw counters."""
    if cell.tiled or cell.counts_births:
        return ""
    for minute, (one, other) in enumerate(zip(found.evaluator, found.as_rules, strict=True)):
        if minute == found.blind_from:
            break
        if one != other:
            return f"minute {minute}: the evaluator has {sorted(one)}, without differences {sorted(other)}"
    return ""


@settings(max_examples=max(1, EXAMPLES // BATCH), deadline=None, suppress_health_check=SLOW)
@given(st.lists(cells(), min_size=BATCH, max_size=BATCH))
def test_same_ticks(some: list[Cell]) -> None:
    """In every minute the same tiers and the same groups fire."""
    assert {cell: told for cell, told in zip(some, differences(some), strict=True) if told} == {}


def fixed(count: int) -> list[Cell]:
    """The same made-up cells every time."""
    found: list[Cell] = []

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cells())
    def collect(cell: Cell) -> None:
        found.append(cell)

    collect()
    return found


def longer(cell: Cell, rules: str) -> str:
    """The long window of the first tier is computed over one evaluation more."""
    return _resized(rules, cell.tiers[0].long, 1)


def shorter(cell: Cell, rules: str) -> str:
    """The short window is computed over one evaluation less."""
    return _resized(rules, cell.tiers[0].short, -1)


def kept(_: Cell, rules: str) -> str:
    """Alerts are kept for a minute more."""
    return re.sub(r"(keep_firing_for: )(\S+)", lambda m: f"{m[1]}{_minutes(m[2], 1)}", rules)


def _resized(rules: str, window: Duration, minutes: int) -> str:
    pattern = rf"((?:rate|increase)\([^\[\]]*\[){window}\]"
    return re.sub(pattern, lambda m: f"{m[1]}{_minutes(str(window), minutes)}]", rules)


def _minutes(text: str, more: int) -> Duration:
    return Duration(Duration.parse(text).milliseconds + more * 60_000)


@pytest.fixture(scope="module")
def some() -> list[tuple[Cell, Judged]]:
    """Made-up cells with what the evaluator does."""
    return [(cell, evaluated(cell, SEMANTICS)) for cell in fixed(40)]


def test_something_happens(some: list[tuple[Cell, Judged]]) -> None:
    """Agreement is not that of silences: most cells fire, and both differences by choice occur."""
    assert sum(any(found.as_rules) for _, found in some) >= 10
    assert any(found.evaluator != found.as_rules for cell, found in some if not cell.tiled)
    assert any(cell.tiled for cell, _ in some)


@pytest.mark.parametrize("change", [longer, shorter, kept])
def test_a_step_is_noticed(some: list[tuple[Cell, Judged]], change: Callable[[Cell, str], str]) -> None:
    """Rules whose windows or patience are one step off do not pass for equal."""
    asked = [(cell, found.as_rules) for cell, found in some]

    assert any(judge(TOOL, asked, change))
