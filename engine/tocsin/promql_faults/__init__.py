"""What is wrong with a PromQL text: in words, with a place inside the text, and what to write instead.

promql-parser gives the first opinion, in process. It knows no positions, so the place is found by its words and a
small lexer; promtool's own position, where there is one, wins.
"""

from tocsin.promql_faults.explain import explain
from tocsin.promql_faults.fault import Fault
from tocsin.promql_faults.parse import beyond_limits, byte_offset, parse
from tocsin.promql_faults.tokens import Token, tokens

__all__ = ["Fault", "Token", "beyond_limits", "byte_offset", "explain", "parse", "tokens"]
