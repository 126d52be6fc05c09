"""Who spends the budget while an alert of an objective fires: lines for the people who get the page.

Asked when a tier begins to fire, and again at a slow cadence, in two questions, which all groups of an objective share.
A page must not wait for it: while the source leaves anything unanswered nobody asks, and what is not answered is left
out and no failure of the look.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.attribution import ask, line
from tocsin.evaluate.cadence import Cadence
from tocsin.guards import RAW_LIMIT
from tocsin.sli import Sli
from tocsin.units import Duration

MOST_LABELS = 6
"""By which errors are told apart."""
MOST_LINES = 2
MOST_VALUES = 3
SLOWER = 5
"""Looks at the budget for one of these."""
Facts = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Blame:
    """Remembers the last answer while tiers fire."""

    sli: Sli
    every: timedelta
    cadence: Cadence = field(default_factory=Cadence)
    facts: Facts = ()

    def look(self, asker: Asker, firing: Iterable[Duration]) -> Facts:
        """Whose errors they are over the shortest of the long windows that are *firing*; nobody's where none is."""
        window = min(firing, default=None)
        if window is None:
            self.cadence, self.facts = Cadence(), ()
        elif not asker.failures and self.cadence.due(asker.at, SLOWER * self.every):
            self._ask(asker, min(window, RAW_LIMIT))
        return self.facts

    def _ask(self, asker: Asker, window: Duration) -> None:
        aside = Asker(asker.source, asker.at)
        found = ask(aside, self.sli, window, most=MOST_VALUES, within=self.sli.by, most_labels=MOST_LABELS)
        if isinstance(found, Unanswered):
            self.cadence.failed(asker.at, found.reason)
            return
        self.cadence.answered(asker.at)
        self.facts = tuple((f"errors by {one.label}", line(one)) for one in found[:MOST_LINES] if one.lift > 0)
