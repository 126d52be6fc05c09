"""SLIs: what counts as good, by the class of its kind."""

from tocsin.sli import SLIS, Sli
from tocsin.spec.readers.node import Node


def read_sli(node: Node) -> Sli | None:
    """Read one SLI; None where it cannot be told what it counts.

    An SLI of a template has been put in the place of its use before; what is left of one is wrong, and told already.
    """
    kinds = [kind for kind in node.names() if kind in SLIS]
    return SLIS[kinds[0]].read(node[kinds[0]]) if len(kinds) == 1 else None
