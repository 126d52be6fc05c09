"""Anomalies: what each of the recorded series of a baseline is of the one before, and when seasons agree.

Every rule is given what it reads, so a season is one line of samples and no rule runs for days. Values that rise evenly
have medians and quartiles that can be counted, and others where a window is too long. Series of other alerts and of
other services are there as well, much larger, and nothing may read them.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tocsin.plan import AlertingRule
from tocsin.plan.anomaly import AGREE, QUARTILES, SEASONS, interval_of, labels_of_baseline, smoothing
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Fault, parse
from tocsin.proofs.model import FIRING, RECORDED, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import written
from tocsin.proofs.solve import Solution, inputs_of, reach
from tocsin.proofs.steady import Unsteady, steady
from tocsin.proofs.subjects import alert_of, severity_of
from tocsin.proofs.thresholds import SHARES, steady_series
from tocsin.proofs.ticks import MINUTE, ticks
from tocsin.proofs.values import Sample, notation
from tocsin.spec import AlertRule, Anomaly
from tocsin.units import Duration

_OTHER = 7.7e7
_QUARTER = 4
_Given = tuple[str, Labels, Sequence[Sample]]
"""A recorded series: the end of its name, its labels, its samples."""


@dataclass(frozen=True, slots=True)
class _Baseline:
    """An anomaly on the grid of its recordings; windows hold *slack* samples less than they say."""

    rule: AlertingRule
    alert: AlertRule
    asked: Anomaly
    file: str
    slack: int

    @property
    def grid(self) -> Duration:
        """A tick: the time between two values."""
        return interval_of(self.asked)

    @property
    def season(self) -> int:
        """In ticks."""
        return ticks(self.asked.season, self.grid)

    def run(self, name: str, given: Sequence[_Given], claims: Sequence[Claim], every: int = 1) -> Proof:
        """A scenario for rules that read recorded series."""
        own = dict(labels_of_baseline(self.alert))
        others = ({**own, "alert": "decoy"}, {**own, "service": "decoy"})
        series: dict[str, str] = {}
        for end, more, samples in given:
            series[written(f"anomaly:{end}", labels_of({**own, **dict(more)}))] = notation(samples)
            for other in others:
                labels = labels_of({**other, **dict(more)})
                series[written(f"anomaly:{end}", labels)] = notation([_OTHER] * len(samples))
        run = Run(name, tuple(series.items()), tuple(claims))
        return Proof(self.rule.ref, self.rule.source, self.file, self.grid, (run,), alone=True, every=every)

    def claim(self, end: str, tick: int, value: float | None, why: str, more: Labels = ()) -> Claim:
        """What is recorded at a tick; None is nothing."""
        labels = labels_of({"__name__": f"anomaly:{end}", **dict(labels_of_baseline(self.alert))})
        return Claim(RECORDED, labels, tick, value is not None, why, value, more)


def anomaly_proofs(
    rule: AlertingRule, alert: AlertRule, asked: Anomaly, file: str, recorded: Collection[str], *, slack: int = 0
) -> Iterator[Proof | Unproved]:
    """All recordings of a baseline and its alert, one by one."""
    made = _Baseline(rule, alert, asked, file, slack)
    try:
        yield _value(made, frozenset(recorded))
    except Unsteady as why:
        yield Unproved(rule.ref, rule.source, "the series of its baseline", str(why))
    yield _usual(made)
    yield _residual(made)
    yield from _learning(made)
    yield _season(made)
    yield _score(made)
    yield from (_votes(made, sign) for sign in _signs(asked))


# --- recordings --------------------------------------------------------------------------------------------


def _value(made: _Baseline, recorded: frozenset[str]) -> Proof:
    """The series itself, from everything that it reads."""
    tree = parse(made.asked.series.text)
    if isinstance(tree, Fault):
        raise Unsteady("its expression cannot be read")
    inputs = inputs_of(tree, recorded)
    warm = math.ceil(reach(tree) * 1000 / MINUTE.milliseconds)
    rows = steady(tree, [each for each, _ in inputs.series(0, 1.0, SHARES)])
    own = dict(labels_of_baseline(made.alert))
    claims = tuple(
        made.claim("value", warm, value, "what its own text says", tuple(p for p in row if p[0] not in own))
        for row, value in (rows.items() if isinstance(rows, Mapping) else [((), rows)])
        if math.isfinite(value)
    )
    if not claims:
        raise Unsteady("no series were found that give it a value")
    series = steady_series(Solution(inputs, 0, 1.0, 1.0), 1.0, SHARES, warm, MINUTE)
    run = Run("its series, steady", series, claims)
    return Proof(made.rule.ref, made.rule.source, made.file, MINUTE, (run,), alone=True, every=warm or 1)


def _usual(made: _Baseline) -> Proof:
    """Even growth with a spike: its median around the same time of the last seasons."""
    half = ticks(smoothing(made.asked), made.grid) // 2
    last = SEASONS * made.season + 4 * half
    values = [float(tick) for tick in range(last + 1)]
    claims = []
    for number in range(1, SEASONS + 1):
        at = last - number * made.season
        values[at - half // 2 : at] = [_OTHER] * (half // 2)
        around = values[at - half + made.slack : at + half + 1]
        why = f"the median of {smoothing(made.asked)} around this time {number} seasons ago"
        claims.append(made.claim("usual", last, median(around), why, _season_label(number)))
    return made.run("a value that grows for three seasons", [("value", (), values)], claims, last)


def _residual(made: _Baseline) -> Proof:
    """The value, less what each season lets expect."""
    given: list[_Given] = [("value", (), [100.0])]
    claims = []
    for number in range(1, SEASONS + 1):
        given.append(("usual", _season_label(number), [10.0**number]))
        claims.append(
            made.claim("residual", 0, 100 - 10.0**number, "the value less what is usual", _season_label(number))
        )
    return made.run("a value, and what is usual", given, claims)


def _learning(made: _Baseline) -> Iterator[Proof]:
    """Nothing is learned from less than a quarter of a season; a season ago is too long ago to count."""
    least, first = made.season // _QUARTER, _season_label(1)
    ramp = [float(tick) for tick in range(least)]
    for last, value in ((least - 2, None), (least - 1, median(ramp))):
        why = f"{last + 1} of a season's {made.season} residuals are known"
        claim = made.claim("drift", last, value, why, first)
        yield made.run(why, [("residual", first, ramp[: last + 1])], [claim], last)
    gone = least + made.season + 2
    samples: list[Sample] = [*ramp, *[None] * (gone - least), 1.0]
    why = "a quarter was known a season ago"
    yield made.run(why, [("residual", first, samples)], [made.claim("drift", gone, None, why, first)], gone)


def _season(made: _Baseline) -> Proof:
    """Residuals that grow for two seasons: median and spread of the last one."""
    first, last = _season_label(1), 2 * made.season
    values = [float(tick * tick) for tick in range(last + 1)]
    known = values[made.season + made.slack :]
    low, _, high = quantiles(known, n=4, method="inclusive")
    claims = [
        made.claim("drift", last, median(known), "the median of the last season", first),
        made.claim("spread", last, (high - low) / QUARTILES, "by their quartiles, in standard deviations", first),
    ]
    return made.run("residuals that grow for two seasons", [("residual", first, values)], claims, last)


def _score(made: _Baseline) -> Proof:
    """How many spreads the residual is off; where the value hardly varies, the margin stands for them."""
    part = float(f"{float(made.asked.margin / made.asked.deviations):.6g}")
    first, second, usual, drift = _season_label(1), _season_label(2), (-1200.0, 700.0), 200.0
    least = [abs(each + drift) * part for each in usual]
    residual, spread = 5000.0, 10000.0
    given: list[_Given] = []
    for label, known in ((first, usual[0]), (second, usual[1])):
        for end, value in (("residual", residual), ("drift", drift), ("usual", known)):
            given.append((end, label, [value] * 3))
    claims = []
    for label, floor in zip((first, second), least, strict=True):
        given.append(("spread", label, [spread, floor * 1.01 or spread, floor * 0.99]))
        claims.append(made.claim("score", 0, (residual - drift) / spread, "the spread is wide", label))
        if floor:
            wider, narrower = "the spread is just wider than the margin", "the spread is less than the margin allows"
            claims.append(made.claim("score", 1, (residual - drift) / (floor * 1.01), wider, label))
            claims.append(made.claim("score", 2, (residual - drift) / floor, narrower, label))
    known = median(each + drift for each in usual)
    claims.append(made.claim("expected", 0, known, "what is usual, with the growth since then"))
    return made.run("residuals of two seasons", given, claims)


# --- the alert ---------------------------------------------------------------------------------------------


def _signs(asked: Anomaly) -> tuple[int, ...]:
    return {"above": (1,), "below": (-1,)}.get(asked.direction, (1, -1))


def _votes(made: _Baseline, sign: int) -> Proof:
    """One case after the other, each for longer than `for`; the last one fires."""
    wait = ticks(made.rule.for_, made.grid)
    limit = sign * float(made.asked.deviations)
    over, under = limit * 1.01, limit * 0.99
    cases = [
        ((under,) * SEASONS, "no season is beyond the bound"),
        ((limit,) * SEASONS, "the bound itself is not beyond it"),
        ((over,) * (AGREE - 1) + (under,) * (SEASONS - AGREE + 1), f"less than {AGREE} seasons are beyond the bound"),
        ((over,) * (AGREE - 1) + (-over,) * (AGREE - 1), "one season says more, another one less"),
        ((over,) * AGREE + (None,) * (SEASONS - AGREE), f"{AGREE} seasons are beyond the bound"),
    ]
    hold, subject = wait + 1, alert_of(made.rule)
    given: list[_Given] = [("value", (), [1.0] * (hold * len(cases)))]
    for number in range(SEASONS):
        scores = [score for case, _ in cases for score in [(*case, None, None)[number]] * hold]
        given.append(("score", _season_label(number + 1), scores))
    ends = [(number + 1) * hold - 1 for number in range(len(cases))]
    claims = [Claim(FIRING, subject, end, False, why) for end, (_, why) in zip(ends[:-1], cases, strict=False)]
    why, begins = cases[-1][1], ends[-2] + 1
    if wait:
        claims.append(Claim(FIRING, subject, begins + wait - 1, False, f"{why}, but not yet for long enough"))
    claims.append(Claim(FIRING, subject, begins + wait, True, why, more=severity_of(made.rule)))
    return made.run(f"seasons vote on a score {'above' if sign > 0 else 'below'} the bound", given, claims)


def _season_label(number: int) -> Labels:
    return (("season", str(number)),)
