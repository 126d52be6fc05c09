"""record/unknown."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.plan import RecordingRule
from tocsin.promql_syntax import Selector, nodes
from tocsin.schema.words import nearest, respelling


@check("record/unknown")
def record_unknown(subject: Subject) -> Iterator[Diagnostic]:
    """A recorded series that is read is recorded.

    A name with a colon is one of a recording. Where this workspace records others of its level, and not this one, it
    was renamed, removed or misspelt, and the expression gives no rows. Levels that nothing here records are left alone:
    they may come from rules elsewhere.

    Bad: `job:errors:rate1m > 5`, where the workspace records `job:errors:rate5m`

    Good: `job:errors:rate5m > 5`
    """
    recorded = {rule.record for group in subject.plan.groups for rule in group.rules if isinstance(rule, RecordingRule)}
    levels = {name.partition(":")[0] for name in recorded if ":" in name}
    if subject.wrong or not levels:
        return
    for expression, tree in subject.trees:
        for node in nodes(tree):
            name = node.metric if isinstance(node, Selector) else None
            if name and ":" in name and name not in recorded and name.partition(":")[0] in levels:
                level = [each for each in recorded if each.startswith(f"{name.partition(':')[0]}:")]
                near = nearest(name, level)
                span = expression.inside(node.name) if isinstance(node, Selector) and node.name else expression.span
                yield Diagnostic(
                    "record/unknown",
                    span,
                    f"nothing records {name}",
                    Severity.WARNING if near else Severity.INFO,
                    hint=f"did you mean {near}?" if near else "record it, or use what is recorded",
                    fix=respelling(span, name, level) if near and isinstance(node, Selector) and node.name else None,
                )
