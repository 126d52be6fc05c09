"""Small mistakes in a PromQL text: each is one edit that changes what the text means.

Edits that could not change anything are not made: a threshold of 0 is not multiplied, the boundary of a comparison
is moved only where a value can be exactly there, and a denominator that may not be 0 may as well be.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

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

    def applied(self, text: str) -> str:
        """The text with the edit."""
        return text[: self.start] + self.new + text[self.end :]


def edits(text: str, recorded: Collection[str] = ()) -> Iterator[Edit]:
    """All edits of *text* that leave an expression; *recorded* are metrics that other rules record."""
    tree = parse(text)
    if isinstance(tree, Fault):
        return
    denominators = {id(bare(node.right)) for node in nodes(tree) if isinstance(node, Binary) and node.op == "/"}
    for node in nodes(tree):
        for edit in _of_node(node, text, recorded, guarded=id(node) in denominators):
            if not isinstance(parse(edit.applied(text)), Fault):
                yield edit


def _of_node(node: Expr, text: str, recorded: Collection[str], *, guarded: bool) -> Iterator[Edit]:
    if isinstance(node, Binary):
        yield from _of_operator(node, text, guarded=guarded)
    elif isinstance(node, Selector):
        yield from _of_selector(node, text, node.metric in recorded)
    elif isinstance(node, Aggregation):
        yield from _of_aggregation(node, text)
    elif isinstance(node, RangeSelector) and node.range.seconds:
        doubled = str(Duration(int(node.range.seconds * 2000)))
        words = f"the window {text[node.range.start : node.range.end]} becomes {doubled}"
        yield Edit("window", node.range.start, node.range.end, doubled, words)


def _of_operator(node: Binary, text: str, *, guarded: bool) -> Iterator[Edit]:
    start, end = node.op_start, node.op_end
    if node.op in _COMPARISONS:
        flipped = _COMPARISONS[node.op]
        if not guarded:
            yield Edit("comparison", start, end, flipped, f"{node.op} becomes {flipped}")
            if node.op in _BOUNDARY and _exact(node.left) and _exact(node.right):
                yield Edit("boundary", start, end, _BOUNDARY[node.op], f"{node.op} becomes {_BOUNDARY[node.op]}")
        for side in (node.left, node.right):
            number = bare(side)
            if isinstance(number, Number) and number.value:
                for value, how in ((number.value * FACTOR, "looser"), (number.value / FACTOR, "tighter")):
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


def _of_selector(node: Selector, text: str, recorded: bool) -> Iterator[Edit]:
    """Matchers of recorded series are not dropped: the label that they name stands in the rule that records it."""
    for index, matcher in enumerate(node.matchers):
        if matcher.label.value == "__name__":
            continue
        shown = text[matcher.start : matcher.end]
        start, stop, new = matcher.label.end, matcher.value.start, _NEGATED[matcher.op]
        changed = text[start:stop].replace(matcher.op, new)
        yield Edit("matcher", start, stop, changed, f"in {{{shown}}} {matcher.op} becomes {new}")
        if not recorded and (node.name is not None or len(node.matchers) > 1):
            begin, end = matcher.start, matcher.end
            if index + 1 < len(node.matchers):
                end = node.matchers[index + 1].start
            elif index:
                begin = node.matchers[index - 1].end
            yield Edit("matcher dropped", begin, end, "", f"{{{shown}}} is dropped")


def _of_aggregation(node: Aggregation, text: str) -> Iterator[Edit]:
    end = node.start + len(node.op)
    if text[node.start : end].lower() == node.op and AGGREGATIONS[node.op][0] == "":
        for new in {"sum": ("avg", "max"), "avg": ("max",), "max": ("min",), "min": ("max",), "count": ("sum",)}.get(
            node.op, ()
        ):
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
