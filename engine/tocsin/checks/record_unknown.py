"""record/unknown."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.plan import RecordingRule
from tocsin.promql_syntax import Fault, Selector, nodes, parse
from tocsin.schema.words import nearest, respelling


@check("record/unknown")
def record_unknown(subject: Subject) -> Iterator[Diagnostic]:
    """A recorded series that is read is recorded.

    A name with a colon is one of a recording. Where this workspace records others of its level, and not this one, it
    was renamed, removed or misspelt, and the expression gives no rows. Levels that nothing here records are left alone:
    they may come from rules elsewhere. So are names that begin with a colon, as metrics of some exporters do.

    Bad: `job:errors:rate1m > 5`, where the workspace records `job:errors:rate5m`

    Good: `job:errors:rate5m > 5`
    """
    read = [] if subject.wrong else list(_recorded_names(subject))
    if not read:  # so that rules need not be made for this alone
        return
    recorded = {rule.record for group in subject.plan.groups for rule in group.rules if isinstance(rule, RecordingRule)}
    levels = {name.partition(":")[0] for name in recorded if ":" in name}
    for expression, node, name in read:
        level = name.partition(":")[0]
        if name in recorded or not level or level not in levels:
            continue
        others = [each for each in recorded if each.startswith(f"{level}:")]
        near = nearest(name, others)
        span = expression.inside(node.name or node)
        yield Diagnostic(
            "record/unknown",
            span,
            f"nothing records {name}",
            Severity.WARNING if near else Severity.INFO,
            hint=f"did you mean {near}?" if near else "record it, or use what is recorded",
            fix=respelling(span, name, others) if node.name else None,
        )


def _recorded_names(subject: Subject) -> Iterator[tuple[Expression, Selector, str]]:
    """The names with a colon that expressions read, but for those that the services write down as recordings."""
    known = {each.record for service in subject.workspace.services for each in service.recordings}
    for expression in subject.expressions:
        if ":" in expression.text:
            tree = parse(expression.text)
            for node in nodes(tree) if not isinstance(tree, Fault) else ():
                if isinstance(node, Selector) and node.metric and ":" in node.metric and node.metric not in known:
                    yield expression, node, node.metric
