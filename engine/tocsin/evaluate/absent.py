"""Alerts that a series is gone: `absent()` answers with a row for what is missing.

| the answer | what it means |
|---|---|
| a row | true: the series of these labels is not there |
| no row | false: it is there |
| an error, a time-out | unknown |
| a partial answer | no row stays false; a row is unknown, for what is missing may be in the missing part |
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Rest, Seen, unknown
from tocsin.plan.conditions import expression
from tocsin.ports import Labels
from tocsin.spec import AlertRule

BACK = Rest(Sample(Truth.FALSE, reason="its series is there"))


@dataclass(frozen=True, slots=True)
class AbsenceQuestion:
    """Asks for one alert on absence."""

    alert: AlertRule

    def ask(self, asker: Asker, *, opened: AbstractSet[Labels] | None = None) -> Seen:  # noqa: ARG002
        """Look once; whatever is not told as missing is there."""
        answer = asker.instant(expression(self.alert, ()))
        if isinstance(answer, Unanswered):
            return Seen({}, unknown(answer.reason))
        if answer.partial:
            reason = "; ".join(("partial answer", *answer.warnings))
            return Seen({row.labels: Sample(Truth.UNKNOWN, reason=reason) for row in answer.rows}, BACK)
        gone = Sample(Truth.TRUE, 1.0, "its series is missing")
        return Seen({row.labels: gone for row in answer.rows}, BACK, complete=True)
