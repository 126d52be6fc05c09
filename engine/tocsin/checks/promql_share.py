"""promql/share."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.compared import compared
from tocsin.checks.reading.ratios import ratios
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import (
    Binary,
    Expr,
    Matcher,
    Selector,
    Share,
    bare,
    bound,
    disjoint,
    matcher_text,
    narrowed,
    nodes,
    share,
)


@check("promql/share", apart=True)
def promql_share(subject: Subject) -> Iterator[Diagnostic]:
    """The events of a share have to be among all that it is a share of.

    A share of bad events counts both sides by the same rules. Where the total asks for something that the bad events
    do not ask for, some of these are not in the total: the share may exceed 1, and a budget is spent by events that
    the objective is not about. Only counts of the same metric are compared. Bad events none of which can be in the
    total, such as those of another job, are a warning where the metrics differ, and an error where they do not.
    Buckets are cumulative: what is in `le="0.3"` is also in `le="+Inf"`, and not the other way round.

    Bad: `bad: requests_total{code=~"5.."}` with `total: requests_total{job="shop"}`

    Good: `bad: requests_total{job="shop",code=~"5.."}` with `total: requests_total{job="shop"}`
    """
    yield from _of_slis(subject)
    seen: set[int] = set()
    for each in compared(subject):
        node = bare(each.value)
        if isinstance(node, Binary) and node.op == "/" and 0 < each.bound <= 1 and each.alerts and id(node) not in seen:
            seen.add(id(node))
            verdict, matcher = share(node.left, node.right)
            if verdict is Share.BEYOND and matcher is not None:
                yield _finding(each.expression, node.left, matcher, "the numerator", "the denominator")


def _of_slis(subject: Subject) -> Iterator[Diagnostic]:
    """Bad or good events beside the total of their SLI."""
    for sides in ratios(subject):
        if (apart := _disjoint(sides.part, sides.key, sides.part_tree, sides.total_tree)) is not None:
            yield apart
            continue
        one, other = bare(sides.part_tree), bare(sides.total_tree)
        if isinstance(one, Selector) and isinstance(other, Selector):
            verdict, matcher = narrowed(one, other)
        else:
            verdict, matcher = share(one, other)
        if verdict is Share.BEYOND and matcher is not None:
            yield _finding(sides.part, one, matcher, f"the {sides.key} events", "the total")


def _disjoint(expression: Expression, key: str, one: Expr, other: Expr) -> Diagnostic | None:
    """What is wrong where either side has one selector, and no series passes both."""
    mine, theirs = ([node for node in nodes(side) if isinstance(node, Selector)] for side in (one, other))
    if len(mine) != 1 or len(theirs) != 1 or (found := disjoint(mine[0], theirs[0])) is None:
        return None
    same = mine[0].metric is not None and mine[0].metric == theirs[0].metric
    wanted = matcher_text(found[1])
    if same and None not in {bound(found[0]), bound(found[1])}:
        return Diagnostic(
            "promql/share",
            expression.inside(found[0]),
            f"buckets are cumulative: {matcher_text(found[0])} counts more events than the total, which is {wanted}",
            hint='write le="+Inf" in the total',
        )
    return Diagnostic(
        "promql/share",
        expression.inside(found[0]),
        f"none of the {key} events {'is' if same else 'seems to be'} in the total, which asks for {wanted}",
        Severity.ERROR if same else Severity.WARNING,
        hint=f"ask for the same {found[0].label.value} on both sides, or for none in the total",
    )


def _finding(expression: Expression, place: Expr, matcher: Matcher, one: str, other: str) -> Diagnostic:
    wanted = matcher_text(matcher)
    return Diagnostic(
        "promql/share",
        expression.inside(place),
        f"{one} may hold what {other} leaves out: only {other} asks for {wanted}",
        Severity.WARNING,
        hint=f"ask for {wanted} on both sides",
    )
