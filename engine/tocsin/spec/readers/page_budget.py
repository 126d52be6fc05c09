"""`page_budgets`: how many pages are bearable, for which alerts, on which channel."""

from tocsin.spec.notifications import PageBudget
from tocsin.spec.readers.matchers import read_conditions
from tocsin.spec.readers.node import Node
from tocsin.units import Duration

LONGEST = Duration.of(days=28)
"""What was told is known for thirty days."""


def read_page_budget(node: Node) -> PageBudget | None:
    """Read one; None where it does not say how many."""
    matchers, channel = read_conditions(node["match"], node["matchers"]), node["channel"].channel_or_none()
    pages = node["pages"].rate_or_none(LONGEST)
    return None if pages is None else PageBudget(node.name, pages, matchers, channel, node.key_span)
