"""sli/group."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.promql_syntax import Aggregation, bare, flow


@check("sli/group", apart=True)
def sli_group(subject: Subject) -> Iterator[Diagnostic]:
    """What an objective is divided by is a label of all that its SLI counts.

    An expression that adds up over a label has no rows for its values. Beside a total that has them, bad events then
    belong to no group, and each group counts none: the objective is always kept.

    Bad: `bad: sum(rate(errors_total[$window]))` in an SLO with `group_by: [route]`

    Good: `bad: sum by (route) (rate(errors_total[$window]))`
    """
    wanted = {
        (service.name, slo.sli_name): slo for service in subject.workspace.services for slo in service.slos if slo.by
    }
    for expression, tree in subject.trees if wanted else ():
        value = expression.document.value
        owner = str(value.get("name")) if isinstance(value, dict) else ""
        slo = wanted.get((owner, str(expression.path[1]))) if expression.path[0] == "slis" else None
        lacking = [label for label in slo.by if not flow(tree).may_have(label)] if slo is not None else []
        if slo is not None and lacking:
            hint = f"keep it: by ({', '.join(slo.by)})" if isinstance(bare(tree), Aggregation) else None
            yield Diagnostic(
                "sli/group",
                expression.span,
                f"{slo.ref} is divided by {', '.join(lacking)}, and no row of this has such a label",
                hint=hint,
                related=((slo.span, "the objective"),),
            )
