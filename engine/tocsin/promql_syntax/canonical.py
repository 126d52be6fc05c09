"""One spelling for all texts that mean the same, to compare them by.

Blanks, comments and needless brackets go, matchers and lists of labels are sorted, numbers and durations are written
in one way. What depends on data is left alone: `a + b` and `b + a` stay two texts.
"""

from tocsin.promql_syntax.tree import (
    Aggregation,
    At,
    Binary,
    Call,
    Duration,
    Expr,
    Matcher,
    Name,
    Number,
    Parens,
    RangeSelector,
    Selector,
    String,
    Subquery,
    Unary,
    bare,
)

_SETS = frozenset({"and", "or", "unless"})
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def canonical(tree: Expr) -> str:
    """The one spelling of *tree*: parsed again, it gives itself.

    >>> from tocsin.promql_syntax.parser import parse
    >>> canonical(parse("(sum(rate(x{b='2', a=`1`}[60m])) BY (z, y)) > 1e3  # why"))
    'sum by (y,z) (rate(x{a="1",b="2"}[1h])) > 1000'
    """
    text = _spelled(tree)
    return text[1:-1] if text[0] == "(" and isinstance(bare(tree), Binary | Unary) else text


def _spelled(tree: Expr) -> str:
    """Like canonical, with brackets around operators and signs."""
    spine: list[Binary] = []
    while isinstance(tree, Parens | Binary):  # left operands may be a thousand deep
        if isinstance(tree, Binary):
            spine.append(tree)
            tree = tree.left
        else:
            tree = tree.expr
    text = _operand(tree)
    if spine and spine[-1].op == "^" and text.startswith("-"):  # -1^2 is -(1^2)
        text = f"({text})"
    joined = (f" {_operator(node)} {_spelled(node.right)})" for node in reversed(spine))
    return "(" * len(spine) + text + "".join(joined)


def _operand(tree: Expr) -> str:
    match tree:
        case Number():
            return number(tree.value)
        case String():
            return quoted(tree.value)
        case Selector():
            return _selector(tree) + _modifiers(tree)
        case RangeSelector():
            return f"{_selector(tree.selector)}[{duration(tree.range)}]{_modifiers(tree)}"
        case Subquery():
            step = duration(tree.step) if tree.step else ""
            inner = _spelled(tree.expr)
            if isinstance(bare(tree.expr), Selector) and " " in inner:  # an offset
                inner = f"({inner})"
            return f"{inner}[{duration(tree.range)}:{step}]{_modifiers(tree)}"
        case Call():
            return f"{tree.name.value}({', '.join(canonical(each) for each in tree.arguments)})"
        case Aggregation():
            return _aggregation(tree)
        case Unary():
            return _signed(tree)
        case _:
            return _spelled(tree)


def _aggregation(node: Aggregation) -> str:
    parameter = f"{canonical(node.parameter)}, " if node.parameter else ""
    grouping = ""
    if node.grouping and (node.grouping.labels or node.grouping.without):
        grouping = f" {'without' if node.grouping.without else 'by'} ({_labels(node.grouping.labels)}) "
    return f"{node.op}{grouping}({parameter}{canonical(node.expr)})"


def _signed(node: Unary) -> str:
    inner = _spelled(node.expr)
    if node.op == "-" and (inner[0] in "-0123456789" or inner in {"Inf", "NaN"}):
        return number(-float(inner))
    return f"(-{inner})" if node.op == "-" else inner


def _operator(node: Binary) -> str:
    words = [node.op]
    if node.bool:
        words.append("bool")
    if node.matching is not None and (node.matching.on or node.matching.labels or node.matching.group):
        words.append(f"{'on' if node.matching.on else 'ignoring'} ({_labels(node.matching.labels)})")
        if node.matching.group:
            words.append(f"group_{node.matching.group} ({_labels(node.matching.include)})")
    words += [f"{side}({number(value)})" for side, value in node.fill]
    return " ".join(words)


def _selector(node: Selector) -> str:
    matchers = sorted(
        {matcher_text(each) for each in node.matchers if each.label.value != "__name__" or each.op != "="}
    )
    metric = node.metric
    if metric and not _is_name(metric, ":"):
        matchers.insert(0, quoted(metric))
        metric = ""
    braces = f"{{{','.join(matchers)}}}" if matchers or not metric else ""
    return f"{metric or ''}{braces}"


def matcher_text(node: Matcher) -> str:
    """Write a matcher as it may stand between braces."""
    return f"{_label(node.label)}{node.op}{quoted(node.value.value)}"


def _modifiers(node: Selector | RangeSelector | Subquery) -> str:
    extended = "" if isinstance(node, Subquery) else node.extended
    offset = f" offset {duration(node.offset)}" if node.offset and node.offset.seconds != 0 else ""
    return (f" {extended}" if extended else "") + (_time(node.at) if node.at else "") + offset


def _time(node: At) -> str:
    return f" @ {node.edge}()" if node.edge else f" @ {number(round(node.time or 0.0, 3))}"


def _labels(names: tuple[Name, ...]) -> str:
    return ",".join(sorted({_label(name) for name in names}))


def _label(name: Name) -> str:
    return name.value if _is_name(name.value) else quoted(name.value)


def _is_name(text: str, more: str = "") -> bool:
    plain = text.replace("_", "a")
    for char in more:
        plain = plain.replace(char, "a")
    return bool(plain) and plain.isascii() and plain.isalnum() and not plain[0].isdigit()


def quoted(text: str) -> str:
    """Write a text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def number(value: float) -> str:
    """Write a number.

    >>> number(1000.0), number(0.1), number(float("inf"))
    ('1000', '0.1', 'Inf')
    """
    if value != value:  # noqa: PLR0124 -- NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def duration(node: Duration) -> str:
    """Write a duration in its largest units.

    >>> duration(Duration(5400.0, 0, 0)), duration(Duration(-0.5, 0, 0))
    ('1h30m', '-500ms')
    """
    if node.seconds is None:
        return node.words
    rest = round(abs(node.seconds) * 1000)
    text = "-" if node.seconds < 0 else ""
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
