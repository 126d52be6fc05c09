"""What an objective records where its SLI may be any PromQL: everything rises evenly, or stays where it is.

Then the SLI's own text has a value that can be told without Prometheus (`steady`), and every window has to record it.
One series begins to rise when the longest window has passed, so that a window which looks back too far shows. Sizes are
chosen so that some scenario has bad events only, some has none, and some has both.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import gcd

from tocsin.plan.series import KINDS
from tocsin.promql_syntax import Expr, Fault, parse
from tocsin.proofs.given import value_claims
from tocsin.proofs.model import Claim, Proof, Run
from tocsin.proofs.selectors import written
from tocsin.proofs.solve import Inputs, inputs_of, reach
from tocsin.proofs.steady import Steady, Unsteady, steady
from tocsin.proofs.ticks import MINUTE, raw_rates
from tocsin.proofs.values import rising
from tocsin.sli import FreshnessSli, SlicedSli, for_long
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

_SIZES = (0.0, 0.01, 0.04, 0.3, 1.0, 3.0, 10.0, 1000.0)
_HALVINGS = 12
_SHARES = (0.25, 0.75)
_Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A recording, what the SLI says of it, and the tick at which it has its value."""

    name: str
    text: str
    tick: int

    @property
    def tree(self) -> Expr:
        """The text, read."""
        return _tree(self.text)


def _jumps(values: Callable[[float], _Values]) -> Iterator[float]:
    """Sizes just before and just behind a jump, which is where a threshold stands."""
    for one, two in pairwise(_SIZES):
        first, low, high = values(one), one, two
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if values(middle) == first else (low, middle)
        if values(low) == first != values(high) == values(two):
            yield from (low, high)


