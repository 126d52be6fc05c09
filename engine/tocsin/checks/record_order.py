"""record/order."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Selector, nodes
from tocsin.spec import Recording


@check("record/order")
def record_order(subject: Subject) -> Iterator[Diagnostic]:
    """What a recording reads is recorded before it, in its group.

    A group is evaluated from top to bottom. What stands further down is read as it was one evaluation ago; what another
    group records is read as it was some time ago, because groups are evaluated at times of their own.

    Bad: `job:errors:ratio5m`, made of `job:errors:rate5m`, which is recorded below it

    Good: `job:errors:rate5m` first
    """
    recordings = [each for service in subject.workspace.services for each in service.recordings]
    places = {(each.span.path, each.span.line): each for each in recordings}
    by_name: dict[str, list[Recording]] = {}
    for each in recordings:
        by_name.setdefault(each.record, []).append(each)
    for expression, tree in subject.trees_below("recordings"):
        record = expression.document.span((*expression.path[:2], "record"))
        reader = places.get((record.path, record.line))
        for node in nodes(tree) if reader is not None else ():
            sources = by_name.get(node.metric or "", []) if isinstance(node, Selector) else []
            if reader is not None and len(sources) == 1 and sources[0] is not reader:
                message = _late(sources[0], reader)
                if message is not None:
                    said, severity = message
                    related = ((sources[0].span, "recorded here"),)
                    yield Diagnostic("record/order", expression.inside(node), said, severity, related=related)


def _late(source: Recording, reader: Recording) -> tuple[str, Severity] | None:
    if (source.service, source.group) != (reader.service, reader.group):
        where = source.group or f"recordings:{source.service}"
        said = f"{source.record} is recorded in another group ({where}), so this reads it some time late"
        return said, Severity.INFO
    if source.span > reader.span:
        return f"{source.record} is recorded below, so this reads it one evaluation late", Severity.WARNING
    return None
