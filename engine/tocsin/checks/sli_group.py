"""sli/group."""

from collections.abc import Iterator, Mapping, Sequence

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.ratios import Sides, ratios
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import Aggregation, Matcher, Selector, bare, flow, nodes
from tocsin.spec import Slo


@check("sli/group", apart=True)
def sli_group(subject: Subject) -> Iterator[Diagnostic]:
    """What an objective is divided by is a label of all that its SLI counts.

    An expression that adds up over a label has no rows for its values. Beside a total that has them, bad events then
    belong to no group, and each group counts none: the objective is always kept. Nor can it be divided by what tells
    bad events from good ones: in the group of `result="failure"` every event is bad, and in all others none is.

    Bad: `bad: sum(rate(errors_total[$window]))` in an SLO with `group_by: [route]`

    Bad: `bad: requests_total{result="failure"}` beside `total: requests_total` with `group_by: [result]`

    Good: `bad: sum by (route) (rate(errors_total[$window]))`
    """
    wanted: dict[tuple[str, str], list[Slo]] = {}
    for service in subject.workspace.services:
        for slo in service.slos:
            if slo.by:
                wanted.setdefault((service.name, slo.sli_name), []).append(slo)
    for expression, tree in subject.trees if wanted else ():
        for slo in _users(expression, wanted):
            if lacking := [label for label in slo.by if not flow(tree).may_have(label)]:
                yield Diagnostic(
                    "sli/group",
                    expression.span,
                    f"{slo.ref} is divided by {', '.join(lacking)}, and no row of this has such a label",
                    hint=f"keep it: by ({', '.join(slo.by)})" if isinstance(bare(tree), Aggregation) else None,
                    related=((slo.span, "the objective"),),
                )
    for sides in ratios(subject) if wanted else ():
        for slo in _users(sides.part, wanted):
            for matcher in _telling(sides, slo.by):
                label = matcher.label.value
                yield Diagnostic(
                    "sli/group",
                    sides.part.inside(matcher),
                    f"{slo.ref} is divided by {label}, and {sides.key} events are told by it: "
                    "each group is all good or all bad",
                    Severity.ERROR if matcher.op == "=" else Severity.WARNING,
                    hint=f"leave {label} out of group_by",
                    related=((slo.span, "the objective"),),
                )


def _users(expression: Expression, wanted: Mapping[tuple[str, str], Sequence[Slo]]) -> Sequence[Slo]:
    """The objectives that are divided and use the SLI of *expression*."""
    value = expression.document.value
    owner = str(value.get("name")) if isinstance(value, dict) else ""
    return wanted.get((owner, str(expression.path[1])), ()) if expression.path[0] == "slis" else ()


def _telling(sides: Sides, by: tuple[str, ...]) -> Iterator[Matcher]:
    """The matchers of one side alone that fix a label of *by*; regular expression only with one metric."""
    part, total = flow(sides.part_tree), flow(sides.total_tree)
    names = {
        node.metric
        for tree in (sides.part_tree, sides.total_tree)
        for node in nodes(tree)
        if isinstance(node, Selector)
    }
    for label in by:
        said = {matcher.said for matcher in total.asked.get(label, ())}
        for matcher in part.asked.get(label, ()):
            alone = matcher.said not in said and matcher.value.value not in {"", ".+", ".*"}
            if alone and (matcher.op == "=" or len(names) == 1):
                yield matcher