def _telling(asked: Sequence[_Asked], found: Iterable[_Values]) -> Iterator[_Values]:
    """The values with the fewest and with the most bad events, and some with both bad and good ones."""
    bad, total = (next(n for n, each in enumerate(asked) if f":{kind}:" in each.name) for kind in KINDS)
    known = sorted(found, key=lambda values: values[bad] or 0.0)
    between = [values for values in known if 0 < (values[bad] or 0.0) < (values[total] or 0.0)]
    yield from dict.fromkeys((known[0], *between[len(between) // 2 :][:1], known[-1]))


@dataclass(frozen=True, slots=True)
class _Fed:
    """A series, whether it is a counter, and whether it begins *late*."""

    series: Steady
    rises: bool
    late: bool


def even_proofs(slo: Slo, tiers: tuple[Tier, ...]) -> Iterator[Proof]:
    """Every recording that reads what the SLI names; raises Unsteady where its value cannot be told."""
    if isinstance(slo.sli, FreshnessSli):
        yield _ageing(slo, slo.sli)
        return
    plain = for_long(slo.sli)  # nothing is born here
    if (now := plain.now()) is not None:
        grid = Duration(plain.slice.milliseconds // 4) if isinstance(plain, SlicedSli) else MINUTE
        warm = max(_warm(text, grid) for text in now) + 4
        asked = [_Asked(f"slo:{kind}:now", text, warm) for kind, text in zip(KINDS, now, strict=True)]
        yield from _proofs(slo, asked, grid)
        return
    for some, grid in raw_rates(slo, tiers):
        asked = []
        for rate in some:
            count = plain.bad if rate.kind == "bad" else plain.total
            text = count(str(rate.window))
            asked.append(_Asked(rate.name, text, _warm(text, grid)))
        yield from _proofs(slo, asked, grid)


def _warm(text: str, grid: Duration) -> int:
    """Ticks until everything that *text* looks back at is there."""
    return math.ceil(reach(_tree(text)) * 1000 / grid.milliseconds)


@lru_cache(maxsize=256)
def _tree(text: str) -> Expr:
    tree = parse(text)
    if isinstance(tree, Fault):
        raise Unsteady("its expression cannot be read")
    return tree


def _proofs(slo: Slo, asked: Sequence[_Asked], grid: Duration) -> Iterator[Proof]:
    inputs = inputs_of(_tree(" or ".join(f"({each.text})" for each in asked)), frozenset())
    picked: dict[_Values, list[_Fed]] = {}
    for varied in range(len(inputs.sources)):
        found: dict[_Values, list[_Fed]] = {}

        def values(size: float, varied: int = varied) -> _Values:
            return _values(asked, list(_fed(inputs, varied, size)))

        for size in (*_jumps(values), *_SIZES):
            fed = list(_fed(inputs, varied, size))
            found.setdefault(_values(asked, fed), fed)
        picked |= {told: found[told] for told in _telling(asked, found)}
    nothing = [replace(each, series=replace(each.series, value=0.0)) for each in next(iter(picked.values()))]
    every = gcd(*(each.tick for each in asked))
    stories = [(each, "everything rises evenly") for each in picked.values()]
    for fed, name in (*stories, (nothing, "nothing happens"), ([], "no series at all")):
        run = _run(slo, asked, fed, name, grid)
        yield Proof(slo.ref, slo.span, slo.service, grid, (run,), every=every)


def _fed(inputs: Inputs, varied: int, size: float) -> Iterator[_Fed]:
    """Every series; the counters of source *varied*, which have *size*, begin late."""
    still = {(one.name, one.labels): one.value for one, _ in inputs.series(varied, 0.0, _SHARES)}
    for one, rises in inputs.series(varied, size, _SHARES):
        yield _Fed(one, rises, late=rises and still.get((one.name, one.labels)) != one.value)


def _values(asked: Sequence[_Asked], fed: Sequence[_Fed]) -> _Values:
    return tuple(_value(each.tree, [one.series for one in fed]) for each in asked)


def _value(tree: Expr, series: Sequence[Steady]) -> float | None:
    """The one row of *tree*; NaN is recorded nowhere."""
    rows = steady(tree, series)
    if not isinstance(rows, Mapping):
        raise Unsteady("it holds a number where rows should be")
    if len(rows) > 1:
        raise Unsteady("it has more than one row")
    value = next(iter(rows.values()), math.nan)
    return value if math.isfinite(value) and value >= 0 else None


def _run(slo: Slo, asked: Sequence[_Asked], fed: Sequence[_Fed], name: str, grid: Duration) -> Run:
    late = max(each.tick for each in asked)
    claims: list[Claim] = []
    for each, value in zip(asked, _values(asked, fed), strict=True):
        claims += value_claims(slo, each.name, {late + each.tick: value}, "what the SLI's own text says")
    lines = tuple(
        (
            written(one.series.name, one.series.labels),
            rising(one.series.value, 2 * late, float(grid.seconds), rises=one.rises, since=late if one.late else 0),
        )
        for one in fed
    )
    return Run(name, lines, tuple(claims))


def _ageing(slo: Slo, sli: FreshnessSli) -> Proof:
    """The last success is as old as it may be after one second, and too old after two."""
    tree, last = _tree(sli.last_success), 1.0 - float(sli.within)
    series = [replace(each, value=last) for each, _ in inputs_of(tree, frozenset()).series(0, last, _SHARES)]
    rows = steady(tree, series)
    if not isinstance(rows, Mapping) or set(rows.values()) != {last}:
        raise Unsteady("its value is not that of one series")
    count = float(len(rows))
    why = f"a success is good for {Duration(int(sli.within * 1000))}"
    claims = [
        claim
        for kind, expected in (("bad", {1: 0.0, 2: count}), ("total", {2: count}))
        for claim in value_claims(slo, f"slo:{kind}:now", expected, why)
    ]
    lines = tuple((written(each.name, each.labels), rising(last, 2, 1.0, rises=False)) for each in series)
    run = Run("nothing succeeds any more", lines, tuple(claims))
    return Proof(slo.ref, slo.span, slo.service, Duration.of(seconds=1), (run,))
