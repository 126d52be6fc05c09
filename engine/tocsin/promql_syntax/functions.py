"""The functions and aggregations of PromQL: what they take, what they give, since which Prometheus.

Versions before 2.42, the oldest that is supported, are not told apart. `@3.7!3.14` is: since 3.7, behind the feature
flag `promql-experimental-functions` until 3.14; `@-3.0`: gone in 3.0. Sources: promql/parser/functions.go and
CHANGELOG.md of Prometheus, and the release notes of pint, which keeps such a table too.
"""

import re
from dataclasses import dataclass, replace

from tocsin.promql_syntax.versions import OLDEST, Version

_TYPES = {"v": "instant vector", "m": "range vector", "s": "scalar", "t": "string"}
_SINCE = re.compile(r"@(?P<gone>-?)(?P<version>[0-9.]+)(?P<flag>!?)(?P<stable>[0-9.]*)")
_REPEATS = {"?": (1, 0), "*": (1, float("inf")), "+": (0, 8)}
"""What stands behind a type: how many may be left away, and how many more there may be."""
_TABLE = """
abs v                           | absent v                      | absent_over_time m        | acos v
acosh v                         | asin v                        | asinh v                   | atan v
atanh v                         | avg_over_time m               | ceil v                    | changes m
clamp v s s                     | clamp_max v s                 | clamp_min v s             | cos v
cosh v                          | count_over_time m             | days_in_month v?          | day_of_month v?
day_of_week v?                  | day_of_year v?                | deg v                     | delta m
deriv m                         | exp v                         | floor v                   | histogram_count v
histogram_fraction s s v        | histogram_quantile s v        | histogram_sum v           | hour v?
idelta m                        | increase m                    | irate m                   | label_join v t t t*
label_replace v t t t t         | last_over_time m              | ln v                      | log10 v
log2 v                          | max_over_time m               | min_over_time m           | minute v?
month v?                        | predict_linear m s            | present_over_time m       | quantile_over_time s m
rad v                           | rate m                        | resets m                  | round v s?
sgn v                           | sin v                         | sinh v                    | sort v
sort_desc v                     | sqrt v                        | stddev_over_time m        | stdvar_over_time m
sum_over_time m                 | tan v                         | tanh v                    | timestamp v
vector s                        | year v?                       | pi > s                    | time > s
scalar v > s                    | holt_winters m s s @-3.0      | histogram_stddev v @2.46  | histogram_stdvar v @2.46
mad_over_time m @2.49!          | sort_by_label v t* @2.49!     | sort_by_label_desc v t* @2.49!
histogram_avg v @2.51           | info v v? @2.55!              | double_exponential_smoothing m s s @3.0!
ts_of_max_over_time m @3.5!     | ts_of_min_over_time m @3.5!   | ts_of_last_over_time m @3.5!
first_over_time m @3.7!3.14     | ts_of_first_over_time m @3.7! | histogram_quantiles v t s s+ @3.11!
start > s @3.13!                | end > s @3.13!                | range > s @3.13!          | step > s @3.13!
start_timestamp v @3.14!        | integral m s? @3.16!
"""


@dataclass(frozen=True, slots=True)
class Function:
    """A function; *takes* are the types of its arguments, of which the last *optional* may be left away.

    *repeats* is how often its last argument may be given again. *until* is the first version
    that does not know it any more. *experimental* ones need a feature flag, before the version *stable* if there is
    one.
    """

    name: str
    takes: tuple[str, ...]
    gives: str
    optional: int = 0
    repeats: float = 0
    since: Version = OLDEST
    until: Version | None = None
    experimental: bool = False
    stable: Version | None = None

    @property
    def fewest(self) -> int:
        """The smallest number of arguments."""
        return len(self.takes) - self.optional

    @property
    def most(self) -> float:
        """The largest number of arguments."""
        return len(self.takes) + self.repeats

    def type_of(self, index: int) -> str:
        """The type of the argument at *index*."""
        return self.takes[min(index, len(self.takes) - 1)]


def _function(row: str) -> Function:
    """Read a row of the table: name, arguments, `> result` unless it is a vector, `@version` unless it is old.

    >>> _function("round v s?").fewest, _function("label_join v t t t*").most
    (1, inf)
    """
    name, *words = row.split()
    function = Function(name, (), _TYPES["v"])
    while words:
        word = words.pop(0)
        if word == ">":
            function = replace(function, gives=_TYPES[words.pop(0)])
        elif match := _SINCE.fullmatch(word):
            version = Version.of(match["version"])
            stable = Version.of(match["stable"]) if match["stable"] else None
            since, until = (OLDEST, version) if match["gone"] else (version, None)
            function = replace(function, since=since, until=until, experimental=bool(match["flag"]), stable=stable)
        else:
            function = replace(function, takes=(*function.takes, _TYPES[word[0]]))
            if word[1:]:
                left, more = _REPEATS[word[1:]]
                function = replace(function, optional=left, repeats=more)
    return function


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (_function(row) for row in _TABLE.replace("\n", "|").split("|") if row.strip())
}
"""Every function, by name."""

AGGREGATIONS: dict[str, tuple[str, Version]] = {
    **dict.fromkeys(("sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"), ("", OLDEST)),
    **dict.fromkeys(("topk", "bottomk", "quantile"), (_TYPES["s"], OLDEST)),
    "count_values": (_TYPES["t"], OLDEST),
    "limitk": (_TYPES["s"], Version(2, 54)),
    "limit_ratio": (_TYPES["s"], Version(2, 54)),
}
"""Every aggregation: the type of its parameter (empty: it takes none), and its first version."""
