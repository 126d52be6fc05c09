"""Alerts with hysteresis: they fire beyond one bound, stay until the value is beyond another, and then begin anew.

The value goes through all of it in one run: short of the bound, beyond it, back between the two, beyond the second
one, and between the two again, where it fires no more. While it fires and is between the two, two scrapes fail.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tocsin.plan import AlertingRule
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Fault, parse
from tocsin.proofs.model import FIRING, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import written
from tocsin.proofs.solve import Inputs, Solution, inputs_of, reach, solutions
from tocsin.proofs.steady import Unsteady, steady
from tocsin.proofs.subjects import alert_of, severity_of
from tocsin.proofs.thresholds import SHARES, Comparison, decoy_series, missing_runs, row_of, steps
from tocsin.proofs.ticks import grid_for, ticks
from tocsin.proofs.values import Sample, notation
from tocsin.spec import Threshold
from tocsin.units import Duration

_FARTHEST = Duration.of(days=1)
"""Rules are evaluated every minute, because an alert that was looked at longer ago than five is not seen by itself."""


@dataclass(frozen=True, slots=True)
class _Phase:
    """Until the tick *last* the value is what a source of *size* makes it; without *scraped* there is none."""

    size: float
    last: int
    scraped: bool = True


def hysteresis_proof(
    rule: AlertingRule, asked: Threshold, file: str, recorded: Collection[str], *, kept: bool
) -> Proof | Unproved:
    """The proof of an alert with `clear_below` or `clear_above`, or why there is none.

    With *kept* a value that is missing is held for a while.
    """
    try:
        return _proof(rule, asked, file, frozenset(recorded), kept=kept)
    except Unsteady as why:
        return Unproved(rule.ref, rule.source, "its alert", str(why))


def _proof(rule: AlertingRule, asked: Threshold, file: str, recorded: frozenset[str], *, kept: bool) -> Proof:
    tree = parse(asked.value.text)
    bound = asked.above if asked.above is not None else asked.below
    if isinstance(tree, Fault) or bound is None or asked.clear is None:
        raise Unsteady("its expression cannot be read")
    seconds = reach(tree)
    if seconds > _FARTHEST.seconds:
        raise Unsteady(f"it looks back further than {_FARTHEST}, and has to be looked at every minute")
    grid = grid_for((rule.for_, rule.keep_firing_for))
    warm = math.ceil(seconds * 1000 / grid.milliseconds)
    wait, keep = ticks(rule.for_, grid), ticks(rule.keep_firing_for, grid)
    comparison = Comparison(tree, ">" if asked.above is not None else "<", float(bound))
    outer, inner = _sizes(comparison, float(asked.clear), inputs_of(tree, recorded))
    clear, between = f"beyond {float(asked.clear):g}", "between the two bounds"
    loud = f"{comparison.op} {comparison.number:g}"
    story = _Story(alert_of(rule), severity_of(rule), warm)
    story.stays(outer.below, wait, f"it is {between}")
    if (tie := _exactly(comparison, comparison.number, outer)) is not None:
        story.stays(tie, wait, f"it is exactly {comparison.number:g}")
    if warm + 2 <= wait:
        story.stays(outer.above, -2, f"{loud}, but not yet for long enough")
        story.stays(outer.below, wait, f"it is {between}, and did not fire")
    row = tuple(pair for pair in row_of(comparison, outer, SHARES) if pair[0] not in dict(rule.labels))
    story.fires(outer.above, wait, loud, row)
    story.stays(inner.above, keep, f"it is {between}, and fired before", holds=True)
    if kept and steady(tree, ()) == {} and not any(source.rises for source in inner.inputs.sources):
        story.stays(inner.above, -1, "it fired before, and two scrapes failed", holds=True, scraped=False)
        story.stays(inner.above, keep, f"it is {between}, and fired before two scrapes failed", holds=True)
    if (tie := _exactly(comparison, float(asked.clear), inner)) is not None:
        story.stays(tie, keep, f"it is exactly {float(asked.clear):g}, and fired before", holds=True)
    story.stays(inner.below, keep, f"it is {clear}")
    story.stays(outer.below, wait, f"it is {between}, and was {clear} before")
    last = story.phases[-1].last
    series = (
        *_series(outer, story.phases, grid),
        *decoy_series(outer, outer.above, last, grid),
        *_other_alerts(rule, row, outer.inputs.twin, last),
    )
    run = Run("beyond the bound, back between the two, beyond the second, and back", series, tuple(story.claims))
    return Proof(rule.ref, rule.source, file, grid, (run, *missing_runs(rule, tree, outer, grid)))


class _Story:
    """Phases of a value with what is claimed at their ends; *warm* ticks after a change nothing is left of the old."""

    def __init__(self, subject: Labels, severity: Labels, warm: int) -> None:
        self.phases: list[_Phase] = []
        self.claims: list[Claim] = []
        self._subject, self._severity, self._warm = subject, severity, warm

    def stays(self, size: float, more: int, why: str, *, holds: bool = False, scraped: bool = True) -> int:
        """The value stays for some ticks and *more*; the first of them."""
        start = self.phases[-1].last + 1 if self.phases else 0
        last = start + self._warm + more + 2
        self.phases.append(_Phase(size, last, scraped))
        self.claims.append(Claim(FIRING, self._subject, last, holds, why, more=self._severity if holds else ()))
        return start

    def fires(self, size: float, wait: int, why: str, row: Labels) -> None:
        """The value stays until the alert fires, with the labels of its *row*."""
        start = self.stays(size, wait, why, holds=True)
        if wait:
            self.claims.append(
                Claim(FIRING, self._subject, start + wait - 1, False, f"{why}, but not yet for long enough")
            )
        more = (*row, *self._severity)
        self.claims.append(Claim(FIRING, self._subject, start + self._warm + wait, True, why, more=more))


def _exactly(asked: Comparison, number: float, found: Solution) -> float | None:
    """The size at which the value is exactly *number*; gauges only, because rates are rounded."""
    if any(source.rises for source in found.inputs.sources):
        return None
    choose = max if asked.op == ">" else min
    for size in (number, number / max(SHARES), number / min(SHARES), number * 2):
        rows = steady(asked.value, [each for each, _ in found.inputs.series(found.varied, size, SHARES)])
        if isinstance(rows, Mapping) and rows and choose(rows.values()) == number:
            return size
    return None


def _other_alerts(rule: AlertingRule, row: Labels, twin: str, last: int) -> Iterator[tuple[str, str]]:
    """Another alert about the same rows fires all the time, and keeps none of this one's alive."""
    known = {**dict(row), **dict(rule.labels), "alertname": rule.alert, "alertstate": "firing", "ref": "other/Decoy"}
    for more in ({}, {twin: "a"}, {twin: "b"}):
        yield written("ALERTS", labels_of({**more, **known})), notation([1] * (last + 1))


