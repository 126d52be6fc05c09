"""What the rows of a query are told apart by: other programs alert for each, and an objective says so in `group_by`.

Without it all rows are one here, and a tenant with a hundredth of the traffic may fail for hours unseen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.importers.draft import Mapping
from tocsin.importers.ledger import Fate, Given
from tocsin.importers.services import IDENTITY
from tocsin.promql import with_window
from tocsin.promql_syntax import Aggregation, Fault, flow, nodes, parse

UNDIVIDED = IDENTITY | {"severity", "le"}
"""Labels that no objective can be divided by."""
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Sli:
    """An SLI, and the labels by which its rows are told apart."""

    entry: Mapping
    by: Sequence[str] = ()


def group_by(queries: Sequence[tuple[Given, str]], program: str, *, series: bool) -> list[str]:
    """The labels of the rows of *queries*, which are where each stands and its PromQL; what cannot be said is told.

    Several queries are divided by each other, so their rows have to agree. *series* says whether in *program* each
    series of a selector is a row of its own; else only what an aggregation says counts.
    """
    node, text = queries[0]
    labels = rows(text)
    told = series or any(_divided(each) for _, each in queries)
    for other, each in queries[1:]:
        if rows(each) != labels:
            why = (
                f"the rows of {other.name} are {_told(rows(each))}, and {program} divides only rows with the same "
                "labels by each other, so it has few of them or none; all rows are one here"
            )
            if told:
                _lose(node, f"the rows of {node.name}, which are {_told(labels)}", why)
            return []
    if labels is None:
        why = (
            f"{program} alerts for each of its series, and it does not say which labels those have; all of them are "
            "one here: name the labels in group_by of the objective"
        )
        if told:
            _lose(node, f"the rows of {node.name}", why)
        return []
    for label in sorted(labels):
        if label in UNDIVIDED:
            why = "Tocsin sets this label itself, so its values are one here; rename it in the series to divide by it"
            _lose(node, f"{node.name} by {label}", why)
        elif not _LABEL.fullmatch(label):
            _lose(
                node, f"{node.name} by {label}", "objectives are divided by labels of letters, digits and underscores"
            )
    return sorted(label for label in labels - UNDIVIDED if _LABEL.fullmatch(label))


def rows(text: str) -> frozenset[str] | None:
    """The labels that the rows of a query with `$window` are told apart by; None where that depends on the data.

    >>> sorted(rows("sum by (tenant, route) (rate(x[$window])) or vector(0)")), rows("avg_over_time(x[$window])")
    (['route', 'tenant'], None)
    """
    tree = parse(with_window(text))
    if isinstance(tree, Fault):
        return frozenset()  # told as a mistake
    given = flow(tree)
    return None if given.only is None else frozenset(label for label in given.only if given.may_have(label))


def _divided(text: str) -> bool:
    """Whether somebody wrote `by` or `without`."""
    tree = parse(with_window(text))
    return not isinstance(tree, Fault) and any(
        isinstance(node, Aggregation) and node.grouping is not None for node in nodes(tree)
    )


def _told(labels: frozenset[str] | None) -> str:
    if labels is None:
        return "its series with any labels"
    return f"by {', '.join(sorted(labels))}" if labels else "one"


def _lose(node: Given, what: str, why: str) -> None:
    node.ledger.note(Fate.LOST, node.key_span, what, why)
