"""Alerts that compare a value with a number: they fire a little beyond it, and are silent a little before it."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tocsin.plan import AlertingRule
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import MIRROR, Binary, Call, Expr, Fault, Number, Selector, bare, nodes, parse
from tocsin.proofs.absence import ABSENCE
from tocsin.proofs.decoys import decoys
from tocsin.proofs.model import FIRING, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import written
from tocsin.proofs.solve import Solution, inputs_of, reach, solutions
from tocsin.proofs.steady import Unsteady, steady
from tocsin.proofs.subjects import alert_of, severity_of
from tocsin.proofs.ticks import MINUTE, ticks
from tocsin.proofs.values import rising
from tocsin.units import Duration

_COARSE = Duration.of(minutes=5)
_LONGEST = 720
"""Ticks of a minute; what looks back further is looked at every five minutes."""
_HUGE = 1000.0
SHARES = (0.25, 0.75)
"""What each of two twins has of a size, so that their sum is not their mean."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`value op number`."""

    value: Expr
    op: str
    number: float


def alert_proof(rule: AlertingRule, file: str, recorded: Collection[str]) -> Proof | Unproved:
    """The proof of an alert, or why there is none."""
    tree = parse(rule.expr)
    if isinstance(tree, Fault):
        return Unproved(rule.ref, rule.source, "its alert", "its expression cannot be read")
    try:
        return _proof(rule, file, _comparison(tree), frozenset(recorded))
    except Unsteady as why:
        return Unproved(rule.ref, rule.source, "its alert", str(why))


def _comparison(tree: Expr) -> Comparison:
    node = bare(tree)
    while isinstance(node, Binary) and node.op == "or" and isinstance(bare(node.right), Call):
        node = bare(node.left)  # `or absent(…)`
    if isinstance(node, Binary) and node.op in MIRROR and not node.bool:
        left, right = bare(node.left), bare(node.right)
        if isinstance(right, Number):
            return Comparison(node.left, node.op, right.value)
        if isinstance(left, Number):
            return Comparison(node.right, MIRROR[node.op], left.value)
    raise Unsteady(_no_comparison(node, tree))


def _no_comparison(node: Expr, tree: Expr) -> str:
    """Why no steady values can show when it fires."""
    read = {each.metric for each in nodes(tree) if isinstance(each, Selector)}
    if read & {"ALERTS", "ALERTS_FOR_STATE"}:
        return "it goes by alerts that fire already, so one value does not decide"
    if isinstance(node, Binary) and node.op in {"and", "or", "unless"}:
        return f"'{node.op}' decides which rows it has, and not one value alone"
    if isinstance(node, Binary) and node.op in MIRROR:
        given = "what it is compared with is no plain number"
        return "it gives 0 or 1 (bool), and each is a row" if node.bool else given
    if any(isinstance(each, Call) and each.name.value in ABSENCE for each in nodes(node)):
        return "it fires while series are absent, and proofs bring series"
    return "it compares nothing: every row of it fires"


def _proof(rule: AlertingRule, file: str, asked: Comparison, recorded: frozenset[str]) -> Proof:
    inputs = inputs_of(asked.value, recorded)
    seconds = reach(asked.value)
    grid = MINUTE if seconds <= _LONGEST * 60 else _COARSE
    warm = math.ceil(seconds * 1000 / grid.milliseconds)
    if rule.for_.milliseconds % grid.milliseconds:
        grid = Duration.of(seconds=15)
        warm = math.ceil(seconds * 1000 / grid.milliseconds)
    wait = ticks(rule.for_, grid)
    flat, found = asked.op in {"==", "!="}, None
    for step in steps(asked.number):
        silent, loud, lowest = _wanted(asked, step)
        if found := next(solutions(asked.value, inputs, silent, loud, lowest=lowest), None):
            break
    if found is None:
        raise Unsteady(f"no series were found that bring its value to {loud:g}, and none to {silent:g}")
    if flat:
        found = Solution(inputs, found.varied, silent, loud)
    shares = (1.0, 1.0) if flat else SHARES
    subject = alert_of(rule)
    row = tuple(pair for pair in row_of(asked, found, shares) if pair[0] not in dict(rule.labels))
    last = warm + wait + 2
    name = f"a steady value of {loud:.6g}"
    runs = [
        Run(name, steady_series(found, found.above, shares, last, grid),
            tuple(_fires(subject, (*row, *severity_of(rule)), warm, wait, asked))),
        Run(f"a steady value of {silent:.6g}", steady_series(found, found.below, shares, last, grid),
            tuple(Claim(FIRING, subject, tick, False, f"not {asked.op} {asked.number:g}") for tick in (wait, last))),
    ]  # fmt: skip
    if (tie := _tie(asked, found)) is not None:
        holds = asked.op in {">=", "<="}
        why = f"exactly {asked.number:g}"
        claims = (Claim(FIRING, subject, last, holds, why),)
        runs.append(Run(f"a steady value of {why}", steady_series(found, tie, (1.0, 1.0), last, grid), claims))
    runs += missing_runs(rule, asked.value, found, grid)
    return Proof(rule.ref, rule.source, file, grid, tuple(runs))


