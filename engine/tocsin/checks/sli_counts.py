"""sli/counts."""

from collections.abc import Iterator
from itertools import chain
from math import isclose

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.counting import Counted, Counts, counted
from tocsin.checks.reading.ratios import Sides, ratios
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import Aggregation, Binary, Call, Expr, Number, bare, nodes

_COMPARISONS = frozenset({">", "<", ">=", "<=", "==", "!="})
_OF_ONE = frozenset({"max", "min", "avg"})


@check("sli/counts", apart=True)
def sli_counts(subject: Subject) -> Iterator[Diagnostic]:
    """Both sides of a ratio count events: all of them, and in one unit.

    Bad (or good) events are divided by all events, and low traffic is told by how many there were. What is a share
    already, a number of series, the largest or the mean of several counters, or 60 times as many on one side makes a
    ratio of something else, which no target is meant for. A comparison takes away what it does not let pass: with
    `> 1` there are no events at all while there are few. And a number behind `or` makes up events where there are none.

    Left alone are `> 0` and `or vector(0)`, and `max` over what was added up replica by replica.

    Bad: `bad: sum(rate(errors_total[$window])) / sum(rate(requests_total[$window]))` beside a total of events;
    `total: avg(rate(requests_total[$window]))`; `total: sum(rate(requests_total[$window])) > 1`

    Good: `bad: sum(rate(errors_total[$window]))`, `total: sum(rate(requests_total[$window]))`
    """
    for sides in ratios(subject):
        yield from _units(sides)
        for expression, tree in ((sides.part, sides.part_tree), (sides.total, sides.total_tree)):
            yield from chain(_one_of_many(expression, tree), _taken_away(expression, tree), _made_up(expression, tree))


def _units(sides: Sides) -> Iterator[Diagnostic]:
    part, total = counted(sides.part_tree), counted(sides.total_tree)
    for expression, found in ((sides.part, part), (sides.total, total)):
        if found.mixed is not None:
            said = "events and a number of series are added up here"
            yield Diagnostic("sli/counts", expression.inside(found.mixed), said, hint="count events alone")
    if Counts.UNKNOWN in {part.counts, total.counts} or part.mixed is not None or total.mixed is not None:
        return
    if part.counts is not total.counts:
        expression, wrong = (sides.part, part) if part.counts is not Counts.EVENTS else (sides.total, total)
        yield _of_another_kind(expression, wrong)
    elif not isclose(part.factor, total.factor):
        expression, wrong = (sides.part, part) if part.factor != 1 else (sides.total, total)
        yield Diagnostic(
            "sli/counts",
            expression.span,
            f"this is {wrong.factor:g} times its events, and the other side is not",
            Severity.WARNING,
            hint="count both sides in one unit",
        )


def _of_another_kind(expression: Expression, wrong: Counted) -> Diagnostic:
    hint = "an SLI of kind raw takes a ratio as it is" if wrong.counts is Counts.SHARE else "use rate() of a counter"
    return Diagnostic(
        "sli/counts", expression.span, f"this is {wrong.counts}, and the other side counts events", hint=hint
    )


def _one_of_many(expression: Expression, tree: Expr) -> Iterator[Diagnostic]:
    """`max`, `min` or `avg` over the counters themselves."""
    node = bare(tree)
    if not isinstance(node, Aggregation) or node.op not in _OF_ONE or node.grouping is not None:
        return
    inner = list(nodes(node.expr))
    if counted(node.expr).counts is Counts.EVENTS and not any(isinstance(each, Aggregation) for each in inner):
        what = "the mean of its counters" if node.op == "avg" else f"the {node.op}imum of its counters"
        yield Diagnostic(
            "sli/counts",
            expression.inside(node),
            f"this is {what}, and not how many events there were",
            Severity.WARNING,
            hint="use sum",
        )


def _taken_away(expression: Expression, tree: Expr) -> Iterator[Diagnostic]:
    """Comparisons that stand around the events, and not beside them as a condition."""
    node: Expr | None = bare(tree)
    while node is not None:
        if isinstance(node, Binary) and node.op in _COMPARISONS:
            limit = bare(node.right)
            if not node.bool and isinstance(limit, Number) and limit.value != 0 and _counts_events(node.left):
                yield Diagnostic(
                    "sli/counts",
                    expression.inside(node),
                    f"what is not {node.op} {limit.value:g} is not counted",
                    Severity.WARNING,
                    hint="count all events: low traffic has a guard of its own (low_traffic)",
                )
            node = bare(node.left)
        elif isinstance(node, Aggregation):
            node = bare(node.expr)
        else:
            node = None


def _made_up(expression: Expression, tree: Expr) -> Iterator[Diagnostic]:
    node = bare(tree)
    while isinstance(node, Binary) and node.op == "or":
        number = _vector(node.right)
        if number:
            yield Diagnostic(
                "sli/counts",
                expression.inside(node.right),
                f"where there are no events, this makes up {number:g}",
                Severity.WARNING,
                hint="leave it out: the guards of the objective know what no events mean",
            )
        node = bare(node.left)


def _vector(node: Expr) -> float | None:
    """The number of `vector(1)`."""
    node = bare(node)
    if isinstance(node, Call) and node.name.value == "vector" and isinstance(number := bare(node.arguments[0]), Number):
        return number.value
    return None


def _counts_events(node: Expr) -> bool:
    return counted(node).counts is Counts.EVENTS
