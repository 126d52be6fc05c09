"""Level shifts: the median of the last stretch of a series beside the medians of those before it (decision 0029).

The history is read once, and a stretch at a time from then on; the last stretch is asked for once a minute. In between
the last answer holds.

| what is known of a row | what it means |
|---|---|
| half of its history, and half of the last stretch | true or false |
| less of either, and it is there now | unknown, and how much is missing |
| nothing now, and less than half of the last stretch | `on_missing`: unknown (keep) or false (resolve) |
| an error, a time-out, a partial answer, a history that is still being read | unknown |

What is NaN, infinite or larger than anything that is measured is not known.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from math import isfinite
from typing import cast

from tocsin.evaluate.alerts import MISSING
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.cadence import Cadence
from tocsin.evaluate.levels import POINTS, READING, Levels, Now, Usual
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Rest, Seen, unknown
from tocsin.evaluate.words import number
from tocsin.ports import Labels
from tocsin.spec import AlertRule, LevelShift
from tocsin.units import literal

EVERY = timedelta(minutes=1)


@dataclass(slots=True, unsafe_hash=True)
class LevelShiftQuestion:
    """Asks for one level shift, and remembers the levels of its history."""

    alert: AlertRule
    levels: Levels = field(init=False, compare=False)
    cadence: Cadence = field(default_factory=Cadence, compare=False)
    seen: Seen = field(default_factory=Seen, compare=False)

    def __post_init__(self) -> None:
        shift = self.shift
        count = shift.history.milliseconds // shift.after.milliseconds
        self.levels = Levels(shift.series.text.strip(), shift.after, count)

    @property
    def shift(self) -> LevelShift:
        """What is asked for."""
        return cast("LevelShift", self.alert.condition)

    def ask(self, asker: Asker, *, opened: AbstractSet[Labels] | None = None) -> Seen:  # noqa: ARG002
        """Look once, if it is time to; what was seen before holds until then, unless nobody answers at all."""
        if asker.unreachable is not None:
            return Seen({}, unknown(asker.unreachable))
        if self.cadence.due(asker.at, EVERY):
            self.seen = self._look(asker)
        elif self.cadence.failures:
            asker.still_failing(self.cadence.reason)
        return self.seen

    def _look(self, asker: Asker) -> Seen:
        reason = self.levels.read(asker)
        found = Unanswered(reason) if reason else self.levels.now(asker)
        if isinstance(found, Unanswered):
            if reason != READING:
                self.cadence.failed(asker.at, found.reason)
            return Seen({}, unknown(found.reason))
        self.cadence.answered(asker.at)
        rows = {
            labels: self._judge(now, self.levels.usual.get(labels))
            for labels, now in found.items()
            if now.level is not None or now.last
        }
        return Seen(rows, Rest(MISSING[self.alert.on_missing]), complete=True)

    def _judge(self, now: Now, usual: Usual | None) -> Sample:
        shift = self.shift
        if now.level is None:
            return _unknown(f"only {now.known} of {POINTS} values of the last {shift.after} are known")
        if usual is None:
            return _unknown(f"less than half of the {shift.history} before is known")
        deviations = usual.deviations(now.level)
        away = abs(now.level - usual.level)
        beyond = {"above": deviations, "below": -deviations}.get(shift.direction, abs(deviations))
        facts = (
            ("value", f"{number(now.level)} (median of {shift.after})"),
            ("usual", f"{number(usual.level)} (median of the {shift.history} before)"),
            ("deviations", _words(deviations, float(shift.deviations))),
        )
        if beyond > float(shift.deviations) and away > float(shift.margin) * abs(usual.level):
            reason = f"{number(now.level)} over the last {shift.after}, {number(usual.level)} was usual before"
            return Sample(Truth.TRUE, now.level, reason, facts)
        if away <= float(shift.margin) * abs(usual.level):
            near = f"within {literal(shift.margin * 100)}%"
        elif beyond < 0:
            near = f"not {shift.direction} it"
        else:
            near = f"{number(beyond)} deviations away, where {literal(shift.deviations)} are a shift"
        reason = f"{number(now.level)} over the last {shift.after}, {number(usual.level)} is usual: {near}"
        return Sample(Truth.FALSE, now.level, reason, facts)


def _unknown(reason: str) -> Sample:
    return Sample(Truth.UNKNOWN, reason=reason)


def _words(deviations: float, bound: float) -> str:
    """How unusual it is."""
    if not isfinite(deviations):
        return "any, for it never differed before"
    return f"{number(abs(deviations))} (a shift from {number(bound)})"