def missing_runs(rule: AlertingRule, value: Expr, found: Solution, grid: Duration) -> Iterator[Run]:
    """Where a *value* without a row fires too (`or absent(…)`): it does so while there is none of its series."""
    tree = parse(rule.expr)
    node = tree if isinstance(tree, Fault) else bare(tree)
    last = bare(node.right) if isinstance(node, Binary) and node.op == "or" else node
    if isinstance(last, Call) and last.name.value in ABSENCE and steady(value, ()) == {}:
        subject, wait = alert_of(rule), ticks(rule.for_, grid)
        early = (
            [Claim(FIRING, subject, wait - 1, False, "it has no value, but not yet for long enough")] if wait else []
        )
        claims = (*early, Claim(FIRING, subject, wait, True, "it has no value", more=severity_of(rule)))
        yield Run("none of its series", tuple(decoy_series(found, 1.0, wait, grid)), claims)


def steps(number: float) -> tuple[float, ...]:
    """A hundredth of the number; for a share that cannot be more than 1, also a hundredth of what is left."""
    return (abs(number) / 100 or 1.0, *([(1 - number) / 100] if 0 < number < 1 else []))


def _wanted(asked: Comparison, step: float) -> tuple[float, float, bool]:
    """The values just before and just beyond the number, and whether the lowest row decides."""
    number = asked.number
    before = -step * (asked.op == ">=") if not number else number - step
    return {
        ">": (before, number + step, False),
        ">=": (before, number + step, False),
        "==": (number + 1, number, False),
        "!=": (number, number + 1, False),
    }.get(asked.op, (number + step, number - step, True))


def _fires(subject: Labels, more: Labels, warm: int, wait: int, asked: Comparison) -> Iterator[Claim]:
    why = f"{asked.op} {asked.number:g}"
    if wait:
        yield Claim(FIRING, subject, wait - 1, False, f"{why}, but not yet for long enough")
    yield Claim(FIRING, subject, warm + wait, True, why, more=more)
    yield Claim(FIRING, subject, warm + wait + 2, True, why, more=more)


def row_of(asked: Comparison, found: Solution, shares: tuple[float, float]) -> Labels:
    """The labels of a row that fires, but for the twins'."""
    series = [each for each, _ in found.inputs.series(found.varied, found.above, shares)]
    rows = steady(asked.value, series)
    if not isinstance(rows, Mapping) or not rows:
        return ()
    row = (min if asked.op.startswith("<") else max)(rows, key=lambda labels: rows[labels])
    return tuple(pair for pair in row if pair[0] not in {found.inputs.twin, "le"})


def _tie(asked: Comparison, found: Solution) -> float | None:
    """The size at which the value is exactly the number, where floats allow that."""
    if asked.op in {"==", "!="}:
        return None
    for size in (asked.number, 1.0, 0.0):
        rows = steady(asked.value, [each for each, _ in found.inputs.series(found.varied, size, (1.0, 1.0))])
        if isinstance(rows, Mapping) and rows and set(rows.values()) == {asked.number}:
            return size
    return None


def steady_series(
    found: Solution, size: float, shares: tuple[float, float], last: int, grid: Duration
) -> tuple[tuple[str, str], ...]:
    """The input series with their decoys."""
    given = found.inputs.series(found.varied, size, shares)
    lines = [
        (written(each.name, each.labels), rising(each.value, last, float(grid.seconds), rises=rises))
        for each, rises in given
    ]
    return tuple(dict([*lines, *decoy_series(found, size, last, grid)]).items())


def decoy_series(found: Solution, size: float, last: int, grid: Duration) -> Iterator[tuple[str, str]]:
    """Series that rules do not find unless they lack a matcher, much larger than those of *size* and nothing at all."""
    selectors = [source.selector for source in found.inputs.sources]
    for source in found.inputs.sources:
        for name, labels in decoys([(source.name, source.labels)], selectors):
            for letter, value in (("a", _HUGE * (abs(size) + 1)), ("b", 0.0)):
                twin = {**dict(labels), found.inputs.twin: letter}
                if source.buckets:
                    twin["le"] = "+Inf"
                yield written(name, labels_of(twin)), rising(value, last, float(grid.seconds), rises=source.rises)
