"""Alerts for series that are not there: silent while they are, firing once they are gone, over when they are back.

A series like each of them but for one label is there all the time: it does not stand in for the one that is gone.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tocsin.plan import AlertingRule
from tocsin.ports import Labels
from tocsin.promql_syntax import Binary, Call, Expr, Fault, RangeSelector, bare, parse
from tocsin.promql_syntax import Selector as SelectorNode
from tocsin.proofs.decoys import decoys
from tocsin.proofs.model import FIRING, Claim, Proof, Run, Unproved
from tocsin.proofs.selectors import Selector, read_selector, series_for, written
from tocsin.proofs.steady import Unsteady
from tocsin.proofs.subjects import alert_of, severity_of
from tocsin.proofs.ticks import grid_for, ticks
from tocsin.proofs.values import Sample, notation
from tocsin.units import Duration

ABSENCE = frozenset({"absent", "absent_over_time"})
_LONGEST = 10_000
"""Ticks of a proof, at most."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is asked for: a *selector*, and how far back it may have been seen; a row that tells of it has *labels*."""

    selector: Selector
    within: Duration
    labels: Labels


def is_absence(tree: Expr) -> bool:
    """Whether *tree* is `absent(…)`, or several of them joined by `or`."""
    node = bare(tree)
    if isinstance(node, Binary) and node.op == "or":
        return is_absence(node.left) and is_absence(node.right)
    return isinstance(node, Call) and node.name.value in ABSENCE


def absence_proof(rule: AlertingRule, file: str, recorded: Collection[str]) -> Proof | Unproved:
    """The proof of an alert whose expression `is_absence`, or why there is none."""
    tree = parse(rule.expr)
    try:
        watched = [] if isinstance(tree, Fault) else list(_watched(tree, recorded))
        return _proof(rule, file, watched)
    except Unsteady as why:
        return Unproved(rule.ref, rule.source, "its alert", str(why))


def _watched(tree: Expr, recorded: Collection[str]) -> Iterator[_Watched]:
    node = bare(tree)
    if isinstance(node, Binary):
        yield from _watched(node.left, recorded)
        yield from _watched(node.right, recorded)
        return
    inner = bare(node.arguments[0]) if isinstance(node, Call) else node
    chosen = inner.selector if isinstance(inner, RangeSelector) else inner
    if not isinstance(chosen, SelectorNode) or not isinstance(inner, SelectorNode | RangeSelector):
        raise Unsteady("it waits for a result to be absent, and not for series")
    if inner.offset or inner.at or chosen.offset or chosen.at:
        raise Unsteady("it asks what was there at another time")
    seconds = (inner.range.seconds or 0) if isinstance(inner, RangeSelector) else 0
    selector = read_selector(chosen)
    if selector.name in recorded:
        raise Unsteady("it reads series that other rules record")
    asked = [matcher.label for matcher in selector.matchers]
    labels = tuple((m.label, m.value) for m in selector.matchers if m.op == "=" and asked.count(m.label) == 1)
    yield _Watched(selector, Duration(int(seconds * 1000)), tuple(pair for pair in sorted(labels) if pair[1]))


def _proof(rule: AlertingRule, file: str, watched: list[_Watched]) -> Proof:
    selectors = [each.selector for each in watched]
    found = {
        each.selector: series_for([each.selector], [s for s in selectors if s != each.selector]) for each in watched
    }
    series = [each for each in found.values() if each is not None]
    if len(series) < len(found):
        raise Unsteady("no series can be made up that its selector finds, and no other one")
    grid = grid_for((rule.for_, rule.keep_firing_for, *(each.within for each in watched)))
    wait, keep = ticks(rule.for_, grid), ticks(rule.keep_firing_for, grid)
    subject, severity = alert_of(rule), severity_of(rule)
    claims: list[Claim] = []
    there: dict[tuple[str, Labels], list[Sample]] = {each: [] for each in series}
    last = _stay(there, selectors=(), ticks=wait + 3)
    claims.append(Claim(FIRING, subject, last, False, "all series are there"))
    for each in watched:
        back = ticks(each.within, grid)
        name = written(each.selector.name, each.labels)
        start, last = last + 1, _stay(there, selectors=(each.selector,), ticks=back + wait + 3)
        more = (*(pair for pair in each.labels if pair[0] not in dict(rule.labels)), *severity)
        if back + wait >= 2:  # a closed window and one that is open to the left differ by a sample
            why = f"{name} is gone, but not yet for long enough"
            claims.append(Claim(FIRING, subject, start + back + wait - 2, False, why))
        claims.append(Claim(FIRING, subject, start + back + wait, True, f"{name} is gone", more=more))
        last = _stay(there, selectors=(), ticks=keep + wait + 3)
        claims.append(Claim(FIRING, subject, last, False, f"{name} is back"))
    if last > _LONGEST:
        raise Unsteady("it would take too long to see all of it")
    lines = [(written(*one), notation(values)) for one, values in there.items()]
    lines += [(written(*one), notation([1] * (last + 1))) for one in decoys(series, selectors)]
    run = Run("each of its series goes, and comes back", tuple(lines), tuple(claims))
    return Proof(rule.ref, rule.source, file, grid, (run,))


def _stay(there: dict[tuple[str, Labels], list[Sample]], *, selectors: tuple[Selector, ...], ticks: int) -> int:
    """Go on for so many *ticks* without the series that *selectors* find; the last tick."""
    for (name, labels), values in there.items():
        gone = any(selector.accepts(name, labels) for selector in selectors)
        values.extend([None if gone else 1] * ticks)
    return max(map(len, there.values())) - 1
