"""PromQL texts of SLIs: what forms they may have, and how they are asked for a window."""

from enum import StrEnum
from functools import lru_cache

from tocsin.promql import STAND_IN, is_windowed, over, summed, tidy, with_window
from tocsin.promql_syntax import Token, lex
from tocsin.units import Duration

FUNCTIONS = {
    "rate": "rate", "irate": "rate", "deriv": "rate", "avg_over_time": "rate",
    "increase": "increase", "delta": "increase", "changes": "increase", "resets": "increase",
    "sum_over_time": "increase", "count_over_time": "increase",
}  # fmt: skip
"""Functions over a range that count events: per second (like `rate`), or in the whole range (like `increase`)."""

_RAW_LIMIT = Duration.of(hours=6)
_STEP = "1m"
_AGGREGATIONS = frozenset({"sum", "count", "min", "max", "avg", "group", "stddev", "stdvar"})


class Form(StrEnum):
    """What a text may be."""

    SELECTOR = "selector"
    """A plain selector: functions and windows are put around it."""
    WINDOWED = "windowed"
    """Any PromQL that says where the window goes: `sum(rate(x[$window]))`."""
    INSTANT = "instant"
    """Any PromQL with a value at each instant."""


class UnitOfWindowError(ValueError):
    """It cannot be told whether a text counts events per second or per window; *start* and *end* say where."""

    def __init__(self, message: str, hint: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.hint, self.start, self.end = message, hint, start, end


def form_of(text: str, forms: tuple[Form, ...]) -> Form:
    """The one of *forms* that *text* is meant to have."""
    return Form.WINDOWED if Form.WINDOWED in forms and is_windowed(text) else forms[0]


@lru_cache(maxsize=1024)
def unit_of(text: str) -> str:
    """`rate` for a text that counts events per second, `increase` for one that counts them over `$window`.

    >>> unit_of("sum(rate(x[$window]))"), unit_of("sum_over_time((x > bool 1)[$window:1m])")
    ('rate', 'increase')
    """
    found: dict[str, Token] = {}
    for name, place in _callers(lex(with_window(text)).tokens):
        if name is None:
            message = "[$window] stands behind no function that counts events"
            raise UnitOfWindowError(message, "write rate(…[$window])", place.start, place.end)
        if name.text not in FUNCTIONS:
            message = f"{name.text}() over [$window] counts no events"
            hint = "use rate() or increase(); what is a ratio already is an SLI of kind raw"
            raise UnitOfWindowError(message, hint, name.start, name.end)
        unit = FUNCTIONS[name.text]
        if (other := next(iter(found), unit)) != unit:
            message = f"{name.text}() counts events per {_per(unit)}, {found[other].text}() per {_per(other)}"
            raise UnitOfWindowError(message, "use one of the two everywhere", name.start, name.end)
        found.setdefault(unit, name)
    if not found:
        raise UnitOfWindowError("$window is not the range of any selector", "write rate(…[$window])", 0, len(text))
    return next(iter(found))


def _per(unit: str) -> str:
    return "second" if unit == "rate" else "window"


def _callers(lexed: tuple[Token, ...]) -> list[tuple[Token | None, Token]]:
    """Each range `[$window…]` with the name of the function whose argument it is."""
    found: list[tuple[Token | None, Token]] = []
    calls: list[Token | None] = []
    before: Token | None = None
    for token in lexed:
        if token.text == "(":
            calls.append(before if before is not None and before.text.isidentifier() else None)
        elif token.text == ")" and calls:
            calls.pop()
        elif token.text == STAND_IN and before is not None and before.text == "[":
            found.append((next((name for name in reversed(calls) if name is not None), None), token))
        before = token
    return found


def events(text: str, window: str, function: str, by: tuple[str, ...]) -> str:
    """Events of *text*, a plain selector of counters or PromQL with `$window`: one row for each group.

    >>> events("x", "5m", "rate", ("route",)), events("sum(rate(x[$window]))", "5m", "increase", ())
    ('sum by (route) (rate(x[5m]))', 'sum(rate(x[5m])) * 300')
    """
    if not is_windowed(text):
        return summed(f"{function}({over(text, window)})", by)
    given, unit = one_row(with_window(tidy(text), window), by), unit_of(text)
    if unit == function:
        return given
    return f"{given} {'/' if unit == 'increase' else '*'} {seconds_of(window)}"


def one_row(vector: str, by: tuple[str, ...], aggregation: str = "sum") -> str:
    """Aggregate to one row for each group, unless *vector* is an aggregation to a single row as it is.

    >>> one_row("sum(x)", ()), one_row("sum(x) + sum(y)", ()), one_row("sum(x)", ("job",))
    ('sum(x)', 'sum(sum(x) + sum(y))', 'sum by (job) (sum(x))')
    """
    return vector if not by and _is_aggregation(vector) else summed(vector, by, aggregation)


def _is_aggregation(vector: str) -> bool:
    """Whether all of *vector* is one aggregation without labels. Brackets are counted, because that is cheap."""
    kinds = lex(vector).kinds[:-1]
    if kinds[:1] == [] or kinds[0] not in _AGGREGATIONS or kinds[1:2] != ["("]:
        return False
    depth = 0
    for index, kind in enumerate(kinds):
        depth += (kind == "(") - (kind == ")")
        if kind == ")" and depth == 0:
            return index == len(kinds) - 1
    return False


def sampled(now: str, window: str, function: str) -> str:
    """Samples of the instant expression *now* over *window*, added up; per second for `rate`.

    Every evaluation interval of the server is a sample; in windows above six hours every minute, which is enough.
    Where a server has no such interval, the metric source writes a step (`tocsin.adapters.metricsql`).
    """
    step = _STEP if Duration.parse(window) > _RAW_LIMIT else ""
    samples = f"sum_over_time(({now})[{window}:{step}])"
    return samples if function == "increase" else f"{samples} / {seconds_of(window)}"


@lru_cache(maxsize=256)
def seconds_of(window: str) -> int:
    """Whole seconds of a window."""
    return Duration.parse(window).milliseconds // 1000
