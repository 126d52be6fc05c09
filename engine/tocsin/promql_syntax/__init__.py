"""PromQL: lexer, parser and types, with the place of everything in the text.

`parse` gives a tree or the first fault; `read` also what the text needs of a Prometheus, and its comments.
"""

from tocsin.promql_syntax.bounds import against_number, bounds, constant, surely_bounded
from tocsin.promql_syntax.canonical import canonical, matcher_text, number, quoted
from tocsin.promql_syntax.cursor import DEEPEST
from tocsin.promql_syntax.emptiness import Cause, Emptiness, Why, never
from tocsin.promql_syntax.fault import Fault, Limit
from tocsin.promql_syntax.flow import CHOOSING, NOTHING_DECLARED, Declared, Flow, Parted, flow, never_joined
from tocsin.promql_syntax.functions import AGGREGATIONS, FUNCTIONS, Function
from tocsin.promql_syntax.lexer import Token, lex
from tocsin.promql_syntax.parser import LONGEST, MOST_OPERATORS, Reading, parse, read
from tocsin.promql_syntax.shares import Share, accepts, bound, disjoint, is_part, narrowed, share
from tocsin.promql_syntax.tree import (
    Aggregation,
    At,
    Binary,
    Call,
    Duration,
    Expr,
    Grouping,
    Matcher,
    Matching,
    Name,
    Number,
    Parens,
    RangeSelector,
    Selector,
    String,
    Subquery,
    Type,
    Unary,
    bare,
    children,
    nodes,
)
from tocsin.promql_syntax.values import MIRROR, Values, passing
from tocsin.promql_syntax.verdict import beyond_limits, byte_offset, explained, too_new
from tocsin.promql_syntax.versions import OLDEST, Feature, Version

__all__ = [
    "AGGREGATIONS",
    "CHOOSING",
    "DEEPEST",
    "FUNCTIONS",
    "LONGEST",
    "MIRROR",
    "MOST_OPERATORS",
    "NOTHING_DECLARED",
    "OLDEST",
    "Aggregation",
    "At",
    "Binary",
    "Call",
    "Cause",
    "Declared",
    "Duration",
    "Emptiness",
    "Expr",
    "Fault",
    "Feature",
    "Flow",
    "Function",
    "Grouping",
    "Limit",
    "Matcher",
    "Matching",
    "Name",
    "Number",
    "Parens",
    "Parted",
    "RangeSelector",
    "Reading",
    "Selector",
    "Share",
    "String",
    "Subquery",
    "Token",
    "Type",
    "Unary",
    "Values",
    "Version",
    "Why",
    "accepts",
    "against_number",
    "bare",
    "beyond_limits",
    "bound",
    "bounds",
    "byte_offset",
    "canonical",
    "children",
    "constant",
    "disjoint",
    "explained",
    "flow",
    "is_part",
    "lex",
    "matcher_text",
    "narrowed",
    "never",
    "never_joined",
    "nodes",
    "number",
    "parse",
    "passing",
    "quoted",
    "read",
    "share",
    "surely_bounded",
    "too_new",
]
