"""Forecasts: a line with known noise that reaches the bound just in time, and one that just does not.

What is expected is the textbook's prediction interval, fitted here to the values that were made up. The first scenario
asks when the alert fires after its series was born; in the others the condition is asked once, so they cost little.
Decoys are older than the series, so that a history of theirs would be noticed.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from tocsin.plan import AlertingRule
from tocsin.plan.forecast import least, step_of
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Expr, Fault, parse
from tocsin.proofs.decoys import decoys
from tocsin.proofs.model import CONDITION, FIRING, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import written
from tocsin.proofs.solve import Inputs, inputs_of, reach
from tocsin.proofs.steady import Unsteady, steady
from tocsin.proofs.subjects import alert_of, severity_of
from tocsin.proofs.ticks import ticks
from tocsin.proofs.values import Sample, notation
from tocsin.spec import Forecast

_BORN = 5
"""Ticks before the first value; decoys are there from the beginning."""
_MORE = 8
"""Values more than there have to be."""
_NEAR = 0.0005
"""By which part of the band the line is beside the bound."""
_SHARES = (0.25, 0.75)
_HUGE = 1000.0


@dataclass(frozen=True, slots=True)
class _Dial:
    """The size of one source that gives the series a value: *offset* and *slope* of a line.

    *nothing* is what each source has before its birth: 0 where that gives no value (`x / (y > 0)`), else no sample.
    """

    inputs: Inputs
    varied: int
    offset: float
    slope: float
    nothing: tuple[Sample, ...]

    def size(self, value: float) -> float:
        """The size that gives *value*."""
        return (value - self.offset) / self.slope


def forecast_proofs(
    rule: AlertingRule, asked: Forecast, file: str, recorded: Collection[str]
) -> Iterator[Proof | Unproved]:
    """The proofs of a forecast, or why there is none."""
    tree = parse(asked.series.text)
    if isinstance(tree, Fault) or reach(tree):
        yield Unproved(rule.ref, rule.source, "its alert", "the series that it looks at looks back itself")
        return
    try:
        yield from _proofs(rule, asked, file, _dial(tree, frozenset(recorded)), tree)
    except Unsteady as why:
        yield Unproved(rule.ref, rule.source, "its alert", str(why))


def _dial(tree: Expr, recorded: frozenset[str]) -> _Dial:
    inputs = inputs_of(tree, recorded)
    for varied in range(len(inputs.sources)):

        def value(size: float, varied: int = varied) -> float:
            rows = steady(tree, [each for each, _ in inputs.series(varied, size, _SHARES)])
            return next(iter(rows.values()), math.nan) if isinstance(rows, Mapping) else rows

        low, middle, high = value(1.0), value(2.0), value(3.0)
        if abs(high - 2 * middle + low) < 1e-9 < abs(high - low) and not inputs.sources[varied].rises:
            nothing = tuple(_nothing(tree, inputs, number) for number in range(len(inputs.sources)))
            return _Dial(inputs, varied, 2 * low - middle, middle - low, nothing)
    raise Unsteady("no series were found that move it along a line")


def _nothing(tree: Expr, inputs: Inputs, number: int) -> float | None:
    return None if steady(tree, [each for each, _ in inputs.series(number, 0.0, _SHARES)]) else 0.0


def _proofs(rule: AlertingRule, asked: Forecast, file: str, dial: _Dial, tree: Expr) -> Iterator[Proof]:
    """When it fires is asked once; what else there is to ask needs no rule that is evaluated all the time."""
    step = step_of(asked)
    wait = ticks(rule.for_, step)
    subject, row = alert_of(rule), _row(tree, dial)
    births = _BORN + least(asked) - 1
    more = (*row, *severity_of(rule))
    fired = (
        Claim(FIRING, subject, births + wait - 1, False, "its history or its `for` is a little too short"),
        Claim(FIRING, subject, births + wait, True, "its history and its `for` suffice", more=more),
    )
    steep = _line(asked, births + wait, _ahead(asked) * 1.5)
    name = "a series is born that is about to reach the bound"
    yield Proof(rule.ref, rule.source, file, step, (Run(name, _series(dial, steep), fired),))
    born = (
        Claim(CONDITION, subject, births - 1, False, "its history is a little too short"),
        Claim(CONDITION, subject, births, True, "its history suffices", more=row),
    )
    late = range(len(dial.inputs.sources)) if len(dial.inputs.sources) > 1 else ()
    runs = tuple(Run(f"{name}, {_said(dial, one)} last", _series(dial, steep, one), born) for one in late)
    if runs:
        yield Proof(rule.ref, rule.source, file, step, runs, every=births)
    last = births + _MORE
    runs = tuple(
        Run(f"{name}, {_said(dial, one)} last", _series(dial, values, one), (claim,))
        for name, values, claim in _asked(asked, subject, row, last)
        for one in range(len(dial.inputs.sources))
    )
    level = [_bound(asked) + _sign(asked) * _scale(asked)] * (last + 1 - _BORN)
    beyond = Claim(CONDITION, subject, last, True, "it is beyond the bound already, so it takes no time", 0.0, row)
    runs += (Run("a level beyond the bound", _series(dial, level, others=False), (beyond,)),)
    yield Proof(rule.ref, rule.source, file, step, runs, every=last)


def _said(dial: _Dial, late: int) -> str:
    return dial.inputs.sources[late].name


def _asked(asked: Forecast, subject: Labels, row: Labels, last: int) -> Iterator[tuple[str, list[float], Claim]]:
    """Lines with noise whose band ends just on either side of the bound."""
    for side, name in ((1, "just reaches"), (-1, "just does not reach")):
        values = _line(asked, last, _ahead(asked))
        fit = _fit(asked, values)
        aim = _sign(asked) * side * _NEAR * (fit.band or abs(fit.slope))
        values = [value + _bound(asked) - fit.edge + aim for value in values]
        fit = _fit(asked, values)
        until = max(_sign(asked) * (_bound(asked) - fit.now), 0.0) / abs(fit.slope) * step_of(asked).milliseconds / 1000
        why = f"the near edge of the band {name} {_bound(asked):g} within {asked.within}"
        holds = side > 0
        yield (
            f"a line with noise that {name} the bound",
            values,
            Claim(CONDITION, subject, last, holds, why, until if holds else None, row if holds else ()),
        )


# --- lines -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fit:
    """A least-squares line: *slope* per tick, its value *now*, the near *edge* of its band at the horizon."""

    slope: float
    now: float
    edge: float
    band: float


def _line(asked: Forecast, last: int, gain: float) -> list[float]:
    """Values that come *gain* nearer to the bound within the horizon, with noise; the last one at tick *last*."""
    ticks = asked.within.milliseconds / step_of(asked).milliseconds
    each = _sign(asked) * gain / ticks
    noise = [0.02, -0.01, -0.02, 0.03, -0.02]
    return [
        _bound(asked) - each * (last - tick) - each * ticks * 0.7 + _scale(asked) * noise[tick % len(noise)]
        for tick in range(_BORN, last + 1)
    ]


def _fit(asked: Forecast, values: Sequence[float]) -> _Fit:
    """The prediction interval of a single value, as textbooks have it; *values* end now."""
    n = len(values)
    ticks = [float(tick - n + 1) for tick in range(n)]
    middle, mean = sum(ticks) / n, sum(values) / n
    spread = sum((tick - middle) ** 2 for tick in ticks)
    slope = sum((t - middle) * (v - mean) for t, v in zip(ticks, values, strict=True)) / spread
    now = mean - slope * middle
    rest = sum((v - now - slope * t) ** 2 for t, v in zip(ticks, values, strict=True))
    ahead = asked.within.milliseconds / step_of(asked).milliseconds
    z = max(0.0, NormalDist().inv_cdf(float(asked.confidence))) if asked.confidence is not None else 0.0
    band = z * math.sqrt(rest / (n - 2) * (1 + 1 / n + (ahead - middle) ** 2 / spread))
    return _Fit(slope, now, now + slope * ahead - _sign(asked) * band, band)


def _bound(asked: Forecast) -> float:
    return float(asked.above if asked.above is not None else asked.below or 0)


def _sign(asked: Forecast) -> int:
    return 1 if asked.above is not None else -1


def _scale(asked: Forecast) -> float:
    return abs(_bound(asked)) or 1.0


def _ahead(asked: Forecast) -> float:
    return 0.3 * _scale(asked)


# --- series ------------------------------------------------------------------------------------------------


def _row(tree: Expr, dial: _Dial) -> Labels:
    """The labels of the row that is looked at."""
    rows = steady(tree, [each for each, _ in dial.inputs.series(dial.varied, 1.0, _SHARES)])
    return next(iter(rows), ()) if isinstance(rows, Mapping) else ()


def _series(
    dial: _Dial, values: Sequence[float], late: int | None = None, *, others: bool = True
) -> tuple[tuple[str, str], ...]:
    """Series that have *values* since their birth; if only source *late* is born then, the rest was there before."""
    sizes = [dial.size(value) for value in values]
    found: dict[str, str] = {}
    for number, source in enumerate(dial.inputs.sources):
        for share, letter in zip(_SHARES, "ab", strict=True):
            labels = labels_of({**dict(source.labels), dial.inputs.twin: letter})
            samples = [share * size if number == dial.varied else share for size in sizes]
            before = [samples[0] if late not in {None, number} else dial.nothing[number]] * _BORN
            found[written(source.name, labels)] = notation([*before, *samples])
    selectors = [source.selector for source in dial.inputs.sources]
    for source in dial.inputs.sources if others else ():
        for name, labels in decoys([(source.name, source.labels)], selectors):
            for letter, value in (("a", _HUGE), ("b", 0)):
                twin = labels_of({**dict(labels), dial.inputs.twin: letter})
                found[written(name, twin)] = notation([value] * (len(values) + _BORN))
    return tuple(found.items())
