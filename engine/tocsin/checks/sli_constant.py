"""sli/constant."""

from collections.abc import Iterator
from math import inf

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.ratios import ratios
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.document import Path
from tocsin.expressions import Expression
from tocsin.promql_syntax import Binary, Call, Expr, Selector, bare, bounds, canonical, surely_bounded
from tocsin.sli import FreshnessSli, ProbeSli, Sli, ThresholdSli

_YOUNGEST = 1e8
"""Unix seconds of 1973: nothing that is monitored succeeded before."""


@check("sli/constant", apart=True)
def sli_constant(subject: Subject) -> Iterator[Diagnostic]:
    """An SLI can be good, and can be bad.

    `up` is 0 or 1: at least 0 it always is, and at least 2 never. A value that is always within its bounds spends no
    budget, and one that never is fires from the first minute; neither measures anything. Freshness needs the time of
    the last success in unix seconds; given an age, it subtracts that from the time and is always bad. Where the good
    events of a ratio are all events there never is an error, and where the bad ones are there is nothing else.

    Bad: `probe: {up: 'up{job="shop"}', at_least: 0}`, `freshness: {last_success: time() - backup_time, within: 1d}`

    Good: `probe: {up: 'up{job="shop"}'}`, `freshness: {last_success: backup_time, within: 1d}`
    """
    yield from _all_alike(subject)
    slis = {(s.name, name): sli for s in subject.workspace.services for name, sli in s.slis.items()}
    for expression, tree in subject.trees:
        value = expression.document.value
        owner = str(value.get("name")) if isinstance(value, dict) else ""
        if expression.path[0] == "slis":
            sli = slis.get((owner, str(expression.path[1])))
            if sli is not None:
                yield from _of_sli(expression, tree, sli)


def _all_alike(subject: Subject) -> Iterator[Diagnostic]:
    """Ratios both sides of which are the same."""
    for sides in ratios(subject):
        if _are_alike(bare(sides.part_tree), bare(sides.total_tree)):
            yield Diagnostic(
                "sli/constant",
                sides.part.span,
                f"every event is {sides.key}: this is what the total counts",
                hint=f"ask for the {sides.key} events alone",
                related=((sides.total.span, "the total"),),
            )


def _are_alike(one: Expr, other: Expr) -> bool:
    """Whether two expressions mean the same; of selectors, which most are, that is seldom asked to the end."""
    if isinstance(one, Selector) and isinstance(other, Selector):
        mine, theirs = ({m.said for m in each.matchers if m.label.value != "__name__"} for each in (one, other))
        if one.metric != other.metric or mine != theirs:
            return False
    return canonical(one) == canonical(other)


def _of_sli(expression: Expression, tree: Expr, sli: Sli) -> Iterator[Diagnostic]:
    if isinstance(sli, FreshnessSli):
        if hint := _not_a_time(tree):
            said = "this is no time in unix seconds: every sample is too old, and bad"
            yield Diagnostic("sli/constant", expression.span, said, hint=hint)
        return
    if isinstance(sli, ProbeSli):
        low, high = float(sli.at_least), inf
    elif isinstance(sli, ThresholdSli):
        low = float(sli.at_least) if sli.at_least is not None else -inf
        high = float(sli.at_most) if sli.at_most is not None else inf
    else:
        return
    least, most = bounds(tree)
    always = "good" if low <= least and most <= high else "bad" if most < low or least > high else ""
    if always:
        document, path = expression.document, _bound(expression, sli)
        yield Diagnostic(
            "sli/constant",
            document.span(path),
            f"every sample is {always}: the value is {_between(least, most)}",
            Severity.ERROR if surely_bounded(tree) else Severity.WARNING,
            hint="leave at_least out: 1 is meant where nothing else is said" if isinstance(sli, ProbeSli) else None,
        )


def _bound(expression: Expression, sli: Sli) -> Path:
    """The bound that is at fault, or the expression where there are two or none."""
    path = expression.path[:-1]
    written = [key for key in ("at_least", "at_most") if expression.document.at((*path, key)) is not None]
    return (*path, written[0]) if len(written) == 1 and isinstance(sli, ProbeSli | ThresholdSli) else expression.path


def _not_a_time(tree: Expr) -> str | None:
    """What to write instead, where *tree* is an age or a small number and not a point in time."""
    node = bare(tree)
    if isinstance(node, Binary) and node.op == "-" and isinstance(now := bare(node.left), Call):
        if now.name.value == "time":
            return "give the time itself, without time() - in front of it"
    elif bounds(tree)[1] < _YOUNGEST and surely_bounded(tree):
        return "give the time of the last success in seconds since 1970"
    return None


def _between(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"from {low:g} to {high:g}" if high < inf else f"{low:g} or more"