def _sizes(asked: Comparison, clear: float, inputs: Inputs) -> tuple[Solution, Solution]:
    """What keeps the value just before and just beyond the bound, and just beyond and just before the second one."""
    up, gap = asked.op == ">", abs(asked.number - clear)
    sign = 1 if up else -1
    near = min(abs(clear) / 100 or 1.0, gap / 4)
    for each in steps(asked.number):
        step = min(each, gap / 4)
        short, loud = asked.number - sign * step, asked.number + sign * step
        outer = {one.varied: one for one in solutions(asked.value, inputs, short, loud, lowest=not up)}
        for inner in solutions(asked.value, inputs, clear - sign * near, clear + sign * near, lowest=not up):
            if inner.varied in outer:
                return outer[inner.varied], inner
    raise Unsteady(f"no series were found that bring its value beyond {asked.number:g} and back beyond {clear:g}")


def _series(found: Solution, phases: Sequence[_Phase], grid: Duration) -> Iterator[tuple[str, str]]:
    """Gauges that are level and counters that rise evenly, phase by phase."""
    given = [found.inputs.series(found.varied, phase.size, SHARES) for phase in phases]
    for line in zip(*given, strict=True):
        one, rises = line[0]
        if any((each.name, each.labels) != (one.name, one.labels) for each, _ in line):
            raise Unsteady("its value moves with the bounds of buckets, which cannot change on the way")
        values, total, tick = list[Sample](), 0.0, 0
        for (each, _), phase in zip(line, phases, strict=True):
            while tick <= phase.last:
                total = total + each.value * float(grid.seconds) if rises and tick else total
                values.append(_plain(total if rises else each.value) if phase.scraped else None)
                tick += 1
        yield written(one.name, one.labels), notation(values)


def _plain(value: float) -> Sample:
    return int(value) if value.is_integer() else value
