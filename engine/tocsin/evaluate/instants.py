"""What a jump of the wall clock does to looking: nobody sees the present by asking about the past."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.words import span

APART = timedelta(seconds=5)
"""Clocks of two hosts that are set by the network are closer; what would matter for longer than `SHORT` minds that."""
SHORT = timedelta(seconds=15)
RECENT = timedelta(minutes=5)


@dataclass(slots=True)
class Instants:
    """The instants of all looks: the *last* one, and the *latest*, which is another one once the clock was set back."""

    last: datetime | None = None
    latest: datetime | None = None

    def away(self, now: datetime, longest: timedelta) -> bool:
        """Whether nobody looked for longer than that before *now*, or the clock was set back."""
        return self.last is not None and not timedelta() <= now - self.last <= longest

    def past(self, asker: Asker, committed_at: datetime | None) -> str:
        """Why nothing that *asker* could see is of the present, in words; empty where it is.

        After the clock was set back it is asked about what it has seen already, as long as its samples are later than
        that; where only our own clock was ahead, there are none.
        """
        now = asker.at
        self.latest = max(filter(None, (self.latest, committed_at, now)))
        self.last = now
        ahead = self.latest - now
        if not ahead:
            return ""
        window = (ahead if ahead <= SHORT else min(ahead - APART, RECENT)) // timedelta(milliseconds=1)
        later = asker.later(f"count(count_over_time(up[{window}ms]))", self.latest)
        if isinstance(later, Unanswered) or not later.rows:
            return ""
        return f"has samples that are later than now by up to {span(ahead)}: the clock was set back"
