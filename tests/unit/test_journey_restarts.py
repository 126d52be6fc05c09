"""A Prometheus that did not run is no outage of the journeys that it watches; members that are gone are one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from tests.oracle import ask, firing
from tests.unit.test_journey_rules import compiled

from tocsin.plan import RuleGroup
from tocsin.plan.journey import settled

GONE, START = 40, 12
"""The slice in which the gap begins, and the first one in which the rules run."""


def while_running(group: RuleGroup) -> RuleGroup:
    """Rules that record nothing while the server is down: promtool cannot leave out evaluations."""
    return replace(group, rules=tuple(replace(rule, expr=f"({rule.expr}\n) and on () ran") for rule in group.rules))


def recorded(slices: int, down: Sequence[int], gone: dict[str, Sequence[int]]) -> dict[str, str]:
    """The rates of each member, good but for the slices in which they are gone, and when the server ran."""
    series = {"ran": " ".join("stale" if n in down else "1" for n in range(slices))}
    for name, missing in gone.items():
        for kind, value in (("bad", "0"), ("total", "10")):
            samples = ["stale" if n in down or n in missing else value for n in range(slices)]
            series[f'slo:{kind}:rate5m{{service="{name}",slo="up"}}'] = " ".join(samples)
    return series


def seen(
    more: str, down: Sequence[int], gone: dict[str, Sequence[int]], slices: int = 80, how: str = "series"
) -> tuple[list[float | None], set[int]]:
    """The journey slice by slice, and the slices in which it pages."""
    _, group = compiled(f"{{{how}: [{', '.join(f'{name}/up' for name in gone)}]}}", more)
    times = [300 * number for number in range(slices)]
    asked = [(question, at) for question in ("journey:slice:ratio", firing("JourneyBudgetBurn")) for at in times]
    found = ask((while_running(group),), recorded(slices, down, gone), asked, step=300)
    values = [next(iter(rows.values()), None) for rows in found[:slices]]
    return values, {number for number, rows in enumerate(found[slices:]) if rows}


def bad(values: Iterable[float | None]) -> list[int]:
    """The slices that are judged as anything but good."""
    return [number for number, value in enumerate(values) if value is not None and value < 1]


POLICIES = ("", ", missing: {after: 0s, count_as: bad}", ", missing: {after: 10m, count_as: bad}")


@pytest.mark.real
@pytest.mark.parametrize("more", POLICIES)
@pytest.mark.parametrize("minutes", [3, 8, 30, 90])
@pytest.mark.parametrize(("how", "names"), [("series", "a"), ("series", "ab"), ("parallel", "ab")])
def test_a_restart_is_no_outage(minutes: int, more: str, how: str, names: str) -> None:
    """The first evaluation after a pause finds no rates yet, of one member or of all: no slice is bad."""
    down = range(GONE, GONE + -(-minutes // 5))
    late = range(GONE, down.stop + 1)
    values, pages = seen(more, down, {name: late if name == "a" else down for name in names}, how=how)

    assert (bad(values), pages) == ([], set())
    assert None not in values[:GONE]
    assert None not in values[down.stop + 1 :]


@pytest.mark.real
@pytest.mark.parametrize("more", POLICIES)
@pytest.mark.parametrize("both", [True, False])
def test_members_that_are_gone_are_missing(more: str, both: bool) -> None:
    """With rules that run, one member or all of them are missing after `missing.after`, and that pages."""
    slo, _ = compiled("{series: [a/up, b/up]}", more)
    values, pages = seen(more, (), {"a": range(GONE, 80), "b": range(GONE, 80) if both else ()})
    first = GONE + slo.missing.after.milliseconds // slo.slice.milliseconds

    assert bad(values) == list(range(first, 80))
    assert pages == set(range(first, 80))


@pytest.mark.real
@pytest.mark.parametrize("more", POLICIES)
@pytest.mark.parametrize("minutes", [8, 30, 90])
def test_members_that_are_gone_after_a_restart_are_missing(more: str, minutes: int) -> None:
    """The rules have to run for as long as a member may be late; then what did not come back is missing."""
    slo, _ = compiled("{series: [a/up, b/up]}", more)
    down = range(GONE, GONE + -(-minutes // 5))
    values, pages = seen(more, down, {"a": range(GONE, 90), "b": range(GONE, 90)}, slices=90)
    first = down.stop + settled(slo)

    assert bad(values) == list(range(first, 90))
    assert min(pages) == first


@pytest.mark.real
@pytest.mark.parametrize("more", POLICIES)
@pytest.mark.parametrize("never", [True, False])
def test_a_first_start(more: str, never: bool) -> None:
    """One member is measured at once and another an evaluation later, or never: only that one is missing."""
    slo, _ = compiled("{series: [a/up, b/up]}", more)
    down = range(START)
    values, _ = seen(more, down, {"a": (), "b": range(START + 1 if not never else 60)}, slices=60)
    first = START + settled(slo)

    assert values[: START + 1] == [None] * (START + 1)
    assert bad(values) == (list(range(first, 60)) if never else [])
    assert None not in values[first:]
