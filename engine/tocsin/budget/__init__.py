"""Error budgets and availability: closed arithmetic, exact where its inputs are.

Spending, the algebra of parts, the way back from a whole to its parts, and when a budget will be spent.
"""

from tocsin.budget.algebra import added_shortfalls, at_least, bounds, correlated, in_parallel, in_series, weighted
from tocsin.budget.apportioning import (
    after_retries,
    apportion_added,
    apportion_multiplied,
    journeys_at_least,
    journeys_independent,
)
from tocsin.budget.ceiling import ceiling
from tocsin.budget.forecast import exhaustion
from tocsin.budget.needs import divided, needs
from tocsin.budget.spending import (
    NO_COUNT,
    Exact,
    Spend,
    allowed_downtime,
    budget_ratio,
    burn_rate,
    spend,
)

__all__ = [
    "NO_COUNT",
    "Exact",
    "Spend",
    "added_shortfalls",
    "after_retries",
    "allowed_downtime",
    "apportion_added",
    "apportion_multiplied",
    "at_least",
    "bounds",
    "budget_ratio",
    "burn_rate",
    "ceiling",
    "correlated",
    "divided",
    "exhaustion",
    "in_parallel",
    "in_series",
    "journeys_at_least",
    "journeys_independent",
    "needs",
    "spend",
    "weighted",
]
