"""Small mistakes in a PromQL text: each is one edit that changes what the text means.

Edits that could not change anything are not made:

- A threshold of 0 is not multiplied, the boundary of a comparison is moved only where a value can be exactly there,
  and a denominator that may not be 0 may as well be.
- `0 * sum(x)` is 0 whatever is done to the values of x, and `count_over_time(x)` counts its rows, so aggregations are
  left alone there; nor is the boundary moved of a comparison whose equals `or` puts in place (`values`).
- A count is a whole number: `count(x) >= 2` and `count(x) >= 1.33` are the same.
- What stands in a guard `or 0 * x` is left alone where the comparison above lets no row of the guard through.
- `histogram_quantile` of buckets that are all scaled alike is the same, so a `sum` right below
  it does not become `avg`.
- Of `x and y` and `x unless y` only the rows of y count, so an aggregation that is y may have any value; a `sum` that
  becomes `max` has the same rows (`values`). (The right side of `or` gives values, too, and is changed.)
- The sum, mean and maximum of a single row are the same, and a recorded series whose rule sums all rows into one is a
  single row. Every row of ALERTS is 1, so their sum is their count.
- In `a{job="x"} / b{job="x"}` rows meet only where all labels are the same, so the condition may stand on either side;
  it is not dropped from one (`idle`). Negated it is: then nothing meets.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from tocsin.mutate.idle import Condition, idle_matchers
from tocsin.mutate.values import only_rows, same_count, silent, ties
from tocsin.promql_syntax import (
    AGGREGATIONS,
    Aggregation,
    Binary,
    Call,
    Expr,
    Fault,
    Number,
    RangeSelector,
    Selector,
    bare,
    nodes,
    parse,
)
from tocsin.units import Duration

FACTOR = 1.5
"""By how much a threshold is moved; tests that stand nearer to it notice smaller changes too."""
_COMPARISONS = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "!=", "!=": "=="}
_BOUNDARY = {">": ">=", "<": "<=", ">=": ">", "<=": "<"}
_NEGATED = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_BEFORE, _BEHIND = 20, 30
"""Characters of an excerpt on either side of an edit."""
_INEXACT = frozenset({"rate", "irate", "increase", "delta", "deriv", "predict_linear", "histogram_quantile", "time"})
"""Functions whose value is never exactly a number that somebody wrote."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The characters [start, end) of a text become *new*; *words* say what that is."""

    kind: str
    start: int
    end: int
    new: str
    words: str

    def shown(self, text: str) -> str:
        """Where in *text* it is, as an excerpt on one line."""
        return " ".join(text[max(0, self.start - _BEFORE) : self.end + _BEHIND].split())

    def applied(self, text: str) -> str:
        """The text with the edit."""
        return text[: self.start] + self.new + text[self.end :]


def edits(
    text: str, recorded: Collection[str] = (), single: Callable[[Selector], bool] = lambda _selector: False
) -> Iterator[Edit]:
    """All edits of *text* that leave an expression.

    *recorded* are metrics that other rules record; *single* says of a selector that it finds one row at most.
    """
    tree = parse(text)
    if isinstance(tree, Fault):
        return
    every = list(nodes(tree))
    denominators = {id(bare(node.right)) for node in every if isinstance(node, Binary) and node.op == "/"}
    idle, rows, tied, unheard = idle_matchers(tree), only_rows(tree), ties(tree), silent(tree)
    for node in every:
        if id(node) in unheard:
            continue
        if isinstance(node, Aggregation):
            same = frozenset(AGGREGATIONS) if id(node) in rows else _scaled(every, node)
            found = _of_aggregation(node, text, same | _same_value(node, single))
        elif isinstance(node, Selector):
            found = _of_selector(node, text, node.metric in recorded, idle.get(id(node), frozenset()))
        else:
            found = _of_node(node, text, guarded=id(node) in denominators, tied=id(node) in tied)
        for edit in found:
            if not isinstance(parse(edit.applied(text)), Fault):
                yield edit


def _scaled(every: Sequence[Expr], node: Aggregation) -> frozenset[str]:
    """Aggregations that are as good as *node*, because only how its values compare with each other matters."""
    for each in every:
        if isinstance(each, Call) and each.name.value == "histogram_quantile" and bare(each.arguments[1]) is node:
            return frozenset({"avg"})
    return frozenset()


def _same_value(node: Aggregation, single: Callable[[Selector], bool]) -> frozenset[str]:
    """Aggregations that give the same of the rows that *node* has."""
    read = _rows_of(node.expr)
    if read is None:
        return frozenset()
    if node.op == "count":
        return frozenset({"sum"} if read is bare(node.expr) and read.metric == "ALERTS" else ())
    return frozenset({"sum", "avg", "min", "max"} if single(read) else ())


def _rows_of(node: Expr) -> Selector | None:
    """The selector whose rows *node* has, one for one, if that can be seen."""
    node = bare(node)
    if isinstance(node, Call) and len(node.arguments) == 1:
        node = bare(node.arguments[0])
    if isinstance(node, RangeSelector):
        return node.selector
    return node if isinstance(node, Selector) else None


def _of_node(node: Expr, text: str, *, guarded: bool, tied: bool) -> Iterator[Edit]:
    if isinstance(node, Binary):
        yield from _of_operator(node, text, guarded=guarded, tied=tied)
    elif isinstance(node, RangeSelector) and node.range.seconds:
        doubled = str(Duration(int(node.range.seconds * 2000)))
        words = f"the window {text[node.range.start : node.range.end]} becomes {doubled}"
        yield Edit("window", node.range.start, node.range.end, doubled, words)


def _of_operator(node: Binary, text: str, *, guarded: bool, tied: bool) -> Iterator[Edit]:
    start, end = node.op_start, node.op_end
    if node.op in _COMPARISONS:
        flipped = _COMPARISONS[node.op]
        if not guarded:
            yield Edit("comparison", start, end, flipped, f"{node.op} becomes {flipped}")
            if node.op in _BOUNDARY and not tied and _exact(node.left) and _exact(node.right):
                yield Edit("boundary", start, end, _BOUNDARY[node.op], f"{node.op} becomes {_BOUNDARY[node.op]}")
        for side in (node.left, node.right):
            number = bare(side)
            if isinstance(number, Number) and number.value:
                for value, how in ((number.value * FACTOR, "looser"), (number.value / FACTOR, "tighter")):
                    if same_count(node, number, value):
                        continue
                    written = f"{value:.12g}"
                    words = f"the threshold {text[number.start : number.end]} becomes {written}"
                    yield Edit(f"threshold {how}", number.start, number.end, written, words)
    elif node.op in {"and", "unless"}:
        new = "or" if node.op == "and" else "and"
        yield Edit("set operator", start, end, new, f"`{node.op}` becomes `{new}`")


def _exact(side: Expr) -> bool:
    """Whether the value of *side* can be exactly a number that was written."""
    return not any(
        (isinstance(node, Call) and (node.name.value in _INEXACT or node.name.value.startswith("avg")))
        or (isinstance(node, Binary) and node.op in {"/", "%", "^", "atan2"})
        or (isinstance(node, Aggregation) and node.op in {"avg", "stddev", "stdvar", "quantile"})
        or (isinstance(node, Number) and not float(node.value).is_integer())
        for node in nodes(side)
    )


def _of_selector(node: Selector, text: str, recorded: bool, idle: frozenset[Condition]) -> Iterator[Edit]:
    """Matchers of recorded series are not dropped: the label that they name stands in the rule that records it."""
    for index, matcher in enumerate(node.matchers):
        if matcher.label.value == "__name__":
            continue
        shown = text[matcher.start : matcher.end]
        start, stop, new = matcher.label.end, matcher.value.start, _NEGATED[matcher.op]
        changed = text[start:stop].replace(matcher.op, new)
        yield Edit("matcher", start, stop, changed, f"in {{{shown}}} {matcher.op} becomes {new}")
        if not recorded and matcher.said not in idle and (node.name is not None or len(node.matchers) > 1):
            begin, end = matcher.start, matcher.end
            if index + 1 < len(node.matchers):
                end = node.matchers[index + 1].start
            elif index:
                begin = node.matchers[index - 1].end
            yield Edit("matcher dropped", begin, end, "", f"{{{shown}}} is dropped")


def _of_aggregation(node: Aggregation, text: str, same: frozenset[str]) -> Iterator[Edit]:
    end = node.start + len(node.op)
    if text[node.start : end].lower() == node.op and AGGREGATIONS[node.op][0] == "":
        for new in {"sum": ("avg", "max"), "avg": ("max",), "max": ("min",), "min": ("max",), "count": ("sum",)}.get(
            node.op, ()
        ):
            if new not in same:
                yield Edit("aggregation", node.start, end, new, f"{node.op} becomes {new}")
    if node.grouping is not None and not node.grouping.without:
        labels = node.grouping.labels
        for index, label in enumerate(labels):
            begin, stop = label.start, label.end
            if index + 1 < len(labels):
                stop = labels[index + 1].start
            elif index:
                begin = labels[index - 1].end
            if label.value != "le":
                yield Edit("grouping", begin, stop, "", f"`by` loses {label.value}")
